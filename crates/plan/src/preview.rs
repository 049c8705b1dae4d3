//! What a payload would do, without doing it.

use serde::Serialize;

use crate::change::Change;
use crate::id::LeadId;
use crate::link::Link;
use crate::mapping::MappedField;
use crate::operation::Operation;
use crate::outcome::{Entity, Party};
use crate::payload::{self, Item, Removal};
use crate::problem::Problem;
use crate::review::StandingReview;
use crate::work::{Call, Capture, Context, Plan, Step, Which, Work};

/// One record of a payload and what would become of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordPreview {
    /// A lead or an activity.
    pub entity: Entity,
    /// The source's id of it.
    pub source_id: Option<String>,
    /// What the mapping makes of it, one entry a field of the destination.
    pub fields: Vec<MappedField>,
    /// What is wrong with fields that would be left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<Problem>,
    /// What would be done, as far as it can be known without asking the accounts.
    #[serde(flatten)]
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
    /// What comes after it, where that depends on its answer.
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
    /// Those leads that were linked once and are not in their account any more.
    pub gone: Vec<LeadId>,
}

/// The records of a payload.
///
/// # Errors
/// The [`Problem`] with the payload as a whole: see [`payload::read`].
pub fn read(
    body: &[u8],
    content_type: Option<&str>,
    removal: Option<Removal>,
) -> Result<Vec<Item>, Problem> {
    match removal {
        None => payload::read(body, content_type),
        Some(removal) => payload::read_removals(body, content_type, removal),
    }
}

/// What would become of each of these records.
pub fn preview(context: &Context<'_>, items: Vec<Item>, stored: &Stored) -> Vec<RecordPreview> {
    items.into_iter().map(|item| record(context, item, stored)).collect()
}

fn record(context: &Context<'_>, item: Item, stored: &Stored) -> RecordPreview {
    let mut work = Work::new(item);
    for link in &stored.links {
        work.take_link(link, context.source.id);
    }
    for review in &stored.reviews {
        work.take_review(review, context.source.id);
    }
    if work.lead_id().is_some_and(|id| stored.gone.contains(&id)) {
        work.was_gone();
    }
    let mut step = work.next(context).step;
    if step == Step::NeedsMetadata {
        step = work.next(context).step;
    }
    let calls = match &step {
        Step::Call(call) => vec![planned(context, call)],
        Step::End(_) | Step::Ask(_) | Step::NeedsMetadata => Vec::new(),
    };
    let (fields, left_out) = work.sent();
    RecordPreview {
        entity: work.entity(),
        source_id: work.id(),
        fields,
        left_out,
        plan: work.plan().cloned().expect("a step is decided, and noted for the log"),
        calls,
    }
}

fn planned(context: &Context<'_>, call: &Call) -> PlannedCall {
    let both_ways = context.opposite.is_some();
    let then = match call {
        Call::ReadLead(read) if read.which == Which::Own => Some(
            "What the payload shows may be older than our own last write there: what the source \
             holds now decides.",
        ),
        Call::FindLead(_) | Call::ReadLead(_) if both_ways => {
            Some("What both sides changed since they last agreed is merged field by field.")
        }
        Call::FindLead(_) | Call::ReadLead(_) => Some(
            "If the lead is found, the fields that differ are written; if not, it is created, \
             where the behaviour says so.",
        ),
        Call::Capture(Capture { update: true, .. }) => Some(
            "If the destination has a lead with this key, it is updated; otherwise it is created.",
        ),
        Call::Capture(_) if both_ways => Some(
            "If the destination has a lead with this key, the two are merged field by field; \
             otherwise it is created.",
        ),
        Call::Capture(_) => Some(
            "If the destination has a lead with this key, it is left alone; otherwise it is created.",
        ),
        _ => None,
    };
    let fields = call.fields().cloned().collect();
    PlannedCall { account: call.party(), operation: call.operation(), fields, then }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Field, FieldList, Kind};

    fn fields() -> FieldList {
        vec![Field::plain("FirstName", Kind::Text), Field::plain("EmailAddress", Kind::Email)]
            .into()
    }

    fn of(body: &str) -> Result<Vec<RecordPreview>, Problem> {
        let settings = r#"{"name":"c","source":"a","destination":"b"}"#;
        let definition: Definition = serde_json::from_str(settings).unwrap();
        let fields = fields().into();
        let mapping = Mapping::new(&definition, &fields, &fields);
        let activities = ActivityMapping::new(&definition, &fields, &fields);
        let previewed = Previewed {
            connector: &definition,
            mapping: &mapping,
            activities: &activities,
            source: AccountId(1),
            destination: AccountId(2),
            opposite: None,
            now: Timestamp::UNIX_EPOCH,
        };
        preview(previewed, body.as_bytes(), None, |_| None)
    }

    #[test]
    fn a_new_lead_would_be_captured_with_its_fields() {
        let records =
            of(r#"{"ProspectID":"a","FirstName":"Asha","EmailAddress":"asha@example.com"}"#)
                .unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].source_id.as_deref(), Some("a"));
        let call = &records[0].calls[0];
        assert_eq!((call.account, call.operation), (Asked::Destination, Operation::Capture));
        let written: Vec<_> =
            call.fields.iter().map(|f| (f.to.as_str(), f.value.as_str())).collect();
        assert!(written.contains(&("FirstName", "Asha")), "{written:?}");
        let json = serde_json::to_value(&records[0]).unwrap();
        assert_eq!(json["decision"], "capture");
        assert_eq!(json["calls"][0]["operation"], "Lead.Capture");
    }

    #[test]
    fn what_can_not_be_done_says_why_and_calls_nothing() {
        let records = of(r#"{"ProspectID":"a","FirstName":"Asha"}"#).unwrap();
        let Decision::Refuse { problems } = &records[0].decision else {
            panic!("{:?}", records[0].decision)
        };
        assert_eq!(problems[0].code, "no_key");
        assert!(records[0].calls.is_empty());
        assert!(of("nonsense").is_err());
    }

    #[test]
    fn an_activity_is_told_from_a_lead() {
        let records =
            of(r#"{"ProspectActivityId":"x","RelatedProspectId":"a","ActivityEvent":"201"}"#)
                .unwrap();
        assert_eq!(records[0].entity, Entity::Activity);
        assert!(matches!(records[0].decision, Decision::Skip { .. }));
    }
}
