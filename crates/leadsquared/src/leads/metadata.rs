//! The fields of an account's leads.

use serde::{Deserialize, Deserializer};

use crate::{Client, Reply, call::Call, scalar};

/// Whether [`Client::lead_fields`] returns the options of dropdowns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionSets {
    /// It does.
    Included,
    /// It does not (`excludeOptionSets=1`), which is far less data.
    Excluded,
}

/// A field of leads (documented, `AD/get-lead-field-properties`). What an account omits is `None`
/// or empty. Fields differ from account to account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct LeadField {
    /// The name that requests use; custom ones begin with `mx_`.
    #[serde(deserialize_with = "scalar::plain")]
    pub schema_name: String,
    /// The display name.
    #[serde(deserialize_with = "scalar::plain")]
    pub display_name: String,
    /// `Text`, `Number`, `Email`, `Phone`, `Website`, `Date`, `Time`, `Select`, `Boolean`
    /// (documented, `AD/create-custom-lead-field`) and, among others, `DateTime`, `MultiSelect`,
    /// `SearchableDropdown`, `ActiveUsers`, `CustomObject`, `File` (client code).
    #[serde(deserialize_with = "scalar::plain")]
    pub data_type: String,
    /// The control that shows it: 6 Phone, 13 Dropdown (documented), 1 TextArea, 21 Time, 25 HTML
    /// (client code).
    #[serde(deserialize_with = "scalar::whole")]
    pub render_type: Option<i64>,
    /// The control's name, such as `Dropdown`, `Date` or `DateTime`.
    #[serde(deserialize_with = "scalar::text")]
    pub render_type_text_value: Option<String>,
    /// 1 for system fields (documented), 2 for custom ones (inferred).
    #[serde(deserialize_with = "scalar::whole")]
    pub entity_attribute_type: Option<i64>,
    /// Whether creates need it, also through the API.
    #[serde(deserialize_with = "scalar::flag")]
    pub is_mandatory: Option<bool>,
    /// The most characters.
    #[serde(deserialize_with = "scalar::count")]
    pub max_length: Option<u64>,
    /// The minimum: of characters for phones (documented sample), else of the value (inferred).
    #[serde(deserialize_with = "scalar::text")]
    pub range_min: Option<String>,
    /// Digits of a number (client code).
    #[serde(deserialize_with = "scalar::count")]
    pub precision: Option<u64>,
    /// Digits after the point (client code).
    #[serde(deserialize_with = "scalar::count")]
    pub scale: Option<u64>,
    /// Whether no two leads may have the same value. Not in the documented sample (client code);
    /// `is_lead_identifier` is the closest there.
    #[serde(deserialize_with = "scalar::flag")]
    pub is_unique: Option<bool>,
    /// Whether it identifies a lead.
    #[serde(deserialize_with = "scalar::flag")]
    pub is_lead_identifier: Option<bool>,
    /// Whether it is read-only (client code).
    #[serde(deserialize_with = "scalar::flag")]
    pub is_read_only: Option<bool>,
    /// Whether it is locked once the lead exists: 0 no, 1 yes, 2 always no (client code).
    #[serde(deserialize_with = "scalar::whole")]
    pub lock_after_create: Option<i64>,
    /// Whether forms show it.
    #[serde(deserialize_with = "scalar::flag")]
    pub is_visible: Option<bool>,
    /// Whether searches include it.
    #[serde(deserialize_with = "scalar::flag")]
    pub is_searchable: Option<bool>,
    /// Whether imports offer it.
    #[serde(deserialize_with = "scalar::flag")]
    pub show_in_import: Option<bool>,
    /// Its default.
    #[serde(deserialize_with = "scalar::text")]
    pub default_value: Option<String>,
    /// The field on which its options depend (client code).
    #[serde(deserialize_with = "scalar::text")]
    pub parent_field: Option<String>,
    /// A description.
    #[serde(deserialize_with = "scalar::text")]
    pub description: Option<String>,
    /// The options of a dropdown. The API accepts other values too and stores them, although they
    /// can't be chosen or filtered by in the UI (live).
    #[serde(deserialize_with = "options")]
    pub options: Vec<String>,
    /// The parts of a custom field set (the name is from client code; the shape, `{"Fields":[…]}`
    /// with fields like these, is a guess, and any other shape is read as no parts).
    #[serde(rename = "CustomObjectMetaData", deserialize_with = "parts")]
    pub parts: Vec<Self>,
}

impl LeadField {
    /// Whether the account added it: custom schema names begin with `mx_` (documented).
    pub fn is_custom(&self) -> bool {
        self.schema_name.starts_with("mx_")
    }
}

/// `[{"Value":"OT_0"},…]`, or null.
fn options<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    struct Choice {
        #[serde(default, rename = "Value", deserialize_with = "scalar::text")]
        value: Option<String>,
    }

    let options: Vec<Choice> = scalar::list(deserializer)?;
    Ok(options.into_iter().filter_map(|option| option.value).collect())
}

/// The `Fields` of an object, or of a text that holds one; no shape of it fails the metadata.
fn parts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<LeadField>, D::Error> {
    #[derive(Deserialize)]
    struct Parts {
        #[serde(rename = "Fields")]
        fields: Vec<LeadField>,
    }

    let text = scalar::text(deserializer)?;
    let parts = text.and_then(|text| serde_json::from_str::<Parts>(&text).ok());
    Ok(parts.map(|parts| parts.fields).unwrap_or_default())
}

impl Client {
    /// `LeadsMetaData.Get`: the fields of leads, all or the one with this schema name (documented,
    /// `AD/meta-data`, `AD/get-lead-field-properties`).
    pub async fn lead_fields(
        &self,
        schema_name: Option<&str>,
        option_sets: OptionSets,
    ) -> Reply<Vec<LeadField>> {
        let mut call = Call::get("LeadManagement.svc/LeadsMetaData.Get");
        if let Some(name) = schema_name {
            call = call.query("schemaName", name);
        }
        if option_sets == OptionSets::Excluded {
            call = call.query("excludeOptionSets", "1");
        }
        self.send(call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_sample_is_read() {
        let field: LeadField = serde_json::from_str(
            r#"{"Entity":"1","SchemaName":"Phone","DisplayName":"Phone Number","DataType":"Phone","IsMandatory":false,"MaxLength":"10","EntityAttributeType":1,"RenderType":6,"RenderTypeTextValue":"Phone","RangeMin":"10","CreatedOn":"/Date(1417453996000+0000)/","IsLeadIdentifier":true,"LockAfterCreate":1,"Options":null}"#,
        )
        .expect("a field");
        assert_eq!(field.max_length, Some(10));
        assert_eq!(field.render_type, Some(6));
        assert_eq!(field.is_lead_identifier, Some(true));
        assert_eq!(field.is_unique, None);
        assert_eq!(field.lock_after_create, Some(1));
        assert!(!field.is_custom());
    }

    #[test]
    fn the_parts_of_a_custom_field_set_are_read_where_they_are_told() {
        let parts = |told: &str| {
            let field = format!(
                r#"{{"SchemaName":"mx_KYC","DataType":"CustomObject","CustomObjectMetaData":{told}}}"#
            );
            let field: LeadField = serde_json::from_str(&field).expect("a field");
            let names = field.parts.into_iter().map(|part| (part.schema_name, part.data_type));
            names.collect::<Vec<_>>()
        };
        let told = r#"{"Fields":[{"SchemaName":"mx_CustomObject_1","DataType":"Phone"}]}"#;
        let expected = [("mx_CustomObject_1".to_owned(), "Phone".to_owned())];
        assert_eq!(parts(told), expected);
        assert_eq!(parts(&serde_json::to_string(told).expect("a text")), expected);
        for other in ["null", "\"\"", "[]", "7", r#"{"Fields":7}"#, r#"{"Other":[]}"#] {
            assert_eq!(parts(other), [], "{other}");
        }
    }

    #[test]
    fn other_types_of_scalars_are_read_too() {
        let field: LeadField = serde_json::from_str(
            r#"{"SchemaName":"mx_City","MaxLength":200,"IsMandatory":"1","RenderType":"13","Options":[{"Value":"OT_0"},{"Value":1},{}]}"#,
        )
        .expect("a field");
        assert_eq!(field.max_length, Some(200));
        assert_eq!(field.is_mandatory, Some(true));
        assert_eq!(field.render_type, Some(13));
        assert_eq!(field.options, ["OT_0", "1"]);
        assert!(field.is_custom());
    }
}
