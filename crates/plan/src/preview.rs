//! What a payload would do, without doing it.

use serde::Serialize;

use crate::change::Change;
use crate::id::LeadId;
use crate::link::Link;
use crate::mapping::MappedField;
use crate::operation::Operation;
use crate::outcome::{Entity, Party};
use crate::payload::{self, Entry, Item, Removal};
use crate::problem::Problem;
use crate::review::StandingReview;
use crate::work::{Call, Capture, Context, Plan, PlanKind, Step, Which, Work};

/// One record of a payload, and what would happen to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordPreview {
    /// A lead or an activity.
    pub entity: Entity,
    /// The source's id of it.
    pub source_id: Option<String>,
    /// The result of the mapping, one entry per field of the destination.
    pub fields: Vec<MappedField>,
    /// Why fields would be left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<Problem>,
    /// The kind of decision.
    pub decision: PlanKind,
    /// Its details, as far as they can be known without calling the accounts.
    pub plan: Plan,
    /// The calls that would be made.
    pub calls: Vec<PlannedCall>,
}

/// A call that would be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedCall {
    /// Which account is called.
    pub account: Party,
    /// The call.
    pub operation: Operation,
    /// What is written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Change>,
    /// What follows, where that depends on the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<&'static str>,
}

/// What is stored about the leads and activities of a payload.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Their links.
    pub links: Vec<Link>,
    /// The reviews of them that are open, or decided.
    pub reviews: Vec<StandingReview>,
    /// Leads that were linked and are no longer in their account.
    pub gone: Vec<LeadId>,
    /// A person wants the destination to match the source, whatever the two last agreed on.
    pub overrides: bool,
}

/// The records of a payload, or why one can't be read.
///
/// # Errors
/// The [`Problem`] with the payload as a whole: see [`payload::read`].
pub fn read(
    body: &[u8],
    content_type: Option<&str>,
    removal: Option<Removal>,
) -> Result<Vec<Entry>, Problem> {
    match removal {
        None => payload::read(body, content_type),
        Some(removal) => payload::read_removals(body, content_type, removal),
    }
}

/// What would happen to each of these records.
pub fn preview(context: &Context<'_>, entries: Vec<Entry>, stored: &Stored) -> Vec<RecordPreview> {
    let preview = |entry: Entry| match entry {
        Ok(item) => record(context, Work::new(item), stored),
        Err(problem) => unreadable(problem),
    };
    entries.into_iter().map(preview).collect()
}

/// What would happen to a record that a person asks to retry.
pub fn preview_retry(context: &Context<'_>, item: Item, stored: &Stored) -> RecordPreview {
    let mut work = Work::new(item);
    work.ask_again();
    record(context, work, stored)
}

fn unreadable(problem: Problem) -> RecordPreview {
    RecordPreview {
        entity: Entity::Lead,
        source_id: None,
        fields: Vec::new(),
        left_out: Vec::new(),
        decision: PlanKind::Refuse,
        plan: Plan { problems: vec![problem], ..Plan::new(PlanKind::Refuse) },
        calls: Vec::new(),
    }
}

fn record(context: &Context<'_>, mut work: Work, stored: &Stored) -> RecordPreview {
    for link in &stored.links {
        work.take_link(link, context.source.id);
    }
    for review in &stored.reviews {
        work.take_review(review, context.source.id);
    }
    if work.lead_id().is_some_and(|id| stored.gone.contains(&id)) {
        work.was_gone();
    }
    if stored.overrides {
        work.override_twin();
    }
    let mut step = work.next(context).step;
    if matches!(step, Step::NeedsMetadata { .. }) {
        step = work.next(context).step;
    }
    let calls = match &step {
        Step::Call(call) => {
            let after = work.withheld_from(context, call);
            let mut calls = vec![planned(context, call)];
            if !after.is_empty() {
                let then = Some(
                    "Values that don't identify one person are written after the lead is created, \
                     so that they don't match another lead.",
                );
                let (account, operation) = (Party::Destination, Operation::Update);
                calls.push(PlannedCall { account, operation, fields: after, then });
            }
            calls
        }
        Step::End(_) | Step::Ask(_) | Step::NeedsMetadata { .. } => Vec::new(),
    };
    let (fields, left_out) = work.sent();
    let plan = work.plan().cloned().expect("a step is decided, and noted for the log");
    RecordPreview {
        entity: work.entity(),
        source_id: work.id(),
        fields,
        left_out,
        decision: plan.kind,
        plan,
        calls,
    }
}

fn planned(context: &Context<'_>, call: &Call) -> PlannedCall {
    let both_ways = context.opposite.is_some();
    let then = match call {
        Call::ReadLead(read) if read.which == Which::Own => Some(
            "The payload may be older than leadsync's last write to this lead, so the lead is read \
             from the source and its current values are used.",
        ),
        Call::FindLead(_) | Call::ReadLead(_) if both_ways => {
            Some("Changes that either side made since the last sync are merged field by field.")
        }
        Call::FindLead(_) | Call::ReadLead(_) => Some(
            "If the lead is found, the fields that differ are updated. If not, the lead is \
             created, provided that the connector's behaviour allows it.",
        ),
        Call::Capture(Capture { update: true, .. }) => Some(
            "If a lead in the destination has this key, that lead is updated; otherwise the lead \
             is created.",
        ),
        Call::Capture(_) if both_ways => Some(
            "If a lead in the destination has this key, the two are merged field by field; \
             otherwise the lead is created.",
        ),
        Call::Capture(_) => Some(
            "If a lead in the destination has this key, that lead is not changed; otherwise the \
             lead is created.",
        ),
        _ => None,
    };
    let fields = call.fields().cloned().collect();
    PlannedCall { account: call.party(), operation: call.operation(), fields, then }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::activity::ActivityMapping;
    use crate::connector::Definition;
    use crate::id::AccountId;
    use crate::mapping::Mapping;
    use crate::metadata::{Field, FieldList, Kind};
    use crate::problem::Code;
    use crate::review::{Choice, Reason, State};
    use crate::work::{Account, PlanKind};

    const SOURCE: AccountId = AccountId(1);
    const DESTINATION: AccountId = AccountId(2);
    const ASHA: &str = r#"{"ProspectID":"A","FirstName":"Asha","EmailAddress":"asha@example.com",
        "ModifiedOn":"2026-01-02 00:00:00"}"#;

    fn fields() -> FieldList {
        let text = |name| Field::plain(name, Kind::Text);
        vec![text("FirstName"), text("mx_Mark"), Field::plain("EmailAddress", Kind::Email)].into()
    }

    fn of(body: &str, removal: Option<Removal>, stored: &Stored) -> Vec<RecordPreview> {
        let settings =
            r#"{"name":"c","source":"a","destination":"b","removed":{"field":"mx_Mark"}}"#;
        let definition: Definition = serde_json::from_str(settings).unwrap();
        let fields = fields().into();
        let mapping = Mapping::new(&definition, &fields, &fields);
        let activities = ActivityMapping::new(&definition, &fields, &fields);
        let context = Context {
            connector: &definition,
            leads: &mapping,
            activities: &activities,
            generation: 1,
            source: Account { id: SOURCE, name: "a" },
            destination: Account { id: DESTINATION, name: "b" },
            opposite: None,
            now: Timestamp::UNIX_EPOCH,
            unbroken: Timestamp::MIN,
        };
        preview(&context, read(body.as_bytes(), None, removal).unwrap(), stored)
    }

    fn one(body: &str, stored: &Stored) -> RecordPreview {
        of(body, None, stored).remove(0)
    }

    fn linked() -> Stored {
        let mut link = Link::new(Entity::Lead, (SOURCE, "a"), (DESTINATION, "twin"));
        link.first.base.put("FirstName", "Usha");
        link.first.base.put("EmailAddress", "asha@example.com");
        link.second.base = link.first.base.clone();
        Stored { links: vec![link], ..Stored::default() }
    }

    #[test]
    fn a_new_lead_would_be_captured_with_its_fields() {
        let record = one(ASHA, &Stored::default());
        assert_eq!(record.source_id.as_deref(), Some("a"));
        let call = &record.calls[0];
        assert_eq!((call.account, call.operation), (Party::Destination, Operation::Capture));
        let written: Vec<_> =
            call.fields.iter().map(|f| (f.to.as_str(), f.value.as_str())).collect();
        assert!(written.contains(&("FirstName", "Asha")), "{written:?}");
        let json = serde_json::to_value(&record).unwrap();
        assert_eq!(json["decision"], "capture");
        assert_eq!(json["calls"][0]["operation"], "Lead.Capture");
    }

    #[test]
    fn what_can_not_be_done_says_why_and_calls_nothing() {
        let record = one(r#"{"ProspectID":"a","FirstName":"Asha"}"#, &Stored::default());
        assert_eq!(record.plan.kind, PlanKind::Refuse);
        assert_eq!(record.plan.problems[0].code, Code::NoKey);
        assert!(record.calls.is_empty());
        assert!(read(b"nonsense", None, None).is_err());
        let records = of(&format!("[{ASHA},5]"), None, &Stored::default());
        assert_eq!(records[0].plan.kind, PlanKind::Capture);
        assert_eq!(records[1].plan.kind, PlanKind::Refuse);
        assert_eq!(records[1].plan.problems[0].code, Code::UnreadableBody);
    }

    #[test]
    fn an_activity_is_told_from_a_lead() {
        let activity =
            r#"{"ProspectActivityId":"x","RelatedProspectId":"a","ActivityEvent":"201"}"#;
        let record = one(activity, &Stored::default());
        assert_eq!((record.entity, record.plan.kind), (Entity::Activity, PlanKind::Skip));
    }

    #[test]
    fn a_linked_lead_would_be_updated_where_it_changed() {
        let record = one(ASHA, &linked());
        assert_eq!(record.plan.kind, PlanKind::Update);
        assert_eq!(record.plan.lead_id.as_ref().map(LeadId::as_str), Some("twin"));
        let written: Vec<_> = record.calls[0].fields.iter().map(|f| f.value.as_str()).collect();
        assert_eq!(written, ["Asha"]);
    }

    #[test]
    fn a_deletion_is_previewed_as_one() {
        let of = |stored: &Stored| of(ASHA, Some(Removal::Deleted), stored).remove(0);
        let record = of(&linked());
        assert_eq!(record.plan.kind, PlanKind::ReadSource, "the webhook is a hint");
        assert_eq!(record.calls[0].account, Party::Source);
        let record = of(&Stored::default());
        assert_eq!(record.plan.problems[0].code, Code::NotLinked);
        assert!(record.calls.is_empty());
    }

    #[test]
    fn what_a_person_decided_or_is_asked_is_known() {
        let with = |state, choice| {
            let review = StandingReview {
                id: 1,
                source: SOURCE,
                source_id: LeadId::new("a"),
                destination_id: None,
                reason: Reason::Linked,
                state,
                choice,
            };
            one(ASHA, &Stored { reviews: vec![review], ..Stored::default() }).plan
        };
        let waits = with(State::Open, None);
        assert_eq!(waits.problems[0].code, Code::LinkedToAnother);
        let ignored = with(State::Decided, Some(Choice::Ignore));
        assert_eq!(ignored.problems[0].code, Code::LeftAlone);
        let created = with(State::Decided, Some(Choice::Create));
        assert_eq!(created.kind, PlanKind::Create);
    }

    #[test]
    fn a_lead_that_was_gone_would_be_read_first() {
        let gone = vec![LeadId::new("a")];
        let record = one(ASHA, &Stored { gone, ..Stored::default() });
        assert_eq!(record.plan.kind, PlanKind::ReadSource);
    }
}
