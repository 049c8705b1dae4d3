//! `leadsync alert`.

use std::io::{IsTerminal, Read};

use admin::alerts::{self, AlertEdit, AlertItem, AlertWish};
use admin::{Admin, Refused};
use anyhow::{Context, bail};
use plan::alert::LONGEST_URL;
use plan::connector::Fault;
use plan::digest::{Digest, Every};
use secrecy::SecretString;
use store::{Actor, Base, LastAlert, MailState};

use crate::output::{self, Shown, Tone};
use crate::settings::Settings;

/// List, add, edit, remove and test the addresses that receive alerts
#[derive(Debug, clap::Subcommand)]
pub enum Alert {
    /// List the addresses, with what was last sent to each
    List,
    /// Add an email address or a webhook
    Add(Add),
    /// Change what an address receives; the address itself stays
    Edit(Edit),
    /// Remove an address: it receives nothing more
    Remove(Which),
    /// Send a test to an address, and wait for the outcome; the service must be running
    Test(Which),
}

/// Which address.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// The address's number, or the email address
    #[arg(value_name = "ADDRESS")]
    which: String,
}

/// Add an email address or a webhook
///
/// A webhook's URL is a secret. Leave the address out to type it, or to read it from standard input, so
/// that the shell keeps no copy.
#[derive(Debug, clap::Args)]
pub struct Add {
    /// An email address, or the https:// URL of an incoming webhook
    address: Option<String>,
    /// Only what is about this connector; can be repeated [default: all connectors]
    #[arg(long = "connector", value_name = "NAME")]
    connectors: Vec<String>,
    #[command(flatten)]
    what: What,
}

/// Change what an address receives; the address itself stays
#[derive(Debug, clap::Args)]
pub struct Edit {
    #[command(flatten)]
    which: Which,
    /// Only what is about this connector; can be repeated
    #[arg(long = "connector", value_name = "NAME", conflicts_with = "all")]
    connectors: Vec<String>,
    /// What is about any connector
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    what: What,
}

/// What an address receives.
#[derive(Debug, clap::Args)]
struct What {
    /// Whether alerts are sent at once: yes or no
    #[arg(long, value_name = "YES|NO", value_parser = yes_or_no)]
    immediate: Option<bool>,
    /// A digest: daily, weekly (on Mondays) or none
    #[arg(long, value_name = "HOW OFTEN", value_parser = how_often)]
    digest: Option<Often>,
    /// The hour at which the digest is sent, in the time zone of the connectors
    #[arg(long, value_name = "0-23", value_parser = clap::value_parser!(u8).range(0..24))]
    hour: Option<u8>,
}

/// How often a digest is sent, if it is.
#[derive(Clone, Copy, Debug)]
struct Often(Option<Every>);

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("use yes or no".to_owned()),
    }
}

fn how_often(text: &str) -> Result<Often, String> {
    if text == "none" {
        return Ok(Often(None));
    }
    let every = Every::from_word(text).ok_or_else(|| "use daily, weekly or none".to_owned())?;
    Ok(Often(Some(every)))
}

impl What {
    /// The digest after the command.
    fn digest(&self, before: Option<Digest>) -> anyhow::Result<Option<Digest>> {
        let every = match (self.digest, before) {
            (Some(Often(every)), _) => every,
            (None, before) => before.map(|before| before.every),
        };
        let Some(every) = every else {
            if self.hour.is_some() {
                bail!("--hour is for a digest: leave it out, or use --digest daily or weekly");
            }
            return Ok(None);
        };
        let hour = self.hour.or(before.map(|before| before.hour));
        Ok(Some(Digest { every, hour: hour.unwrap_or(Digest::HOUR) }))
    }

    /// Whether the command says nothing about it.
    fn is_empty(&self) -> bool {
        self.immediate.is_none() && self.digest.is_none() && self.hour.is_none()
    }
}

impl Alert {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let store = settings.open().await?;
        // Tests link to the console.
        let admin = match &self {
            Self::Test(_) => {
                let url = settings.base_url(store.as_ref(), Base::Links).await?;
                Admin { public_url: url.into(), ..settings.admin_on(store) }
            }
            _ => settings.admin_on(store),
        };
        let actor = Actor::command_line();
        match self {
            Self::List => list(settings, &admin).await,
            Self::Add(Add { address, connectors, what }) => {
                let digest = what.digest(None)?;
                let wish = AlertWish {
                    address: read_address(address)?,
                    connectors: (!connectors.is_empty()).then_some(connectors),
                    immediate: what.immediate.unwrap_or(true),
                    digest,
                };
                let item = alerts::add(&admin, &actor, wish).await.map_err(told)?;
                say(settings, &item, "added")
            }
            Self::Edit(Edit { which, connectors, all, what }) => {
                let item = which.find(&admin).await?;
                let connectors = match (all, connectors.is_empty()) {
                    (true, _) => Some(None),
                    (false, true) => None,
                    (false, false) => Some(Some(connectors)),
                };
                let digest = Some(what.digest(item.digest)?);
                if connectors.is_none() && what.is_empty() {
                    bail!(
                        "nothing to change: use --connector, --all, --immediate, --digest or --hour"
                    );
                }
                let edit = AlertEdit { connectors, immediate: what.immediate, digest };
                let item = alerts::edit(&admin, &actor, item.id, edit).await.map_err(told)?;
                say(settings, &item, "changed")
            }
            Self::Remove(which) => {
                let item = which.find(&admin).await?;
                alerts::remove(&admin, &actor, item.id).await.map_err(told)?;
                say(settings, &item, "removed")
            }
            Self::Test(which) => {
                let item = which.find(&admin).await?;
                let test = alerts::test(&admin, &actor, item.id).await.map_err(told)?;
                tested(settings, &item, &test)
            }
        }
    }
}

impl Which {
    /// The address of this number, or this email address.
    async fn find(&self, admin: &Admin) -> anyhow::Result<AlertItem> {
        let which = self.which.trim();
        let is_it = |item: &AlertItem| {
            let is_email = !item.is_webhook && item.address.eq_ignore_ascii_case(which);
            is_email || which.parse() == Ok(item.id)
        };
        let items = alerts::list(admin).await.map_err(told)?;
        let item = items.into_iter().find(is_it);
        // A URL is a secret, and is not repeated.
        let which = if which.contains("://") { "of this URL" } else { which };
        item.with_context(|| {
            format!(
                "there is no alert address {which}: see `leadsync alert list` for their numbers"
            )
        })
    }
}

/// The address of the command, or one from the terminal without showing it, or a line of standard input.
fn read_address(given: Option<String>) -> anyhow::Result<SecretString> {
    if let Some(given) = given {
        return Ok(given.into());
    }
    if std::io::stdin().is_terminal() {
        let typed = rpassword::prompt_password("Email address or webhook URL (not shown): ");
        return Ok(typed.context("the address can't be read from the terminal")?.into());
    }
    let mut text = String::new();
    // Longer than any address; more makes it too long.
    let most = u64::try_from(LONGEST_URL).unwrap_or(u64::MAX).saturating_add(2);
    let read = std::io::stdin().lock().take(most).read_to_string(&mut text);
    read.context("the address can't be read from standard input")?;
    Ok(text.trim().to_owned().into())
}

fn told(refused: Refused) -> anyhow::Error {
    match refused {
        Refused::NotFound { what: "connector", name, .. } => {
            anyhow::anyhow!("there is no connector {name}: see `leadsync connector list`")
        }
        Refused::Invalid(faults) => {
            let said = faults.iter().map(|Fault { at, what }| match at.as_str() {
                "immediate" => {
                    "it would receive nothing: use --immediate yes, or --digest daily or \
                                weekly; `leadsync alert remove` removes the address"
                        .to_owned()
                }
                at => format!("the {at} {what}"),
            });
            anyhow::anyhow!("{}", said.collect::<Vec<_>>().join("; "))
        }
        refused => refused.into(),
    }
}

fn say(settings: &Settings, item: &AlertItem, done: &str) -> anyhow::Result<()> {
    if settings.json {
        return output::json(item);
    }
    output::line(&format!("alert address {} ({}): {done}", item.id, item.address))
}

/// How a test ended. One that did not arrive is a failure.
fn tested(settings: &Settings, item: &AlertItem, test: &LastAlert) -> anyhow::Result<()> {
    let address = &item.address;
    if test.state == MailState::GivenUp {
        let why = test.error.as_deref().unwrap_or("for an unknown reason");
        bail!("the test to {address} was not delivered: {why}");
    }
    if settings.json {
        return output::json(test);
    }
    output::line(&match test.state {
        MailState::Queued => format!(
            "The test to {address} has not been sent yet: is the service running? It sends it once it \
             does; `leadsync alert list` shows the outcome."
        ),
        MailState::Logged => format!(
            "The test to {address} was only written to the server log, because LEADSYNC_SMTP_URL is \
             not set."
        ),
        MailState::Sent | MailState::GivenUp => format!("The test was delivered to {address}."),
    })
}

async fn list(settings: &Settings, admin: &Admin) -> anyhow::Result<()> {
    let items = alerts::list(admin).await.map_err(told)?;
    if settings.json {
        return output::json(&items);
    }
    if items.is_empty() {
        return output::line("No alert addresses yet. `leadsync alert add ADDRESS` adds one.");
    }
    let row = |item: &AlertItem| {
        [
            item.id.to_string().into(),
            item.address.clone().into(),
            item.connectors
                .as_ref()
                .map_or_else(|| "all".to_owned(), |names| names.join(", "))
                .into(),
            if item.immediate { "at once" } else { "no" }.to_owned().into(),
            item.digest_words().unwrap_or_else(|| "no".to_owned()).into(),
            last(item.last.as_ref()),
        ]
    };
    let rows: Vec<[Shown; 6]> = items.iter().map(row).collect();
    output::table(["NUMBER", "ADDRESS", "CONNECTORS", "ALERTS", "DIGEST", "LAST MESSAGE"], &rows)
}

/// What was last sent to an address.
fn last(last: Option<&LastAlert>) -> Shown {
    let Some(last) = last else { return "none yet".to_owned().into() };
    let (word, tone) = match (last.state, &last.error) {
        (MailState::Sent, _) => ("delivered", Tone::Good),
        (MailState::Logged, _) => ("only logged", Tone::Warning),
        (MailState::Queued, None) => ("sending", Tone::Plain),
        (MailState::Queued, Some(_)) => ("retrying", Tone::Warning),
        (MailState::GivenUp, _) => ("not delivered", Tone::Bad),
    };
    let error = last.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    Shown::new(format!("{word} {}{error}", output::time(last.at)), tone)
}
