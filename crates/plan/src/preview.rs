//! What a payload would do, without doing it.

use jiff::Timestamp;
use serde::Serialize;

use crate::activity::{self, ActivityCase, ActivityMapping, Unmapped};
use crate::connector::Definition;
use crate::decide::{self, Case, Change, Decision, Known, Opposite};
use crate::id::AccountId;
use crate::link::Link;
use crate::mapping::{Mapped, MappedField, Mapping};
use crate::operation::Operation;
use crate::outcome::Entity;
use crate::payload::{self, Item};
use crate::problem::Problem;

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
    pub decision: Decision,
    /// The calls that would be made.
    pub calls: Vec<PlannedCall>,
}

/// A call that would be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedCall {
    /// Which account is called.
    pub account: Asked,
    /// The call.
    pub operation: Operation,
    /// What is written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Change>,
    /// What comes after it, where that depends on its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<&'static str>,
}

/// An account of a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// The one that leads come from.
    Source,
    /// The one that they go to.
    Destination,
}

/// A connector between two accounts, ready to be asked.
#[derive(Clone, Copy, Debug)]
pub struct Previewed<'a> {
    /// Its settings.
    pub connector: &'a Definition,
    /// Its mapping of leads.
    pub mapping: &'a Mapping,
    /// Its mapping of activities.
    pub activities: &'a ActivityMapping,
    /// The account that leads come from.
    pub source: AccountId,
    /// The account that they go to.
    pub destination: AccountId,
    /// The connector in the opposite direction, where there is one at work.
    pub opposite: Option<Opposite<'a>>,
    /// The time.
    pub now: Timestamp,
}

/// The records of a payload and what would become of each, given the links of leads and activities
/// by their ids in the source.
///
/// # Errors
/// The [`Problem`] with the payload as a whole: see [`payload::read`].
pub fn preview(
    previewed: Previewed<'_>,
    body: &[u8],
    content_type: Option<&str>,
    link: impl Fn(&str) -> Option<Link>,
) -> Result<Vec<RecordPreview>, Problem> {
    let items = payload::read(body, content_type)?;
    Ok(items.iter().map(|item| record(previewed, item, &link)).collect())
}

fn record(
    previewed: Previewed<'_>,
    item: &Item,
    link: impl Fn(&str) -> Option<Link>,
) -> RecordPreview {
    let (fields, left_out, decision) = match item.entity() {
        Entity::Lead => lead(previewed, item, link),
        Entity::Activity => activity(previewed, item, link),
    };
    let calls = calls(&decision, previewed.opposite.is_some());
    let source_id = item.id().map(str::to_owned);
    RecordPreview { entity: item.entity(), source_id, fields, left_out, decision, calls }
}

type Planned = (Vec<MappedField>, Vec<Problem>, Decision);

fn lead(previewed: Previewed<'_>, item: &Item, link: impl Fn(&str) -> Option<Link>) -> Planned {
    let mapped = previewed.mapping.apply(item);
    let link = item.lead_id().and_then(link);
    let known = Known::default();
    let case = previewed.case(previewed.mapping, item, &mapped, link.as_ref(), &known);
    let decision = decide::decide(&case);
    (mapped.fields, mapped.left_out, decision)
}

fn activity(previewed: Previewed<'_>, item: &Item, link: impl Fn(&str) -> Option<Link>) -> Planned {
    let nothing = |decision| (Vec::new(), Vec::new(), decision);
    if let Some(problem) = activity::switched_off(previewed.connector) {
        return nothing(Decision::Skip { problem });
    }
    let kind = match previewed.activities.of(item) {
        Ok(kind) => kind,
        Err(Unmapped::Skipped(problem)) => return nothing(Decision::Skip { problem }),
        Err(Unmapped::Refused(problem)) => {
            return nothing(Decision::Refuse { problems: vec![problem] });
        }
    };
    let mapped = kind.mapping.apply(item);
    let lead_item = item.lead().unwrap_or_else(|| item.bare_lead());
    let lead_mapped = previewed.mapping.apply(&lead_item);
    let (own, of_lead) = (item.id().and_then(&link), item.lead_id().and_then(&link));
    let known = Known::default();
    let decision = activity::decide(&ActivityCase {
        activity: Previewed { opposite: None, ..previewed }.case(
            &kind.mapping,
            item,
            &mapped,
            own.as_ref(),
            &known,
        ),
        lead: previewed.case(previewed.mapping, &lead_item, &lead_mapped, of_lead.as_ref(), &known),
        event: kind.to,
    });
    (mapped.fields, mapped.left_out, decision)
}

impl<'a> Previewed<'a> {
    fn case(
        self,
        mapping: &'a Mapping,
        item: &'a Item,
        mapped: &'a Mapped,
        link: Option<&'a Link>,
        known: &'a Known,
    ) -> Case<'a> {
        let Self { connector, source, destination, opposite, now, .. } = self;
        Case { connector, mapping, item, mapped, source, destination, link, known, opposite, now }
    }
}

fn calls(decision: &Decision, both_ways: bool) -> Vec<PlannedCall> {
    let Some(operation) = Operation::carrying_out(decision) else { return Vec::new() };
    let account = match decision {
        Decision::ReadSource { .. }
        | Decision::ReadOther { .. }
        | Decision::ReadActivity { .. }
        | Decision::UpdateSource { .. } => Asked::Source,
        _ => Asked::Destination,
    };
    let fields = decision.fields().into_iter().flatten().cloned().collect();
    let then = match decision {
        Decision::ReadSource { .. } => Some(
            "What the payload shows may be older than our own last write there: what the source \
             holds now decides.",
        ),
        Decision::Look { .. } if both_ways => {
            Some("What both sides changed since they last agreed is merged field by field.")
        }
        Decision::Look { .. } => Some(
            "If the lead is found, the fields that differ are written; if not, it is created, \
             where the behaviour says so.",
        ),
        Decision::Capture { update: true, .. } => Some(
            "If the destination has a lead with this key, it is updated; otherwise it is created.",
        ),
        Decision::Capture { update: false, .. } if both_ways => Some(
            "If the destination has a lead with this key, the two are merged field by field; \
             otherwise it is created.",
        ),
        Decision::Capture { update: false, .. } => Some(
            "If the destination has a lead with this key, it is left alone; otherwise it is created.",
        ),
        _ => None,
    };
    vec![PlannedCall { account, operation, fields, then }]
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
