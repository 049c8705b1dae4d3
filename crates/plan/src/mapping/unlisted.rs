//! Values of dropdowns that the mapping has no option for.

use std::borrow::Cow;

use super::{Mapping, Row, row};
use crate::metadata::Kind;
use crate::payload::{Found, Item};
use crate::text;
use crate::value;

/// A value of the source that is neither translated nor an option of the destination's dropdown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnlistedValue {
    /// The destination's field, or the part of one, as the row names it.
    pub to: String,
    /// The value as the source sends it.
    pub value: String,
}

impl Mapping {
    /// The values of a record that the destination's dropdowns don't list and no row translates.
    pub fn unlisted(&self, item: &Item) -> Vec<UnlistedValue> {
        let plain = self.without_placeholders(item);
        let rows = self.rows.iter().filter(|row| !row.field().options.is_empty());
        rows.flat_map(|row| row.unlisted(&plain, self)).collect()
    }
}

impl Row {
    fn unlisted(&self, item: &Item, mapping: &Mapping) -> Vec<UnlistedValue> {
        let text = match (&self.settings.from, &self.settings.compute) {
            (_, Some(template)) => {
                let computed = row::computed(template, item, &mapping.templates, &self.settings.to);
                computed.ok().flatten().map(Cow::Owned)
            }
            (Some(from), None) => match item.find(from) {
                Found::Text(text) => Some(text),
                Found::Absent | Found::Blank => None,
            },
            (None, None) => None,
        };
        let Some(text) = text.filter(|text| !text::is_blank(text)) else { return Vec::new() };
        let field = self.field();
        let translated = self.translated(&text);
        let said = translated.as_deref().unwrap_or(&text);
        if value::convert(said, self.from_kind, field, &mapping.reading).is_ok() {
            return Vec::new();
        }
        let values = match field.kind {
            // A translation to something unlisted is an error of the row, not a missing entry.
            Kind::Select if translated.is_none() => vec![text.trim().to_owned()],
            Kind::MultiSelect => {
                let sent = value::unlisted(said, field).unwrap_or_default();
                let parts = sent.split(value::SEPARATOR).map(str::trim);
                let is_unlisted = |part: &&str| {
                    !part.is_empty()
                        && value::listed(part, field).is_none()
                        && !self.settings.values.values().any(|to| to == part)
                };
                parts.filter(is_unlisted).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let to = &self.settings.to;
        values.into_iter().map(|value| UnlistedValue { to: to.clone(), value }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::Definition;
    use crate::metadata::{Field, FieldList};
    use crate::payload;

    #[test]
    fn what_is_neither_listed_nor_translated_is_found() {
        let choice = |name: &str, kind, options: &[&str]| Field {
            options: options.iter().map(|&option| option.to_owned()).collect(),
            ..Field::plain(name, kind)
        };
        let here: FieldList = ["mx_Plan", "mx_Stage", "mx_Likes", "mx_Free"]
            .map(|name| Field::plain(name, Kind::Text))
            .to_vec()
            .into();
        let there: FieldList = vec![
            choice("mx_Plan", Kind::Select, &["Basic", "Plus"]),
            choice("mx_Stage", Kind::Select, &["Won"]),
            choice("mx_Likes", Kind::MultiSelect, &["Tea", "Coffee"]),
            choice("mx_Free", Kind::Select, &[]),
        ]
        .into();
        let definition: Definition = serde_json::from_str(
            r#"{"name":"c","source":"a","destination":"b","lead":{"automatic":true,"field":[
                {"from":"mx_Stage","to":"mx_Stage","values":{"Closed":"Won","Odd":"Nothing"}}]}}"#,
        )
        .unwrap();
        let mapping = Mapping::new(&definition, &here.into(), &there.into());
        let found = |plan: &str, stage: &str, likes: &str| -> Vec<(String, String)> {
            let body = serde_json::json!({"After": {"ProspectID": "1", "mx_Plan": plan,
                "mx_Stage": stage, "mx_Likes": likes, "mx_Free": "anything"}});
            let item = payload::read(body.to_string().as_bytes(), None).unwrap().remove(0).unwrap();
            mapping.unlisted(&item).into_iter().map(|one| (one.to, one.value)).collect()
        };
        assert_eq!(found("basic", "closed", "Tea;Coffee"), []);
        let one = |to: &str, value: &str| (to.to_owned(), value.to_owned());
        assert_eq!(
            found("Gold", "Lost", "Tea;Cocoa"),
            [one("mx_Likes", "Cocoa"), one("mx_Plan", "Gold"), one("mx_Stage", "Lost")]
        );
        assert_eq!(found("", "Odd", ""), [], "the row itself is wrong there");
    }
}
