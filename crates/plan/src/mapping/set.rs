//! Custom field sets: fields made of parts, each with its own name and kind.

use super::{read_only, unknown};
use crate::metadata::{Field, Kind};
use crate::problem::Problem;

/// A part of a custom field set of the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name within the set: `mx_CustomObject_1`.
    pub name: String,
    /// What it holds, under its full name, `mx_KYC.mx_CustomObject_1`.
    pub field: Field,
}

impl Part {
    /// The part of this name. It is text unless the account describes its sets.
    ///
    /// # Errors
    /// The set has no such part.
    pub(super) fn of(set: &Field, name: &str) -> Result<Self, Problem> {
        let full_name = format!("{}.{name}", set.schema_name);
        let field = if set.parts.is_empty() {
            Field::plain(&full_name, Kind::Text)
        } else {
            let known = set.parts.iter().find(|part| part.schema_name == name);
            Field {
                schema_name: full_name.clone(),
                ..known.ok_or_else(|| unknown(&full_name))?.clone()
            }
        };
        Ok(Self { name: name.to_owned(), field })
    }

    /// The part of this name, if it can be written.
    ///
    /// # Errors
    /// There is no such part, or it can't be written.
    pub(super) fn written(set: &Field, name: &str) -> Result<Self, Problem> {
        let part = Self::of(set, name)?;
        if part.field.read_only { Err(read_only(&part.field.schema_name)) } else { Ok(part) }
    }
}

/// The kind of the part of this name; text if the account doesn't say.
pub(super) fn kind_of(parts: &[Field], name: &str) -> Kind {
    parts.iter().find(|part| part.schema_name == name).map_or(Kind::Text, |part| part.kind)
}
