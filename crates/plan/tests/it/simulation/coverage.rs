//! What the worlds reached, of all that a record's life can have in it.
//!
//! Each kind of thing has a name by a match without a wildcard: a variant that is added later must
//! be given one here, and fails the run if no world reaches it.

use std::collections::BTreeMap;

use plan::outcome::Party;
use plan::problem::Code;
use plan::work::{Call, Capture, Effect, LeadUpdate, ReadActivities, ReadLead, Step, Which};

/// How often each thing was met.
#[derive(Clone, Debug, Default)]
pub struct Coverage(BTreeMap<&'static str, u64>);

/// Where problems of a code come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The life of a record: some world must reach it.
    Work,
    /// A defect: no world may reach it.
    Defect,
    /// Reading bodies, checks, the dispatcher, the console and the API.
    Elsewhere,
}

const CALLS: [&str; 12] = [
    "call read_lead own",
    "call read_lead other",
    "call read_lead twin",
    "call find_lead",
    "call capture",
    "call capture without update",
    "call create_lead",
    "call update_lead",
    "call update_lead source",
    "call read_activities source",
    "call read_activities destination",
    "call create_activity",
];
const MORE: [&str; 9] = [
    "call update_activity",
    "effect link",
    "effect gone",
    "effect find_links",
    "effect end",
    "step call",
    "step end",
    "step ask",
    "step needs_metadata",
];

impl Coverage {
    fn count(&mut self, name: &'static str) {
        *self.0.entry(name).or_default() += 1;
    }

    pub fn call(&mut self, call: &Call) {
        self.count(match call {
            Call::ReadLead(ReadLead { which: Which::Own, .. }) => CALLS[0],
            Call::ReadLead(ReadLead { which: Which::Other, .. }) => CALLS[1],
            Call::ReadLead(ReadLead { which: Which::Twin | Which::Listed, .. }) => CALLS[2],
            Call::FindLead(_) => CALLS[3],
            Call::Capture(Capture { update: true, .. }) => CALLS[4],
            Call::Capture(Capture { update: false, .. }) => CALLS[5],
            Call::CreateLead(_) => CALLS[6],
            Call::UpdateLead(LeadUpdate { party: Party::Destination, .. }) => CALLS[7],
            Call::UpdateLead(LeadUpdate { party: Party::Source, .. }) => CALLS[8],
            Call::ReadActivities(ReadActivities { party: Party::Source, .. }) => CALLS[9],
            Call::ReadActivities(ReadActivities { party: Party::Destination, .. }) => CALLS[10],
            Call::CreateActivity(_) => CALLS[11],
            Call::UpdateActivity(_) => MORE[0],
        });
    }

    pub fn effect(&mut self, effect: &Effect) {
        self.count(match effect {
            Effect::Link(_) => MORE[1],
            Effect::Gone { .. } => MORE[2],
            Effect::FindLinks { .. } => MORE[3],
            Effect::End(_) => MORE[4],
        });
    }

    pub fn step(&mut self, step: &Step) {
        self.count(match step {
            Step::Call(_) => MORE[5],
            Step::End(_) => MORE[6],
            Step::Ask(_) => MORE[7],
            Step::NeedsMetadata { .. } => MORE[8],
        });
    }

    pub fn code(&mut self, code: Code) {
        self.count(code.as_str());
    }

    pub fn absorb(&mut self, other: Self) {
        for (name, times) in other.0 {
            *self.0.entry(name).or_default() += times;
        }
    }

    /// What was met how often, one line each.
    pub fn table(&self) -> String {
        self.0
            .iter()
            .fold(String::new(), |text, (name, times)| format!("{text}{times:>9} {name}\n"))
    }

    /// What should have been met and was not, and what was met and should not have been.
    pub fn gaps(&self) -> Vec<&'static str> {
        let is_met = |name: &&'static str| self.0.contains_key(name);
        let things = CALLS.into_iter().chain(MORE).filter(|name| !is_met(name));
        let codes = Code::ALL.iter().filter(|code| match origin(**code) {
            Origin::Work => !is_met(&code.as_str()),
            Origin::Defect | Origin::Elsewhere => is_met(&code.as_str()),
        });
        things.chain(codes.map(|code| code.as_str())).collect()
    }
}

fn origin(code: Code) -> Origin {
    match code {
        Code::NoActivityType
        | Code::ActivityTypeUnmapped
        | Code::Opportunity
        | Code::NoActivityId
        | Code::NoKey
        | Code::BadSetting
        | Code::UnknownField
        | Code::ReadOnlyField
        | Code::BadTemplate
        | Code::TypeMismatch
        | Code::TooLong
        | Code::MissingOption
        | Code::ActivitiesOff
        | Code::DoNothing
        | Code::NotFound
        | Code::Exists
        | Code::LeadNotFound
        | Code::Removed
        | Code::TwinRemoved
        | Code::RemovalIgnored
        | Code::NotLinked
        | Code::LeftAlone
        | Code::Superseded
        | Code::Ambiguous
        | Code::KeysDisagree
        | Code::LinkedToAnother
        | Code::Conflict
        | Code::Alternates
        | Code::Duplicate
        | Code::UnknownActivityType
        | Code::MandatoryMissing
        | Code::BadSearchKey
        | Code::Refused
        | Code::AccountError
        | Code::Unreachable
        | Code::Credentials
        | Code::ImpossibleCall
        | Code::UnreadableAnswer
        | Code::LeadGone
        | Code::ActivityUnclear
        | Code::TooManyCalls => Origin::Work,
        Code::Defect => Origin::Defect,
        Code::UnreadableBody
        | Code::BodyTooLong
        | Code::TestLead
        | Code::FilteredOut
        | Code::NotShown
        | Code::UnknownUser
        | Code::ConnectorDisabled
        | Code::Quota
        | Code::LeadsAreNotCreated
        | Code::MandatoryFieldUnmapped
        | Code::NoActivityTypes
        | Code::OwnerWithoutCounterpart
        | Code::SearchKeyNotUnique
        | Code::SearchKeyUnmapped
        | Code::UniqueFieldUnmapped
        | Code::UnknownSearchKey
        | Code::UnknownSourceField
        | Code::FieldChanged
        | Code::BadMailSettings
        | Code::BadAccount
        | Code::BadBatch
        | Code::BadInput
        | Code::Broken
        | Code::TooSlow
        | Code::Changed
        | Code::Disabled
        | Code::NoCsrfToken
        | Code::NoMapping
        | Code::NoSuchMethod
        | Code::NoSuchRoute
        | Code::NoWebhooks
        | Code::NotAllowed
        | Code::NotAvailable
        | Code::WrongHost
        | Code::NotConfirmed
        | Code::NotHashed
        | Code::Busy
        | Code::NotJson
        | Code::NotKnown
        | Code::Unknown => Origin::Elsewhere,
    }
}
