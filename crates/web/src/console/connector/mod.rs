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
mod pairs;
mod preview;
mod progress;
mod refresh;
mod saving;
mod summary;
mod versions;
mod webhook;

pub(super) use actions::{confirm, disable, enable, export, remove, retry};
pub(super) use list::list;
pub(super) use new::{add, create};
pub(super) use pairs::{Row, rows};

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
    activities as mapping_of_activities, owners, put_activities as put_activity_mapping,
    put_leads as put_mapping, put_owners, show_activities as activity_mapping,
    show_leads as mapping,
};
pub(super) use preview::{preview, show as preview_form};
pub(super) use refresh::{begin as refresh, show as refresh_form};
pub(super) use saving::{put, show};
pub(super) use summary::show as summary;
pub(super) use versions::{restore, show as versions};
pub(super) use webhook::{end_old_urls, replace_url, show as webhook, unwire, wire};

use std::collections::BTreeSet;

use admin::health::{ConnectorCondition, Signs};
use admin::pairing;
use jiff::Timestamp;
use plan::connector::Definition;
use plan::permission::Scope;
use saving::save;
use store::{Configuration, Connector};

use super::page;
use super::state;
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

/// The pages whose settings the way back takes over.
const SAVED: [&str; 3] = ["/basic", "/entities", "/mapping"];

/// What all pages of a connector show.
pub(super) struct Frame {
    name: String,
    address: String,
    source: String,
    destination: String,
    enabled: bool,
    state: state::Shown,
    /// When a record last succeeded.
    last_success: Option<Timestamp>,
    /// When the last webhook arrived.
    last_webhook: Option<Timestamp>,
    /// The connector in the opposite direction, and its state.
    opposite: Option<(String, state::Shown)>,
    /// Whether both directions are disabled.
    are_both_off: bool,
    /// Whether it was never enabled.
    in_setup: bool,
    /// The steps of the set-up, while it is in it.
    steps: Vec<Step>,
    /// Its other pages, or all.
    tabs: Vec<Tab>,
    /// The same page of the way back, where that takes over what is saved here.
    carried_to: Option<(String, String)>,
    /// The page of the next step.
    next: Option<String>,
}

struct Tab {
    address: String,
    title: &'static str,
    is_here: bool,
}

struct Step {
    address: String,
    title: &'static str,
    is_here: bool,
    /// Whether it is done, wherever the person is.
    is_done: bool,
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
) -> Result<Opened, page::Instead> {
    let configuration = shared.store.configuration().await?;
    let connector = configuration.connector(name).cloned();
    let connector = connector.ok_or_else(|| page::not_found("connector"))?;
    let store = shared.store.as_ref();
    let in_setup = pairing::is_in_setup(store, &connector).await?;
    let signs = Signs::read(store, &configuration, (shared.clock)()).await?;
    let opposite = configuration.opposite(&connector);
    let opposite = opposite.filter(|other| visitor.reach.has(&other.definition.name));
    let are_both_off = !connector.enabled && opposite.is_some_and(|other| !other.enabled);
    let opposite = opposite.map(|other| {
        (other.definition.name.clone(), state::Shown::from(&signs.of_connector(other)))
    });
    let condition = signs.of_connector(&connector);
    let follower = pairing::follower(store, &configuration, &connector).await?;
    let follower = follower.map(|back| back.definition.name.clone());
    let step = SAVED.iter().find(|step| here.starts_with(**step));
    let carried_to = step.zip(follower.filter(|name| visitor.reach.has(name)));
    let done = if in_setup {
        let steps: Vec<&str> =
            LEAVES.iter().filter(|leaf| leaf.is_step).map(|one| one.path).collect();
        progress::done(store, &connector, &steps).await?
    } else {
        BTreeSet::new()
    };
    let frame = Frame {
        opposite,
        are_both_off,
        carried_to: carried_to.map(|(step, name)| (format!("{}{step}", address(&name)), name)),
        ..frame(&connector, visitor, here, (in_setup.then_some(&done), &condition))
    };
    Ok(Opened { configuration, connector, frame })
}

fn frame(
    connector: &Connector,
    visitor: &Visitor,
    here: &str,
    (done, condition): (Option<&BTreeSet<&str>>, &ConnectorCondition),
) -> Frame {
    let Definition { name, source, destination, .. } = &connector.definition;
    let in_setup = done.is_some();
    let address = address(name);
    let at = |leaf: &Leaf| format!("{address}{}", leaf.path);
    let is_here = |leaf: &Leaf| {
        leaf.path == here || (!leaf.path.is_empty() && here.starts_with(&format!("{}/", leaf.path)))
    };
    let seen = || LEAVES.iter().filter(|leaf| visitor.role.most() >= leaf.needs);
    let steps = || seen().filter(|leaf| leaf.is_step && in_setup);
    let now = steps().position(is_here);
    let step = |(number, leaf): (usize, &Leaf)| Step {
        address: at(leaf),
        title: leaf.title,
        is_here: now == Some(number),
        is_done: done.is_some_and(|done| done.contains(leaf.path)),
    };
    let tabs = seen().filter(|leaf| !leaf.is_step || !in_setup);
    let tab = |leaf: &Leaf| Tab { address: at(leaf), title: leaf.title, is_here: is_here(leaf) };
    let next = steps().skip_while(|step| step.path != here).nth(1).map(at);
    Frame {
        name: name.clone(),
        source: source.clone(),
        destination: destination.clone(),
        enabled: connector.enabled,
        state: state::Shown::from(condition),
        last_success: condition.last_success,
        last_webhook: condition.last_webhook,
        opposite: None,
        are_both_off: false,
        in_setup,
        steps: steps().enumerate().map(step).collect(),
        tabs: tabs.map(tab).collect(),
        next,
        carried_to: None,
        address,
    }
}

/// The address of a connector's pages.
pub(super) fn address(name: &str) -> String {
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    // A name has letters, digits and three other characters, so there can't be a space.
    format!("/connectors/{name}")
}
