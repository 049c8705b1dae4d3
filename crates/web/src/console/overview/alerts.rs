//! What needs attention, each with what can be done about it.

use admin::attention::{Matter, Weight};
use admin::overview::CauseItem;
use admin::quota::forecast_words;
use jiff::Timestamp;
use plan::health::AccountState;
use plan::metadata::FieldChange;
use plan::silence;
use store::Configuration;

use crate::console::accounts::account_address;
use crate::console::connector;
use crate::console::failures::failure_path;
use crate::console::visitor::Visitor;
use crate::console::words::{counted, number};

/// How many field changes of an account are listed one by one,
const CHANGES: usize = 3;
/// and how many connectors that may be affected.
const CHECKS: usize = 3;
/// The page of all causes.
const ALL_CAUSES: &str = "/failures";

/// Something that needs attention.
pub(super) struct Alert {
    /// `bad`, `warn` or `info`.
    pub(super) class: &'static str,
    pub(super) what: String,
    pub(super) advice: String,
    /// Times, each with the words before it.
    pub(super) times: Vec<(&'static str, Timestamp)>,
    pub(super) actions: Vec<Action>,
}

/// What can be done about it: the first is the main one.
pub(super) struct Action {
    pub(super) label: String,
    pub(super) address: String,
    /// What it is about, for screen readers.
    pub(super) about: String,
    /// Whether it acts at once, by a form.
    pub(super) posts: bool,
}

/// Alerts for a visitor, who may not be allowed to do everything.
pub(super) fn alerts(
    matters: Vec<Matter>,
    configuration: &Configuration,
    visitor: &Visitor,
) -> Vec<Alert> {
    let viewer = Viewer { configuration, visitor };
    matters.into_iter().map(|matter| viewer.alert(matter)).collect()
}

struct Viewer<'a> {
    configuration: &'a Configuration,
    visitor: &'a Visitor,
}

impl Viewer<'_> {
    #[expect(clippy::too_many_lines, reason = "an arm for each matter")]
    fn alert(&self, matter: Matter) -> Alert {
        let class = match matter.weight() {
            Weight::Bad => "bad",
            Weight::Warning => "warn",
            Weight::Info => "info",
        };
        let (what, advice, times, actions) = match matter {
            Matter::Account { name, state, message, advice, since, waiting } => {
                let waiting = if waiting > 0 {
                    format!(" {} waiting.", counted(waiting, "change is", "changes are"))
                } else {
                    String::new()
                };
                let label = match state {
                    AccountState::KeysRefused => "Enter keys",
                    _ => "Open account",
                };
                let actions = self.administers(link(label, account_address(&name), &name));
                (message, format!("{advice}{waiting}"), since_of(since), actions)
            }
            Matter::Held { connector, since, changes } => (
                format!("{connector} is held: its webhooks changed {} leads within an hour.", number(changes)),
                "New requests are held, not lost. Check the changes, and resume the connector if \
                 they are intended."
                    .to_owned(),
                since_of(Some(since)),
                self.operates(form("Resume", &connector, "confirm"))
                    .into_iter()
                    .chain([link("Check changes", requests_of(&connector, &[]), &connector)])
                    .collect(),
            ),
            Matter::Cause(cause) => (
                format!("{}: {}", counted(cause.records, "record failed", "records failed"), cause.error.message),
                format!("{} {}", cause.error.advice, of_connector(&cause.connector)),
                Vec::new(),
                actions_of(&cause, self.visitor.operates()),
            ),
            Matter::MoreCauses { causes, records } => (
                format!(
                    "{} failed for {}.",
                    counted(records, "more record", "more records"),
                    counted(causes as u64, "other cause", "other causes")
                ),
                "Each is listed with the repairs that fit.".to_owned(),
                Vec::new(),
                vec![link("View failures", ALL_CAUSES.to_owned(), "")],
            ),
            Matter::Silent { connector, source, since, hours } => (
                format!("{connector}: no webhook from {source} has arrived for more than {}.", silence::hours(hours)),
                format!(
                    "Check in LeadSquared that the automations of {source} are published, and that the \
                     webhook was not disabled after errors."
                ),
                since_of(Some(since)),
                self.administers(link(
                    "Check webhook",
                    format!("{}/webhook", connector::address(&connector)),
                    &connector,
                )),
            ),
            Matter::Reviews(count) => (
                format!("{} review.", counted(count, "lead needs", "leads need")),
                "Ambiguous match or conflicting values. Their changes are on hold until someone \
                 resolves the review."
                    .to_owned(),
                Vec::new(),
                vec![link("Review", "/reviews".to_owned(), "the open reviews")],
            ),
            Matter::QuotaLow(account) => (
                format!(
                    "{} has {} of {} calls left today. {}",
                    account.name,
                    number(account.left.today.into()),
                    number(account.quota.daily.into()),
                    forecast_words(&account.forecast)
                ),
                "When the quota runs out, syncing pauses until 00:00 UTC. If the account's plan \
                 allows more, raise the limit in the account settings."
                    .to_owned(),
                Vec::new(),
                self.administers(link("Open account", account_address(&account.name), &account.name)),
            ),
            Matter::Late { connector, waiting } => (
                format!("{connector}: {}.", many(waiting.count, "request queued", "requests queued")),
                "More requests arrive than the account's API quota allows, or the account is not \
                 responding. Requests are processed in order."
                    .to_owned(),
                waiting.oldest.map(|oldest| ("The oldest is from", oldest)).into_iter().collect(),
                vec![link("View queue", requests_of(&connector, &[("job_status", "queued")]), &connector)],
            ),
            Matter::Retrying { connector, retrying } => (
                format!("{connector}: {}.", many(retrying.count, "record retrying", "records retrying")),
                "leadsync retries them automatically. Open a request to see why it failed."
                    .to_owned(),
                retrying.next.map(|next| ("Next attempt:", next)).into_iter().collect(),
                vec![link(
                    "View requests",
                    requests_of(&connector, &[("job_status", "queued"), ("event", "failed")]),
                    &connector,
                )],
            ),
            Matter::FieldsChanged { account, changes, connectors } => (
                fields_changed(&account, &changes),
                "Check that the mapping is still correct.".to_owned(),
                Vec::new(),
                self.checks(&connectors),
            ),
            Matter::MailsFailed { count, recipient, error } => (
                format!(
                    "{} not sent, the last one to {recipient}.",
                    counted(count, "email was", "emails were")
                ),
                format!(
                    "Failure notifications are not being delivered.{}",
                    error.map(|why| format!(" Last error: {why}.")).unwrap_or_default()
                ),
                Vec::new(),
                self.notifications(),
            ),
            Matter::NoMailServer => (
                "Email is not configured, so failure notifications are only written to the server log."
                    .to_owned(),
                "Set LEADSYNC_SMTP_URL and LEADSYNC_MAIL_FROM, and restart the service.".to_owned(),
                Vec::new(),
                self.notifications(),
            ),
            Matter::Paused { connector, since, held } => (
                match held.count {
                    0 => format!("{connector} is paused."),
                    count => format!("{connector} is paused; {} held.", many(count, "request", "requests")),
                },
                "Nothing is synced until it is resumed. What arrives is held, not lost.".to_owned(),
                since_of(since),
                self.operates(form("Resume", &connector, "enable")),
            ),
        };
        Alert { class, what, advice, times, actions }
    }

    fn administers(&self, action: Action) -> Vec<Action> {
        self.visitor.administers().then_some(action).into_iter().collect()
    }

    fn operates(&self, action: Action) -> Vec<Action> {
        self.visitor.operates().then_some(action).into_iter().collect()
    }

    fn checks(&self, connectors: &[String]) -> Vec<Action> {
        let check = |name: &String| {
            let address = format!("{}/check", connector::address(name));
            link(&format!("Check {name}"), address, "")
        };
        let some = connectors.iter().take(CHECKS).map(check);
        some.filter(|_| self.visitor.operates()).collect()
    }

    /// Where it is said who is notified.
    fn notifications(&self) -> Vec<Action> {
        let connectors = self.configuration.connectors.iter();
        let mut notifying = connectors.filter(|one| one.definition.basic.notifications);
        let Some(one) = notifying.next() else { return Vec::new() };
        let name = &one.definition.name;
        let address = format!("{}/basic", connector::address(name));
        self.administers(link("Notification settings", address, name))
    }
}

/// What can be done about a cause of failures.
pub(super) fn actions_of(cause: &CauseItem, operates: bool) -> Vec<Action> {
    let about = format!("{}: {}", cause.connector, cause.error.message);
    let of_cause = [("cause", cause.cause.as_str())];
    let fix = link("Fix", failure_path(&cause.connector, &cause.cause), &about);
    let retry = format!("/retries/new?{}", query_of(&cause.connector, &of_cause));
    let retry = operates.then(|| link("Retry", retry, &about));
    [fix].into_iter().chain(retry).collect()
}

fn of_connector(name: &str) -> String {
    format!("Connector: {name}.")
}

fn link(label: &str, address: String, about: &str) -> Action {
    Action { label: label.to_owned(), address, about: about.to_owned(), posts: false }
}

fn form(label: &str, connector: &str, act: &str) -> Action {
    let address = format!("{}/{act}", connector::address(connector));
    Action { label: label.to_owned(), address, about: connector.to_owned(), posts: true }
}

fn query_of(connector: &str, more: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("connector", connector).extend_pairs(more);
    query.finish()
}

fn requests_of(connector: &str, more: &[(&str, &str)]) -> String {
    format!("/requests?{}", query_of(connector, more))
}

fn since_of(since: Option<Timestamp>) -> Vec<(&'static str, Timestamp)> {
    since.map(|at| ("Since", at)).into_iter().collect()
}

fn fields_changed(account: &str, changes: &[FieldChange]) -> String {
    let newest = changes.iter().rev().take(CHANGES);
    let told: Vec<String> =
        newest.map(|change| format!("{} {}", change.field, change.what.words())).collect();
    let more = match changes.len().saturating_sub(CHANGES) {
        0 => String::new(),
        more => format!("; {more} more"),
    };
    format!("Fields changed in {account}: {}{more}.", told.join("; "))
}

/// A number of things, in words.
fn many(count: u64, one: &str, more: &str) -> String {
    let or_more = if count == store::Waiting::MOST { " or more" } else { "" };
    format!("{}{or_more} {}", number(count), if count == 1 { one } else { more })
}
