//! What a mail says.

use std::fmt::Write;

use jiff::Timestamp;
use plan::connector::Definition;
use plan::id::{AccountId, RequestId};
use plan::incident::{Cause, Incident, Kind, PAUSES, ROW};
use plan::quota::forecast::Forecast;
use secrecy::ExposeSecret;
use store::{Account, CatchUpNews, Configuration};

/// The most causes of a kind that are told one by one.
const MOST_CAUSES: usize = 10;
/// The longest text of others that is told, in characters.
const LONGEST: usize = 600;
/// Shorter secrets are no keys; replacing them would only garble the text.
const SHORTEST_SECRET: usize = 6;

/// A mail's subject and text.
pub(super) struct Letter {
    pub(super) subject: String,
    pub(super) body: String,
}

/// What a mail is about.
#[derive(Clone, Copy)]
pub(super) enum Matter {
    /// What was not told yet.
    Trouble,
    /// The incident is over, with so many failed records left.
    Over { left: u64 },
}

/// Writes the mail about an incident of this connector.
pub(super) fn write(
    definition: &Definition,
    configuration: &Configuration,
    incident: &Incident,
    matter: Matter,
    public_url: &str,
) -> Letter {
    let writer = Writer { definition, configuration, incident, public_url };
    let (subject, body) = match matter {
        Matter::Trouble => (writer.headline(), writer.trouble()),
        Matter::Over { left } => ("works again".to_owned(), writer.over(left)),
    };
    let subject = line(&format!("leadsync {}: {subject}", definition.name));
    Letter {
        subject: without_secrets(subject, configuration),
        body: without_secrets(body, configuration),
    }
}

/// Writes the warning that an account's calls of the day will not suffice, to somebody who is notified of
/// these connectors.
pub(super) fn about_quota(
    configuration: &Configuration,
    (account, forecast): (&Account, &Forecast),
    connectors: &[&str],
    public_url: &str,
) -> Letter {
    let Forecast { left, renews_at, rate, used_up_at, .. } = forecast;
    let (name, daily) = (&account.name, account.plan.quota().ours().daily);
    let subject = match used_up_at {
        _ if *left == 0 => format!("leadsync: the calls to {name} are used up for today"),
        Some(at) => format!("leadsync: the calls to {name} will be used up at {}", time(*at)),
        None => format!("leadsync: most of today's calls to {name} are made"),
    };
    let mut text = Text::default();
    text.line(&format!(
        "{left} of the {daily} calls a day to the account {name} are left. They are back at {}.",
        time(*renews_at)
    ));
    if let Some(at) = used_up_at.filter(|_| *left > 0) {
        text.line(&format!(
            "{rate} calls were made in the last hour. At this rate they are used up at {}.",
            time(at)
        ));
    }
    text.gap();
    text.line(&format!(
        "When none is left, what is synced by {} waits until then. Nothing is lost.",
        connectors.join(", ")
    ));
    text.gap();
    text.line(
        "What you can do: pause a backfill, or retries of many records; leave out leads by the \
         connector's filter; or raise the account's quota if its plan allows more.",
    );
    text.line("  leadsync quota");
    text.gap();
    text.line("-- ");
    text.line(&format!(
        "leadsync at {public_url}. You are the one to notify of {}; notifications = false in the \
         basic settings ends these mails. There is one a day for an account.",
        connectors.join(", ")
    ));
    Letter {
        subject: without_secrets(line(&subject), configuration),
        body: without_secrets(text.0, configuration),
    }
}

/// Writes that a sweep waits for a person, or that fewer leads agree than before.
pub(super) fn about_catch_up(
    configuration: &Configuration,
    definition: &Definition,
    news: &CatchUpNews,
    public_url: &str,
) -> Letter {
    let Definition { name, source, destination, .. } = definition;
    let mut text = Text::default();
    let subject = match news {
        CatchUpNews::Held(found) => {
            text.line(&format!(
                "The sweep of {source} found {found} changes that no webhook reported. That is more than \
                 the connector {name} syncs without asking, so nothing was written."
            ));
            text.gap();
            text.line("Look at what was changed, and confirm it if it is wanted:");
            text.line(&format!("  leadsync sweep {name} --yes"));
            format!("leadsync {name}: {found} changes wait for your confirmation")
        }
        CatchUpNews::Fell { before, now } => {
            text.line(&format!(
                "{} of {} linked leads agree between {source} and {destination}, down from {}. {} differ.",
                now.percent(),
                now.linked,
                before.percent(),
                now.differ
            ));
            text.gap();
            text.line("See which leads differ, and by what:");
            text.line(&format!("  leadsync parity {name} --last"));
            format!("leadsync {name}: only {} of the leads agree", now.percent())
        }
        CatchUpNews::Gone(gone) => {
            text.line(&format!(
                "{gone} linked leads are no longer in {source}. That is more than the connector {name} \
                 handles without asking, so none of them was marked in {destination}."
            ));
            text.gap();
            text.line(&format!(
                "Check that the API user of {source} may still see all leads. If the leads were really \
                 deleted, have their counterparts marked:"
            ));
            text.line(&format!("  leadsync parity {name} --sync destination --only gone_here"));
            format!("leadsync {name}: {gone} leads are gone from {source}")
        }
        CatchUpNews::Arrived(changes) => {
            text.line(&format!(
                "Within an hour, webhooks of {source} changed {changes} leads in {destination}. That is \
                 more than the connector {name} syncs without asking, so all its requests wait now. \
                 Nothing is lost."
            ));
            text.gap();
            text.line("Check what was changed. If the changes are intended, resume the connector:");
            text.line(&format!("  leadsync connector confirm {name}"));
            format!("leadsync {name}: {changes} leads were changed, the rest waits for you")
        }
        CatchUpNews::Failing(problem) => {
            text.line(&format!(
                "The sweep of {source} for the connector {name} can't read what it has to: {}",
                problem.message
            ));
            text.line(&problem.advice);
            text.gap();
            text.line(
                "It tries again, and nothing is lost. Until it can read, changes that no webhook \
                 reports are not synced.",
            );
            format!("leadsync {name}: the sweep of {source} fails")
        }
    };
    let page = if matches!(news, CatchUpNews::Arrived(_)) { "" } else { "/compare" };
    text.line(&format!("  {public_url}/connectors/{name}{page}"));
    text.gap();
    text.line("-- ");
    text.line(&format!(
        "leadsync at {public_url}. You are the one to notify of {name}; notifications = false in the \
         basic settings ends these mails."
    ));
    Letter {
        subject: without_secrets(line(&subject), configuration),
        body: without_secrets(text.0, configuration),
    }
}

struct Writer<'a> {
    definition: &'a Definition,
    configuration: &'a Configuration,
    incident: &'a Incident,
    public_url: &'a str,
}

impl Writer<'_> {
    fn untold(&self, kind: Kind) -> Vec<&Cause> {
        let causes = self.incident.causes.iter();
        causes.filter(|cause| cause.kind == kind && cause.untold() > 0).collect()
    }

    /// The gravest of what is new.
    fn headline(&self) -> String {
        let incident = self.incident;
        if !self.untold(Kind::Disabled).is_empty() {
            return "it was disabled".to_owned();
        }
        if let Some(cause) = self.untold(Kind::Account).first() {
            return match self.account(cause) {
                Some(name) => format!("the account {name} refuses the API keys"),
                None => "an account refuses the API keys".to_owned(),
            };
        }
        match (incident.untold_failures(), incident.mails) {
            (0, _) => format!("{} failures in a row", incident.course.longest.max(ROW)),
            (1, 0) => "a record failed".to_owned(),
            (failed, 0) => format!("{failed} records failed"),
            (1, _) => "one more record failed".to_owned(),
            (failed, _) => format!("{failed} more records failed"),
        }
    }

    fn account(&self, cause: &Cause) -> Option<&str> {
        let id = AccountId(cause.name.parse().ok()?);
        Some(&self.configuration.account_by_id(id)?.name)
    }

    fn trouble(&self) -> String {
        let Definition { name, source, destination, .. } = self.definition;
        let mut text = Text::default();
        text.line(&format!("Connector {name}, from {source} to {destination}."));
        for cause in self.untold(Kind::Disabled).into_iter().chain(self.untold(Kind::Account)) {
            text.gap();
            text.line(&line(&cause.problem.message));
            text.line(&line(&cause.problem.advice));
        }
        let failed = self.untold(Kind::Failed);
        if !failed.is_empty() {
            let count = self.incident.untold_failures();
            let more = if self.incident.mails > 0 { " more" } else { "" };
            text.gap();
            text.line(&match count {
                1 => format!("One{more} record failed, and is not tried again by itself:"),
                _ => {
                    format!("{count}{more} records failed, and are not tried again by themselves:")
                }
            });
            self.causes(&mut text, &failed);
        }
        let batches = self.untold(Kind::Batch);
        if !batches.is_empty() {
            text.gap();
            text.line("Requests with several records, of which more than 30 % failed:");
            self.causes(&mut text, &batches);
        }
        let waiting = self.untold(Kind::Waiting);
        let row = self.incident.course.longest;
        if row >= ROW {
            text.gap();
            text.line(&format!("{row} attempts failed one after another."));
        }
        if !waiting.is_empty() {
            let count: u64 = waiting.iter().map(|cause| cause.untold()).sum();
            text.gap();
            text.line(&match count {
                1 => "One attempt failed and is repeated by itself:".to_owned(),
                _ => format!("{count} attempts failed and are repeated by themselves:"),
            });
            self.causes(&mut text, &waiting);
        }
        if self.incident.course.since.is_some() {
            text.gap();
            text.line("To see all of them:");
            text.line(&format!("  leadsync logs {}", self.filter()));
        }
        if !failed.is_empty() {
            text.line("To try them again once the cause is mended:");
            text.line(&format!("  leadsync retry --failed {}", self.filter()));
        }
        text.gap();
        let pause = PAUSES[usize::try_from(self.incident.mails).map_or(2, |n| n.min(2))];
        text.line(&format!(
            "What fails from now on is gathered: the next mail comes in {} at the earliest, and \
             another one when this is over.",
            span(pause.as_mins())
        ));
        self.farewell(text)
    }

    fn over(&self, left: u64) -> String {
        let Definition { name, source, destination, .. } = self.definition;
        let (incident, course) = (self.incident, &self.incident.course);
        let total = |kind| {
            let causes = incident.causes.iter().filter(|cause| cause.kind == kind);
            causes.map(|cause| cause.count).sum::<u64>()
        };
        let mut text = Text::default();
        text.line(&format!("Connector {name}, from {source} to {destination}."));
        text.gap();
        text.line(&format!(
            "It works again: nothing has failed since {}. The trouble began at {}.",
            time(course.failed_at),
            time(course.began)
        ));
        let (failed, waiting) = (total(Kind::Failed), total(Kind::Waiting));
        if failed > 0 {
            text.line(&format!("Records that failed meanwhile: {failed}."));
        }
        if waiting > 0 {
            text.line(&format!("Attempts that failed and were repeated: {waiting}."));
        }
        text.gap();
        if left == 0 {
            text.line("No failed record is left.");
        } else {
            text.line(&match left {
                1 => "One record is left that failed. To see it and try it again:".to_owned(),
                _ => format!("{left} records are left that failed. To see and try them again:"),
            });
            text.line(&format!("  leadsync logs {}", self.filter()));
            text.line(&format!("  leadsync retry --failed {}", self.filter()));
        }
        self.farewell(text)
    }

    fn causes(&self, text: &mut Text, causes: &[&Cause]) {
        for cause in causes.iter().take(MOST_CAUSES) {
            text.gap();
            text.line(&format!("  {} × {}", cause.untold(), line(&cause.problem.message)));
            text.line(&format!("    {}", line(&cause.problem.advice)));
            if let Some(request) = cause.request {
                let last = if cause.untold() > 1 { "The last one" } else { "Here" };
                text.line(&format!("    {last}: {}", self.link(request)));
                text.line(&format!("    or: leadsync logs {request}"));
            }
        }
        let rest = causes.iter().skip(MOST_CAUSES);
        let (others, count) =
            rest.fold((0, 0), |(others, count), cause| (others + 1, count + cause.untold()));
        if others > 0 {
            text.gap();
            text.line(&format!("  {count} × for {others} other reasons"));
        }
    }

    fn link(&self, request: RequestId) -> String {
        format!("{}/requests/{request}", self.public_url)
    }

    /// The log's filter for what failed in this incident.
    fn filter(&self) -> String {
        let since =
            self.incident.course.since.map_or(self.incident.course.began, RequestId::received_at);
        let name = &self.definition.name;
        format!("--connector {name} --event failed --from {}", instant(since))
    }

    fn farewell(&self, mut text: Text) -> String {
        text.gap();
        text.line("-- ");
        text.line(&format!(
            "leadsync at {}. You are the one to notify of this connector; notifications = false \
             in its basic settings ends these mails.",
            self.public_url
        ));
        text.0
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.0, "{line}");
    }

    fn gap(&mut self) {
        self.0.push('\n');
    }
}

/// Text of others on one line: nothing in it can begin a line of its own, or a header.
fn line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let joined = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match joined.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &joined[..end]),
        None => joined,
    }
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn span(minutes: i64) -> String {
    match (minutes / 60, minutes) {
        (0, minutes) => format!("{minutes} minutes"),
        (1, _) => "an hour".to_owned(),
        (hours, _) => format!("{hours} hours"),
    }
}

/// Keys and tokens never leave by mail, not even where an account repeats them in a message.
fn without_secrets(text: String, configuration: &Configuration) -> String {
    let keys = configuration.accounts.iter().flat_map(|account| {
        [account.keys.access.expose_secret(), account.keys.secret.expose_secret()]
    });
    let tokens = configuration.connectors.iter().map(|connector| connector.token.expose());
    keys.chain(tokens)
        .filter(|secret| secret.len() >= SHORTEST_SECRET)
        .fold(text, |text, secret| text.replace(secret, "***"))
}
