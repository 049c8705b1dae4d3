//! The log: `/requests`, `/retries` and `/leads`.

mod address;
mod again;
mod body;
mod lead;
mod line;
mod list;
mod record;
mod retries;
mod show;

pub(super) use again::{all, ask_all, one, selected};
pub(super) use lead::lead;
pub(super) use list::{list, rows};
pub(super) use retries::{cancel, progress, retries, retry};
pub(super) use show::show;

/// A number as people read it: `10,000`.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and what it counts.
fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// A part of a path.
fn in_path(text: &str) -> String {
    // What a form writes as a plus is a blank in a path.
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The page of a lead.
fn lead_path(account: &str, id: &str) -> String {
    format!("/leads/{}/{}", in_path(account), in_path(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_at_a_glance() {
        let told = [0, 12, 999, 1_000, 10_000, 1_234_567].map(number);
        assert_eq!(told, ["0", "12", "999", "1,000", "10,000", "1,234,567"]);
        assert_eq!(counted(1, "record", "records"), "1 record");
        assert_eq!(lead_path("a b", "x/?"), "/leads/a%20b/x%2F%3F");
    }
}
