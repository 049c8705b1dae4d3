//! Bearer secrets.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::secret;

/// A bearer secret: the part of a webhook URL that lets its sender post to a connector, or an API
/// token.
#[derive(Clone, Debug)]
pub struct Token(SecretString);

const TOKEN_BYTES: usize = 24;

/// The prefix of API tokens, so that people and secret scanners recognise them.
const API_PREFIX: &str = "leadsync_";

impl Token {
    /// A new one for a webhook URL.
    ///
    /// # Errors
    /// [`crate::Error::CannotOpen`]: the system provides no random bytes.
    pub fn for_webhook() -> Result<Self> {
        Ok(Self::from_random(secret::random()?))
    }

    /// A new one for the API.
    ///
    /// # Errors
    /// [`crate::Error::CannotOpen`]: the system provides no random bytes.
    pub fn for_api() -> Result<Self> {
        let random = Self::from_random(secret::random()?);
        Ok(Self::from_text(format!("{API_PREFIX}{}", random.expose())))
    }

    /// A token made of these random bytes.
    pub fn from_random(bytes: [u8; TOKEN_BYTES]) -> Self {
        Self(SecretString::from(hexadecimal(&bytes)))
    }

    /// The token that was stored as this text.
    pub fn from_text(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Its hash.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.expose())
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}")).expect("a String takes it");
    }
    text
}

/// A token's SHA-256. An attacker who guesses tokens can't choose their hashes, so a lookup by hash
/// reveals nothing through timing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// The hash of a token as received in a URL.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// In hexadecimal.
    pub(crate) fn text(&self) -> String {
        hexadecimal(&self.0)
    }

    /// Parses a hash in hexadecimal.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        (text.len() == 64).then_some(Self(bytes))
    }
}
