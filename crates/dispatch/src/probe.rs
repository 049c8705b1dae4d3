//! Asking an account the questions of [`plan::probe`].
//!
//! What can be asked without writing is asked with [`Probe::read_only`]. The rest needs a test lead
//! ([`Probe::write`]): it has an address and a phone number that belong to nobody, and a last name
//! that says what it is. It is removed at the end or, if that failed, by [`Probe::clean`] next
//! time. If leadsync receives the account's webhooks, those about the test lead answer some more
//! questions ([`Listening`]).

mod activities;
mod by_key;
mod listening;
mod reading;
mod run;
mod subject;
mod test_lead;
mod values;
mod writing;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use leadsquared::{Client, Error, Limits, Reply};
use plan::probe::Finding;
use plan::problem::Problem;

pub use listening::{Listening, StoredPosts, WebhookPosts};
pub use run::run;
pub use test_lead::Cleaned;

use crate::access::client;
use crate::failure;

/// How many times a call is repeated that was refused because of the account's limit.
const MOST_WAITS: u32 = 24;
/// The wait, if the refusal names no window.
const WINDOW: Duration = Duration::from_secs(5);
/// It doesn't wait for the limit of a longer window, such as a day.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The findings.
#[derive(Debug, Default)]
pub struct Findings {
    /// The result of each question, in the order asked.
    pub findings: Vec<Finding>,
    /// The ids of test leads that the account refuses to delete.
    pub left: Vec<String>,
}

/// Probes one account.
pub struct Probe<'a> {
    client: Client,
    account: &'a str,
    pace: Duration,
    calls: AtomicU32,
    /// The ids of the leads that this probe created: they are its own, whatever happened to their
    /// fields.
    made: Mutex<Vec<String>>,
    listening: Option<Listening<'a>>,
}

impl<'a> Probe<'a> {
    /// Probes this account, with this pause before each call: other programs use its API too.
    ///
    /// # Errors
    /// The account's host or keys are not usable.
    pub fn new(account: &'a store::Account, pace: Duration) -> Result<Self, Problem> {
        let client = client(account, Limits::default())?;
        let (calls, made) = (AtomicU32::new(0), Mutex::default());
        Ok(Self { client, account: &account.name, pace, calls, made, listening: None })
    }

    /// Also answers what the account's webhooks show.
    #[must_use]
    pub fn listening(self, listening: Listening<'a>) -> Self {
        Self { listening: Some(listening), ..self }
    }

    fn remember(&self, id: &str) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if !made.iter().any(|other| other == id) {
            made.push(id.to_owned());
        }
    }

    fn made(&self) -> Vec<String> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many calls were made.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Makes a call, and repeats it after a wait while the account's limit is used up: a refused
    /// call had no effect.
    async fn ask<T, F: Future<Output = Reply<T>>>(&self, call: impl Fn() -> F) -> Reply<T> {
        let mut waits = 0;
        loop {
            tokio::time::sleep(self.pace).await;
            self.calls.fetch_add(1, Ordering::Relaxed);
            let reply = call().await;
            match &reply.result {
                Err(Error::RateLimited { limit, .. }) if waits < MOST_WAITS => {
                    let wait = limit.map_or(WINDOW, |limit| limit.per);
                    if wait > LONGEST_WAIT {
                        return reply;
                    }
                    waits += 1;
                    tokio::time::sleep(wait).await;
                }
                _ => return reply,
            }
        }
    }

    fn problem(&self, error: &Error) -> Problem {
        plan::verdict::not_read(&failure::of(error), self.account)
    }
}

/// Why a question can't be answered, without any text from the account: reports are sent to others.
fn reason(error: &Error) -> String {
    match error {
        Error::Refused { exception: Some(exception), .. } => {
            format!("the account refused the call ({exception})")
        }
        Error::Refused { status, .. } => format!("the account refused the call (HTTP {status})"),
        Error::RateLimited { .. } => "the account's API limit is used up".to_owned(),
        Error::Credentials { .. } => "the account rejects its keys".to_owned(),
        Error::Invalid { .. } => "the call could not be made".to_owned(),
        // Transient or unreadable.
        _ => "the account gave no usable response".to_owned(),
    }
}
