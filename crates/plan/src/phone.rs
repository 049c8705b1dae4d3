//! Phone numbers.
//!
//! LeadSquared keeps them as `+<country>-<national>`, like `+91-9988776655`, and compares them as
//! text: a number written in another way makes a second lead (AD/update-a-lead, and found by
//! trial in public client code). So every number is brought to that form.

use rlibphonenumber::enums::Region;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber};

/// The country whose number it is when a number names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country(Region);

impl Country {
    /// Every country that has phone numbers, in no order.
    pub fn all() -> impl Iterator<Item = Self> {
        PHONE_NUMBER_UTIL.get_supported_regions().map(Self)
    }

    /// Its ISO 3166 code: `IN`.
    pub fn code(self) -> String {
        self.0.as_region_str().to_string()
    }

    /// Its calling code: 91.
    pub fn calling_code(self) -> Option<i32> {
        PHONE_NUMBER_UTIL.get_country_code_for_region(self.0)
    }

    /// The country of an ISO 3166 code (`IN`) or a calling code (`+91`, `91`).
    ///
    /// Several countries share `+1` and `+44`; the main one is meant then.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix('+').unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) {
            let code = digits.parse().ok()?;
            return PHONE_NUMBER_UTIL.get_region_for_country_code(code).map(Self);
        }
        let code = text.to_ascii_uppercase();
        PHONE_NUMBER_UTIL
            .get_supported_regions()
            .find(|region| *region.as_region_str() == *code)
            .map(Self)
    }
}

/// The number in LeadSquared's form; `None` if it can't be a phone number, or names no country
/// and none is given.
pub fn normalise(text: &str, country: Option<Country>) -> Option<String> {
    let number = parse(text, country)?;
    Some(format!("+{}-{}", number.country_code, number.get_national_significant_number()))
}

/// Whether two texts are the same number.
pub fn same(one: &str, other: &str, country: Option<Country>) -> bool {
    match (normalise(one, country), normalise(other, country)) {
        (Some(one), Some(other)) => one == other,
        _ => one.trim() == other.trim(),
    }
}

/// The forms by which somebody may look for this number: all digits, and those without the
/// country's.
pub fn search_forms(text: &str) -> Vec<String> {
    let all = digits(text);
    let mut forms = Vec::with_capacity(2);
    if let Some(number) = parse(text, None) {
        forms.push(number.get_national_significant_number());
    }
    // 0 and 00 are dialled, and no part of the number.
    for form in [all.trim_start_matches('0').to_owned(), all] {
        if form.len() >= FEWEST_DIGITS && !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

/// The digits of a text, and nothing else.
pub fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Shorter than this it is no phone number that anybody looks for.
const FEWEST_DIGITS: usize = 6;
/// Longer than this no text is worth parsing.
const LONGEST: usize = 60;

fn parse(text: &str, country: Option<Country>) -> Option<PhoneNumber> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    let region = country.map(|country| country.0);
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    if number.is_possible_with_reason().is_ok() { Some(number) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_leadsquared_keeps_them() {
        for (text, country, expected) in [
            ("9988776655", Some("IN"), Some("+91-9988776655")),
            ("9123456789", Some("IN"), Some("+91-9123456789")),
            ("919123456789", Some("IN"), Some("+91-9123456789")),
            ("09988776655", Some("IN"), Some("+91-9988776655")),
            ("+91-9988776655", None, Some("+91-9988776655")),
            ("+919845098450", None, Some("+91-9845098450")),
            ("0091 98450 98450", Some("IN"), Some("+91-9845098450")),
            ("06 6982", Some("IT"), Some("+39-066982")),
            ("3912312312", Some("IT"), Some("+39-3912312312")),
            ("65123456", Some("SG"), Some("+65-65123456")),
            ("(415) 555-2671", Some("US"), Some("+1-4155552671")),
            ("020 7946 0958", Some("+44"), Some("+44-2079460958")),
            ("050 123 4567", Some("971"), Some("+971-501234567")),
            ("９８４５０９８４５０", Some("IN"), Some("+91-9845098450")),
            ("9988776655", None, None),
            ("call me", Some("IN"), None),
            ("", Some("IN"), None),
        ] {
            let country = country.map(|text| Country::parse(text).expect(text));
            assert_eq!(normalise(text, country).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn countries_are_known_by_code_or_prefix() {
        assert_eq!(Country::parse("in"), Country::parse("+91"));
        assert_eq!(Country::parse("US"), Country::parse("1"));
        assert_eq!(Country::parse("Atlantis"), None);
        assert_eq!(Country::parse("+999"), None);
    }

    #[test]
    fn a_number_is_found_with_and_without_its_country() {
        assert_eq!(search_forms("+91-9988776655"), ["9988776655", "919988776655"]);
        assert_eq!(search_forms("9988776655"), ["9988776655"]);
        assert!(search_forms("12").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn a_normal_form_stays_as_it_is(national in "[6-9][0-9]{9}") {
            let india = Country::parse("IN");
            let once = normalise(&national, india).unwrap();
            proptest::prop_assert_eq!(normalise(&once, None), Some(once.clone()));
            proptest::prop_assert_eq!(normalise(&once, Country::parse("US")), Some(once));
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,40}") {
            let _ = (normalise(&text, Country::parse("IN")), search_forms(&text));
        }
    }
}
