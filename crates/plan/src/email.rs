//! Email addresses, as people and programs write them into a field.

use crate::text;

/// How a text in an email field is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// One address.
    Address(String),
    /// Several addresses.
    Several,
    /// None, or more than one.
    Not,
}

/// Reads a text: the address if there is exactly one, bare, after `mailto:`, in quotes, or as
/// `Name <address>`. It is not extracted from other words: `not asha@example.com` is not an address.
pub fn read(text: &str) -> Read {
    let text = text::visible(text);
    let mut found: Vec<&str> = Vec::new();
    for part in text.split([',', ';', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
        let Some(address) = one(part) else {
            let many = text.matches('@').count() > 1;
            return if many { Read::Several } else { Read::Not };
        };
        if !found.iter().any(|other| other.eq_ignore_ascii_case(address)) {
            found.push(address);
        }
    }
    match found.as_slice() {
        [] => Read::Not,
        [address] => Read::Address((*address).to_owned()),
        _ => Read::Several,
    }
}

/// The address in a text that names one.
fn one(text: &str) -> Option<&str> {
    let bare = match text.strip_suffix('>').and_then(|text| text.split_once('<')) {
        Some((name, address)) if !name.contains(['@', '<', '>']) => address,
        Some(_) => return None,
        None => text,
    };
    let bare = bare.trim();
    let bare = ['"', '\''].iter().fold(bare, |bare, quote| {
        bare.strip_prefix(*quote).and_then(|bare| bare.strip_suffix(*quote)).unwrap_or(bare)
    });
    let bare = match bare.split_at_checked(MAILTO.len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(MAILTO) => {
            let (address, more) = rest.split_once('?').unwrap_or((rest, ""));
            // Escapes hide the real value, and a copy goes to a second address.
            if address.contains('%') || more.contains('@') || more.contains("%40") {
                return None;
            }
            address
        }
        _ => bare,
    };
    let bare = bare.trim().trim_end_matches('.');
    is_address(bare).then_some(bare)
}

const MAILTO: &str = "mailto:";

/// Whether a text is one address: a name, one `@` and a host, with only characters that addresses
/// have.
fn is_address(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let is_part = |c: char| !c.is_whitespace() && !"<>()[],;:\"\\@".contains(c);
    // Remains of an HTML encoding (`x.com&amp`) are not a host.
    let is_of_host =
        |c: char| c.is_alphanumeric() || ".-_".contains(c) || c > '\u{7f}' && is_part(c);
    let is_named = |part: &str| !part.is_empty() && part.chars().all(is_part);
    let is_host = !host.is_empty() && host.chars().all(is_of_host);
    is_named(name) && is_host && !host.starts_with('.') && !host.contains("..")
}

/// Local parts that mean *no address*: punctuation between the letters is ignored.
const NONE: [&str; 22] = [
    "noemail",
    "noemails",
    "noemailid",
    "noemailaddress",
    "noemailprovided",
    "noemailavailable",
    "nomail",
    "nomailid",
    "emailnotprovided",
    "emailnotavailable",
    "notavailable",
    "notprovided",
    "notapplicable",
    "notgiven",
    "noreply",
    "donotreply",
    "donotemail",
    "invalidemail",
    "unknownemail",
    "dummyemail",
    "fakeemail",
    "testemail",
];
/// Local parts that are placeholders if the host says the same (`test@test.com`), or is a public
/// mail host (`abc@gmail.com`).
const STOPGAPS: [&str; 16] = [
    "test", "testing", "demo", "dummy", "none", "null", "na", "nil", "no", "abc", "xyz", "xxx",
    "asdf", "abcd", "unknown", "sample",
];
/// Local parts that are placeholders only if the host says the same: `guest@guest.com`.
const ROLES: [&str; 7] = ["client", "customer", "deleted", "email", "guest", "mail", "user"];
const FOR_ANYBODY: [&str; 9] = [
    "gmail.com",
    "yahoo.com",
    "yahoo.in",
    "yahoo.co.in",
    "hotmail.com",
    "outlook.com",
    "live.com",
    "rediffmail.com",
    "icloud.com",
];

/// From this length on, digits alone at a host of [`FOR_ANYBODY`] may be somebody's phone number.
const SHORTEST_NUMBER: usize = 8;

/// Whether an address is obviously a placeholder.
pub fn is_placeholder(address: &str) -> bool {
    let address = address.to_lowercase();
    let Some((name, host)) = address.split_once('@') else { return false };
    let bare = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    // `test1@test.com` and `test123@gmail.com` are no better than without the numbers.
    let whole = bare(name);
    let name = whole.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = whole.len() - name.len();
    let of_host = host.split('.').next().map(bare).unwrap_or_default();
    let is_stopgap = STOPGAPS.contains(&name);
    NONE.contains(&name)
        || NONE.contains(&of_host.as_str())
        || name.is_empty() && digits < SHORTEST_NUMBER && FOR_ANYBODY.contains(&host)
        || ROLES.contains(&name) && of_host == name
        || is_stopgap && (of_host == name || FOR_ANYBODY.contains(&host))
        || is_stopgap && STOPGAPS.contains(&of_host.as_str())
}

/// Whether a part of an address is hidden: `a***@example.com`, `xxxxxx@example.com`.
pub fn is_masked(address: &str) -> bool {
    address.contains(['*', '\u{2022}', '\u{25cf}']) || address.to_lowercase().contains("xxxx")
}

#[cfg(test)]
mod tests;
