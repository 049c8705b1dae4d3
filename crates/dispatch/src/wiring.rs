//! The native webhooks that a connector creates in its source account.

use leadsquared::{Client, Limits, Paging, Sorting, WebhookEvent, WebhookQuery, WebhookWrite};
use plan::problem::Problem;
use plan::verdict;
use plan::wiring::{self, Act, Event, Existing, SECRET_HEADER, State, Wired};
use secrecy::SecretString;

use crate::access::client;
use crate::failure;

/// Rows per page of webhooks.
const PAGE: u32 = 100;
/// The limit of pages.
const MOST_PAGES: u32 = 20;

/// Where the webhooks of a connector post to, and the secret they send.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The connector's name.
    pub connector: &'a str,
    /// The URL.
    pub url: &'a str,
    /// The value of [`SECRET_HEADER`].
    pub secret: &'a SecretString,
}

/// The webhooks of leadsync that the account has.
///
/// # Errors
/// The account can't be reached, or refuses.
pub async fn webhooks(account: &store::Account) -> Result<Vec<Existing>, Problem> {
    existing(&client(account, Limits::default())?, &account.name).await
}

/// Creates the webhooks that the connector needs, updates existing ones with the current URL and
/// secret, which also enables them, and removes its own ones that it no longer needs.
///
/// # Errors
/// The account can't be reached, or refuses. What was done until then stays, and the next call
/// finds it.
pub async fn wire(
    account: &store::Account,
    target: Target<'_>,
    wanted: &[Event],
) -> Result<Vec<Wired>, Problem> {
    let client = client(account, Limits::default())?;
    let told = |error: leadsquared::Error| refused(&error, &account.name);
    let there = existing(&client, &account.name).await?;
    let mut done = Vec::new();
    for act in wiring::acts(target.connector, wanted, &there) {
        let wired = match act {
            Act::Make(event) => {
                client.create_webhook(&write(event, target)).await.result.map_err(told)?;
                Wired { event: event.words(), state: State::Made }
            }
            Act::Renew(event, hook) => {
                let write = write(event, target);
                client.update_webhook(&hook.id, &write).await.result.map_err(told)?;
                let was_off = State::of(hook.status) != State::On;
                let state = if was_off { State::SwitchedOn } else { State::On };
                Wired { event: event.words(), state }
            }
            Act::Remove(hook) => remove(&client, target.connector, &hook).await.map_err(told)?,
        };
        done.push(wired);
    }
    Ok(done)
}

/// Removes every webhook that the connector created.
///
/// # Errors
/// The account can't be reached, or refuses.
pub async fn unwire(account: &store::Account, connector: &str) -> Result<Vec<Wired>, Problem> {
    let client = client(account, Limits::default())?;
    let mut done = Vec::new();
    for act in wiring::acts(connector, &[], &existing(&client, &account.name).await?) {
        if let Act::Remove(hook) = act {
            let removed = remove(&client, connector, &hook).await;
            done.push(removed.map_err(|error| refused(&error, &account.name))?);
        }
    }
    Ok(done)
}

async fn remove(
    client: &Client,
    connector: &str,
    hook: &Existing,
) -> Result<Wired, leadsquared::Error> {
    client.delete_webhook(&hook.id).await.result?;
    let event = hook.description.trim_start_matches(&wiring::prefix(connector)).to_owned();
    Ok(Wired { event, state: State::Removed })
}

async fn existing(client: &Client, account: &str) -> Result<Vec<Existing>, Problem> {
    let mut all = Vec::new();
    for page_index in 1..=MOST_PAGES {
        let query = WebhookQuery {
            event: "",
            status_code: None,
            webhook_id: "",
            search_text: "leadsync",
            sorting: Sorting::ascending("ModifiedOn"),
            paging: Paging { page_index, page_size: PAGE },
        };
        let page =
            client.webhooks(&query).await.result.map_err(|error| refused(&error, account))?;
        let rows = page.rows.len();
        all.extend(page.rows.into_iter().map(|hook| Existing {
            id: hook.webhook_id,
            description: hook.description.unwrap_or_default(),
            status: hook.status_code,
        }));
        if rows < PAGE as usize {
            break;
        }
    }
    Ok(all)
}

fn write(event: Event, target: Target<'_>) -> WebhookWrite<'_> {
    let (kind, activity_event) = match event {
        Event::LeadCreate => (WebhookEvent::LeadCreate, None),
        Event::LeadUpdate => (WebhookEvent::LeadUpdate, None),
        Event::ActivityCreate(code) => (WebhookEvent::LeadActivityCreate, Some(code)),
        Event::ActivityUpdate(code) => (WebhookEvent::LeadActivityUpdate, Some(code)),
    };
    WebhookWrite {
        description: event.description(target.connector).into(),
        url: target.url.into(),
        event: kind,
        activity_event,
        notify_on_failure: true,
        headers: vec![(SECRET_HEADER.into(), target.secret.clone())],
    }
}

fn refused(error: &leadsquared::Error, account: &str) -> Problem {
    verdict::not_read(&failure::of(error), account)
}
