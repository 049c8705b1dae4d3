//! Where alerts go: email addresses, and webhook URLs that accept a JSON body with a `text`, as Slack,
//! Mattermost and similar services do.

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::email;
use crate::outcome::words;

/// The longest webhook URL, in bytes.
pub const LONGEST_URL: usize = 2_000;
/// The longest text of a message to a webhook, in characters. Mattermost accepts 16,383.
pub const LONGEST_TEXT: usize = 8_000;
/// How many characters of a webhook's URL are shown, at its end, to tell it from others.
const SHOWN: usize = 4;
/// A path with fewer characters has no end that could be shown without showing most of it.
const SHORTEST_SECRET: usize = 16;

words! {
    /// What an alert is about.
    Kind {
        /// Records fail, or a connector doesn't sync at all.
        Failing = "failing",
        /// No webhook arrives at a connector.
        Silent = "silent",
        /// What was reported is over.
        Resolved = "resolved",
        /// An account's calls for the day won't suffice.
        Quota = "quota",
        /// A sweep fails or needs confirmation.
        Sweep = "sweep",
        /// So many leads changed that a connector needs confirmation.
        MassChange = "mass_change",
        /// Fewer leads agree than before.
        Parity = "parity",
        /// What a day or a week brought.
        Digest = "digest",
        /// Somebody tests the address.
        Test = "test",
    }
}

/// An address that receives alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An email address.
    Email(String),
    /// A webhook's URL, which is a secret: whoever has it can post.
    Webhook(Url),
}

impl Address {
    /// Reads an address as it is typed.
    ///
    /// # Errors
    /// Why it can't be used, as the rest of a sentence that begins with the value's name. It never
    /// repeats the value.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("is missing".to_owned());
        }
        if !text.contains("://") {
            return match email::read(text) {
                email::Read::Address(address) => Ok(Self::Email(address)),
                email::Read::Several => {
                    Err("has several email addresses; add each of them on its own".to_owned())
                }
                email::Read::Not => Err("is not an email address or an https:// URL".to_owned()),
            };
        }
        if text.len() > LONGEST_URL {
            return Err(format!("is longer than {LONGEST_URL} characters"));
        }
        let mut url = Url::parse(text).map_err(|error| format!("is not a valid URL: {error}"))?;
        let is_here = match url.host() {
            None => return Err("has no host".to_owned()),
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        };
        match url.scheme() {
            "https" => {}
            "http" if is_here => {}
            _ => return Err("must begin with https://".to_owned()),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not contain a user name or password".to_owned());
        }
        url.set_fragment(None);
        Ok(Self::Webhook(url))
    }

    /// How it is shown: a webhook's URL only by its host and its last characters.
    pub fn shown(&self) -> String {
        let url = match self {
            Self::Email(address) => return address.clone(),
            Self::Webhook(url) => url,
        };
        let rest = &url[url::Position::BeforePath..];
        let length = rest.chars().count();
        let end = if length < SHORTEST_SECRET { 0 } else { SHOWN };
        let end: String = rest.chars().skip(length - end).collect();
        format!("{}/…{end}", &url[..url::Position::BeforePath])
    }
}

/// The text of a message to a webhook, of limited length, in which nothing notifies everybody in a channel
/// or is a link with another text: it quotes accounts, and they quote leads.
pub fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut before = ' ';
    for (at, char) in text.chars().enumerate() {
        if at == LONGEST_TEXT {
            safe.push('…');
            break;
        }
        match char {
            // Slack's links and mentions: `<!channel>`.
            '<' => safe.push('‹'),
            '>' => safe.push('›'),
            // Mentions in Mattermost: `@all`. Email addresses stay as they are.
            '@' if !before.is_alphanumeric() => safe.push_str("@\u{200b}"),
            // Links and pictures in Markdown: `[text](address)`.
            '(' if before == ']' => safe.push_str(" ("),
            _ => safe.push(char),
        }
        before = char;
    }
    safe
}
