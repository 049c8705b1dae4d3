//! What a digest says: what was synced in its time, what failed by cause, what waits for a person, what is
//! not healthy, and how far the quotas last. It comes from counts, so it costs the same for any number of
//! records, and no calls.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use plan::connector::Definition;
use plan::digest::{Every, Period};
use plan::health::{AccountState, ConnectorState};
use plan::review::State;
use store::{Account, Configuration, Connector, ReviewFilter, Span, Store, Tally};

use crate::health::Signs;
use crate::overview::{self, CauseItem};
use crate::quota::forecast_words;
use crate::words::number;

/// How many causes are listed.
const CAUSES: usize = 8;

/// What a digest is about.
#[derive(Debug)]
pub struct About<'a> {
    /// The accounts and connectors.
    pub configuration: &'a Configuration,
    /// Their signs.
    pub signs: &'a Signs,
    /// The connectors that it is about.
    pub connectors: &'a [&'a Connector],
    /// How often it is sent.
    pub every: Every,
    /// The time that it covers.
    pub period: Period,
    /// The time zone in which it says times.
    pub zone: &'a (String, TimeZone),
    /// The beginning of links, without a slash at the end.
    pub public_url: &'a str,
}

/// A digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub body: String,
}

/// Writes a digest.
///
/// # Errors
/// The store failed.
pub async fn write(store: &dyn Store, about: &About<'_>) -> store::Result<Written> {
    let Period { from, to, .. } = about.period;
    let is_own = |id| about.connectors.iter().any(|connector| connector.id == id);
    let steps = store.steps(&Span { from, to, hours: 1 }).await?;
    let mut total = Tally::default();
    let mut each = vec![Tally::default(); about.connectors.len()];
    for step in steps.iter().filter(|step| is_own(step.connector)) {
        total.add_all(&step.counts);
        let own = about.connectors.iter().position(|connector| connector.id == step.connector);
        if let Some(own) = own.and_then(|own| each.get_mut(own)) {
            own.add_all(&step.counts);
        }
    }
    let causes = overview::causes(store, about.connectors, (from, to)).await?;
    let names = about.connectors.iter().map(|connector| connector.definition.name.clone());
    let open = ReviewFilter {
        state: Some(State::Open),
        within: Some(names.collect()),
        ..ReviewFilter::default()
    };
    let reviews = store.count_reviews(&open).await?;
    let subject = format!("leadsync: {} ({} digest)", headline(&total), about.every);
    let mut text = Text::default();
    text.line(&format!("{}.", capitalised(&headline(&total))));
    text.line(&about.time());
    text.gap();
    for (connector, tally) in about.connectors.iter().zip(&each) {
        let Definition { name, source, destination, .. } = &connector.definition;
        text.line(&format!("{name} ({source} to {destination}): {}.", counts(tally)));
    }
    about.failures(&mut text, &total, &causes);
    text.gap();
    if reviews == 0 {
        text.line("Reviews: none are waiting.");
    } else {
        text.line(&format!("Reviews: {}.", counted(reviews, "lead is", "leads are", "waiting")));
        text.line(&format!("  {}/reviews", about.public_url));
    }
    about.health(&mut text);
    about.quotas(&mut text);
    Ok(Written { subject, body: text.0 })
}

impl About<'_> {
    /// The time that it covers, in words.
    fn time(&self) -> String {
        let (name, zone) = self.zone;
        let at = |at: Timestamp| zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string();
        format!(
            "Records received from {} to {} ({name}), by their outcome so far.",
            at(self.period.from),
            at(self.period.to)
        )
    }

    fn failures(&self, text: &mut Text, total: &Tally, causes: &[CauseItem]) {
        if total.failed == 0 {
            return;
        }
        text.gap();
        text.line("Failed, by cause:");
        for CauseItem { connector, records, error, .. } in causes.iter().take(CAUSES) {
            let message = one_line(&error.message);
            text.line(&format!("  {} × {message} ({connector})", number(*records)));
            text.line(&format!("    {}", one_line(&error.advice)));
        }
        if causes.is_empty() {
            text.line("  All of them were dismissed.");
        } else if causes.len() > CAUSES {
            text.line("  and others");
        }
        text.line(&format!("  {}/failures", self.public_url));
    }

    fn health(&self, text: &mut Text) {
        let mut lines = Vec::new();
        for connector in self.connectors {
            let condition = self.signs.of_connector(connector);
            if condition.state != ConnectorState::Healthy {
                let state = condition.state.to_string().replace('_', " ");
                let name = &connector.definition.name;
                lines.push(format!("  {name}: {state}. {}", one_line(&condition.reason)));
            }
        }
        for account in self.accounts() {
            let condition = self.signs.of_account(account);
            if !matches!(condition.state, AccountState::Healthy | AccountState::NotCalled) {
                let state = condition.state.to_string().replace('_', " ");
                let name = &account.name;
                lines.push(format!("  account {name}: {state}. {}", one_line(&condition.reason)));
            }
        }
        text.gap();
        if lines.is_empty() {
            text.line("Health: all connectors and accounts are healthy.");
            return;
        }
        text.line("Not healthy:");
        for line in &lines {
            text.line(line);
        }
        text.line(&format!("  {}/", self.public_url));
    }

    fn quotas(&self, text: &mut Text) {
        text.gap();
        text.line("API calls used today (UTC):");
        for account in self.accounts() {
            let Some(forecast) = self.signs.forecast(account) else { continue };
            let daily = account.plan.quota().ours().daily;
            let used = daily.saturating_sub(forecast.left);
            text.line(&format!(
                "  {}: {} of {}. {}",
                account.name,
                number(used.into()),
                number(daily.into()),
                forecast_words(&forecast)
            ));
        }
    }

    /// The accounts of its connectors, by name.
    fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.configuration.accounts.iter().filter(|account| {
            let uses =
                |one: &&&Connector| one.source == account.id || one.destination == account.id;
            self.connectors.iter().any(|one| uses(&one))
        })
    }
}

/// What counts most: whether anything failed.
fn headline(total: &Tally) -> String {
    let synced = counted(total.new + total.updated, "record", "records", "synced");
    match total.failed {
        0 => format!("nothing failed, {synced}"),
        failed => format!("{}, {synced}", counted(failed, "record", "records", "failed")),
    }
}

fn counts(tally: &Tally) -> String {
    let Tally { new, updated, unchanged, skipped, failed } = *tally;
    format!(
        "{} created, {} updated, {} unchanged, {} skipped, {} failed",
        number(new),
        number(updated),
        number(unchanged),
        number(skipped),
        number(failed)
    )
}

fn counted(count: u64, one: &str, many: &str, done: &str) -> String {
    format!("{} {} {done}", number(count), if count == 1 { one } else { many })
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters.clone()).collect()
}

/// Foreign text on one line.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
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
