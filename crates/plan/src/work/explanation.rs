//! The decision about a record and its reasons, as stored in the log.
//!
//! The same definition is used for writing and reading: what the dispatcher stores is what the
//! console shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::id::{ActivityId, LeadId};
use crate::outcome::words;
use crate::problem::Problem;
use crate::review::{Dispute, Ruling};

/// What the log stores about an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// What was decided first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// What was decided after that was carried out: the write back to the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Plan>,
    /// Fields that the two sides did not agree about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disputes: Vec<Dispute>,
    /// Where written values come from, by field of the destination; a field that is not here comes
    /// from the source's field of the same name. `None` if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origins: Option<BTreeMap<String, Origin>>,
    /// The problems of fields that were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<Problem>,
    /// The sentence, if nothing had to be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What a person should know about the conversion of fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Remark>,
    /// Why the destination was read first, if there is a special reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_because: Option<String>,
}

/// What was decided, with all details.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The kind of decision.
    #[serde(rename = "decision")]
    pub kind: PlanKind,
    /// The fields that are written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Change>,
    /// Fields that only a new lead gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_create: Vec<Change>,
    /// The key by which a lead is captured or searched for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyShown>,
    /// For a capture, whether an existing lead is updated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<bool>,
    /// The lead that is read or written, or that an activity is added to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_id: Option<LeadId>,
    /// The activity that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity_id: Option<ActivityId>,
    /// The lead or activity that already has everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_id: Option<String>,
    /// Why nothing has to be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// The error, or why nothing is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

words! {
    /// The kinds of decisions.
    PlanKind {
        /// Nothing can be done.
        Refuse = "refuse",
        /// The settings, or a person, say to leave it alone.
        Skip = "skip",
        /// The destination already has everything.
        Unchanged = "unchanged",
        /// Read the lead from the source.
        ReadSource = "read_source",
        /// Read another lead from the source.
        ReadOther = "read_other",
        /// Read the lead from the destination.
        Look = "look",
        /// Create the lead, or update the one that has the key.
        Capture = "capture",
        /// Create the lead, whatever exists.
        Create = "create",
        /// Update the lead.
        Update = "update",
        /// Update the lead in the source.
        UpdateSource = "update_source",
        /// Take a lead as the one that an earlier attempt created.
        Adopt = "adopt",
        /// Ask a person.
        Review = "review",
        /// Leave fields alone that go back and forth.
        Freeze = "freeze",
        /// Read the activity from the source.
        ReadActivity = "read_activity",
        /// Read the lead's activities from the destination.
        LookActivity = "look_activity",
        /// Add the activity.
        CreateActivity = "create_activity",
        /// Update the activity.
        UpdateActivity = "update_activity",
    }
}

/// A key as shown in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyShown {
    /// The destination's field by schema name.
    pub field: String,
    /// Its value.
    pub value: String,
}

words! {
    /// Why nothing has to be written.
    Why {
        /// The source shows what was last synced: nothing changed, or it is the echo of our own
        /// write.
        SameAsSynced = "same_as_synced",
        /// The source's state is older than the one that was last synced.
        Stale = "stale",
        /// The destination shows the same values.
        SameInDestination = "same_in_destination",
        /// The destination's value was changed later than the source's.
        Newer = "newer",
        /// An earlier attempt wrote it, and did not get the response.
        MadeBefore = "made_before",
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The source's field of this name.
    From(String),
    /// Something else.
    By(By),
}

words! {
    /// The origin of a value that is not the source's.
    By {
        /// A row's template.
        Computed = "computed",
        /// A row's default value.
        Default = "default",
        /// The connector's Lead Source.
        LeadSource = "lead_source",
    }
}

/// What a person should know about a field's conversion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// The destination's field.
    pub field: String,
    /// The sentence.
    pub remark: String,
}

impl Why {
    /// The sentence for the log.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::SameAsSynced => "No mapped field has changed since the last sync.",
            Self::Stale => "A newer state of this lead was already synced.",
            Self::SameInDestination => "The destination already has the same values.",
            Self::Newer => "The destination was changed after the source.",
            Self::MadeBefore => {
                "An earlier attempt already created the record, although the response was lost."
            }
        }
    }
}

impl By {
    /// What it is, for the log.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Computed => "computed by the mapping row",
            Self::Default => "default value of the mapping row",
            Self::LeadSource => "the connector's Lead Source for new leads",
        }
    }
}

impl Ruling {
    /// The outcome of the field, for the log.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Source => "The source's value was written to the destination.",
            Self::Destination => "The destination's value was written to the source.",
            Self::Left => "No change: first match, both values kept.",
            Self::Waits => "No change until the review is resolved.",
            Self::Frozen => "No change: the field is frozen because of a sync loop.",
        }
    }
}

impl Plan {
    pub(crate) fn new(kind: PlanKind) -> Self {
        Self {
            kind,
            fields: Vec::new(),
            on_create: Vec::new(),
            key: None,
            update: None,
            lead_id: None,
            activity_id: None,
            destination_id: None,
            why: None,
            problems: Vec::new(),
        }
    }

    /// The fields that are written, each with whether only a new lead gets it.
    fn written(&self) -> impl Iterator<Item = (&Change, bool)> {
        let fields = self.fields.iter().map(|change| (change, false));
        fields.chain(self.on_create.iter().map(|change| (change, true)))
    }

    /// Whether it writes to the source.
    pub fn is_back(&self) -> bool {
        self.kind == PlanKind::UpdateSource
    }

    /// What was decided, in a sentence.
    pub fn sentence(&self) -> String {
        let key = self.key.as_ref().map(|key| format!("{} {}", key.field, key.value));
        let key = key.unwrap_or_else(|| "its search key".to_owned());
        let lead = self.lead_id.as_ref().map_or("", LeadId::as_str);
        let activity = self.activity_id.as_ref().map_or("", ActivityId::as_str);
        match self.kind {
            PlanKind::Refuse => "Write nothing, because the record has errors.".to_owned(),
            PlanKind::Skip => "Skip, as set in the sync settings.".to_owned(),
            PlanKind::Unchanged => match self.why {
                Some(why) => format!("No change needed. {}", why.sentence()),
                None => "No change needed.".to_owned(),
            },
            PlanKind::ReadSource => "Read the lead from the source first.".to_owned(),
            PlanKind::ReadActivity => "Read the activity from the source first.".to_owned(),
            PlanKind::Look | PlanKind::LookActivity => "Read the destination first.".to_owned(),
            PlanKind::Capture if self.update == Some(true) => {
                format!("Update the lead with {key}, or create it if there is none.")
            }
            PlanKind::Capture => format!("Create the lead, unless one with {key} exists."),
            PlanKind::UpdateSource => {
                "Write the changes of the destination back to the source.".to_owned()
            }
            PlanKind::Adopt => {
                format!("Use the lead {lead}, which an earlier attempt created.")
            }
            PlanKind::Freeze => "Freeze looping fields.".to_owned(),
            PlanKind::Update => format!("Update the lead {lead}."),
            PlanKind::ReadOther => {
                "First read the other source lead that the match is linked to.".to_owned()
            }
            PlanKind::Create => "Create the lead, as decided in the review.".to_owned(),
            PlanKind::Review => "Send to review.".to_owned(),
            PlanKind::CreateActivity => format!("Add the activity to the lead {lead}."),
            PlanKind::UpdateActivity => format!("Update the activity {activity}."),
        }
    }
}

/// A field that was written, or should have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange<'a> {
    /// The field by schema name.
    pub field: &'a str,
    /// Its old value, if known.
    pub before: Option<&'a str>,
    /// The value.
    pub value: &'a str,
    /// Where the value comes from, if known.
    pub origin: Option<Origin>,
    /// Whether only a newly created lead got it.
    pub on_create: bool,
    /// What a person should know about its conversion.
    pub remark: Option<&'a str>,
}

impl Explanation {
    /// Reads what is stored.
    ///
    /// # Errors
    /// Why it can't be read: another version wrote it, or it is damaged.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// What was decided first, in a sentence.
    pub fn sentence(&self) -> Option<String> {
        self.plan.as_ref().map(Plan::sentence)
    }

    /// The fields of the destination to write.
    pub fn changes(&self) -> Vec<FieldChange<'_>> {
        let Some(plan) = self.plan.as_ref().filter(|plan| !plan.is_back()) else {
            return Vec::new();
        };
        let all = plan.written();
        all.map(|(change, on_create)| FieldChange {
            field: &change.to,
            before: change.before.as_deref(),
            value: &change.value,
            origin: self.origin(&change.to),
            on_create,
            remark: self.remark(&change.to),
        })
        .collect()
    }

    /// The fields of the source to write: what the destination had changed.
    pub fn changes_back(&self) -> Vec<FieldChange<'_>> {
        let plans = [self.plan.as_ref(), self.then.as_ref()];
        let back = plans.into_iter().flatten().filter(|plan| plan.is_back());
        back.flat_map(|plan| &plan.fields)
            .map(|change| FieldChange {
                field: &change.to,
                before: change.before.as_deref(),
                value: &change.value,
                origin: None,
                on_create: false,
                remark: None,
            })
            .collect()
    }

    /// Remarks on fields that were not written.
    pub fn other_remarks(&self) -> Vec<&Remark> {
        let is_written = |field: &str| {
            let mut written = self.plan.iter().flat_map(Plan::written);
            written.any(|(change, _)| change.to == field)
        };
        self.remarks.iter().filter(|remark| !is_written(&remark.field)).collect()
    }

    fn remark(&self, field: &str) -> Option<&str> {
        let found = self.remarks.iter().find(|remark| remark.field == field);
        found.map(|remark| remark.remark.as_str())
    }

    /// Where the value of a written field comes from, if known.
    pub fn origin(&self, field: &str) -> Option<Origin> {
        let known = self.origins.as_ref()?;
        Some(known.get(field).cloned().unwrap_or_else(|| Origin::From(field.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an earlier version stored can still be read.
    #[test]
    fn a_stored_explanation_is_read() {
        let stored = r#"{"plan":{"decision":"capture","key":{"field":"EmailAddress","value":"a@x.y"},
            "fields":[{"to":"FirstName","value":"Asha"},{"to":"mx_City","value":"Pune","before":"Poona"}],
            "update":true,"on_create":[{"to":"Source","value":"Sync"}]},
            "origins":{"mx_City":{"from":"City"},"Source":{"by":"lead_source"}},
            "remarks":[{"field":"mx_City","remark":"It was cut."}]}"#;
        let read: Explanation = serde_json::from_str(stored).unwrap();
        let plan = read.plan.as_ref().unwrap();
        assert_eq!(plan.kind, PlanKind::Capture);
        assert_eq!(plan.fields[1].before.as_deref(), Some("Poona"));
        assert_eq!(read.origin("mx_City"), Some(Origin::From("City".to_owned())));
        assert_eq!(read.origin("Source"), Some(Origin::By(By::LeadSource)));
        assert_eq!(read.origin("FirstName"), Some(Origin::From("FirstName".to_owned())));
        assert!(plan.sentence().contains("EmailAddress a@x.y"));
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Explanation>(&written).unwrap(), read);
    }

    /// Decisions of earlier versions that read something had another form.
    #[test]
    fn the_kinds_that_were_ever_stored_are_read() {
        for stored in [
            r#"{"plan":{"decision":"look","by":{"id":"X"}}}"#,
            r#"{"plan":{"decision":"look","by":{"key":{"field":"f","value":"v"}}}}"#,
            r#"{"plan":{"decision":"freeze","tripped":[{"field":"f","in_source":true,"cycle":[]}]}}"#,
            r#"{"plan":{"decision":"skip","problem":{"code":"exists","message":"m","advice":"a"}}}"#,
            r#"{"plan":{"decision":"review","review":{}}}"#,
        ] {
            let read: Explanation = serde_json::from_str(stored).expect(stored);
            assert!(read.plan.is_some(), "{stored}");
        }
    }

    #[test]
    fn what_was_written_back_is_told_apart() {
        let change = |to: &str, value: &str| Change::new(to, crate::metadata::Kind::Text, value);
        let mut name = change("FirstName", "Usha");
        name.before = Some("Asha".to_owned());
        let back = Plan { fields: vec![name], ..Plan::new(PlanKind::UpdateSource) };
        let there = Plan { fields: vec![change("City", "Pune")], ..Plan::new(PlanKind::Update) };
        let names = |changes: Vec<FieldChange<'_>>| {
            changes.iter().map(|change| change.field.to_owned()).collect::<Vec<_>>()
        };
        let both =
            Explanation { plan: Some(there), then: Some(back.clone()), ..Explanation::default() };
        assert_eq!(names(both.changes()), ["City"]);
        assert_eq!(names(both.changes_back()), ["FirstName"]);
        assert_eq!(both.changes_back()[0].before, Some("Asha"));
        let alone = Explanation { plan: Some(back), ..Explanation::default() };
        assert_eq!(names(alone.changes()), [] as [String; 0]);
        assert_eq!(names(alone.changes_back()), ["FirstName"]);
    }

    #[test]
    fn what_can_not_be_read_says_so() {
        assert!(Explanation::read("nonsense").is_err());
        assert!(Explanation::read(r#"{"plan":{"decision":"of another version"}}"#).is_err());
    }

    #[test]
    fn every_kind_has_a_sentence() {
        for kind in PlanKind::ALL {
            assert!(Plan::new(*kind).sentence().ends_with('.'), "{kind}");
        }
    }
}
