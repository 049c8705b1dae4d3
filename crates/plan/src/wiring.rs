//! Which native webhooks of the source account a connector needs, and what to do about the existing ones
//! (AD/create-a-webhook, AD/retrieve-a-webhook).
//!
//! *Lead Delete* and *Lead Merge* can't be created this way: their numbers are unknown, so a person
//! creates them.

use serde::Serialize;

use crate::activity;
use crate::connector::{Behaviour, Definition};
use crate::metadata::Catalogue;

/// The header in which the webhooks send the secret of their connector.
pub const SECRET_HEADER: &str = "x-leadsync-secret";

/// What a webhook posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// New leads.
    LeadCreate,
    /// Changed leads.
    LeadUpdate,
    /// New activities of this type, by its event code.
    ActivityCreate(u32),
    /// Changed activities of this type.
    ActivityUpdate(u32),
}

impl Event {
    /// Its name, also used in the webhook's description.
    pub fn words(self) -> String {
        match self {
            Self::LeadCreate => "new leads".to_owned(),
            Self::LeadUpdate => "changed leads".to_owned(),
            Self::ActivityCreate(code) => format!("new activities {code}"),
            Self::ActivityUpdate(code) => format!("changed activities {code}"),
        }
    }

    /// The description of the webhook, by which it is matched.
    pub fn description(self, connector: &str) -> String {
        format!("{}{}", prefix(connector), self.words())
    }
}

/// The prefix of the descriptions of a connector's webhooks.
pub fn prefix(connector: &str) -> String {
    format!("leadsync {connector}: ")
}

/// The events that a connector with these settings needs.
pub fn wanted(connector: &Definition, source: &Catalogue, destination: &Catalogue) -> Vec<Event> {
    let mut wanted = Vec::new();
    let creates = |behaviour| !matches!(behaviour, Behaviour::DoNothing | Behaviour::UpdateOnly);
    let updates = |behaviour| !matches!(behaviour, Behaviour::DoNothing | Behaviour::CreateOnly);
    wanted.extend(creates(connector.lead.behaviour).then_some(Event::LeadCreate));
    wanted.extend(updates(connector.lead.behaviour).then_some(Event::LeadUpdate));
    if connector.activity.enabled {
        let mut codes = activity::forms_needed(connector, source, destination).0;
        codes.dedup();
        for code in codes {
            let behaviour = connector.activity.behaviour;
            wanted.extend(creates(behaviour).then_some(Event::ActivityCreate(code)));
            wanted.extend(updates(behaviour).then_some(Event::ActivityUpdate(code)));
        }
    }
    wanted
}

/// An existing webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Existing {
    /// Its id.
    pub id: String,
    /// Its description.
    pub description: String,
    /// 0 enabled, 1 disabled by a person, 2 disabled by LeadSquared after ten failures in a row.
    pub status: Option<i64>,
}

/// What to do about a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Create it.
    Make(Event),
    /// It exists, and gets the current URL and secret; that also enables it.
    Renew(Event, Existing),
    /// It belongs to this connector and is no longer needed, or is a duplicate.
    Remove(Existing),
}

/// What to do so that the account has these webhooks of the connector, and no others of it.
pub fn acts(connector: &str, wanted: &[Event], existing: &[Existing]) -> Vec<Act> {
    let own = prefix(connector);
    let mut left: Vec<&Existing> =
        existing.iter().filter(|hook| hook.description.starts_with(&own)).collect();
    let mut acts = Vec::new();
    for event in wanted {
        let description = event.description(connector);
        match left.iter().position(|hook| hook.description == description) {
            Some(at) => acts.push(Act::Renew(*event, left.remove(at).clone())),
            None => acts.push(Act::Make(*event)),
        }
    }
    acts.extend(left.into_iter().cloned().map(Act::Remove));
    acts
}

/// The outcome of one webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wired {
    /// What it posts, in words.
    pub event: String,
    /// Its status.
    pub state: State,
}

/// The status of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It exists and posts.
    On,
    /// It was just created.
    Made,
    /// It was disabled by LeadSquared after ten failures, and is enabled again.
    SwitchedOn,
    /// It was just removed.
    Removed,
    /// It is missing.
    Missing,
    /// LeadSquared disabled it after ten failures in a row.
    OffByFailures,
    /// A person disabled it.
    OffByHand,
}

impl State {
    /// The end of a sentence that begins with the webhook.
    pub fn words(self) -> &'static str {
        match self {
            Self::On => "is active",
            Self::Made => "was created",
            Self::SwitchedOn => "was switched off and is on again",
            Self::Removed => "was removed",
            Self::Missing => "is missing",
            Self::OffByFailures => "was switched off by LeadSquared after ten failures in a row",
            Self::OffByHand => "was switched off by hand",
        }
    }

    /// Reads the status of a webhook.
    pub fn of(status: Option<i64>) -> Self {
        match status {
            Some(1) => Self::OffByHand,
            Some(2) => Self::OffByFailures,
            _ => Self::On,
        }
    }
}

/// The status of the webhooks that a connector needs.
pub fn states(connector: &str, wanted: &[Event], existing: &[Existing]) -> Vec<Wired> {
    let state = |event: &Event| {
        let description = event.description(connector);
        let found = existing.iter().find(|hook| hook.description == description);
        let state = found.map_or(State::Missing, |hook| State::of(hook.status));
        Wired { event: event.words(), state }
    };
    wanted.iter().map(state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(description: &str, status: i64) -> Existing {
        Existing {
            id: description.to_owned(),
            description: description.to_owned(),
            status: Some(status),
        }
    }

    fn definition(more: &str) -> Definition {
        let json = format!(r#"{{"name":"c","source":"a","destination":"b"{more}}}"#);
        serde_json::from_str(&json).expect(&json)
    }

    #[test]
    fn what_a_connector_needs_follows_its_settings() {
        use Event::{ActivityCreate, ActivityUpdate, LeadCreate, LeadUpdate};
        let types = r#""type":[{"from":201,"to":305},{"from":206,"to":206}]"#;
        let nothing = Catalogue::default();
        for (settings, expected) in [
            (String::new(), vec![LeadCreate, LeadUpdate]),
            (r#","lead":{"behaviour":"create_only"}"#.to_owned(), vec![LeadCreate]),
            (r#","lead":{"behaviour":"update_only"}"#.to_owned(), vec![LeadUpdate]),
            (
                format!(
                    r#","lead":{{"behaviour":"do_nothing"}},"activity":{{"enabled":true,"behaviour":"create_only",{types}}}"#
                ),
                vec![ActivityCreate(201), ActivityCreate(206)],
            ),
            (
                format!(
                    r#","lead":{{"behaviour":"do_nothing"}},"activity":{{"enabled":true,{types}}}"#
                ),
                vec![
                    ActivityCreate(201),
                    ActivityUpdate(201),
                    ActivityCreate(206),
                    ActivityUpdate(206),
                ],
            ),
        ] {
            assert_eq!(wanted(&definition(&settings), &nothing, &nothing), expected, "{settings}");
        }
    }

    #[test]
    fn only_the_connectors_own_webhooks_are_touched() {
        let wanted = [Event::LeadCreate, Event::LeadUpdate];
        let existing = [
            hook("leadsync c: new leads", 2),
            hook("leadsync c: new leads", 0),
            hook("leadsync c: new activities 201", 0),
            hook("leadsync cc: new leads", 0),
            hook("Zapier", 0),
        ];
        assert_eq!(
            acts("c", &wanted, &existing),
            [
                Act::Renew(Event::LeadCreate, existing[0].clone()),
                Act::Make(Event::LeadUpdate),
                Act::Remove(existing[1].clone()),
                Act::Remove(existing[2].clone()),
            ]
        );
        assert_eq!(acts("c", &[], &existing[3..]), []);
        let states: Vec<State> =
            states("c", &wanted, &existing).into_iter().map(|wired| wired.state).collect();
        assert_eq!(states, [State::OffByFailures, State::Missing]);
    }
}
