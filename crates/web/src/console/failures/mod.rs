//! `/failures`: what is failed now, by connector and cause, and fixing a group from its error.

mod fields;
mod group;
mod list;

pub(super) use group::{dismiss, fix, metadata, restore, show};
pub(super) use list::list;

use super::log::in_path;

/// The page of a group of failures.
pub(super) fn failure_path(connector: &str, cause: &str) -> String {
    format!("/failures/{}/{}", in_path(connector), in_path(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_of_any_kind_has_a_page() {
        let path = failure_path("a-b", "missing_option/mx_City/MX Odd");
        assert_eq!(path, "/failures/a-b/missing_option%2Fmx_City%2FMX%20Odd");
    }
}
