//! What was decided about a record and why, as the dispatcher stores it.

use std::collections::BTreeMap;

use plan::problem::Problem;
use serde::{Deserialize, Serialize};

/// What the log keeps about a decision. What is not known here is left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Explanation {
    pub(crate) plan: Plan,
    /// What was decided after the plan was carried out: the write back to the source.
    then: Option<Plan>,
    /// Fields that the two sides did not agree about.
    pub(crate) disputes: Vec<Dispute>,
    /// The origin of written values, by field; a field that is not listed comes from the source's
    /// field of the same name. `None`: not known.
    origins: Option<BTreeMap<String, Origin>>,
    /// The sentence, if nothing had to be written.
    pub(crate) why: Option<String>,
    pub(crate) left_out: Vec<Problem>,
    pub(crate) remarks: Vec<Remark>,
    pub(crate) looked_because: Option<String>,
}

/// [`plan::decide::Decision`], as it was stored.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Plan {
    pub(crate) decision: String,
    fields: Vec<Written>,
    on_create: Vec<Written>,
    key: Option<Key>,
    update: bool,
    lead_id: Option<String>,
    activity_id: Option<String>,
    pub(crate) problems: Vec<Problem>,
}

/// [`plan::decide::Dispute`], as it was stored.
#[derive(Debug, Deserialize)]
pub(crate) struct Dispute {
    pub(crate) field: String,
    pub(crate) source: String,
    pub(crate) destination: String,
    ruling: String,
}

impl Dispute {
    /// The ruling, in a sentence.
    pub(crate) fn sentence(&self) -> &'static str {
        match self.ruling.as_str() {
            "source" => "The source's value was written to the destination.",
            "destination" => "The destination's value was written to the source.",
            "left" => "Both keep what they hold: they met for the first time.",
            "waits" => "Both keep what they hold until a person decides.",
            "frozen" => "Both keep what they hold: the field went back and forth.",
            _ => "",
        }
    }
}

#[derive(Debug, Deserialize)]
struct Key {
    field: String,
    value: String,
}

#[derive(Debug, Deserialize)]
struct Written {
    to: String,
    value: String,
    before: Option<String>,
}

/// A remark on the conversion of a field.
#[derive(Debug, Deserialize)]
pub(crate) struct Remark {
    pub(crate) field: String,
    pub(crate) remark: String,
}

/// The origin of a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// The source's field of this name.
    From(String),
    /// Something else.
    By(By),
}

/// The origin of a value that is not a field of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// A row's template.
    Computed,
    /// A row's default value.
    Default,
    /// The connector's Lead Source.
    LeadSource,
}

impl By {
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::Computed => "computed by the row's template",
            Self::Default => "the row's default value",
            Self::LeadSource => "the connector's Lead Source, for new leads",
        }
    }
}

/// A field that was written.
#[derive(Debug)]
pub(crate) struct FieldChange<'a> {
    pub(crate) field: &'a str,
    pub(crate) before: Option<&'a str>,
    pub(crate) value: &'a str,
    pub(crate) origin: Option<Origin>,
    /// Only a new lead got it.
    pub(crate) on_create: bool,
    /// A remark on its conversion.
    pub(crate) remark: Option<&'a str>,
}

impl Plan {
    /// Whether it writes to the source.
    fn is_back(&self) -> bool {
        self.decision == "update_source"
    }
}

impl Explanation {
    /// Parses the text; empty if it can't be read.
    pub(crate) fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The fields of the destination that were going to be written.
    pub(crate) fn changes(&self) -> Vec<FieldChange<'_>> {
        if self.plan.is_back() {
            return Vec::new();
        }
        let fields = self.plan.fields.iter().map(|written| (written, false));
        let all = fields.chain(self.plan.on_create.iter().map(|written| (written, true)));
        all.map(|(written, on_create)| FieldChange {
            field: &written.to,
            before: written.before.as_deref(),
            value: &written.value,
            origin: self.origin(&written.to),
            on_create,
            remark: self.remark(&written.to),
        })
        .collect()
    }

    /// The fields of the source that were going to be written: what the destination had changed.
    pub(crate) fn changes_back(&self) -> Vec<FieldChange<'_>> {
        let plans = [Some(&self.plan), self.then.as_ref()];
        let back = plans.into_iter().flatten().filter(|plan| plan.is_back());
        back.flat_map(|plan| &plan.fields)
            .map(|written| FieldChange {
                field: &written.to,
                before: written.before.as_deref(),
                value: &written.value,
                origin: None,
                on_create: false,
                remark: None,
            })
            .collect()
    }

    fn remark(&self, field: &str) -> Option<&str> {
        let found = self.remarks.iter().find(|remark| remark.field == field);
        found.map(|remark| remark.remark.as_str())
    }

    /// Remarks on fields that were not written.
    pub(crate) fn other_remarks(&self) -> Vec<&Remark> {
        let written = |field: &str| {
            let mut all = self.plan.fields.iter().chain(&self.plan.on_create);
            all.any(|written| written.to == field)
        };
        self.remarks.iter().filter(|remark| !written(&remark.field)).collect()
    }

    fn origin(&self, field: &str) -> Option<Origin> {
        let known = self.origins.as_ref()?;
        Some(known.get(field).cloned().unwrap_or_else(|| Origin::From(field.to_owned())))
    }

    /// The decision, in a sentence.
    pub(crate) fn sentence(&self) -> Option<String> {
        let plan = &self.plan;
        let key = plan.key.as_ref().map(|key| format!("{} {}", key.field, key.value));
        let key = key.unwrap_or_else(|| "its search key".to_owned());
        let of = |id: &Option<String>| id.clone().unwrap_or_default();
        let sentence = match plan.decision.as_str() {
            "refuse" => "Not to write it, because of what is wrong with it.".to_owned(),
            "skip" => "To leave it alone, as the settings say.".to_owned(),
            "unchanged" => match &self.why {
                Some(why) => format!("Nothing had to be written: {why}"),
                None => "Nothing had to be written.".to_owned(),
            },
            "read_source" => "To read the lead from the source first.".to_owned(),
            "read_activity" => "To read the activity from the source first.".to_owned(),
            "look" | "look_activity" => "To look into the destination first.".to_owned(),
            "capture" if plan.update => {
                format!("To update the lead with {key}, or to create it if there is none.")
            }
            "capture" => format!("To create the lead, unless there is one with {key}."),
            "update_source" => {
                "To write back to the source what the destination changed.".to_owned()
            }
            "adopt" => format!(
                "To take the lead {} for the one that an earlier attempt made.",
                of(&plan.lead_id)
            ),
            "freeze" => "To leave fields alone that go back and forth.".to_owned(),
            "update" => format!("To update the lead {} where it differs.", of(&plan.lead_id)),
            "read_other" => {
                "To read the other lead of the source first that its match is linked to.".to_owned()
            }
            "create" => "To create the lead, as a person decided.".to_owned(),
            "review" => "To ask a person.".to_owned(),
            "create_activity" => format!("To add the activity to the lead {}.", of(&plan.lead_id)),
            "update_activity" => format!("To update the activity {}.", of(&plan.activity_id)),
            _ => return None,
        };
        Some(sentence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_back_is_told_apart() {
        use plan::decide::{Change, Decision, Dispute, Ruling};
        use plan::metadata::Kind;
        let mut name = Change::new("FirstName", Kind::Text, "Usha");
        name.before = Some("Asha".to_owned());
        let back = Decision::UpdateSource { lead_id: "here".to_owned(), fields: vec![name] };
        let city = vec![Change::new("City", Kind::Text, "Pune")];
        let there = Decision::Update { lead_id: "there".to_owned(), fields: city };
        let dispute = Dispute {
            field: "FirstName".to_owned(),
            source: "Asha".to_owned(),
            destination: "Usha".to_owned(),
            ruling: Ruling::Destination,
        };
        let names = |changes: Vec<FieldChange<'_>>| {
            changes.iter().map(|change| change.field.to_owned()).collect::<Vec<_>>()
        };
        let both = serde_json::json!({ "plan": there, "then": back, "disputes": [dispute] });
        let read = Explanation::read(&both.to_string());
        assert_eq!(names(read.changes()), ["City"]);
        assert_eq!(names(read.changes_back()), ["FirstName"]);
        assert_eq!(read.changes_back()[0].before, Some("Asha"));
        assert!(read.disputes[0].sentence().contains("written to the source"));
        let alone = Explanation::read(&serde_json::json!({ "plan": back }).to_string());
        assert_eq!(names(alone.changes()), [] as [String; 0]);
        assert_eq!(names(alone.changes_back()), ["FirstName"]);
        assert!(alone.sentence().unwrap().contains("back to the source"));
        for ruling in Ruling::ALL {
            let told = serde_json::json!({ "disputes": [{ "field": "f", "source": "a",
                "destination": "b", "ruling": ruling }] });
            let read = Explanation::read(&told.to_string());
            assert!(!read.disputes[0].sentence().is_empty(), "{ruling}");
        }
    }

    #[test]
    fn what_the_dispatcher_writes_is_read() {
        use plan::decide::{Change, Decision};
        use plan::identity::Key;
        use plan::metadata::Kind;
        let key =
            Key { field: "EmailAddress".into(), kind: Kind::Email, value: "a@x.y".to_owned() };
        let mut city = Change::new("mx_City", Kind::Text, "Pune");
        city.before = Some("Poona".to_owned());
        let decision = Decision::Capture {
            key,
            fields: vec![Change::new("FirstName", Kind::Text, "Asha"), city],
            update: true,
            on_create: vec![Change::new("Source", Kind::Text, "Sync")],
        };
        let told = serde_json::json!({
            "plan": decision,
            "origins": { "mx_City": { "from": "City" }, "Source": { "by": "lead_source" } },
            "remarks": [
                { "field": "mx_City", "remark": "It was cut." },
                { "field": "Phone", "remark": "It has no country." },
            ],
        });
        let read = Explanation::read(&told.to_string());
        let told: Vec<_> =
            read.changes().into_iter().map(|c| (c.field, c.before, c.value, c.on_create)).collect();
        assert_eq!(
            told,
            [
                ("FirstName", None, "Asha", false),
                ("mx_City", Some("Poona"), "Pune", false),
                ("Source", None, "Sync", true),
            ]
        );
        let origins: Vec<_> = read.changes().into_iter().filter_map(|c| c.origin).collect();
        assert_eq!(
            origins,
            [
                Origin::From("FirstName".to_owned()),
                Origin::From("City".to_owned()),
                Origin::By(By::LeadSource),
            ]
        );
        assert_eq!(read.changes()[1].remark, Some("It was cut."));
        assert_eq!(read.other_remarks()[0].field, "Phone");
        assert!(read.sentence().unwrap().contains("EmailAddress a@x.y"));
        let nothing = Explanation::read("nonsense");
        assert!(nothing.sentence().is_none() && nothing.changes().is_empty());
    }
}
