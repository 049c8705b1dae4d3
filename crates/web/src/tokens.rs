//! Which connector a token belongs to.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use plan::id::ConnectorId;
use store::{Settings, TokenHash};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often the configuration is checked for changes.
const REFRESH: Duration = Duration::from_secs(1);
/// An unknown token causes another check, but not more often than this: guessing tokens must not
/// become work for the database.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How often it is noted that a URL is in use.
const NOTE: SignedDuration = SignedDuration::from_mins(1);

/// The tokens of all connectors, as of a moment ago.
#[derive(Debug)]
pub(crate) struct Tokens {
    settings: Arc<dyn Settings>,
    known: RwLock<HashMap<TokenHash, Known>>,
    looked: Mutex<Looked>,
    /// When each was last used.
    used: std::sync::Mutex<HashMap<TokenHash, Use>>,
}

/// When a URL was last used.
#[derive(Clone, Copy, Debug)]
struct Use {
    at: Timestamp,
    /// That of these times which was stored last.
    noted: Option<Timestamp>,
}

/// What is known of a connector by its token.
#[derive(Clone, Copy, Debug)]
struct Known {
    connector: ConnectorId,
    /// The hash of the secret that the native webhooks send that were made for it.
    secret: Option<TokenHash>,
    /// Until when the URL is valid, if it was replaced.
    ends_at: Option<Timestamp>,
}

#[derive(Debug)]
struct Looked {
    version: i64,
    at: Instant,
    failed: bool,
}

/// Why there is no connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// None has this token.
    Nobody,
    /// The secret is not that with which the connector's webhooks were made.
    Stranger,
    /// The store did not respond when it was last tried, so it is not known. The sender tries
    /// again.
    CannotTell,
}

impl Tokens {
    pub(crate) async fn read(settings: Arc<dyn Settings>) -> store::Result<Self> {
        let (version, known) = read(settings.as_ref()).await?;
        let looked = Mutex::new(Looked { version, at: Instant::now(), failed: false });
        Ok(Self { settings, known: RwLock::new(known), looked, used: std::sync::Mutex::default() })
    }

    /// The connector of a token from a URL. Requests of a disabled connector are stored too.
    pub(crate) async fn connector(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<ConnectorId, Unknown> {
        let known = self.known(token).await?.at(now)?;
        self.note(TokenHash::of(token), now);
        Ok(known.connector)
    }

    /// The same for its native webhooks, which send the secret with which they were made.
    pub(crate) async fn wired(
        &self,
        token: &str,
        secret: &str,
        now: Timestamp,
    ) -> Result<ConnectorId, Unknown> {
        let sent = TokenHash::of(secret);
        let mut known = self.known(token).await?.at(now)?;
        if known.secret != Some(sent) {
            // The webhooks may have been made anew a moment ago.
            let mut looked = self.looked.lock().await;
            if looked.at.elapsed() >= LOOK_AGAIN {
                self.look(&mut looked).await;
            }
            known = self.find(&TokenHash::of(token)).ok_or(Unknown::Nobody)?.at(now)?;
        }
        if known.secret != Some(sent) {
            return Err(Unknown::Stranger);
        }
        self.note(TokenHash::of(token), now);
        Ok(known.connector)
    }

    /// The URL with this token is in use.
    fn note(&self, hash: TokenHash, now: Timestamp) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let of = used.entry(hash).or_insert(Use { at: now, noted: None });
        of.at = of.at.max(now);
    }

    /// Stores when URLs were last used, of those not stored within the last minute.
    async fn store_used(&self) {
        let due: HashMap<TokenHash, Timestamp> = {
            let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            let is_due =
                |of: &Use| of.noted.is_none_or(|noted| of.at.duration_since(noted) >= NOTE);
            used.iter().filter(|(_, of)| is_due(of)).map(|(hash, of)| (*hash, of.at)).collect()
        };
        if due.is_empty() {
            return;
        }
        if let Err(error) = self.settings.note_urls_used(due.clone()).await {
            tracing::warn!(%error, "when webhook URLs were last used can't be noted");
            return;
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        for (hash, at) in due {
            if let Some(of) = used.get_mut(&hash) {
                of.noted = Some(at);
            }
        }
    }

    async fn known(&self, token: &str) -> Result<Known, Unknown> {
        let hash = TokenHash::of(token);
        if let Some(connector) = self.find(&hash) {
            return Ok(connector);
        }
        let mut looked = self.looked.lock().await;
        // Somebody else may have checked while we waited.
        if let Some(connector) = self.find(&hash) {
            return Ok(connector);
        }
        if looked.at.elapsed() >= LOOK_AGAIN {
            self.look(&mut looked).await;
        }
        let unknown = if looked.failed { Unknown::CannotTell } else { Unknown::Nobody };
        self.find(&hash).ok_or(unknown)
    }

    fn find(&self, hash: &TokenHash) -> Option<Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(hash).copied()
    }

    async fn look(&self, looked: &mut Looked) {
        looked.at = Instant::now();
        // Until the store has responded, even if this future is dropped halfway.
        looked.failed = true;
        let changed = match self.settings.configuration_version().await {
            Ok(version) => version != looked.version,
            Err(error) => {
                tracing::warn!(%error, "connectors can't be read now");
                return;
            }
        };
        if !changed {
            looked.failed = false;
            return;
        }
        match read(self.settings.as_ref()).await {
            Ok((version, known)) => {
                looked.version = version;
                looked.failed = false;
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
            }
            Err(error) => tracing::warn!(%error, "connectors can't be read now"),
        }
    }

    pub(crate) async fn refresh_until(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(REFRESH) => {}
            }
            {
                let mut looked = self.looked.lock().await;
                self.look(&mut looked).await;
            }
            self.store_used().await;
        }
    }
}

impl Known {
    /// The same, if it is still valid.
    fn at(self, now: Timestamp) -> Result<Self, Unknown> {
        if self.ends_at.is_some_and(|ends| ends <= now) { Err(Unknown::Nobody) } else { Ok(self) }
    }
}

async fn read(settings: &dyn Settings) -> store::Result<(i64, HashMap<TokenHash, Known>)> {
    let configuration = settings.configuration().await?;
    let mut known = HashMap::new();
    for connector in configuration.connectors {
        let secret = connector.wiring.map(|wiring| wiring.secret);
        let current = Known { connector: connector.id, secret, ends_at: None };
        for former in connector.former_urls {
            known.insert(former.token_hash, Known { ends_at: Some(former.ends_at), ..current });
        }
        known.insert(connector.token_hash, current);
    }
    Ok((configuration.version, known))
}
