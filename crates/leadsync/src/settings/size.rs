//! Sizes, as settings have them.

use std::str::FromStr;

use serde::Deserialize;

/// The size of a webhook body: at most 16 MiB.
pub type BodySize = Size<{ 16 * MIB }>;
/// The size of the data.
pub type DataSize = Size<{ 1024 * TIB }>;

/// A number of bytes, from 1 to `LARGEST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Size<const LARGEST: u64>(u64);

/// A number of bytes as a settings file has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Bytes(u64),
    Text(String),
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;
const TIB: u64 = 1024 * GIB;

impl<const LARGEST: u64> Size<LARGEST> {
    /// The number of bytes.
    pub fn bytes<T: TryFrom<u64>>(self) -> T {
        T::try_from(self.0).ok().expect("no size here exceeds what this machine addresses")
    }
}

impl<const LARGEST: u64> TryFrom<Written> for Size<LARGEST> {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Bytes(bytes) => bytes.to_string().parse(),
            Written::Text(text) => text.parse(),
        }
    }
}

impl<const LARGEST: u64> FromStr for Size<LARGEST> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
            "" | "b" | "bytes" => 1,
            "k" | "kb" | "kib" => KIB,
            "m" | "mb" | "mib" => MIB,
            "g" | "gb" | "gib" => GIB,
            "t" | "tb" | "tib" => TIB,
            _ => 0,
        };
        let bytes = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit));
        match bytes {
            Some(bytes) if (1..=LARGEST).contains(&bytes) => Ok(Self(bytes)),
            Some(bytes) if bytes > LARGEST => {
                Err(format!("'{text}' is more than {} MiB", LARGEST / MIB))
            }
            _ => Err(format!("'{text}' is not a size: write 4MiB, 500KiB or a number of bytes")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_read_with_its_unit() {
        for (text, bytes) in [
            ("2097152", Some(2 * MIB)),
            (" 4MiB", Some(4 * MIB)),
            ("16 mb", Some(16 * MIB)),
            ("500k", Some(500 * KIB)),
            ("17MiB", None),
            ("0", None),
            ("MiB", None),
            ("4 GiB", None),
            ("-1", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(text.parse::<BodySize>().ok(), bytes.map(Size), "{text}");
        }
        assert_eq!("20 GiB".parse::<DataSize>().ok(), Some(Size(20 * GIB)));
        let of = |toml: &str| toml::from_str::<std::collections::BTreeMap<String, BodySize>>(toml);
        let of = |toml: &str| of(toml).ok().and_then(|file| file.get("max_body").copied());
        assert_eq!(of("max_body = \"4MiB\""), Some(Size(4 * MIB)));
        assert_eq!(of("max_body = 1000"), Some(Size(1000)));
        assert_eq!(of("max_body = \"much\""), None);
    }
}
