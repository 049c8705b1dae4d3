//! What a person types or pastes to find a lead in the log, and in which forms the log keeps it.

use crate::id::LeadId;
use crate::identity::mention;
use crate::phone;

/// What is looked for: a record with one of the forms of each term.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// Each a list of forms, in lower case, the most likely first.
    pub terms: Vec<Vec<String>>,
}

/// Shorter words find nothing by a part of them.
pub const SHORTEST_PART: usize = 3;
/// More words are not looked for.
const MOST_WORDS: usize = 6;
/// Fewer digits are no phone number but a word.
const FEWEST_DIGITS: usize = 6;
/// What links to people begin with.
const SCHEMES: [&str; 6] = ["mailto:", "tel:", "callto:", "sms:", "smsto:", "whatsapp:"];

impl Sought {
    /// What this text looks for: an id, an email address, a phone number, or words of a name.
    pub fn of(text: &str) -> Self {
        // PostgreSQL takes no NUL, and what is invisible was not typed.
        let is_seen = |c: &char| !c.is_control() && !is_invisible(*c);
        let spaced = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
        let text: String = spaced.filter(is_seen).collect();
        let text = text.trim().trim_matches(['"', '\'', ',', ';', '`', '“', '”']).trim();
        let (text, is_link) = without_scheme(text);
        let forms = |forms| Self { terms: vec![forms] };
        if let Some(id) = guid(text) {
            return forms(vec![id]);
        }
        let is_around = |c: char| c.is_whitespace() || "<>()[]{},;\"'".contains(c);
        if let Some(address) = text.split(is_around).find(|part| part.contains('@')) {
            let (address, _) = without_scheme(address);
            return forms(vec![mention(if is_link { until_query(address) } else { address })]);
        }
        let number = if is_link { until_query(text) } else { text };
        let numbers = numbers(number);
        if !numbers.is_empty() {
            return forms(numbers);
        }
        let mut terms: Vec<Vec<String>> =
            words(text).into_iter().take(MOST_WORDS).map(|word| vec![word]).collect();
        let whole = mention(text);
        match terms.as_mut_slice() {
            // Of nothing but signs.
            [] => terms.push(vec![whole]),
            // An id that is no GUID may hold signs too.
            [only] if only[0] != whole => only.insert(0, whole),
            _ => {}
        }
        Self { terms }
    }
}

/// The words of a name, as they are kept and looked for.
pub fn words(text: &str) -> Vec<String> {
    const SHORTEST: usize = 2;
    let is_between = |c: char| c.is_whitespace() || ",;.()\"/|".contains(c);
    let mut words: Vec<String> = Vec::new();
    for word in text.split(is_between) {
        let word = mention(word);
        if word.chars().count() >= SHORTEST && !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn without_scheme(text: &str) -> (&str, bool) {
    let rest = SCHEMES.iter().find_map(|scheme| {
        let begins = text.get(..scheme.len())?.eq_ignore_ascii_case(scheme);
        begins.then(|| text[scheme.len()..].trim_start_matches('/').trim())
    });
    (rest.unwrap_or(text), rest.is_some())
}

/// A link without what comes after the address or the number: `?subject=…`, `;ext=…`.
fn until_query(text: &str) -> &str {
    text.split(['?', ';']).next().unwrap_or(text)
}

/// The GUID in a text, such as the address of a lead's page, with or without dashes.
fn guid(text: &str) -> Option<String> {
    const DASHED: usize = 36;
    const DIGITS: usize = 32;
    let fits = |part: &str| {
        let dashes = part.match_indices('-').map(|(at, _)| at);
        let is_dashed = part.len() == DASHED && dashes.eq([8, 13, 18, 23]);
        let digits = part.bytes().filter(u8::is_ascii_hexdigit).count();
        digits == DIGITS && (part.len() == DIGITS || is_dashed)
    };
    let found = text.split(|c: char| !c.is_ascii_hexdigit() && c != '-').find(|part| fits(part))?;
    let digits: String = found.chars().filter(|c| *c != '-').collect();
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    Some(LeadId::new(&parts.join("-")).into())
}

/// The forms in which a phone number may be kept; none of what is no number.
fn numbers(text: &str) -> Vec<String> {
    let is_part = |c: char| digit(c).is_some() || "+-() ./".contains(c) || "‐‑–—".contains(c);
    if !text.chars().all(is_part) {
        return Vec::new();
    }
    let digits: String = text.chars().filter_map(digit).collect();
    if digits.len() < FEWEST_DIGITS {
        return Vec::new();
    }
    let begins_with_plus = text.trim_start().starts_with('+');
    let mut forms = Vec::new();
    let mut add = |form: String| {
        if form.len() >= FEWEST_DIGITS && !forms.contains(&form) {
            forms.push(form);
        }
    };
    add(digits.clone());
    // A call abroad begins with 00, one within the country with 0: `+91 (0) 98450 98450` has both.
    let bare = digits.trim_start_matches('0');
    add(bare.to_owned());
    if begins_with_plus || digits.starts_with("00") {
        phone::search_forms(&format!("+{bare}")).into_iter().for_each(&mut add);
        let without_trunk = text.replace("(0)", "");
        if without_trunk != text {
            let digits: String = without_trunk.chars().filter_map(digit).collect();
            let bare = digits.trim_start_matches('0');
            phone::search_forms(&format!("+{bare}")).into_iter().for_each(&mut add);
        }
    } else {
        add(format!("0{bare}"));
    }
    forms
}

/// A digit, also a wide one or one of another script that is used in India or Arabia.
fn digit(c: char) -> Option<char> {
    const ZEROS: [char; 5] = ['0', '０', '०', '٠', '۰'];
    let value = ZEROS.iter().find_map(|zero| {
        let value = u32::from(c).checked_sub(u32::from(*zero))?;
        (value < 10).then_some(value)
    })?;
    char::from_digit(value, 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::mentions;
    use crate::payload;

    #[test]
    fn a_lead_is_found_by_whatever_people_paste() {
        let body = br#"{"Current":{"ProspectID":"4057ED7A-0000-4000-8000-000000000001","FirstName":"Asha Devi","LastName":"Rao-Iyer","EmailAddress":"Asha@Example.com","Phone":"+91-9845098450"}}"#;
        let item = payload::read(body, None).unwrap().remove(0).unwrap();
        let kept = mentions(&item, None, &[], Some("0BB00000-0000-4000-8000-000000000031"));
        for text in [
            "4057ED7A-0000-4000-8000-000000000001",
            "{4057ed7a-0000-4000-8000-000000000001}",
            "4057ed7a000040008000000000000001",
            "https://in21.leadsquared.com/LeadManagement/LeadDetails?LeadID=4057ed7a-0000-4000-8000-000000000001&x=1",
            "0bb00000-0000-4000-8000-000000000031",
            "asha@EXAMPLE.com ",
            "mailto:asha@example.com",
            "MAILTO:asha@example.com?subject=Hello%20you",
            "Asha Rao <asha@example.com>",
            "<asha@example.com>",
            "\"Rao, Asha\" <asha@example.com>;",
            "asha@example.com\u{200b}",
            "asha@example.com\0",
            "'asha@example.com',",
            "asha@example.com (Asha)",
            "9845098450",
            "09845098450",
            "919845098450",
            "00919845098450",
            "0091 98450 98450",
            "+91 98450 98450",
            "+91-9845098450",
            "+91 (0) 98450-98450",
            "(098450) 98450",
            "98450.98450",
            "tel:+91-98450-98450",
            "tel://9845098450;ext=12",
            "callto:00919845098450",
            "９８４５０９８４５０",
            "९८४५०९८४५०",
            "\u{202a}+91 98450 98450\u{202c}",
            "asha",
            "ASHA",
            "asha rao-iyer",
            "Rao-Iyer, Asha",
            "devi asha",
        ] {
            let sought = Sought::of(text);
            let is_kept = |forms: &Vec<String>| forms.iter().any(|form| kept.contains(form));
            assert!(sought.terms.iter().all(is_kept), "{text}: {sought:?} in {kept:?}");
        }
        for text in ["usha", "9845098451", "asha@example.org", "asha kumar"] {
            let sought = Sought::of(text);
            let is_kept = |forms: &Vec<String>| forms.iter().any(|form| kept.contains(form));
            assert!(!sought.terms.iter().all(is_kept), "{text}: {sought:?}");
        }
    }

    #[test]
    fn a_number_without_its_country_is_found_as_it_was_typed() {
        for (typed, sought) in [
            ("9845098450", "+91 98450 98450"),
            ("09845098450", "9845098450"),
            ("09845098450", "09845098450"),
            ("9845098450", "09845098450"),
        ] {
            let kept = phone::search_forms(typed);
            let found = Sought::of(sought);
            let is_kept = found.terms[0].iter().any(|form| kept.contains(form));
            assert!(is_kept, "{sought}: {found:?} in {kept:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_looked_for(text in "\\PC{0,60}", raw in "(?s).{0,20}") {
            for text in [text, raw] {
                let sought = Sought::of(&text);
                proptest::prop_assert!((1..=MOST_WORDS).contains(&sought.terms.len()));
                let forms = sought.terms.iter().flatten();
                proptest::prop_assert!(forms.clone().all(|form| !form.contains('\0')));
                proptest::prop_assert!(sought.terms.iter().all(|forms| !forms.is_empty()));
            }
        }
    }
}
