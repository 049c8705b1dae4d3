//! Values of a record that the destination's dropdown does not list.

use super::row::computed;
use super::translation::Translation;
use super::{Mapping, Row};
use crate::metadata::Kind;
use crate::payload::{Found, Item};
use crate::text;
use crate::value::{self, listed};

impl Mapping {
    /// The values of this record, as the source has them, that the destination's field of this name does
    /// not list as an option, neither as they are nor as its row translates them.
    pub fn unlisted(&self, item: &Item, field: &str) -> Vec<String> {
        let item = &self.without_placeholders(item);
        let rows = self.rows.iter().filter(|row| row.settings.to == field);
        let mut found: Vec<String> = Vec::new();
        for value in rows.flat_map(|row| self.unlisted_by(row, item)) {
            if !found.contains(&value) {
                found.push(value);
            }
        }
        found
    }

    fn unlisted_by(&self, row: &Row, item: &Item) -> Vec<String> {
        let to = row.part.as_ref().map_or(&row.to, |part| &part.field);
        let is_dropdown = matches!(to.kind, Kind::Select | Kind::MultiSelect);
        if !is_dropdown || to.options.is_empty() {
            return Vec::new();
        }
        let settings = &row.settings;
        let text = match (&settings.from, &settings.compute) {
            (_, Some(template)) => computed(template, item, &self.templates, &settings.to).ok(),
            (Some(from), None) => match item.find(from) {
                Found::Text(text) => Some(Some(text.into_owned())),
                Found::Absent | Found::Blank => None,
            },
            (None, None) => None,
        };
        let Some(text) = text.flatten().filter(|text| !text::is_blank(text)) else {
            return Vec::new();
        };
        let (values, from_kind) = (&settings.values, row.from_kind);
        let translation = Translation { values, from_kind, to };
        let whole = text::trimmed(&text).trim();
        let as_written = translation.of(whole).unwrap_or_else(|| whole.to_owned());
        if value::convert(&as_written, from_kind, to, &self.reading).is_ok() {
            return Vec::new();
        }
        if to.kind == Kind::Select {
            return vec![whole.to_owned()];
        }
        let parts = value::parts_of(whole, to).into_iter();
        let is_missing = |part: &String| {
            let part = translation.of(part).unwrap_or_else(|| part.clone());
            listed(&part, to).is_none()
        };
        parts.filter(is_missing).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::connector::Definition;
    use crate::mapping::Mapping;
    use crate::metadata::{Field, FieldList, Kind};
    use crate::payload;

    fn unlisted(kind: Kind, value: &str) -> Vec<String> {
        let settings = r#"{"name":"c","source":"a","destination":"b","lead":{"field":[
            {"from":"City","to":"City","values":{"Bombay":"Mumbai","Madras":"Chenai"}}]}}"#;
        let definition: Definition = serde_json::from_str(settings).unwrap();
        let here: FieldList = vec![Field::plain("City", Kind::Text)].into();
        let options = ["Mumbai", "Pune"].map(str::to_owned).to_vec();
        let there: FieldList = vec![Field { options, ..Field::plain("City", kind) }].into();
        let mapping = Mapping::new(&definition, &here.into(), &there.into());
        let body = serde_json::json!({"ProspectID": "x", "City": value}).to_string();
        let item = payload::read(body.as_bytes(), None).unwrap().remove(0).unwrap();
        assert!(mapping.unlisted(&item, "Other").is_empty());
        mapping.unlisted(&item, "City")
    }

    #[test]
    fn a_value_of_a_dropdown_is_listed_or_translated() {
        for (value, expected) in [
            ("Pune", &[][..]),
            ("pune", &[]),
            ("Bombay", &[]),
            ("Madras", &["Madras"]),
            (" Agra ", &["Agra"]),
            ("", &[]),
        ] {
            assert_eq!(unlisted(Kind::Select, value), expected, "{value}");
        }
        assert!(unlisted(Kind::Text, "Agra").is_empty());
    }

    #[test]
    fn of_several_options_those_that_are_not_listed_are_found() {
        assert_eq!(unlisted(Kind::MultiSelect, "Pune;Agra;Bombay"), ["Agra"]);
        assert_eq!(unlisted(Kind::MultiSelect, "Agra;Goa"), ["Agra", "Goa"]);
        assert!(unlisted(Kind::MultiSelect, "Pune;Mumbai").is_empty());
    }
}
