//! What needs attention, each with the page on which it can be fixed.

use jiff::{SignedDuration, Timestamp};
use plan::alert;
use plan::id::ConnectorId;
use plan::incident::{Incident, Kind};
use plan::metadata::FieldChange;
use store::{Configuration, MailItem, MailState, MassChange};

use crate::console::connector;
use crate::console::words::number;
use admin::overview::{ConnectorOverview, Overview};
use admin::quota::forecast_words;

/// Requests that wait longer than this are shown.
const LONG: SignedDuration = SignedDuration::from_mins(5);
/// A daily quota with less than this left is shown, in per cent.
const LITTLE: u64 = 10;
/// How many field changes of an account are listed one by one.
const CHANGES: usize = 3;

/// Something that needs attention.
pub(super) struct Notice {
    /// `bad`: leads are not synced; `warning`: they may not be, or late.
    pub(super) class: &'static str,
    pub(super) what: String,
    pub(super) advice: String,
    /// The address and the name of the page on which it can be fixed.
    pub(super) links: Vec<(String, String)>,
}

/// What notices are made from.
pub(super) struct Facts<'a> {
    pub(super) configuration: &'a Configuration,
    pub(super) overview: &'a Overview,
    pub(super) incidents: &'a [Incident],
    pub(super) mails: &'a [MailItem],
    pub(super) mails_are_sent: bool,
    /// Recent ones, by account.
    pub(super) field_changes: &'a [(String, Vec<(Timestamp, FieldChange)>)],
    /// Connectors that were ever held.
    pub(super) mass_changes: &'a [(ConnectorId, MassChange)],
    /// How many leads wait for review.
    pub(super) undecided: u64,
    pub(super) administers: bool,
    /// The time from which failed mails are shown.
    pub(super) since: Timestamp,
    pub(super) now: Timestamp,
}

/// The most severe first.
pub(super) fn notices(facts: &Facts<'_>) -> Vec<Notice> {
    let mut notices = refused_keys(facts);
    for connector in &facts.overview.connectors {
        notices.extend(disabled(connector));
        notices.extend(late(connector, facts.now));
        notices.extend(retrying(connector));
    }
    notices.extend(held(facts));
    notices.extend(undecided(facts));
    notices.extend(little_quota(facts));
    notices.extend(field_changes(facts));
    notices.extend(mails(facts));
    // A stable sort: the bad ones first, each kind in its order.
    notices.sort_by_key(|notice| notice.class != "bad");
    notices
}

fn refused_keys(facts: &Facts<'_>) -> Vec<Notice> {
    let causes = facts.incidents.iter().flat_map(|incident| &incident.causes);
    let mut notices: Vec<Notice> = Vec::new();
    for cause in causes.filter(|cause| cause.kind == Kind::Account) {
        // All connectors of the account would report it.
        if notices.iter().any(|notice| notice.what == cause.problem.message) {
            continue;
        }
        let page = facts.administers.then(|| ("/accounts".to_owned(), "Accounts".to_owned()));
        notices.push(Notice {
            class: "bad",
            what: cause.problem.message.clone(),
            advice: cause.problem.advice.clone(),
            links: page.into_iter().collect(),
        });
    }
    notices
}

/// Connectors that are held because their webhooks changed many leads.
fn held(facts: &Facts<'_>) -> Vec<Notice> {
    let held = facts.mass_changes.iter().filter(|(_, kept)| kept.held_at.is_some());
    let notice = |(id, kept): &(ConnectorId, MassChange)| {
        let connectors = &facts.configuration.connectors;
        let name = &connectors.iter().find(|connector| connector.id == *id)?.definition.name;
        let connector = facts.overview.connectors.iter().find(|one| one.name == *name)?;
        Some(Notice {
            class: "bad",
            what: format!(
                "{name} is held: its webhooks changed {} leads within an hour.",
                number(kept.changes)
            ),
            advice:
                "New requests are held, not lost. Check the changes, and resume the connector if \
                     they are intended."
                    .to_owned(),
            links: vec![page_of(connector)],
        })
    };
    held.filter_map(notice).collect()
}

fn undecided(facts: &Facts<'_>) -> Option<Notice> {
    (facts.undecided > 0).then(|| Notice {
        class: "warning",
        what: format!(
            "{} review.",
            match facts.undecided {
                1 => "1 lead needs".to_owned(),
                many => format!("{} leads need", number(many)),
            }
        ),
        advice: "Ambiguous match or conflicting values. Their changes are on hold until someone \
                 resolves the review."
            .to_owned(),
        links: vec![("/reviews".to_owned(), "Reviews".to_owned())],
    })
}

fn page_of(connector: &ConnectorOverview) -> (String, String) {
    (connector::address(&connector.name), connector.name.clone())
}

fn requests_of(connector: &ConnectorOverview, query: &str, label: &str) -> (String, String) {
    let name: String = form_urlencoded::byte_serialize(connector.name.as_bytes()).collect();
    (format!("/requests?connector={name}{query}"), label.to_owned())
}

fn disabled(connector: &ConnectorOverview) -> Option<Notice> {
    // A connector without finished setup holds nothing.
    if connector.enabled || !connector.is_used() {
        return None;
    }
    let since = connector.disabled_at.map(|at| format!(" since {}", moment(at)));
    let since = since.unwrap_or_default();
    let held = match connector.waiting.count {
        0 => String::new(),
        count => format!("; {} held", many(count, "request", "requests")),
    };
    Some(Notice {
        class: "bad",
        what: format!("{} is disabled{since}{held}.", connector.name),
        advice: "Nothing is synced until it is enabled.".to_owned(),
        links: vec![page_of(connector)],
    })
}

fn late(connector: &ConnectorOverview, now: Timestamp) -> Option<Notice> {
    let oldest = connector.waiting.oldest.filter(|_| connector.enabled)?;
    if now.duration_since(oldest) < LONG {
        return None;
    }
    let count = many(connector.waiting.count, "request queued", "requests queued");
    Some(Notice {
        class: "warning",
        what: format!("{}: {count}, the oldest since {}.", connector.name, moment(oldest)),
        advice: "More requests arrive than the account's API quota allows, or the account is not \
             responding. Requests are processed in order."
            .to_owned(),
        links: vec![requests_of(connector, "&job_status=queued", "View queue")],
    })
}

fn retrying(connector: &ConnectorOverview) -> Option<Notice> {
    if connector.retrying.count == 0 || !connector.enabled {
        return None;
    }
    let count = many(connector.retrying.count, "record retrying", "records retrying");
    let next = connector.retrying.next.map(|at| format!(", next attempt at {}", moment(at)));
    Some(Notice {
        class: "warning",
        what: format!("{}: {count}{}.", connector.name, next.unwrap_or_default()),
        advice: "leadsync retries them automatically. Open a request to see why it failed."
            .to_owned(),
        links: vec![requests_of(connector, "&job_status=queued&event=failed", "View requests")],
    })
}

fn little_quota(facts: &Facts<'_>) -> Vec<Notice> {
    let little = facts.overview.accounts.iter().filter(|account| {
        let is_little =
            u64::from(account.left.today) * 100 < u64::from(account.quota.daily) * LITTLE;
        is_little || account.forecast.is_early
    });
    let notice = |account: &admin::overview::AccountOverview| Notice {
        class: "warning",
        what: format!(
            "{} has {} of {} calls left today. {}",
            account.name,
            number(account.left.today.into()),
            number(account.quota.daily.into()),
            forecast_words(&account.forecast)
        ),
        advice: "When the quota runs out, syncing pauses until 00:00 UTC. If the account's plan \
                 allows more, raise the limit in the account settings."
            .to_owned(),
        links: facts
            .administers
            .then(|| ("/accounts".to_owned(), "Accounts".to_owned()))
            .into_iter()
            .collect(),
    };
    little.map(notice).collect()
}

fn field_changes(facts: &Facts<'_>) -> Vec<Notice> {
    let some = facts.field_changes.iter().filter(|(_, changes)| !changes.is_empty());
    let notice = |(account, changes): &(String, Vec<(Timestamp, FieldChange)>)| {
        let newest = changes.iter().rev().take(CHANGES);
        let told: Vec<String> =
            newest.map(|(_, change)| format!("{} {}", change.field, change.what.words())).collect();
        let more = match changes.len().saturating_sub(CHANGES) {
            0 => String::new(),
            more => format!("; {more} more"),
        };
        let of = |connector: &&store::Connector| {
            connector.definition.source == *account || connector.definition.destination == *account
        };
        let connectors = facts.configuration.connectors.iter().filter(of);
        let check = |connector: &store::Connector| {
            let name = &connector.definition.name;
            (format!("{}/check", connector::address(name)), format!("Check {name}"))
        };
        Notice {
            class: "warning",
            what: format!("Fields changed in {account}: {}{more}.", told.join("; ")),
            advice: "Check that the mapping is still correct.".to_owned(),
            links: connectors.map(check).collect(),
        }
    };
    some.map(notice).collect()
}

fn mails(facts: &Facts<'_>) -> Vec<Notice> {
    let mut notices = Vec::new();
    let failed = |mail: &&MailItem| {
        let is_stuck = mail.state == MailState::Queued && mail.error.is_some();
        // Whoever tested an address saw the error there.
        mail.kind != Some(alert::Kind::Test)
            && (mail.state == MailState::GivenUp && mail.at >= facts.since || is_stuck)
    };
    let failed: Vec<&MailItem> = facts.mails.iter().filter(failed).collect();
    if let Some(newest) = failed.first() {
        let (one, more) = match newest.alert {
            Some(_) => ("alert was", "alerts were"),
            None => ("email was", "emails were"),
        };
        let count = many(failed.len() as u64, one, more);
        let why = newest.error.as_deref().map(|why| format!(" Last error: {why}."));
        notices.push(Notice {
            class: "warning",
            what: format!("{count} not sent, the last one to {}.", newest.recipient),
            advice: format!(
                "Failure notifications are not being delivered.{}",
                why.unwrap_or_default()
            ),
            links: match newest.alert {
                Some(_) => vec![("/alerts".to_owned(), "Alerts".to_owned())],
                None => Vec::new(),
            },
        });
    }
    let notifies = |connector: &&store::Connector| connector.definition.basic.notifications;
    if !facts.mails_are_sent && facts.configuration.connectors.iter().any(|c| notifies(&c)) {
        notices.push(Notice {
            class: "warning",
            what:
                "Email is not configured, so failure notifications are only written to the server \
                   log."
                    .to_owned(),
            advice: "Set LEADSYNC_SMTP_URL and LEADSYNC_MAIL_FROM, and restart the service."
                .to_owned(),
            links: Vec::new(),
        });
    }
    notices
}

/// A number of things, in words.
fn many(count: u64, one: &str, more: &str) -> String {
    let or_more = if count == store::Waiting::MOST { " or more" } else { "" };
    format!("{}{or_more} {}", number(count), if count == 1 { one } else { more })
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
