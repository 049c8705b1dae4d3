//! Reviews, which a person resolves: an ambiguous match, or a conflict whose policy is to ask.
//!
//! A *review* is one such question about one lead of the source. It waits until somebody decides,
//! and that lead's changes wait with it; other leads continue.

mod rule;

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, LeadId};
use crate::outcome::words;
use crate::problem::{Code, Problem};
use crate::snapshot::Snapshot;
pub use rule::Rule;

words! {
    /// The reason for the review.
    Reason {
        /// Several leads of the destination have the lead's search key.
        Several = "several",
        /// Its two search keys find different leads of the destination, or none, and a lead of the
        /// destination has another unique value of it.
        KeysDisagree = "keys_disagree",
        /// The lead that was found is linked to another lead of the source.
        Linked = "linked",
        /// Both accounts changed a field, and its conflict policy is to ask.
        Conflict = "conflict",
    }
}

words! {
    /// The status of a review.
    State {
        /// Not decided yet.
        Open = "open",
        /// Decided, until that is undone.
        Decided = "decided",
        /// Nothing is left to decide.
        Solved = "solved",
    }
}

/// What a person decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "choice", rename_all = "snake_case", deny_unknown_fields)]
pub enum Choice {
    /// It is this lead of the destination.
    Link {
        /// Its id.
        lead_id: LeadId,
    },
    /// It is none of them: a new lead is created.
    Create,
    /// It is left alone: none of its changes is synced.
    Ignore,
    /// For a conflict: the source's value is right.
    Source,
    /// For a conflict: the destination's value is right.
    Destination,
}

impl Choice {
    /// Whether it answers this question.
    pub fn answers(&self, reason: Reason) -> bool {
        let is_side = matches!(self, Self::Source | Self::Destination);
        is_side == (reason == Reason::Conflict)
    }

    /// The same, seen from the opposite connector.
    #[must_use]
    pub fn from_the_other_side(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination => Self::Source,
            other => other,
        }
    }
}

/// What a review says about a lead that is processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruled {
    /// Not decided yet.
    Waits(Reason),
    /// This was decided.
    Decided(Choice),
}

/// A review of a lead that is open, or decided, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingReview {
    /// Its number.
    pub id: i64,
    /// The account of the lead that it is about.
    pub source: AccountId,
    /// That lead.
    pub source_id: LeadId,
    /// For a conflict, the lead of the destination.
    pub destination_id: Option<LeadId>,
    /// The reason for the review.
    pub reason: Reason,
    /// Its status.
    pub state: State,
    /// What was decided.
    pub choice: Option<Choice>,
}

words! {
    /// The outcome of a field that the two sides do not agree about.
    Ruling {
        /// The source's value was written to the destination.
        Source = "source",
        /// The destination's value was written to the source.
        Destination = "destination",
        /// Both keep their values: they were just linked, and no setting says which one wins.
        Left = "left",
        /// Both keep their values until a person decides.
        Waits = "waits",
        /// Both keep their values: the field goes back and forth, and was frozen.
        Frozen = "frozen",
    }
}

/// A field that the two sides do not agree about, and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// The destination's field by schema name.
    pub field: String,
    /// The source's value for it.
    pub source: String,
    /// The destination's value.
    pub destination: String,
    /// The outcome.
    pub ruling: Ruling,
}

/// A question, and the details to decide it by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// The reason for the review.
    pub reason: Reason,
    /// What the lead sends, by the destination's fields.
    pub sends: Snapshot,
    /// The leads of the destination that it may be; for a conflict, the one that it is.
    pub candidates: Vec<Candidate>,
    /// For a conflict, the fields that both accounts changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disputes: Vec<Dispute>,
}

/// A lead of the destination that a lead may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its id.
    pub lead_id: LeadId,
    /// The search key that found it, by schema name, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_by: Option<String>,
    /// Its values in the fields that the lead sends, and when and by whom it was created.
    pub fields: Snapshot,
    /// The other lead of the source that it is linked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked_to: Option<LinkedLead>,
}

/// The lead of the source that a candidate is linked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedLead {
    /// Its id.
    pub lead_id: LeadId,
    /// What it sends, by the destination's fields; empty where it was not read.
    #[serde(default)]
    pub sends: Snapshot,
}

impl Review {
    /// The failure of the record.
    pub fn problem(&self) -> Problem {
        let ids: Vec<&str> = self.candidates.iter().map(|one| one.lead_id.as_str()).collect();
        let message = match self.reason {
            Reason::Several => {
                format!("Several leads in the destination match: {}.", ids.join(", "))
            }
            Reason::KeysDisagree => {
                let found = self.candidates.iter().map(|one| {
                    let key = one.found_by.as_deref().unwrap_or("a key");
                    let value = self.sends.get(key).unwrap_or_default();
                    format!("{key} {value} matches {}", one.lead_id)
                });
                let found: Vec<String> = found.collect();
                let matches = match found.as_slice() {
                    [_] => "no lead in the destination, but",
                    _ => "different leads in the destination:",
                };
                format!("The search keys match {matches} {}.", found.join(", "))
            }
            Reason::Linked => {
                let twin = self.candidates.iter().find_map(|one| one.linked_to.as_ref());
                format!(
                    "The matching lead in the destination, {}, is already linked to another lead \
                     in the source, {}.",
                    ids.join(", "),
                    twin.map_or("", |twin| twin.lead_id.as_str())
                )
            }
            Reason::Conflict => {
                let says =
                    self.disputes.iter().map(|Dispute { field, source, destination, .. }| {
                        format!(
                            "{field} is \"{source}\" in the source and \"{destination}\" in the \
                             destination"
                        )
                    });
                let says: Vec<String> = says.collect();
                format!(
                    "Both accounts changed the same field. Choose which value to keep. {}.",
                    says.join("; ")
                )
            }
        };
        let problem = Problem::new(self.reason.code(), message, self.reason.advice());
        match self.disputes.first() {
            Some(first) => problem.about(&first.field),
            None => problem,
        }
    }
}

impl Reason {
    /// The code of records that fail for this reason.
    pub fn code(self) -> Code {
        match self {
            Self::Several => Code::Ambiguous,
            Self::KeysDisagree => Code::KeysDisagree,
            Self::Linked => Code::LinkedToAnother,
            Self::Conflict => Code::Conflict,
        }
    }

    /// The reason with this code, if any.
    pub fn from_code(code: Code) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }

    /// What to do about them.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Several | Self::KeysDisagree | Self::Linked => {
                "Resolve the review in the console under Reviews; changes of this lead are held \
                 until then. Or merge the leads in their account, then retry."
            }
            Self::Conflict => {
                "Resolve the review in the console under Reviews. Or set the field to the right \
                 value in both accounts, or choose which account wins under Entity options; \
                 then retry."
            }
        }
    }
}
