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
mod saving;
mod summary;
mod versions;
mod webhook;

pub(super) use actions::{confirm, disable, enable, export, remove, retry};
pub(super) use list::list;
pub(super) use new::{add, create};

pub(super) use access::AccessPage;
pub(super) use backfill::{
    begin as begin_backfill, progress as backfill_progress, set as set_backfill, show as backfill,
};
pub(super) use basic::BasicPage;
pub(super) use check::show as check;
pub(super) use compare::{ComparePage, act as act_on_compare};
pub(super) use entities::{EntitiesPage, KEYS_DISAGREE, LINKED, SEVERAL, Shown};
pub(super) use filter::FilterPage;
pub(super) use mapping::{
    put_activities as put_activity_mapping, put_leads as put_mapping,
    show_activities as activity_mapping, show_leads as mapping,
};
pub(super) use preview::{preview, show as preview_form};
pub(super) use refresh::{begin as refresh, show as refresh_form};
pub(super) use saving::{put, show};
pub(super) use summary::show as summary;
pub(super) use versions::{restore, show as versions, shown};
pub(super) use webhook::{show as webhook, unwire, wire};

use axum::response::Response;
use plan::connector::Definition;
use plan::permission::Scope;
use saving::save;
use store::{Configuration, Connector, Filter, Page};

use super::page;
use super::visitor::Visitor;
use crate::Shared;

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
