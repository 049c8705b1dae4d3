//! The types of activities, and their fields.

use serde::Deserialize;

use crate::{Client, Reply, call::Call, scalar};

/// A type of activity: `{"ActivityEvent":206,"ActivityEventName":"Booking Created",…}` (live).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ActivityType {
    /// Its code. Custom ones begin at some 200 (client code).
    #[serde(rename = "ActivityEvent", deserialize_with = "scalar::whole")]
    pub event: Option<i64>,
    /// Its display name.
    #[serde(rename = "ActivityEventName", deserialize_with = "scalar::plain")]
    pub name: String,
}

/// The fields of a type of activity, or of one activity with their values (documented,
/// `AD/get-details-of-activity-type`, `AD/get-activity-details`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ActivityForm {
    /// The id of the type or activity.
    #[serde(default, rename = "ID", alias = "Id", deserialize_with = "scalar::text")]
    pub id: Option<String>,
    /// Its name.
    #[serde(default, deserialize_with = "scalar::plain")]
    pub name: String,
    /// The display name.
    #[serde(default, deserialize_with = "scalar::plain")]
    pub display_name: String,
    /// The fields.
    #[serde(deserialize_with = "scalar::list")]
    pub fields: Vec<ActivityFormField>,
}

/// A field of an [`ActivityForm`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ActivityFormField {
    /// `mx_Custom_1` and so on, `Status`, `Owner`.
    #[serde(deserialize_with = "scalar::plain")]
    pub schema_name: String,
    /// The display name.
    #[serde(deserialize_with = "scalar::plain")]
    pub display_name: String,
    /// The value, of one activity.
    #[serde(deserialize_with = "scalar::text")]
    pub value: Option<String>,
    /// `String`, `Number`, `Date`, `DateTime`, `Dropdown` and others (client code).
    #[serde(deserialize_with = "scalar::plain")]
    pub data_type: String,
    /// Whether it is mandatory.
    #[serde(deserialize_with = "scalar::flag")]
    pub is_mandatory: Option<bool>,
    /// Whether it is read-only.
    #[serde(deserialize_with = "scalar::flag")]
    pub is_read_only: Option<bool>,
    /// Whether forms show it.
    #[serde(deserialize_with = "scalar::flag")]
    pub show_in_form: Option<bool>,
    /// Whether several options may be chosen.
    #[serde(deserialize_with = "scalar::flag")]
    pub is_multi_select_dropdown: Option<bool>,
    /// The most characters; 200 for strings (documented sample).
    #[serde(deserialize_with = "scalar::count")]
    pub max_field_length: Option<u64>,
    /// The options of a dropdown, as JSON in a string: `[{"Text":"","Value":"Active",…}]`. See
    /// [`ActivityFormField::options`].
    #[serde(deserialize_with = "scalar::text")]
    pub option_set: Option<String>,
}

impl ActivityFormField {
    /// The values of its options, in order; empty if there are none or they can't be parsed.
    pub fn options(&self) -> Vec<String> {
        #[derive(Deserialize)]
        struct Choice {
            #[serde(default, rename = "Value", deserialize_with = "scalar::text")]
            value: Option<String>,
        }

        let text = self.option_set.as_deref().unwrap_or_default();
        let options: Vec<Choice> = serde_json::from_str(text).unwrap_or_default();
        options.into_iter().filter_map(|option| option.value).collect()
    }
}

impl Client {
    /// `ActivityTypes.Get`: the types of activities of the account, some 84 in one (live).
    pub async fn activity_types(&self) -> Reply<Vec<ActivityType>> {
        self.send(Call::get("ProspectActivity.svc/ActivityTypes.Get")).await
    }

    /// `CustomActivity/GetActivitySetting`: the fields of a type (documented,
    /// `AD/get-details-of-activity-type`).
    pub async fn activity_form(&self, event: u32) -> Reply<ActivityForm> {
        let call = Call::get("ProspectActivity.svc/CustomActivity/GetActivitySetting")
            .query("code", event.to_string());
        self.send(call).await
    }

    /// `GetActivityDetails`: the fields of one activity with their values (documented,
    /// `AD/get-activity-details`). One that was deleted or never existed is refused with
    /// `MXUnknownProspectActivityException` (live).
    pub async fn activity_details(&self, activity_id: &str) -> Reply<ActivityForm> {
        let call =
            Call::get("ProspectActivity.svc/GetActivityDetails").query("activityId", activity_id);
        self.send(call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_a_text_in_the_text() {
        let form: ActivityForm = serde_json::from_str(
            r#"{"ID":"206","Name":"Booking","Fields":[{"SchemaName":"Status","DataType":"Dropdown","MaxFieldLength":200,"OptionSet":"[{\"Text\":\"\",\"Value\":\"Active\",\"Order\":0}]"},{"SchemaName":"mx_Custom_1","OptionSet":""}]}"#,
        )
        .expect("a form");
        assert_eq!(form.fields[0].options(), ["Active"]);
        assert_eq!(form.fields[0].max_field_length, Some(200));
        assert!(form.fields[1].options().is_empty());
    }
}
