//! What a mail says.

use std::fmt::Write;

use jiff::Timestamp;
use plan::alert;
use plan::connector::Definition;
use plan::id::{AccountId, RequestId};
use plan::incident::{Cause, Incident, Kind, PAUSES, ROW};
use plan::quota::forecast::Forecast;
use plan::silence;
use secrecy::ExposeSecret;
use store::{Account, CatchUpNews, Configuration};

/// The most causes of a kind that are listed individually.
const MOST_CAUSES: usize = 10;
/// The longest foreign text that is quoted, in characters.
const LONGEST: usize = 600;
/// Shorter secrets are not keys; replacing them would only garble the text.
const SHORTEST_SECRET: usize = 6;

/// What is said, to whoever wants to know.
pub(super) struct Letter {
    pub(super) kind: alert::Kind,
    /// The connector that it is about, if it is about one.
    pub(super) connector: Option<String>,
    /// The page of the console with the details.
    pub(super) url: String,
    pub(super) subject: String,
    /// Its text, without the reason why somebody gets it.
    pub(super) body: String,
}

/// What a mail is about.
#[derive(Clone, Copy)]
pub(super) enum Matter {
    /// What has not been reported yet.
    Trouble,
    /// The incident is over.
    Over {
        /// How many failed records are left.
        left: u64,
        /// When the last webhook arrived, if somebody waited for one.
        heard: Option<Timestamp>,
    },
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
        Matter::Over { left, heard } => ("resolved".to_owned(), writer.over(left, heard)),
    };
    let subject = line(&format!("leadsync {}: {subject}", definition.name));
    Letter {
        kind: match matter {
            Matter::Trouble if writer.is_about_silence() => alert::Kind::Silent,
            Matter::Trouble => alert::Kind::Failing,
            Matter::Over { .. } => alert::Kind::Resolved,
        },
        connector: Some(definition.name.clone()),
        url: match matter {
            Matter::Trouble if writer.is_about_silence() => writer.webhook_page(),
            _ => format!("{public_url}/connectors/{}", definition.name),
        },
        subject: without_secrets(subject, configuration),
        body: without_secrets(body, configuration),
    }
}

/// Writes the warning that an account's calls for the day won't suffice for these connectors.
pub(super) fn about_quota(
    configuration: &Configuration,
    (account, forecast): (&Account, &Forecast),
    connectors: &[String],
    public_url: &str,
) -> Letter {
    let Forecast { left, renews_at, rate, used_up_at, .. } = forecast;
    let (name, daily) = (&account.name, account.plan.quota().ours().daily);
    let subject = match used_up_at {
        _ if *left == 0 => format!("leadsync: the API quota of {name} is used up for today"),
        Some(at) => format!("leadsync: the API quota of {name} will be used up at {}", time(*at)),
        None => format!("leadsync: most of today's API quota of {name} is used"),
    };
    let mut text = Text::default();
    text.line(&format!(
        "{left} of {daily} daily API calls to the account {name} are left. The quota resets at {}.",
        time(*renews_at)
    ));
    if let Some(at) = used_up_at.filter(|_| *left > 0) {
        text.line(&format!(
            "{rate} calls were made in the last hour. At this rate, the quota is used up at {}.",
            time(at)
        ));
    }
    text.gap();
    text.line(&format!(
        "When the quota is used up, syncing by {} pauses until the reset. Nothing is lost.",
        connectors.join(", ")
    ));
    text.gap();
    text.line(
        "What you can do: pause backfills or retries of many records, exclude leads with the \
         connector's filter, or raise the account's quota if its plan allows more.",
    );
    text.line("  leadsync quota");
    Letter {
        kind: alert::Kind::Quota,
        connector: None,
        url: public_url.to_owned(),
        subject: without_secrets(line(&subject), configuration),
        body: without_secrets(text.0, configuration),
    }
}

/// Writes the mail that a sweep needs confirmation, or that fewer leads agree than before.
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
                "The sweep of {source} found {found} changes that no webhook reported. The \
                 connector {name} needs a confirmation for so many changes, so nothing was \
                 written."
            ));
            text.gap();
            text.line("Check the changes, and confirm them if they are intended:");
            text.line(&format!("  leadsync sweep {name} --yes"));
            format!("leadsync {name}: {found} changes need your confirmation")
        }
        CatchUpNews::Fell { before, now } => {
            text.line(&format!(
                "{} of {} linked leads are in sync between {source} and {destination}, down from \
                 {}. {} differ.",
                now.percent(),
                now.linked,
                before.percent(),
                now.differ
            ));
            text.gap();
            text.line("See which leads differ, and in which fields:");
            text.line(&format!("  leadsync parity {name} --last"));
            format!("leadsync {name}: only {} of the leads are in sync", now.percent())
        }
        CatchUpNews::Gone(gone) => {
            text.line(&format!(
                "{gone} linked leads no longer exist in {source}. The connector {name} needs a \
                 confirmation to mark so many, so none of them was marked in {destination}."
            ));
            text.gap();
            text.line(&format!(
                "Check that the API user of {source} can still see all leads. If the leads were \
                 really deleted, mark their counterparts:"
            ));
            text.line(&format!("  leadsync parity {name} --sync destination --only gone_here"));
            format!("leadsync {name}: {gone} leads no longer exist in {source}")
        }
        CatchUpNews::Arrived(changes) => {
            text.line(&format!(
                "Within an hour, webhooks of {source} changed {changes} leads in {destination}. \
                 The connector {name} needs a confirmation for so many changes, so all its \
                 requests are on hold. Nothing is lost."
            ));
            text.gap();
            text.line("Check the changes. If they are intended, resume the connector:");
            text.line(&format!("  leadsync connector confirm {name}"));
            format!("leadsync {name}: {changes} leads were changed, requests are on hold")
        }
        CatchUpNews::Failing(problem) => {
            text.line(&format!(
                "The sweep of {source} for the connector {name} failed: {}",
                problem.message
            ));
            text.line(&problem.advice);
            text.gap();
            text.line(
                "leadsync retries automatically, and nothing is lost. Until the sweep succeeds, \
                 changes that no webhook reports are not synced.",
            );
            format!("leadsync {name}: the sweep of {source} is failing")
        }
    };
    let (kind, page) = match news {
        CatchUpNews::Arrived(_) => (alert::Kind::MassChange, ""),
        CatchUpNews::Held(_) | CatchUpNews::Failing(_) => (alert::Kind::Sweep, "/compare"),
        CatchUpNews::Fell { .. } | CatchUpNews::Gone(_) => (alert::Kind::Parity, "/compare"),
    };
    let url = format!("{public_url}/connectors/{name}{page}");
    text.line(&format!("  {url}"));
    Letter {
        kind,
        connector: Some(name.clone()),
        url,
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

    /// The most severe of what is new.
    fn headline(&self) -> String {
        let incident = self.incident;
        if !self.untold(Kind::Disabled).is_empty() {
            return "connector disabled".to_owned();
        }
        if let Some(cause) = self.untold(Kind::Account).first() {
            return match self.account(cause) {
                Some(name) => format!("the account {name} rejects the API keys"),
                None => "an account rejects the API keys".to_owned(),
            };
        }
        let few = incident.course.longest < ROW || incident.row_told;
        if !self.untold(Kind::Silent).is_empty() && few && incident.untold_failures() == 0 {
            let hours = silence::hours(self.definition.basic.silent_hours);
            return format!("no webhook for {hours}");
        }
        match (incident.untold_failures(), incident.mails) {
            (0, _) => format!("{} failures in a row", incident.course.longest.max(ROW)),
            (1, 0) => "1 record failed".to_owned(),
            (failed, 0) => format!("{failed} records failed"),
            (1, _) => "1 more record failed".to_owned(),
            (failed, _) => format!("{failed} more records failed"),
        }
    }

    /// Whether all that is new is that no webhook arrives.
    fn is_about_silence(&self) -> bool {
        let mut untold = self.incident.causes.iter().filter(|cause| cause.untold() > 0).peekable();
        untold.peek().is_some() && untold.all(|cause| cause.kind == Kind::Silent)
    }

    fn webhook_page(&self) -> String {
        format!("{}/connectors/{}/webhook", self.public_url, self.definition.name)
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
        for cause in self.untold(Kind::Silent) {
            text.gap();
            text.line(&line(&cause.problem.message));
            text.line(&line(&cause.problem.advice));
            text.gap();
            text.line("The webhook URL, and the steps in LeadSquared:");
            text.line(&format!("  {}", self.webhook_page()));
            text.line(&format!("  or: leadsync connector url {name}"));
        }
        let failed = self.untold(Kind::Failed);
        if !failed.is_empty() {
            let count = self.incident.untold_failures();
            let more = if self.incident.mails > 0 { " more" } else { "" };
            text.gap();
            text.line(&match count {
                1 => format!("One{more} record failed and will not be retried automatically:"),
                _ => {
                    format!("{count}{more} records failed and will not be retried automatically:")
                }
            });
            self.causes(&mut text, &failed);
        }
        let batches = self.untold(Kind::Batch);
        if !batches.is_empty() {
            text.gap();
            text.line("Requests with several records of which more than 30% failed:");
            self.causes(&mut text, &batches);
        }
        let waiting = self.untold(Kind::Waiting);
        let row = self.incident.course.longest;
        if row >= ROW {
            text.gap();
            text.line(&format!("{row} attempts failed in a row."));
        }
        if !waiting.is_empty() {
            let count: u64 = waiting.iter().map(|cause| cause.untold()).sum();
            text.gap();
            text.line(&match count {
                1 => "1 attempt failed and is being retried automatically:".to_owned(),
                _ => format!("{count} attempts failed and are being retried automatically:"),
            });
            self.causes(&mut text, &waiting);
        }
        if self.incident.course.since.is_some() {
            text.gap();
            text.line("To see all failures:");
            text.line(&format!("  leadsync logs {}", self.filter()));
        }
        if !failed.is_empty() {
            text.line("To retry the failed records once the cause is fixed:");
            text.line(&format!("  leadsync retry --failed {}", self.filter()));
        }
        text.gap();
        if self.is_about_silence() {
            text.line("The next message comes when webhooks arrive again.");
            return text.0;
        }
        let pause = PAUSES[usize::try_from(self.incident.mails).map_or(2, |n| n.min(2))];
        text.line(&format!(
            "Further failures are grouped. The next message comes in {} at the earliest, and another \
             one when this is resolved.",
            span(pause.as_mins())
        ));
        text.0
    }

    fn over(&self, left: u64, heard: Option<Timestamp>) -> String {
        let Definition { name, source, destination, .. } = self.definition;
        let (incident, course) = (self.incident, &self.incident.course);
        let total = |kind| {
            let causes = incident.causes.iter().filter(|cause| cause.kind == kind);
            causes.map(|cause| cause.count).sum::<u64>()
        };
        let mut text = Text::default();
        text.line(&format!("Connector {name}, from {source} to {destination}."));
        text.gap();
        if let Some(heard) = heard.filter(|_| course.since.is_none()) {
            text.line(&format!(
                "Resolved. The last webhook of {source} arrived at {}.",
                time(heard)
            ));
            text.line(
                "Changes that no webhook reported before that are synced by a sweep, or with the next \
                 change of their leads:",
            );
            text.line(&format!("  leadsync sweep {name}"));
            return text.0;
        }
        text.line(&format!(
            "Resolved: nothing has failed since {}. The failures began at {}.",
            time(course.failed_at),
            time(course.began)
        ));
        let (failed, waiting) = (total(Kind::Failed), total(Kind::Waiting));
        if failed > 0 {
            text.line(&format!("Records that failed in the meantime: {failed}."));
        }
        if waiting > 0 {
            text.line(&format!("Attempts that failed and were retried: {waiting}."));
        }
        text.gap();
        if left == 0 {
            text.line("No failed records are left.");
        } else {
            text.line(&match left {
                1 => "1 failed record is left. To see and retry it:".to_owned(),
                _ => format!("{left} failed records are left. To see and retry them:"),
            });
            text.line(&format!("  leadsync logs {}", self.filter()));
            text.line(&format!("  leadsync retry --failed {}", self.filter()));
        }
        text.0
    }

    fn causes(&self, text: &mut Text, causes: &[&Cause]) {
        for cause in causes.iter().take(MOST_CAUSES) {
            text.gap();
            text.line(&format!("  {} × {}", cause.untold(), line(&cause.problem.message)));
            text.line(&format!("    {}", line(&cause.problem.advice)));
            if let Some(request) = cause.request {
                let last = if cause.untold() > 1 { "Latest request" } else { "Request" };
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

    /// The log filter for what failed in this incident.
    fn filter(&self) -> String {
        let since =
            self.incident.course.since.map_or(self.incident.course.began, RequestId::received_at);
        let name = &self.definition.name;
        format!("--connector {name} --event failed --from {}", instant(since))
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

/// Foreign text on one line: nothing in it can start a new line, or a header.
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

/// Keys and tokens are never mailed, not even when an account repeats them in a message.
pub(super) fn without_secrets(text: String, configuration: &Configuration) -> String {
    let keys = configuration.accounts.iter().flat_map(|account| {
        [account.keys.access.expose_secret(), account.keys.secret.expose_secret()]
    });
    let tokens = configuration.connectors.iter().map(|connector| connector.token.expose());
    keys.chain(tokens)
        .filter(|secret| secret.len() >= SHORTEST_SECRET)
        .fold(text, |text, secret| text.replace(secret, "***"))
}
