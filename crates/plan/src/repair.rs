//! Repairing what failed: which repairs fit a cause of failures, and what each changes in a connector's
//! settings.

mod closest;
mod fix;
mod remedy;

pub use closest::closest;
pub use fix::{Fix, LONGEST_VALUE, MOST_VALUES, Rows};
pub use remedy::{Remedy, remedies};

use crate::metadata::FieldList;
use crate::problem::Problem;

/// The destination's field that a problem is about: the one that it names, or, where an account refused,
/// the only one whose schema name is in the account's message.
pub fn field_of(problem: &Problem, destination: &FieldList) -> Option<String> {
    if let Some(field) = &problem.field {
        return Some(field.clone());
    }
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let words: Vec<&str> = problem.message.split(|c: char| !is_name(c)).collect();
    let mut named = destination.iter().filter(|field| words.contains(&field.schema_name.as_str()));
    let first = named.next()?;
    named.next().is_none().then(|| first.schema_name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Field, Kind};
    use crate::problem::Code;

    #[test]
    fn the_field_is_found_in_what_an_account_said() {
        let list: FieldList =
            vec![Field::plain("mx_City", Kind::Text), Field::plain("City", Kind::Text)].into();
        let of = |message: &str| field_of(&Problem::new(Code::Refused, message, ""), &list);
        assert_eq!(
            of("The destination rejected it: 'mx_City' is invalid.").as_deref(),
            Some("mx_City")
        );
        assert_eq!(of("City and mx_City are invalid."), None, "it may be either");
        assert_eq!(of("It is invalid."), None);
        let named = Problem::new(Code::Refused, "It is City.", "").about("mx_Other");
        assert_eq!(field_of(&named, &list).as_deref(), Some("mx_Other"));
    }
}
