//! Activities as they are written and read.

use leadsquared::{Activity, ActivityField, ActivityWrite};
use plan::activity::{NOTE, TIME, shown};
use plan::decide::Change;
use plan::metadata::Kind;
use plan::moment;
use plan::snapshot::Snapshot;

use super::call::{Row, Target, set_parts};

/// An activity as it is sent, and the id that it is sent for: the lead's for a new one, the
/// activity's for one that exists.
pub(super) fn write(row: &Row) -> (&str, ActivityWrite<'_>) {
    let (id, event) = match &row.target {
        Target::NewActivity { lead_id, event } => (lead_id.as_str(), *event),
        Target::Activity { id, event } => (id.as_str(), *event),
        Target::Id(_) | Target::Back(_) | Target::Key { .. } | Target::New => {
            unreachable!("a lead is written by another call")
        }
    };
    let mut write = ActivityWrite { event, ..ActivityWrite::default() };
    for change in &row.fields {
        match change.to.as_str() {
            NOTE => write.note = Some(change.value.as_str().into()),
            TIME => write.at = moment::instant(&change.value, &jiff::tz::TimeZone::UTC),
            _ => write.fields.push(field(change)),
        }
    }
    (id, write)
}

fn field(change: &Change) -> ActivityField<'_> {
    if change.kind == Kind::FieldSet
        && let Some(parts) = set_parts(&change.value)
    {
        let parts = parts.into_iter().map(|(name, value)| ActivityField::new(name, value));
        let fields = parts.collect();
        return ActivityField { name: change.to.as_str().into(), value: "".into(), fields };
    }
    ActivityField::new(change.to.as_str(), change.value.as_str())
}

/// An activity as the plan knows activities.
pub(super) fn snapshot(activity: &Activity) -> Option<Snapshot> {
    let values = [&activity.data, &activity.fields].into_iter().flat_map(leadsquared::Fields::iter);
    let values: Vec<(String, String)> = values
        .map(|(name, value)| (name.to_owned(), value.unwrap_or_default().to_owned()))
        .collect();
    let note = ["ActivityEvent_Note", "Note"]
        .iter()
        .find_map(|name| values.iter().find(|(other, _)| other == name))
        .map(|(_, value)| value.clone());
    let times = (activity.created_on.as_deref(), activity.modified_on.as_deref());
    Some(shown(activity.id.as_deref()?, note.as_deref(), times, values))
}
