//! Writing one activity.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{Client, LeadWrite, Reply, Written, call::Call, time::to_wire};

/// One value of an activity: `{"SchemaName":"mx_Custom_1","Value":"…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActivityField<'a> {
    /// `mx_Custom_1` and so on, `Status` or `Owner` (a user's id). The meaning of a slot differs
    /// from type to type: see [`Client::activity_form`].
    #[serde(rename = "SchemaName")]
    pub name: Cow<'a, str>,
    /// The value as text; instants in UTC by [`crate::to_wire`].
    #[serde(rename = "Value")]
    pub value: Cow<'a, str>,
    /// The parts of a custom field set (documented, `AD/create-lead-and-activity`); empty for every
    /// other field. That these are also named by `SchemaName` is a guess.
    #[serde(rename = "Fields", skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<ActivityField<'a>>,
}

impl<'a> ActivityField<'a> {
    /// A value.
    pub fn new(name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        Self { name: name.into(), value: value.into(), fields: Vec::new() }
    }
}

/// What to write to an activity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityWrite<'a> {
    /// The code of its type, as [`Client::activity_types`] lists them. An unknown one is refused
    /// with `MXInvalidActivityException` (live).
    pub event: u32,
    /// `ActivityNote`.
    pub note: Option<Cow<'a, str>>,
    /// `ActivityDateTime`, in whole seconds; now if left out.
    pub at: Option<Timestamp>,
    /// `ActivityOwnerEmail`: the user who owns it. Documented for bulk calls only; `Owner` among
    /// the fields works for all calls.
    pub owner_email: Option<Cow<'a, str>>,
    /// The values.
    pub fields: Vec<ActivityField<'a>>,
    /// Sends `"ValidateDropDownOptions":true`, which, despite its name, *skips* the check that a
    /// dropdown's value is one of its options (documented, `AD/post-an-activity-to-lead`).
    pub any_dropdown_value: bool,
}

/// An activity as it is sent: one key that identifies the lead or activity, and the rest.
pub(crate) struct Keyed<'a> {
    pub key: Option<(&'static str, &'a str)>,
    pub activity: &'a ActivityWrite<'a>,
}

impl Serialize for Keyed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let activity = self.activity;
        let mut map = serializer.serialize_map(None)?;
        if let Some((name, value)) = self.key {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry("ActivityEvent", &activity.event)?;
        if let Some(note) = &activity.note {
            map.serialize_entry("ActivityNote", note)?;
        }
        if let Some(at) = activity.at {
            map.serialize_entry("ActivityDateTime", &to_wire(at))?;
        }
        if let Some(email) = &activity.owner_email {
            map.serialize_entry("ActivityOwnerEmail", email)?;
        }
        if activity.any_dropdown_value {
            map.serialize_entry("ValidateDropDownOptions", &true)?;
        }
        map.serialize_entry("Fields", &activity.fields)?;
        map.end()
    }
}

impl Client {
    /// `Create`: adds an activity to a lead (documented, `AD/post-an-activity-to-lead`). Returns
    /// the `Id` of the activity. A repeated call creates a second activity.
    pub async fn create_activity(
        &self,
        lead_id: &str,
        activity: &ActivityWrite<'_>,
    ) -> Reply<Written> {
        let body = Keyed { key: Some(("RelatedProspectId", lead_id)), activity };
        self.send(Call::write("ProspectActivity.svc/Create", &body)).await
    }

    /// `CreateCustom`: creates or updates a lead, found by [`LeadWrite::search_by`], and adds an
    /// activity to it (documented, `AD/create-lead-and-activity`).
    ///
    /// The shape of the response is a guess: any subset of [`Written`]. The sandbox has no switch
    /// yet for which ids it contains.
    pub async fn create_lead_and_activity(
        &self,
        lead: &LeadWrite<'_>,
        activity: &ActivityWrite<'_>,
    ) -> Reply<Written> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Body<'a> {
            lead_details: &'a LeadWrite<'a>,
            activity: Keyed<'a>,
        }

        let body = Body { lead_details: lead, activity: Keyed { key: None, activity } };
        self.send(Call::write("ProspectActivity.svc/CreateCustom", &body)).await
    }

    /// `CustomActivity/Update`: changes the note and fields of an activity (documented,
    /// `AD/update-activity`). Its event must be that of the activity, and its time can't be
    /// changed.
    pub async fn update_activity(
        &self,
        activity_id: &str,
        activity: &ActivityWrite<'_>,
    ) -> Reply<Written> {
        let body = Keyed { key: Some(("ProspectActivityId", activity_id)), activity };
        self.send(Call::write("ProspectActivity.svc/CustomActivity/Update", &body)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activity_is_keyed() {
        let activity = ActivityWrite {
            event: 201,
            note: Some("A note".into()),
            at: Some("2015-10-11T12:13:44Z".parse().expect("a timestamp")),
            fields: vec![ActivityField::new("mx_Custom_1", "x")],
            any_dropdown_value: true,
            ..ActivityWrite::default()
        };
        let keyed = Keyed { key: Some(("RelatedProspectId", "a")), activity: &activity };
        assert_eq!(
            serde_json::to_string(&keyed).expect("JSON"),
            r#"{"RelatedProspectId":"a","ActivityEvent":201,"ActivityNote":"A note","ActivityDateTime":"2015-10-11 12:13:44","ValidateDropDownOptions":true,"Fields":[{"SchemaName":"mx_Custom_1","Value":"x"}]}"#
        );
    }
}
