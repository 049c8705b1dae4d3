//! `/connectors/{name}/webhook`: the webhook URL and what to do with it in the source account; of a
//! pair, both, each in its own source account.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use plan::outcome::Event;
use plan::problem::Problem;
use plan::wiring::Wired;
use store::{Connector, Filter, FormerUrl, Page, RequestItem};

use super::page::{self, Shown, told};
use super::{Frame, Opened, address, open};
use crate::Shared;
use crate::console::form::Form;
use crate::console::visitor::Visitor;
use admin::wiring::{Act, Job, NotWired};
use admin::{connectors, webhook_url};

const HERE: &str = "/webhook";

#[derive(Template)]
#[template(path = "connector_webhook.html")]
struct Webhook {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    ways: Vec<Way>,
    now: Timestamp,
}

/// What the source is to report besides leads.
struct Reports {
    activities: bool,
    /// Leads that are deleted, because their counterparts are marked.
    removals: bool,
}

/// What is settled of what comes after the set-up.
struct Settled {
    /// Whether a backfill was started.
    backfill: bool,
    /// Whether failures are emailed to somebody.
    mails: bool,
}

/// A connector's webhooks.
struct Way {
    name: String,
    address: String,
    source: String,
    destination: String,
    enabled: bool,
    url: String,
    /// When the URL was last used, to a minute.
    used_at: Option<Timestamp>,
    /// The URLs that it replaced, the newest first.
    old: Vec<FormerUrl>,
    /// The URL as LeadSquared's form takes it: without the scheme.
    scheme: &'static str,
    bare: String,
    /// Whether LeadSquared can reach the URL at all.
    is_local: bool,
    reports: Reports,
    verified_at: Option<Timestamp>,
    newest: Option<RequestItem>,
    /// The newest request that wrote something.
    synced: Option<RequestItem>,
    settled: Settled,
    /// When the source account's native webhooks were made, if they were.
    wired_at: Option<Timestamp>,
    /// How they stand, or what was just done, and why not.
    wired: Vec<Wired>,
    not_wired: Option<Problem>,
}

impl Webhook {
    fn is_valid(&self, old: &FormerUrl) -> bool {
        old.ends_at > self.now
    }

    fn has_valid(&self, way: &Way) -> bool {
        way.old.iter().any(|old| self.is_valid(old))
    }

    fn is_pair(&self) -> bool {
        self.ways.len() > 1
    }

    /// Whether both can be given native webhooks at once.
    fn wires_both(&self) -> bool {
        self.is_pair() && self.ways.iter().any(|way| way.wired_at.is_none())
    }

    fn is_synced(&self) -> bool {
        self.ways.iter().all(|way| way.synced.is_some())
    }

    /// Whether there is something left to do once leads are synced.
    fn has_next(&self) -> bool {
        let is_open = |way: &Way| !way.settled.backfill || !way.settled.mails;
        self.is_synced() && (!self.is_pair() || self.ways.iter().any(is_open))
    }
}

/// What was just done about the webhooks of a connector, by its name.
type Done = BTreeMap<String, Result<Vec<Wired>, Problem>>;

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(given): Query<BTreeMap<String, String>>,
) -> Shown {
    shown(&shared, visitor, &name, told(&given), Done::new()).await
}

/// Replaces the webhook URL; the old one stays valid for as long as the form says.
pub(in crate::console) async fn replace_url(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> Shown {
    let hours = form.text("keep_hours").parse().unwrap_or(connectors::OLD_URL_HOURS);
    connectors::replace_url(&shared, &visitor.actor(), &name, hours).await?;
    if hours == 0 {
        connectors::end_old_urls(&shared, &visitor.actor(), &name).await?;
    }
    Ok(back(&name, "url_replaced"))
}

/// Ends the URLs that it replaced.
pub(in crate::console) async fn end_old_urls(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Form,
) -> Shown {
    connectors::end_old_urls(&shared, &visitor.actor(), &name).await?;
    Ok(back(&name, "urls_ended"))
}

fn back(name: &str, told: &str) -> Response {
    let path = format!("{}{HERE}", address(name));
    Redirect::to(&page::with_told(&path, told)).into_response()
}

/// Makes the source account's native webhooks, or renews them; of both connectors of a pair, if the
/// form says so.
pub(in crate::console) async fn wire(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> Shown {
    act(&shared, visitor, &name, Act::Wire, form.text("ways") == "both").await
}

/// Removes them.
pub(in crate::console) async fn unwire(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Form,
) -> Shown {
    act(&shared, visitor, &name, Act::Unwire, false).await
}

async fn act(shared: &Shared, visitor: Visitor, name: &str, act: Act, both_ways: bool) -> Shown {
    let configuration = shared.store.configuration().await?;
    let connector = configuration.connector(name).ok_or_else(|| page::not_found("connector"))?;
    let opposite = configuration.opposite(connector).filter(|_| both_ways);
    let (store, accounts) = (shared.store.as_ref(), shared.accounts.as_ref());
    let (actor, now) = (visitor.actor(), (shared.clock)());
    let mut done = Done::new();
    for connector in [connector].into_iter().chain(opposite) {
        let job = Job { store, accounts, configuration: &configuration, connector };
        let result = match job.run(act, &shared.hooks_url, &actor, now).await {
            Ok(wired) => Ok(wired),
            Err(NotWired::Account(problem)) => Err(problem),
            Err(NotWired::Store(error)) => return Err(error.into()),
        };
        done.insert(connector.definition.name.clone(), result);
    }
    shown(shared, visitor, name, None, done).await
}

/// The page, with what was just done about the webhooks.
async fn shown(
    shared: &Shared,
    visitor: Visitor,
    name: &str,
    told: Option<&'static str>,
    done: Done,
) -> Shown {
    let opened = open(shared, &visitor, name, HERE).await?;
    let ways = ways(shared, &opened, done).await?;
    let now = (shared.clock)();
    let webhook = Webhook { page: "Connectors", visitor, frame: opened.frame, told, ways, now };
    let is_wrong = webhook.ways.iter().any(|way| way.not_wired.is_some());
    let status = if is_wrong { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
    Ok(page::page(status, &webhook))
}

/// The connector, and the one in the opposite direction.
async fn ways(shared: &Shared, opened: &Opened, mut done: Done) -> store::Result<Vec<Way>> {
    let opposite = opened.frame.opposite.as_ref().map(|(name, _)| name);
    let opposite = opposite.and_then(|name| opened.configuration.connector(name));
    let mut ways = Vec::new();
    for connector in [&opened.connector].into_iter().chain(opposite) {
        let (wired, not_wired) = match done.remove(&connector.definition.name) {
            Some(Ok(wired)) => (wired, None),
            Some(Err(problem)) => (Vec::new(), Some(problem)),
            None => (Vec::new(), None),
        };
        ways.push(Way { wired, not_wired, ..way(shared, connector).await? });
    }
    Ok(ways)
}

async fn way(shared: &Shared, connector: &Connector) -> store::Result<Way> {
    let definition = &connector.definition;
    let newest = newest(shared, connector, None).await?;
    let synced = match newest {
        None => None,
        Some(_) => match self::newest(shared, connector, Some(Event::New)).await? {
            None => self::newest(shared, connector, Some(Event::Updated)).await?,
            created => created,
        },
    };
    let url = webhook_url(&shared.hooks_url, &connector.token);
    let scheme = if url.starts_with("https://") { "https://" } else { "http://" };
    let bare = url.strip_prefix(scheme).unwrap_or(&url).to_owned();
    Ok(Way {
        name: definition.name.clone(),
        address: address(&definition.name),
        source: definition.source.clone(),
        destination: definition.destination.clone(),
        enabled: connector.enabled,
        is_local: ["127.", "localhost", "[::1]"].iter().any(|host| bare.starts_with(host)),
        url,
        used_at: connector.url_used,
        old: connector.former_urls.clone(),
        scheme,
        bare,
        reports: Reports {
            activities: definition.activity.enabled,
            removals: definition.removed.is_some(),
        },
        verified_at: connector.verified_at,
        settled: Settled {
            backfill: synced.is_some()
                && !shared.store.backfills(Some(connector.id)).await?.is_empty(),
            mails: definition.basic.notifications,
        },
        newest,
        synced,
        wired_at: connector.wiring.map(|wiring| wiring.at),
        wired: Vec::new(),
        not_wired: None,
    })
}

/// The connector's newest request, or the newest with a record of this event.
async fn newest(
    shared: &Shared,
    connector: &Connector,
    event: Option<Event>,
) -> store::Result<Option<RequestItem>> {
    let name = connector.definition.name.clone();
    let filter = Filter { connector: Some(name), event, ..Filter::default() };
    let (items, _) = shared.store.requests(&filter, &Page { limit: 1, after: None }).await?;
    Ok(items.into_iter().next())
}
