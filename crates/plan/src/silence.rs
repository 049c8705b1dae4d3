//! Whether the webhooks of a connector have stopped: an automation that was unpublished, or a webhook that
//! its account disabled after errors, reports nothing, and nothing fails.
//!
//! Webhooks about leadsync's own writes count too: they show that the account posts and that the URL is
//! right.

use jiff::{SignedDuration, Timestamp};

use crate::connector::Definition;
use crate::incident::is_ahead;
use crate::problem::{Code, Problem};

/// The most hours without a webhook that can be set: 30 days.
pub const MOST_HOURS: u32 = 720;

/// What is known about the webhooks of a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Whether the connector is enabled.
    pub enabled: bool,
    /// Whether it is held until a person confirms what its webhooks changed.
    pub held: bool,
    /// After how many hours without a webhook people are notified; 0: never.
    pub hours: u32,
    /// From when on the hours count: when it was enabled, or this number of hours was saved.
    pub since: Timestamp,
    /// When the last webhook arrived.
    pub last: Option<Timestamp>,
}

/// What the webhooks of a connector show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nobody wants to know, or the connector is not at work.
    NotWatched,
    /// A webhook arrived recently enough, or there is time left for one.
    Arriving,
    /// None has arrived since then, which is too long.
    Silent(Timestamp),
    /// A known time is in the future: the clock was set back. The hours count from now on.
    ClockSetBack,
}

impl Watch {
    /// From when on the hours count.
    pub fn from(&self) -> Timestamp {
        self.last.map_or(self.since, |last| last.max(self.since))
    }

    /// What this shows now.
    pub fn find(&self, now: Timestamp) -> Finding {
        if !self.enabled || self.held || self.hours == 0 {
            return Finding::NotWatched;
        }
        let from = self.from();
        if is_ahead(from, now) {
            return Finding::ClockSetBack;
        }
        if now.duration_since(from) >= SignedDuration::from_hours(i64::from(self.hours)) {
            Finding::Silent(from)
        } else {
            Finding::Arriving
        }
    }
}

/// What is reported when no webhook of a connector has arrived since then.
pub fn silent(definition: &Definition, from: Timestamp) -> Problem {
    let Definition { name, source, .. } = definition;
    let hours = hours(definition.basic.silent_hours);
    Problem::new(
        Code::NoWebhooks,
        format!(
            "No webhook from {source} has arrived at the connector {name} for {hours} (since {}).",
            from.strftime("%Y-%m-%d %H:%M UTC")
        ),
        format!(
            "If leads of {source} were changed in that time, check three things in LeadSquared. Are \
             the automations published? Is the URL in their webhooks this connector's webhook URL? \
             Did LeadSquared disable the webhook after errors? Webhooks under Settings > API and \
             Webhooks are disabled after 10 failures in a row. If {source} is often quiet for so long, \
             set more hours under Basic settings."
        ),
    )
}

/// A number of hours in words.
pub fn hours(hours: u32) -> String {
    if hours == 1 { "1 hour".to_owned() } else { format!("{hours} hours") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + minutes * 60).unwrap()
    }

    /// Enabled at 0, the last webhook an hour later, six hours at most.
    fn watch() -> Watch {
        Watch { enabled: true, held: false, hours: 6, since: at(0), last: Some(at(60)) }
    }

    #[test]
    fn it_is_silent_from_the_last_minute_of_its_hours_on() {
        assert_eq!(watch().find(at(60 + 359)), Finding::Arriving);
        assert_eq!(watch().find(at(60 + 360)), Finding::Silent(at(60)));
        assert_eq!(watch().find(at(1_000_000)), Finding::Silent(at(60)));
        assert_eq!(watch().find(Timestamp::MAX), Finding::Silent(at(60)));
        let most = Watch { hours: u32::MAX, ..watch() };
        assert_eq!(most.find(Timestamp::MAX), Finding::Arriving, "no overflow");
    }

    #[test]
    fn the_later_of_the_last_webhook_and_the_beginning_counts() {
        let never = Watch { last: None, ..watch() };
        assert_eq!(never.find(at(359)), Finding::Arriving);
        assert_eq!(never.find(at(360)), Finding::Silent(at(0)));
        let enabled_again = Watch { since: at(500), ..watch() };
        assert_eq!(enabled_again.find(at(859)), Finding::Arriving);
        assert_eq!(enabled_again.find(at(860)), Finding::Silent(at(500)));
    }

    #[test]
    fn one_that_is_off_disabled_or_held_is_never_silent() {
        for watch in [
            Watch { hours: 0, ..watch() },
            Watch { enabled: false, ..watch() },
            Watch { held: true, ..watch() },
        ] {
            assert_eq!(watch.find(at(1_000_000)), Finding::NotWatched);
            assert_eq!(watch.find(at(-1_000_000)), Finding::NotWatched);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_neither_alarms_nor_silences_for_long() {
        assert_eq!(watch().find(at(59)), Finding::Arriving, "another node's clock is a bit behind");
        assert_eq!(watch().find(at(58)), Finding::ClockSetBack);
        let year = 365 * 24 * 60;
        assert_eq!(watch().find(at(-year)), Finding::ClockSetBack);
        let counted_anew = Watch { since: at(-year), last: Some(at(-year)), ..watch() };
        assert_eq!(counted_anew.find(at(-year)), Finding::Arriving);
        assert_eq!(counted_anew.find(at(-year + 360)), Finding::Silent(at(-year)));
    }

    #[test]
    fn the_report_says_what_to_check() {
        let mut definition = Definition::new("a-to-b", "a", "b");
        definition.basic.silent_hours = 1;
        let problem = silent(&definition, at(0));
        assert!(
            problem.message.contains(
                "from a has arrived at the connector a-to-b for 1 hour (since 2026-09-21"
            ),
            "{problem}"
        );
        assert!(problem.advice.contains("published"), "{problem}");
    }
}
