//! `/connectors`: the list, and a connector's own pages, which are also the steps of its set-up.

mod access;
mod actions;
mod backfill;
mod basic;
mod check;
mod compare;
mod entities;
mod filter;
mod list;
mod lists;
mod mapping;
mod new;
mod preview;
mod refresh;
mod summary;
mod versions;
mod webhook;

pub(super) use actions::{confirm, disable, enable, export, remove, retry};
pub(super) use list::list;
pub(super) use new::{add, create};

pub(super) use access::{put as put_access, show as access};
pub(super) use backfill::{
    begin as begin_backfill, progress as backfill_progress, set as set_backfill, show as backfill,
};
pub(super) use basic::{put as put_basic, show as basic};
pub(super) use check::show as check;
pub(super) use compare::{act as act_on_compare, put as put_catch_up, show as compare};
pub(super) use entities::{
    KEYS_DISAGREE, LINKED, SEVERAL, Shown, put as put_entities, show as entities,
};
pub(super) use filter::{put as put_filter, show as filter};
pub(super) use mapping::{
    activities as mapping_of_activities, owners, put_activities as put_activity_mapping,
    put_leads as put_mapping, put_owners, show_activities as activity_mapping,
    show_leads as mapping,
};
pub(super) use preview::{preview, show as preview_form};
pub(super) use refresh::{begin as refresh, show as refresh_form};
pub(super) use summary::show as summary;
pub(super) use versions::{restore, show as versions};
pub(super) use webhook::{show as webhook, unwire, wire};

use admin::connectors;
use axum::response::{IntoResponse, Redirect, Response};
use plan::connector::Definition;
use plan::permission::Scope;
use store::{Configuration, Connector, Filter, Page};

use super::page;
use super::visitor::Visitor;
use crate::Shared;
use crate::api::Refusal;

/// A page of a connector: its path, its title, who may see it, and whether it is a step of the
/// set-up.
struct Leaf {
    path: &'static str,
    title: &'static str,
    needs: Scope,
    is_step: bool,
}

const fn leaf(path: &'static str, title: &'static str, needs: Scope, is_step: bool) -> Leaf {
    Leaf { path, title, needs, is_step }
}

/// The steps are in the order of the set-up.
const LEAVES: [Leaf; 9] = [
    leaf("", "Summary", Scope::Read, false),
    leaf("/basic", "Basic settings", Scope::Administer, true),
    leaf("/entities", "Entity options", Scope::Administer, true),
    leaf("/filter", "Filter", Scope::Administer, false),
    leaf("/mapping", "Mapping", Scope::Operate, true),
    leaf("/webhook", "Webhook URL", Scope::Administer, true),
    leaf("/check", "Check", Scope::Operate, true),
    leaf("/compare", "Compare", Scope::Read, false),
    leaf("/access", "Access", Scope::Administer, false),
];

/// What all pages of a connector show.
pub(super) struct Frame {
    name: String,
    address: String,
    source: String,
    destination: String,
    enabled: bool,
    /// Whether it was never enabled and nothing has arrived yet.
    in_setup: bool,
    tabs: Vec<Tab>,
    /// The page of the next step.
    next: Option<String>,
}

struct Tab {
    address: String,
    title: String,
    is_here: bool,
}

/// A connector that is shown.
pub(super) struct Opened {
    pub(super) configuration: Configuration,
    pub(super) connector: Connector,
    pub(super) frame: Frame,
}

/// The connector of this name, for its page `here`.
pub(super) async fn open(
    shared: &Shared,
    visitor: &Visitor,
    name: &str,
    here: &str,
) -> Result<Opened, Response> {
    let unavailable = |error: store::Error| page::unavailable(&error);
    let configuration = shared.store.configuration().await.map_err(unavailable)?;
    let connector = configuration.connector(name).cloned();
    let connector = connector.ok_or_else(|| page::not_found("connector"))?;
    let came = if connector.enabled {
        true
    } else {
        let filter = Filter { connector: Some(name.to_owned()), ..Filter::default() };
        let found = shared.store.requests(&filter, &Page { limit: 1, after: None }).await;
        !found.map_err(unavailable)?.0.is_empty()
    };
    let frame = frame(&connector, visitor, here, !came);
    Ok(Opened { configuration, connector, frame })
}

fn frame(connector: &Connector, visitor: &Visitor, here: &str, in_setup: bool) -> Frame {
    let Definition { name, source, destination, .. } = &connector.definition;
    let address = address(name);
    let seen = LEAVES.iter().filter(|leaf| visitor.role.most() >= leaf.needs);
    let steps = LEAVES.iter().filter(|leaf| leaf.is_step);
    let tab = |leaf: &Leaf| {
        let step = steps.clone().position(|step| step.path == leaf.path);
        // The first step, choosing the two accounts, is done by then.
        let title = match step.filter(|_| in_setup) {
            Some(step) => format!("{}. {}", step + 2, leaf.title),
            None => leaf.title.to_owned(),
        };
        Tab { address: format!("{address}{}", leaf.path), title, is_here: leaf.path == here }
    };
    let next = steps.clone().skip_while(|step| step.path != here).nth(1);
    Frame {
        name: name.clone(),
        source: source.clone(),
        destination: destination.clone(),
        enabled: connector.enabled,
        in_setup,
        tabs: seen.map(tab).collect(),
        next: next.filter(|_| in_setup).map(|step| format!("{address}{}", step.path)),
        address,
    }
}

/// The address of a connector's pages.
pub(super) fn address(name: &str) -> String {
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    // A name has letters, digits and three other characters, so there can't be a space.
    format!("/connectors/{name}")
}

/// Saves settings that are based on this version. Returns where to go next, or the faults.
async fn save(
    shared: &Shared,
    visitor: &Visitor,
    definition: &Definition,
    made_from: &str,
    frame: &Frame,
    here: &str,
) -> Result<Response, Refusal> {
    let made_from = made_from.parse().map_err(|_| Refusal::wrong("version", "is not a number"))?;
    connectors::save(shared, &visitor.actor(), definition, None, Some(made_from)).await?;
    let next = frame.next.clone().unwrap_or_else(|| format!("{}{here}", frame.address));
    Ok(Redirect::to(&page::with_told(&next, "saved")).into_response())
}
