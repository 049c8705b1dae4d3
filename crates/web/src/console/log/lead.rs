//! `/leads/{account}/{id}`: a lead, its field history, and how it is in its accounts now.

use std::collections::BTreeMap;

use admin::lead::{self, ChangeItem, Direction, FieldItem, LeadItem, MadeBy, Twin};
use admin::live::{self, LiveLead};
use admin::log::FieldNames;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use plan::outcome::Event;
use store::{Access, Configuration, Connector};

use super::record::origin_of;
use super::{event_tone, lead_path};
use crate::Shared;
use crate::console::form::Form;
use crate::console::page;
use crate::console::visitor::Visitor;

/// The part of the address that has both accounts read.
const LIVE: &str = "live";

#[derive(Template)]
#[template(path = "lead.html")]
struct One {
    page: &'static str,
    told: Option<&'static str>,
    visitor: Visitor,
    lead: LeadItem,
    /// Whether a connector reads the lead's account.
    can_sync: bool,
    /// The lead and its counterparts as they are now, if that was asked for.
    live: Option<Vec<LiveLead>>,
    configuration: Configuration,
    names: FieldNames,
}

impl One {
    fn path(twin: &Twin) -> String {
        lead_path(&twin.account, &twin.id)
    }

    fn own_path(&self) -> String {
        lead_path(&self.lead.account, &self.lead.id)
    }

    fn filled(&self) -> Vec<&FieldItem> {
        self.lead.fields.iter().filter(|field| !field.is_idle()).collect()
    }

    /// Fields that were never filled.
    fn idle(&self) -> Vec<&str> {
        let idle = self.lead.fields.iter().filter(|field| field.is_idle());
        idle.map(|field| field.field.as_str()).collect()
    }

    /// The display name of a field of the destination.
    fn field_name<'a>(&'a self, live: &LiveLead, field: &'a str) -> &'a str {
        let account = self.configuration.account(&live.destination);
        account.map_or(field, |account| self.names.get(account.id, field))
    }

    /// The display name of a field of this account.
    fn own_name<'a>(&'a self, field: &'a str) -> &'a str {
        let account = self.configuration.account(&self.lead.account);
        account.map_or(field, |account| self.names.get(account.id, field))
    }

    /// Why a field has its value, in words.
    fn why(change: &ChangeItem) -> String {
        match (change.made_by, &change.origin, change.version) {
            (MadeBy::Account, ..) => "Changed in this account.".to_owned(),
            (_, Some(origin), Some(version)) => {
                format!(
                    "Written by {} (version {version}); source: {}.",
                    change.connector,
                    origin_of(origin)
                )
            }
            _ => format!("Written by {}.", change.connector),
        }
    }

    fn arrow(direction: Direction) -> &'static str {
        match direction {
            Direction::In => "to this account",
            Direction::Out => "from this account",
        }
    }

    fn tone(event: Event) -> &'static str {
        event_tone(event)
    }
}

/// Releases a frozen field.
pub(in crate::console) async fn release(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path((account, id)): Path<(String, String)>,
    form: Form,
) -> page::Shown {
    let unknown = || page::not_found("frozen field");
    let configuration = visitor.reach.narrow(shared.store.configuration().await?);
    let known = configuration.account(&account).ok_or_else(unknown)?;
    let (field, actor) = (form.text("field"), visitor.actor());
    if !lead::release(&shared, (&configuration, &visitor.reach), known, &id, field, &actor).await? {
        return Err(unknown().into());
    }
    let path = lead_path(&account, &id);
    Ok(Redirect::to(&page::with_told(&path, "released")).into_response())
}

/// Has the lead read and synced.
pub(in crate::console) async fn sync(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path((account, id)): Path<(String, String)>,
    _: Form,
) -> page::Shown {
    let configuration = visitor.reach.narrow(shared.store.configuration().await?);
    let known = configuration.account(&account).ok_or_else(|| page::not_found("account"))?;
    let by = (&visitor.actor(), &visitor.reach);
    live::sync(&shared, by, (&configuration, known), &id).await?;
    let path = lead_path(&account, &id);
    Ok(Redirect::to(&page::with_told(&path, "lead_syncing")).into_response())
}

pub(in crate::console) async fn lead(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path((account, id)): Path<(String, String)>,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    let is_live = given.get(LIVE).is_some_and(|word| word == "yes");
    let told = page::told(&given);
    let actor = visitor.actor();
    let one = read(&shared, visitor, (&account, &id), is_live).await?;
    let one = one.ok_or_else(|| page::not_found("lead"))?;
    shared.note_access(&actor, Access::Lead { account, id }).await;
    Ok(page::page(StatusCode::OK, &One { told, ..one }))
}

async fn read(
    shared: &Shared,
    visitor: Visitor,
    (account, id): (&str, &str),
    is_live: bool,
) -> store::Result<Option<One>> {
    let store = shared.store.as_ref();
    let configuration = visitor.reach.narrow(store.configuration().await?);
    let Some(account) = configuration.account(account) else { return Ok(None) };
    let now = (shared.clock)();
    let within = (&configuration, &visitor.reach);
    let Some(lead) = lead::lead(store, within, account, id, now).await? else {
        return Ok(None);
    };
    let mut live = None;
    if is_live {
        live = Some(live::compare(shared, &configuration, account, &lead).await?);
    }
    let is_of = |of: &&Connector| [of.source, of.destination].contains(&account.id);
    let names = FieldNames::read(store, configuration.connectors.iter().filter(is_of)).await?;
    let mut connectors = configuration.connectors.iter();
    let can_sync = connectors.any(|of| of.source == account.id && of.enabled);
    let page = "Leads";
    Ok(Some(One { page, told: None, visitor, lead, can_sync, live, configuration, names }))
}
