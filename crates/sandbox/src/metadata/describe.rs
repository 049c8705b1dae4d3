//! The JSON of `LeadsMetaData.Get`.

use super::{Field, Role, Setup};
use serde::Serialize;

#[derive(Serialize)]
struct FieldOption<'a> {
    #[serde(rename = "Value")]
    value: &'a str,
}

/// One field as `LeadsMetaData.Get` shows it (apidocs.leadsquared.com/get-lead-field-properties).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_excessive_bools, reason = "the API's own shape")]
pub(crate) struct Described<'a> {
    entity: &'static str,
    schema_name: &'a str,
    display_name: &'a str,
    data_type: &'static str,
    is_mandatory: bool,
    max_length: Option<String>,
    entity_attribute_id: String,
    name: &'a str,
    description: &'a str,
    entity_attribute_type: u8,
    render_type: u8,
    render_type_text_value: &'static str,
    is_visible: bool,
    is_searchable: bool,
    show_in_mail_merge: bool,
    range_min: Option<String>,
    allow_multiple: bool,
    show_in_import: bool,
    show_in_quick_add: bool,
    show_in_quick_search: bool,
    #[serde(rename = "Txt_Row")]
    txt_row: u8,
    #[serde(rename = "Txt_Col")]
    txt_col: u8,
    #[serde(rename = "OwnerID")]
    owner_id: &'a str,
    created_by: &'a str,
    created_on: &'static str,
    modified_by: &'a str,
    modified_on: &'static str,
    owner_id_name: &'static str,
    created_by_name: &'static str,
    modified_by_name: &'static str,
    is_lead_identifier: bool,
    is_unique: bool,
    is_read_only: bool,
    lock_after_create: u8,
    use_in_lead_clone: bool,
    is_sortable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Vec<FieldOption<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_object_meta_data: Option<Parts<'a>>,
}

/// The fields of a custom field set. The shape is a guess: only the key's name is known.
#[derive(Serialize)]
struct Parts<'a> {
    #[serde(rename = "Fields")]
    fields: Vec<Part<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Part<'a> {
    schema_name: &'a str,
    data_type: &'static str,
}

/// The description of every field, or of the one with this name.
pub(crate) fn described<'a>(
    setup: &'a Setup,
    schema_name: Option<&str>,
    with_options: bool,
) -> Vec<Described<'a>> {
    setup
        .order
        .iter()
        .map(|&no| (no, setup.field(no)))
        .filter(|(_, field)| schema_name.is_none_or(|wanted| wanted == &*field.schema_name))
        .map(|(no, field)| one(setup, no, field, with_options))
        .collect()
}

fn one<'a>(setup: &'a Setup, no: u16, field: &'a Field, with_options: bool) -> Described<'a> {
    let (render_type, render_type_text_value) = field.kind.render();
    let system = &*setup.users[0].id;
    Described {
        entity: "1",
        schema_name: &field.schema_name,
        display_name: &field.display_name,
        data_type: field.kind.data_type(),
        is_mandatory: field.mandatory,
        max_length: field.max_length.map(|length| length.to_string()),
        entity_attribute_id: format!("{no:08x}-2222-4222-8222-222222222222"),
        name: &field.schema_name,
        description: &field.display_name,
        entity_attribute_type: if field.is_custom() { 2 } else { 1 },
        render_type,
        render_type_text_value,
        is_visible: true,
        is_searchable: true,
        show_in_mail_merge: true,
        range_min: None,
        allow_multiple: field.kind == super::Kind::MultiSelect,
        show_in_import: field.role == Role::Stored,
        show_in_quick_add: false,
        show_in_quick_search: field.unique,
        txt_row: 0,
        txt_col: 0,
        owner_id: system,
        created_by: system,
        created_on: "/Date(1417453996000+0000)/",
        modified_by: system,
        modified_on: "/Date(1457006650000+0000)/",
        owner_id_name: "System",
        created_by_name: "System",
        modified_by_name: "System",
        is_lead_identifier: field.unique,
        is_unique: field.unique,
        is_read_only: field.role != Role::Stored,
        lock_after_create: if field.role == Role::Stored { 0 } else { 2 },
        use_in_lead_clone: false,
        is_sortable: true,
        default_value: field.default.as_deref(),
        options: (with_options && field.kind.has_options())
            .then(|| field.options.iter().map(|value| FieldOption { value }).collect()),
        custom_object_meta_data: (!field.parts.is_empty()).then(|| Parts {
            fields: field
                .parts
                .iter()
                .map(|(name, kind)| Part { schema_name: name, data_type: kind.data_type() })
                .collect(),
        }),
    }
}
