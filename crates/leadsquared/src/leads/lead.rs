//! Reading a lead's JSON.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use crate::{
    Fields,
    scalar::{self, Text},
};

/// Attributes about the query or the caller, not the lead: they would look like changes (live).
const PSEUDO_ATTRIBUTES: [&str; 2] = ["Total", "CanUpdate"];

/// A lead: its fields by schema name, in the order in which they were received.
///
/// Both shapes are read: the flat object of `Leads.GetById` and the like (documented,
/// `AD/get-lead-by-phone`), and `{"LeadPropertyList":[{"Attribute","Value"}]}` of
/// `Leads.RecentlyModified` (documented, `AD/get-leads-by-date-range`). The pseudo attributes
/// `Total` and `CanUpdate` are dropped.
///
/// A custom field set is the JSON text of an object, as flat leads have it (client code); where a
/// property list has an array `Fields` and no value, it is turned into the same text (guess; the
/// sandbox has no switch for it yet).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lead {
    /// The fields.
    pub fields: Fields,
}

impl Lead {
    /// The lead's `ProspectID`, spelt `ProspectId` in some responses.
    pub fn id(&self) -> Option<&str> {
        self.get("ProspectID").or_else(|| self.get("ProspectId"))
    }

    /// The value of a field; `None` if it is null or absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }
}

impl<'de> Deserialize<'de> for Lead {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LeadVisitor)
    }
}

struct LeadVisitor;

impl<'de> Visitor<'de> for LeadVisitor {
    type Value = Lead;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a lead")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lead, A::Error> {
        let mut fields = Fields::default();
        let mut keep = |name: String, value| {
            if !PSEUDO_ATTRIBUTES.contains(&name.as_str()) {
                fields.push(name, value);
            }
        };
        while let Some(name) = map.next_key::<String>()? {
            if name == "LeadPropertyList" {
                for property in map.next_value::<Option<Vec<Property>>>()?.unwrap_or_default() {
                    let value = property.value();
                    keep(property.attribute, value);
                }
            } else {
                keep(name, map.next_value::<Text>()?.0);
            }
        }
        Ok(Lead { fields })
    }
}

#[derive(Deserialize)]
struct Property {
    #[serde(rename = "Attribute")]
    attribute: String,
    #[serde(default, rename = "Value", deserialize_with = "scalar::text")]
    value: Option<String>,
    #[serde(default, rename = "Fields", deserialize_with = "scalar::list")]
    fields: Vec<Property>,
}

impl Property {
    fn value(&self) -> Option<String> {
        if self.fields.is_empty() || self.value.as_deref().is_some_and(|value| !value.is_empty()) {
            return self.value.clone();
        }
        let set: Fields = self
            .fields
            .iter()
            .map(|field| (field.attribute.clone(), field.value.clone()))
            .collect();
        Some(serde_json::to_string(&set).expect("an object of strings"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Lead {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn both_shapes_read_alike() {
        let flat = read(
            r#"{"ProspectID":"a","Score":54,"Phone":null,"Total":"9","mx_Set":"{\"Status\":\"Pending\"}"}"#,
        );
        let listed = read(
            r#"{"LeadPropertyList":[{"Attribute":"ProspectID","Value":"a"},
                {"Attribute":"Score","Value":"54"},{"Attribute":"Phone","Value":null},
                {"Attribute":"CanUpdate","Value":"true"},
                {"Attribute":"mx_Set","Value":"","Fields":[{"Attribute":"Status","Value":"Pending"}]}]}"#,
        );
        assert_eq!(flat, listed);
        assert_eq!(flat.id(), Some("a"));
        assert_eq!(flat.get("Phone"), None);
        assert!(flat.fields.contains("Phone"));
        let names: Vec<_> = flat.fields.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["ProspectID", "Score", "Phone", "mx_Set"]);
    }

    #[test]
    fn an_empty_list_is_an_empty_lead() {
        assert!(read(r#"{"LeadPropertyList":null}"#).fields.is_empty());
        assert!(serde_json::from_str::<Lead>("[]").is_err());
    }
}
