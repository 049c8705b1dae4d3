//! The log: `/requests`, `/retries` and `/leads`.

use plan::outcome::Event;

mod address;
mod again;
mod body;
mod lead;
mod leads;
mod line;
mod list;
mod record;
mod retries;
mod show;
mod trouble;
mod views;

pub(super) use again::{all, ask_all, one, selected};
pub(super) use lead::{lead, release, sync};
pub(super) use leads::leads;
pub(super) use line::Line;
pub(super) use list::{list, newest, rows};
pub(super) use retries::{cancel, progress, retries, retry};
pub(super) use show::show;
pub(super) use views::{remove_view, rename_view, save_view};

/// The kind of an outcome, which has a colour.
pub(super) fn event_tone(event: Event) -> &'static str {
    match event {
        Event::New | Event::Updated => "good",
        Event::Unchanged | Event::Skipped => "quiet",
        Event::Failed => "bad",
    }
}

/// A part of a path.
pub(super) fn in_path(text: &str) -> String {
    // A form encodes a space as a plus, a path does not.
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The page of a lead.
pub(super) fn lead_path(account: &str, id: &str) -> String {
    format!("/leads/{}/{}", in_path(account), in_path(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_any_kind_have_a_page() {
        assert_eq!(lead_path("a b", "x/?"), "/leads/a%20b/x%2F%3F");
    }
}
