//! Search terms for leads in the log, and the forms in which the log stores them.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::id;
use crate::identity::mention;
use crate::phone;

/// A search: for records with one of the forms of each term.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// Each a list of forms, in lower case, the most likely first.
    pub terms: Vec<Vec<String>>,
}

/// Shorter words are not searched as parts.
pub const SHORTEST_PART: usize = 3;
/// The maximum number of words in a search.
const MOST_WORDS: usize = 6;
/// Fewer digits are a word, not a phone number.
const FEWEST_DIGITS: usize = 6;
/// Prefixes of links to people.
const SCHEMES: [&str; 6] = ["mailto:", "tel:", "callto:", "sms:", "smsto:", "whatsapp:"];

impl Sought {
    /// Parses a search: an id, an email address, a phone number, or words of a name.
    pub fn of(text: &str) -> Self {
        // PostgreSQL accepts no NUL, and invisible characters were not typed.
        let is_seen = |c: &char| !c.is_control() && !is_invisible(*c);
        let spaced = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
        let text: String = spaced.filter(is_seen).collect();
        let text = text.trim().trim_matches(['"', '\'', ',', ';', '`', '“', '”']).trim();
        let text = &*linked(text);
        let forms = |forms| Self { terms: vec![forms] };
        if let Some(id) = guid(text) {
            return forms(vec![id]);
        }
        let is_around = |c: char| c.is_whitespace() || "<>()[]{},;\"'".contains(c);
        if let Some(address) = text.split(is_around).find(|part| part.contains('@')) {
            return forms(vec![mention(&linked(address))]);
        }
        let whole = mention(text);
        let (mut numbers, mut rest) = numbers(text);
        // `0091 981` is long enough for a number only with its zeros.
        let is_part = |form: &String| form.trim_start_matches('0').len() < FEWEST_DIGITS;
        if numbers.iter().all(is_part)
            && let Some(part) = part_of_number(text)
        {
            (numbers, rest) = (part, String::new());
        }
        let forms = |word: String| {
            let plain = without_accents(&word);
            std::iter::once(word).chain(plain).collect()
        };
        let mut terms: Vec<Vec<String>> =
            words(&rest).into_iter().take(MOST_WORDS - 1).map(forms).collect();
        if !numbers.is_empty() {
            terms.retain(|word| !is_label(&word[0]));
            terms.insert(0, numbers);
        }
        match terms.as_mut_slice() {
            // Consisting only of symbols.
            [] => terms.push(vec![whole]),
            // An id that is not a GUID may contain symbols and numbers too.
            [first, ..] if !text.contains(' ') => {
                if !first.contains(&whole) {
                    first.insert(0, whole);
                }
                terms.truncate(1);
            }
            _ => {}
        }
        Self { terms }
    }
}

/// The words of a name, as stored and searched.
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

/// A word in Latin letters without its accents, if it has any: `Müller` is also searched as `muller`.
pub(crate) fn without_accents(word: &str) -> Option<String> {
    if word.is_ascii() {
        return None;
    }
    let plain: String = word.nfd().filter(|c| !is_combining_mark(*c)).collect();
    plain.is_ascii().then_some(plain)
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The content of a link to a person: `mailto:asha%40example.com?subject=…`; any other text as it
/// is.
fn linked(text: &str) -> Cow<'_, str> {
    let rest = SCHEMES.iter().find_map(|scheme| {
        let begins = text.get(..scheme.len())?.eq_ignore_ascii_case(scheme);
        begins.then(|| text[scheme.len()..].trim_start_matches('/').trim())
    });
    let Some(link) = rest else { return Cow::Borrowed(text) };
    // What comes after the address or the number: `?subject=…`, `;ext=…`.
    let link = link.split(['?', ';']).next().unwrap_or(link);
    percent_encoding::percent_decode_str(link).decode_utf8().unwrap_or(Cow::Borrowed(link))
}

/// The GUID in a text, such as the address of a lead's page, with or without dashes.
fn guid(text: &str) -> Option<String> {
    let found = text.split(|c: char| !c.is_ascii_hexdigit() && c != '-').find_map(id::guid)?;
    Some(found.to_ascii_lowercase())
}

/// The forms in which the phone numbers in a text may be kept, and the text without them.
fn numbers(text: &str) -> (Vec<String>, String) {
    let mut forms = Vec::new();
    let mut rest = text.to_owned();
    for run in phone::runs(text) {
        let found = forms_of(run);
        if !found.is_empty() {
            rest = rest.replacen(run, " ", 1);
            forms
                .extend(found.into_iter().filter(|form| !forms.contains(form)).collect::<Vec<_>>());
        }
    }
    (forms, rest)
}

/// The forms of a phone number if only its first or last digits were typed: `0981`,
/// `+91 981`.
fn part_of_number(text: &str) -> Option<Vec<String>> {
    let is_written = |c: char| c.is_ascii_digit() || c.is_whitespace() || "+-().".contains(c);
    let digits = phone::digits(text);
    if !text.chars().all(is_written) || digits.len() < SHORTEST_PART {
        return None;
    }
    let bare = digits.trim_start_matches('0').to_owned();
    let has_prefix = bare.len() < digits.len() && bare.len() >= SHORTEST_PART;
    Some(if has_prefix { vec![bare, digits] } else { vec![digits] })
}

fn forms_of(run: &str) -> Vec<String> {
    let digits = phone::digits(run);
    let mut forms = Vec::new();
    let mut add = |form: String| {
        if form.len() >= FEWEST_DIGITS && !forms.contains(&form) {
            forms.push(form);
        }
    };
    add(digits.clone());
    // International calls begin with 00, national ones with 0: `+91 (0) 98450 98450` has both.
    let bare = digits.trim_start_matches('0');
    if bare.len() < FEWEST_DIGITS {
        return forms;
    }
    add(bare.to_owned());
    if run.starts_with(['+', '\u{ff0b}']) || digits.starts_with("00") {
        phone::search_forms(&format!("+{bare}")).into_iter().for_each(&mut add);
        let without_trunk = run.replace("(0)", "");
        if without_trunk != run {
            let digits = phone::digits(&without_trunk);
            let bare = digits.trim_start_matches('0');
            phone::search_forms(&format!("+{bare}")).into_iter().for_each(&mut add);
        }
    } else {
        add(format!("0{bare}"));
    }
    forms
}

/// Whether a word beside a number is a label and not part of a name: `Ph:`, `x12`, `or`.
fn is_label(word: &str) -> bool {
    const LABELS: [&str; 18] = [
        "ph",
        "phone",
        "phones",
        "mob",
        "mobile",
        "cell",
        "tel",
        "telephone",
        "no",
        "number",
        "contact",
        "whatsapp",
        "call",
        "or",
        "and",
        "ext",
        "extn",
        "home",
    ];
    let label = word.trim_end_matches(':');
    let is_extension = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
    word.ends_with(':')
        || LABELS.contains(&label)
        || !word.contains(|c: char| c.is_alphabetic())
        || ["x", "ext", "extn"].iter().any(|mark| word.strip_prefix(mark).is_some_and(is_extension))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::mentions;
    use crate::payload;

    #[test]
    fn a_name_is_found_however_its_letters_are_encoded() {
        let body = "{\"ProspectID\":\"a\",\"FirstName\":\"Zoe\u{308}\"}";
        let item = payload::read(body.as_bytes(), None).unwrap().remove(0).unwrap();
        let kept = mentions(&item, None, &[], None);
        for text in ["Zo\u{eb}", "ZOE\u{308}"] {
            let sought = Sought::of(text);
            assert!(sought.terms[0].iter().any(|form| kept.contains(form)), "{text}: {kept:?}");
        }
    }

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
            "9845098450.0",
            "p:+919845098450",
            "Ph: 98450 98450",
            "Mob. No. 9845098450",
            "9845098450 x12",
            "9845098450 ext. 12",
            "9845098450 / 9900112233",
            "9900112233, 9845098450",
            "9845098450 or 9900112233",
            "9900112233 9845098450",
            "Asha Rao-Iyer: +91 98450 98450",
            "98450-98450 (Asha)",
            "mailto:asha%40example.com",
            "<mailto:asha@example.com?subject=Hi>",
            "[asha@example.com](mailto:asha@example.com)",
            "iyer",
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
        for text in ["usha", "9845098451", "asha@example.org", "asha kumar", "Usha 9845098450"] {
            let sought = Sought::of(text);
            let is_kept = |forms: &Vec<String>| forms.iter().any(|form| kept.contains(form));
            assert!(!sought.terms.iter().all(is_kept), "{text}: {sought:?}");
        }
    }

    #[test]
    fn a_name_is_found_without_its_accents() {
        let body = r#"{"ProspectID":"a","FirstName":"Zoë","LastName":"Muller"}"#;
        let item = payload::read(body.as_bytes(), None).unwrap().remove(0).unwrap();
        let kept = mentions(&item, None, &[], None);
        for text in ["zoe", "Zoë", "Zoe Müller", "Muller, Zoe"] {
            let sought = Sought::of(text);
            let is_kept = |forms: &Vec<String>| forms.iter().any(|form| kept.contains(form));
            assert!(sought.terms.iter().all(is_kept), "{text}: {sought:?} in {kept:?}");
        }
        assert_eq!(without_accents("आशा"), None, "these signs are letters");
    }

    #[test]
    fn a_few_digits_are_the_beginning_or_the_end_of_a_number() {
        for (text, expected) in [
            ("0981", vec!["981", "0981"]),
            ("+91 981", vec!["91981"]),
            ("0091 981", vec!["91981", "0091981"]),
            ("98 45", vec!["9845"]),
            ("8450", vec!["8450"]),
        ] {
            assert_eq!(Sought::of(text).terms, [expected], "{text}");
        }
    }

    #[test]
    fn a_number_is_found_by_its_end_and_what_is_none_as_it_stands() {
        let kept = |phone: &str| {
            let body = serde_json::json!({"ProspectID": "l1", "Phone": phone}).to_string();
            let item = payload::read(body.as_bytes(), None).unwrap().remove(0).unwrap();
            mentions(&item, None, &[], None)
        };
        for digits in ["8450", "098450", "9845098450"] {
            let end = phone::backwards(digits);
            let of = kept("+91-9845098450");
            assert!(of.iter().any(|value| value.starts_with(&end)), "{digits}: {end} in {of:?}");
        }
        let second = phone::backwards("2233");
        let of_two = kept("98450 98450 / 99001 12233");
        assert!(of_two.iter().any(|value| value.starts_with(&second)), "{of_two:?}");
        // Each of several numbers, and the rest.
        for (phone, sought) in [
            ("98450 98450 / 99001 12233", "9900112233"),
            ("98450 98450 / 99001 12233", "9845098450"),
            ("9845098450 x12", "9845098450"),
            ("98XXXXXX50", "98xxxxxx50"),
            ("080/22334455", "08022334455"),
        ] {
            let found = Sought::of(sought);
            let of = kept(phone);
            assert!(found.terms[0].iter().any(|form| of.contains(form)), "{found:?} in {of:?}");
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
