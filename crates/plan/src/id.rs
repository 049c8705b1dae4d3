//! Identifiers.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An account's number in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub i64);

/// A connector's number in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectorId(pub i64);

macro_rules! guids {
    ($($(#[$meta:meta])* $name:ident)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id written as this text, in any case.
            pub fn new(text: &str) -> Self {
                Self(canonical(text))
            }

            /// The id in canonical form: lower case, a GUID with dashes and nothing around it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Ok(Self::new(&text))
            }
        }
    )+};
}

guids! {
    /// A lead of an account: its `ProspectID`.
    ///
    /// Ids are GUIDs, which accounts write in either case (inferred: no page says so). They are
    /// kept in lower case, so that they compare the same in memory and in SQL.
    LeadId
    /// An activity of an account: its `ProspectActivityId`, likewise.
    ActivityId
}

/// The canonical form of the id of a lead or an activity: lower case, a GUID with dashes and
/// nothing around it.
pub(crate) fn canonical(text: &str) -> String {
    plain(text).unwrap_or_else(|| text.trim().to_owned()).to_ascii_lowercase()
}

/// The GUID in a text that writes it differently from accounts: without dashes, in braces or
/// parentheses, or after `urn:uuid:`.
pub(crate) fn plain(text: &str) -> Option<String> {
    const SCHEME: &str = "urn:uuid:";
    let text = text.trim();
    if text.len() != GUID_DIGITS && text.len() <= GUID_LENGTH {
        return None;
    }
    let has_scheme =
        text.get(..SCHEME.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(SCHEME));
    let bare = if has_scheme { &text[SCHEME.len()..] } else { text };
    let inner = [('{', '}'), ('(', ')')]
        .iter()
        .find_map(|(open, close)| bare.strip_prefix(*open)?.strip_suffix(*close));
    guid(inner.unwrap_or(bare).trim())
}

/// The hexadecimal digits of a GUID.
const GUID_DIGITS: usize = 32;
/// The length of a GUID with its dashes.
const GUID_LENGTH: usize = 36;

/// The GUID that a text is, with or without dashes; `None` for any other text.
pub(crate) fn guid(text: &str) -> Option<String> {
    let dashes = text.match_indices('-').map(|(at, _)| at);
    let is_dashed = text.len() == GUID_LENGTH && dashes.eq([8, 13, 18, 23]);
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    if digits.len() != GUID_DIGITS || !(is_dashed || text.len() == GUID_DIGITS) {
        return None;
    }
    Some([0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]).join("-"))
}

/// A request: the *Request ID* that a person sees.
///
/// It consists of the time of arrival, the node's number and a counter, so requests sort by
/// arrival, a range of dates is a range of ids, and nodes need no coordination. It is written as 13
/// characters of Crockford's base 32, the same way in the log, the API and on the command line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(i64);

/// How many node numbers there are.
pub const NODES: i64 = 1 << NODE_BITS;
/// How many ids one node can make in one millisecond.
pub const IDS_PER_MILLISECOND: i64 = 1 << SEQUENCE_BITS;

const NODE_BITS: u32 = 10;
const SEQUENCE_BITS: u32 = 12;
/// 2024-01-01T00:00:00Z: ids last until 2093.
const EPOCH_MS: i64 = 1_704_067_200_000;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LETTERS: usize = 13;

impl RequestId {
    /// Smaller than the id of any request.
    pub const FIRST: Self = Self(0);

    /// The id of the `sequence`th request that `node` received in this millisecond.
    ///
    /// `node` is taken modulo [`NODES`]. A `sequence` of [`IDS_PER_MILLISECOND`] or more runs on
    /// into the following milliseconds, which keeps ids unique and sorted when a clock stands
    /// still.
    pub fn new(at: Timestamp, node: i64, sequence: i64) -> Self {
        let ms = (at.as_millisecond() - EPOCH_MS).max(0) + sequence / IDS_PER_MILLISECOND;
        let sequence = sequence % IDS_PER_MILLISECOND;
        Self((((ms << NODE_BITS) | (node & (NODES - 1))) << SEQUENCE_BITS) | sequence)
    }

    /// The smallest id that a request received at this time can have.
    pub fn first_at(at: Timestamp) -> Self {
        Self::new(at, 0, 0)
    }

    /// The node that made the id.
    pub fn node(self) -> i64 {
        (self.0 >> SEQUENCE_BITS) & (NODES - 1)
    }

    /// The id as the store keeps it.
    pub fn number(self) -> i64 {
        self.0
    }

    /// The id that the store kept as this number.
    pub fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// When the request arrived, to the millisecond.
    pub fn received_at(self) -> Timestamp {
        let ms = (self.0 >> (NODE_BITS + SEQUENCE_BITS)) + EPOCH_MS;
        Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0u8; LETTERS];
        let mut rest = self.0.cast_unsigned();
        for letter in text.iter_mut().rev() {
            *letter = ALPHABET[(rest & 31) as usize];
            rest >>= 5;
        }
        f.write_str(std::str::from_utf8(&text).expect("the alphabet is ASCII"))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a Request ID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a Request ID; a Request ID has {LETTERS} letters and digits, such as \
     02XJ4W7Q1B000"
)]
pub struct NotARequestId(String);

impl FromStr for RequestId {
    type Err = NotARequestId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotARequestId(text.chars().take(40).collect());
        if text.len() != LETTERS {
            return Err(wrong());
        }
        let mut number = 0u64;
        for letter in text.bytes() {
            // Crockford's base 32 reads what people mistype: O as 0, I and L as 1.
            let letter = match letter.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            };
            let digit = ALPHABET.iter().position(|&a| a == letter).ok_or_else(wrong)?;
            number = number.checked_mul(32).ok_or_else(wrong)? | digit as u64;
        }
        i64::try_from(number).map(Self).map_err(|_| wrong())
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn written_and_read_back_it_is_the_same(ms in EPOCH_MS..3_000_000_000_000, node in 0..NODES, n in 0..IDS_PER_MILLISECOND) {
            let at = Timestamp::from_millisecond(ms).unwrap();
            let id = RequestId::new(at, node, n);
            prop_assert_eq!(id.to_string().parse::<RequestId>().unwrap(), id);
            prop_assert_eq!(id.received_at(), at);
            prop_assert!(id >= RequestId::first_at(at));
        }

        #[test]
        fn text_sorts_as_the_ids_do(a in 0i64.., b in 0i64..) {
            let (a, b) = (RequestId(a), RequestId(b));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn reading_never_panics(text in ".{0,20}") {
            let _ = text.parse::<RequestId>();
        }
    }

    #[test]
    fn a_counter_that_runs_over_goes_on_into_the_next_millisecond() {
        let at = Timestamp::from_millisecond(EPOCH_MS).unwrap();
        let over = RequestId::new(at, 3, IDS_PER_MILLISECOND);
        assert!(over > RequestId::new(at, 3, IDS_PER_MILLISECOND - 1));
        assert_eq!(over.received_at().as_millisecond(), EPOCH_MS + 1);
    }
}
