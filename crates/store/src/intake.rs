//! Deliveries as they arrive.

use std::borrow::Cow;
use std::net::IpAddr;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use plan::id::{ConnectorId, RequestId};
use plan::payload::{Entry, Removal};
use plan::problem::{Code, Problem};

/// Storing deliveries.
#[async_trait]
pub trait Intake: Send + Sync + std::fmt::Debug {
    /// Stores deliveries as received, in one transaction, each as a queued request. Once this
    /// returns `Ok`, they are on disk. A delivery never changes afterwards. Webhooks are noted
    /// ([`crate::Arrivals`]).
    async fn store_deliveries(&self, deliveries: Vec<NewDelivery>) -> crate::error::Result<()>;
}

/// One delivery, about to be stored.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// The request that it becomes.
    pub id: RequestId,
    /// The connector whose URL received it.
    pub connector: ConnectorId,
    /// When it arrived.
    pub received_at: Timestamp,
    /// Where it came from.
    pub origin: Origin,
    /// The sender's Content-Type.
    pub content_type: Option<String>,
    /// The body, byte for byte.
    pub body: Bytes,
}

/// Where a delivery came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The source account's webhook.
    Webhook,
    /// A read of the source account, for a backfill.
    Backfill,
    /// A read of the source account that showed a change no webhook reported.
    Sweep,
    /// A person who wants the destination to match the source. The body names the leads.
    Parity,
    /// A comparison of the accounts that no longer found linked leads in the source.
    Gone,
    /// The source account's webhook about leads that were deleted.
    Deleted,
    /// The source account's webhook about leads that were merged.
    Merged,
    /// A webhook whose body was too long: only its beginning is kept.
    TooLong(TooLong),
}

/// A body that was too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// Its size in bytes, as announced or as far as read.
    pub bytes: u64,
    /// The limit in bytes.
    pub most: u64,
    /// The address that sent it.
    pub sender: IpAddr,
    /// The address it claims to forward for, if it is a proxy.
    pub on_behalf_of: Option<IpAddr>,
}

impl Origin {
    const PLAIN: [Self; 7] = [
        Self::Webhook,
        Self::Backfill,
        Self::Sweep,
        Self::Parity,
        Self::Gone,
        Self::Deleted,
        Self::Merged,
    ];

    /// Whether the source account posted it.
    pub fn is_webhook(self) -> bool {
        match self {
            Self::Webhook | Self::Deleted | Self::Merged | Self::TooLong(_) => true,
            Self::Backfill | Self::Sweep | Self::Parity | Self::Gone => false,
        }
    }

    /// The name as shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook | Self::TooLong(_) => "webhook",
            Self::Backfill => "backfill",
            Self::Sweep => "sweep",
            Self::Parity => "parity",
            Self::Gone => "gone",
            Self::Deleted => "deleted",
            Self::Merged => "merged",
        }
    }

    /// The text as stored.
    pub(crate) fn stored(self) -> Cow<'static, str> {
        let Self::TooLong(TooLong { bytes, most, sender, on_behalf_of }) = self else {
            return Cow::Borrowed(self.as_str());
        };
        let proxied = on_behalf_of.map(|address| format!(" {address}")).unwrap_or_default();
        Cow::Owned(format!("too_long {bytes} {most} {sender}{proxied}"))
    }

    /// The reverse of [`Self::stored`].
    pub(crate) fn from_stored(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        if words.next() != Some("too_long") {
            return Self::PLAIN.into_iter().find(|origin| origin.as_str() == text);
        }
        Some(Self::TooLong(TooLong {
            bytes: words.next()?.parse().ok()?,
            most: words.next()?.parse().ok()?,
            sender: words.next()?.parse().ok()?,
            on_behalf_of: words.next().map(str::parse).transpose().ok()?,
        }))
    }

    /// The records of a body that arrived this way.
    ///
    /// # Errors
    /// The [`Problem`] with the body as a whole.
    pub fn read(self, body: &[u8], content_type: Option<&str>) -> Result<Vec<Entry>, Problem> {
        match self {
            Self::TooLong(too_long) => Err(too_long.problem()),
            _ => plan::preview::read(body, content_type, self.removal()),
        }
    }

    /// Why the leads in it are gone, if it reports that.
    pub fn removal(self) -> Option<Removal> {
        match self {
            Self::Webhook | Self::Backfill | Self::Sweep | Self::Parity | Self::TooLong(_) => None,
            Self::Deleted | Self::Gone => Some(Removal::Deleted),
            Self::Merged => Some(Removal::Merged),
        }
    }
}

impl From<Option<Removal>> for Origin {
    fn from(removal: Option<Removal>) -> Self {
        match removal {
            None => Self::Webhook,
            Some(Removal::Deleted) => Self::Deleted,
            Some(Removal::Merged) => Self::Merged,
        }
    }
}

impl TooLong {
    /// What is said about it, and what to do.
    fn problem(self) -> Problem {
        let Self { bytes, most, sender, on_behalf_of } = self;
        let sender = match on_behalf_of {
            Some(address) => format!("{address} via {sender}"),
            None => sender.to_string(),
        };
        let message = format!(
            "The body was too long: {bytes} bytes or more from {sender}; the limit is {most}. The \
             request was answered with 413, and only the beginning of the body is stored."
        );
        let advice = "Send fewer records per request, or raise LEADSYNC_MAX_BODY and send the \
                      request again; a retry can't help, because the rest of the body was not \
                      stored.";
        Problem::new(Code::BodyTooLong, message, advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_as_it_was_stored() {
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), "2001:db8::7".parse().unwrap());
        let too_long =
            |on_behalf_of| TooLong { bytes: 3_000_000, most: 2, sender: here, on_behalf_of };
        let long = [None, Some(there)].map(|address| Origin::TooLong(too_long(address)));
        for origin in Origin::PLAIN.into_iter().chain(long) {
            assert_eq!(Origin::from_stored(&origin.stored()), Some(origin));
        }
        for text in ["", "too_long", "too_long 1 2 here", "webhook 1"] {
            assert_eq!(Origin::from_stored(text), None, "{text}");
        }
        let problem = too_long(Some(there)).problem();
        assert!(problem.message.contains("3000000 bytes or more from 2001:db8::7 via 127.0.0.1"));
    }
}
