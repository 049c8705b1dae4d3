//! Phone numbers.
//!
//! LeadSquared stores them as `+<country>-<national>`, like `+91-9988776655`, and compares them as
//! text: a number written differently creates a second lead (AD/update-a-lead, and found by trial
//! in public client code). So every number is converted to that form.

use rlibphonenumber::enums::{NumberLengthType, PhoneNumberType, Region};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber};

use crate::text;

/// The default country of numbers without a country code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country(Region);

impl Country {
    /// Every country that has phone numbers, in no particular order.
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
    /// Several countries share `+1` and `+44`; these mean the main one.
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

/// How a text in a phone field is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// A number, in LeadSquared's form.
    Number(String),
    /// Not a readable number, and why.
    Not(NotANumber),
}

/// Why a text is not taken for a phone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotANumber {
    /// It is a placeholder: `0000000000`, `1234567890`, `NA`.
    Placeholder,
    /// Some of its digits are masked: `98XXXXXX50`.
    Masked,
    /// It has no country code, and there is no default country: these digits.
    NoCountry(String),
    /// It contains more than a number, or less.
    Unreadable,
}

/// Reads a text. It is a number only if the whole text is one: none is *extracted* from it. The
/// phone number library does extract (`9845098450 x12`, `98XXXXXX50`), so its input is checked
/// first.
pub fn read(text: &str, country: Option<Country>) -> Read {
    let text = text::visible(text);
    let text = without_scheme(&text);
    let Some(digits) = written(text) else {
        return Read::Not(if is_masked(text) { NotANumber::Masked } else { placeholder(text) });
    };
    let is_none = |rest: &str| rest.len() >= FEWEST_DIGITS && is_placeholder(rest);
    let is_none_abroad =
        |length| country_code(&digits, length, None).is_some_and(|(_, rest)| is_none(rest));
    if is_placeholder(&digits) || (1..=3).any(is_none_abroad) {
        return Read::Not(NotANumber::Placeholder);
    }
    match number(&digits, country) {
        Some(number) => {
            let national = number.get_national_significant_number();
            if is_placeholder(&national) {
                return Read::Not(NotANumber::Placeholder);
            }
            Read::Number(format!("+{}-{national}", number.country_code))
        }
        None if country.is_none() && !digits.starts_with('+') => {
            Read::Not(NotANumber::NoCountry(digits))
        }
        None => Read::Not(NotANumber::Unreadable),
    }
}

/// The number in LeadSquared's form; `None` if it can't be a phone number, or has no country code
/// and there is no default.
pub fn normalise(text: &str, country: Option<Country>) -> Option<String> {
    match read(text, country) {
        Read::Number(number) => Some(number),
        Read::Not(_) => None,
    }
}

/// Whether two texts are the same number.
pub fn same(one: &str, other: &str, country: Option<Country>) -> bool {
    match (read(one, country), read(other, country)) {
        (Read::Number(one), Read::Number(other)) => one == other,
        (Read::Not(NotANumber::NoCountry(one)), Read::Not(NotANumber::NoCountry(other))) => {
            one == other
        }
        (Read::Not(_), Read::Not(_)) => text::same(&text::visible(one), &text::visible(other)),
        _ => false,
    }
}

/// The forms in which somebody may search for this number, or for each of several numbers in one
/// text: all digits, and those without the country code.
pub fn search_forms(text: &str) -> Vec<String> {
    let mut forms = Vec::with_capacity(2);
    let mut add = |form: String| {
        if form.len() >= FEWEST_DIGITS && !forms.contains(&form) {
            forms.push(form);
        }
    };
    let visible = text::visible(text);
    for part in runs(&visible).into_iter().chain([&*visible]) {
        if let Some(number) = parse(part, None) {
            add(number.get_national_significant_number());
        }
        let all = digits(part);
        // 0 and 00 are dialling prefixes, not part of the number.
        add(all.trim_start_matches('0').to_owned());
        add(all);
    }
    forms
}

/// Reversed, so that a search for the end of a number is a prefix search.
pub fn backwards(digits: &str) -> String {
    std::iter::once('~').chain(digits.chars().rev()).collect()
}

/// The parts of a text that may each be a phone number, as written, without labels, extensions and
/// the like. Only for searching records: [`read`] does not extract numbers from a text.
pub fn runs(text: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    // The groups of digits of the current run: where each one begins and ends, how many digits it
    // has, and whether white space precedes it.
    let mut groups: Vec<(usize, usize, usize, bool)> = Vec::new();
    let mut end_run = |groups: &mut Vec<(usize, usize, usize, bool)>| {
        let mut begin = 0;
        for at in 1..=groups.len() {
            let is_next = groups
                .get(at)
                .is_none_or(|&(.., after, is_spaced)| is_apart(groups[at - 1].2, after, is_spaced));
            if is_next {
                runs.push(&text[groups[begin].0..groups[at - 1].1]);
                begin = at;
            }
        }
        groups.clear();
    };
    let (mut is_next, mut is_spaced, mut plus) = (true, false, None);
    for (at, c) in text.char_indices() {
        if digit(c).is_some() {
            if is_next {
                groups.push((plus.take().unwrap_or(at), at, 0, is_spaced));
                (is_next, is_spaced) = (false, false);
            }
            if let Some((_, end, count, _)) = groups.last_mut() {
                *end = at + c.len_utf8();
                *count += 1;
            }
            continue;
        }
        is_next = true;
        match c {
            '+' | '\u{ff0b}' => {
                end_run(&mut groups);
                plus = Some(at);
            }
            '(' if groups.is_empty() => plus = plus.or(Some(at)),
            '(' | ')' | '.' | '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' => {}
            c if c.is_whitespace() => is_spaced = true,
            _ => {
                end_run(&mut groups);
                plus = None;
            }
        }
    }
    end_run(&mut groups);
    runs
}

/// The digits of a text, and nothing else, as ASCII ones.
pub fn digits(text: &str) -> String {
    text.chars().filter_map(digit).collect()
}

/// Nobody searches for a phone number shorter than this.
const FEWEST_DIGITS: usize = 6;
/// A text longer than this is not worth parsing.
const LONGEST: usize = 60;

fn parse(text: &str, country: Option<Country>) -> Option<PhoneNumber> {
    number(&written(without_scheme(&text::visible(text)))?, country)
}

/// The number of these digits, which may begin with `+`.
fn number(digits: &str, country: Option<Country>) -> Option<PhoneNumber> {
    let region = country.map(|country| country.0);
    let is_one = |number: &PhoneNumber| {
        // The lengths of hotlines and the like are excluded: with them, nearly every number with
        // one digit too many would be valid.
        let length = PHONE_NUMBER_UTIL
            .is_possible_number_for_type_with_reason(number, PhoneNumberType::FixedLineOrMobile);
        matches!(length, Ok(NumberLengthType::IsPossible)) || number.is_valid()
    };
    let read = |digits: &str| PHONE_NUMBER_UTIL.parse(digits, region).ok().filter(is_one);
    if let Some(number) = read(digits) {
        return Some(number);
    }
    // A country code that was written twice: `+91 91 98450 98450`.
    (1..=3).find_map(|length| {
        let (code, rest) = country_code(digits, length, country)?;
        let number = read(&format!("+{code}{}", rest.strip_prefix(code)?))?;
        (number.country_code.to_string() == code).then_some(number)
    })
}

/// The country code with this many digits that a number begins with, and the digits after it. One
/// without an international prefix may begin with the given country's code.
fn country_code(digits: &str, length: usize, country: Option<Country>) -> Option<(&str, &str)> {
    let all = digits.strip_prefix('+').or_else(|| digits.strip_prefix("00")).unwrap_or(digits);
    let (code, rest) = all.split_at_checked(length)?;
    let is_known = if all.len() < digits.len() {
        PHONE_NUMBER_UTIL.get_region_for_country_code(code.parse().ok()?).is_some()
    } else {
        let own = country.and_then(Country::calling_code);
        own.is_some_and(|own| own.to_string() == code)
    };
    is_known.then_some((code, rest))
}

/// A text without what programs write before a number: `tel:`, and the `p:` of exported
/// lead forms.
fn without_scheme(text: &str) -> &str {
    ["tel:", "p:"]
        .iter()
        .find_map(|scheme| {
            let (head, rest) = text.split_at_checked(scheme.len())?;
            head.eq_ignore_ascii_case(scheme).then(|| rest.trim_start())
        })
        .unwrap_or(text)
}

/// The digits of a text that consists of one number, with a `+` before them if it has one; `None`
/// where there is anything but digits and what people put between them.
fn written(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let text = text.trim_end_matches(['.', ',', ';']).trim_end();
    let text = whole_of_decimal(text);
    let mut digits = String::new();
    // How many digits there are in each group, and whether white space precedes it.
    let mut groups: Vec<(usize, bool)> = Vec::new();
    let (mut is_apart, mut is_spaced, mut open) = (true, false, 0_usize);
    for c in text.chars() {
        if let Some(digit) = digit(c) {
            if is_apart {
                groups.push((0, is_spaced));
                (is_apart, is_spaced) = (false, false);
            }
            groups.last_mut()?.0 += 1;
            digits.push(digit);
            continue;
        }
        match c {
            '+' | '\u{ff0b}' if digits.is_empty() => digits.push('+'),
            // `+91 +91 98450 98450`: the code twice.
            '+' if groups.len() == 1 && digits.len() <= 4 && digits.starts_with('+') => {}
            '(' => open += 1,
            ')' => open = open.checked_sub(1)?,
            '.' | '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' if !groups.is_empty() => {}
            c if c.is_whitespace() => is_spaced = true,
            _ => return None,
        }
        is_apart = true;
    }
    let ends_well = text.ends_with(|c: char| digit(c).is_some() || c == ')');
    if open > 0 || groups.is_empty() || !ends_well {
        return None;
    }
    if is_several(&groups) { None } else { Some(digits) }
}

/// Whether groups of digits are more than one number: two of the same length that could each be
/// one, or a short one after a complete number: `22334455-56`, `9845098450.5`.
fn is_several(groups: &[(usize, bool)]) -> bool {
    groups.windows(2).any(|pair| {
        let [(before, _), (after, is_spaced)] = *pair else { return false };
        is_apart(before, after, is_spaced)
    })
}

/// Whether a group with this many digits is not part of the same number as the one before it.
fn is_apart(before: usize, after: usize, is_spaced: bool) -> bool {
    const WHOLE: usize = 6;
    before >= WHOLE && (after <= 2 || is_spaced && after == before)
}

/// A whole number that a spreadsheet wrote as a decimal, without its zeros: `9845098450.0`.
fn whole_of_decimal(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, zeros))
            if !zeros.is_empty()
                && zeros.bytes().all(|byte| byte == b'0')
                && whole.len() >= FEWEST_DIGITS
                && whole.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            whole
        }
        _ => text,
    }
}

/// The ASCII digit for a digit of any script in which phone numbers are written.
fn digit(c: char) -> Option<char> {
    const ZEROS: [char; 12] = [
        '0', '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}',
        '\u{be6}', '\u{c66}', '\u{d66}', '\u{ff10}',
    ];
    ZEROS.iter().find_map(|zero| {
        let value = u32::from(c).checked_sub(u32::from(*zero))?;
        char::from_digit(value, 10)
    })
}

/// Whether digits are a placeholder: one digit repeated, or consecutive digits.
pub fn is_placeholder(digits: &str) -> bool {
    let digits = digits.trim_start_matches('+').as_bytes();
    let Some(first) = digits.first() else { return false };
    let is_counted = |(one, next): (&u8, &u8)| *next == one + 1 || (*one == b'9' && *next == b'0');
    let counts = matches!(first, b'0' | b'1')
        && digits.len() >= FEWEST_DIGITS
        && digits.iter().zip(&digits[1..]).all(is_counted);
    counts || digits.iter().all(|digit| digit == first)
}

/// Whether digits of a number are masked by a symbol or an X.
fn is_masked(text: &str) -> bool {
    let is_mask =
        |c: char| matches!(c, 'x' | 'X' | '*' | '#' | '_' | '\u{2022}' | '\u{25cf}' | '\u{d7}');
    let is_part = |c: char| is_mask(c) || digit(c).is_some() || " +-().".contains(c);
    let masks = text.chars().filter(|c| is_mask(*c)).count();
    masks >= 2 && text.chars().all(is_part)
}

/// How a text without any digit in a phone field is understood.
fn placeholder(text: &str) -> NotANumber {
    let has_digit = text.chars().any(|c| digit(c).is_some());
    if has_digit { NotANumber::Unreadable } else { NotANumber::Placeholder }
}

#[cfg(test)]
mod tests;
