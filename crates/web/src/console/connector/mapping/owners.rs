//! `/connectors/{name}/mapping/owners`: who owns a lead in the destination, user by user.

use std::collections::BTreeSet;

use admin::settings::{Change, Names, changes};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use plan::connector::{Definition, Owners as Settings};
use plan::metadata::{Catalogue, User};
use plan::problem::Problem;

use super::sheet::{BothMetadata, Which};
use super::{HERE, Part, parts};
use crate::Shared;
use crate::console::connector::page::{self, Choice, Faults};
use crate::console::connector::{Frame, Opened, lists, open, save};
use crate::console::form::Form;
use crate::console::visitor::Visitor;

const PATH: &str = "/mapping/owners";
/// The most users of an account that are a list to choose from.
const LONGEST_LIST: usize = 200;
/// The most users without a counterpart that are listed.
const MOST_LISTED: usize = 50;

/// The users of an account to choose from.
struct Users {
    /// By email address, to be suggested while an address is typed.
    suggested: Vec<Choice>,
    /// By name, for a list; empty where addresses are typed: the account's users are not known, or
    /// they are too many for a list.
    listed: Vec<Choice>,
}

impl Users {
    fn of(catalogue: &Catalogue) -> Self {
        let mut listed = lists::named_users(catalogue);
        if listed.len() > LONGEST_LIST {
            listed.clear();
        }
        Self { suggested: lists::users(catalogue), listed }
    }

    /// The list with this user chosen.
    fn with(&self, email: &str) -> Vec<Choice> {
        let mut listed = self.listed.clone();
        // As the settings spell it.
        if let Some(user) = listed.iter_mut().find(|user| same(&user.value, email)) {
            email.clone_into(&mut user.value);
        }
        lists::chosen(listed, email)
    }
}

/// A user of the source, and who it becomes.
struct Pair {
    from: String,
    to: String,
    /// The user's name in the source; empty if the user is to be chosen.
    name: String,
    /// The name of the counterpart.
    becomes: String,
    /// Who can be chosen in the source.
    froms: Vec<Choice>,
    /// Who can be chosen in the destination.
    tos: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "connector_mapping_owners.html")]
struct Owners {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    parts: Vec<Part>,
    version: String,
    faults: Faults,
    silent: Option<Problem>,
    pairs: Vec<Pair>,
    /// How many users have a counterpart with their email address.
    matched: usize,
    /// How many users without a counterpart are not listed.
    more: usize,
    fallback: String,
    /// Who can be the fallback owner.
    fallbacks: Vec<Choice>,
    source_users: Vec<Choice>,
    destination_users: Vec<Choice>,
    changes: Vec<Change>,
    is_reviewed: bool,
}

impl Owners {
    async fn read(
        shared: &Shared,
        visitor: Visitor,
        opened: Opened,
        wanted: &Definition,
    ) -> store::Result<Self> {
        let told = BothMetadata::read(shared, &opened, Which::Leads).await?;
        let Opened { connector, frame, .. } = opened;
        let names = Names { source: &told.source, destination: &told.destination };
        let alone = without_counterpart(&told.source, &told.destination, &wanted.owner);
        let name = |catalogue: &Catalogue, email: &str| {
            let user = catalogue.users.iter().flatten().find(|user| same(&user.email, email));
            user.map(|user| user.name.clone()).unwrap_or_default()
        };
        let (here, there) = (Users::of(&told.source), Users::of(&told.destination));
        let pair = |from: &str, to: &str| {
            let known_as = name(&told.source, from);
            Pair {
                from: from.to_owned(),
                to: to.to_owned(),
                froms: if known_as.is_empty() { here.with(from) } else { Vec::new() },
                tos: there.with(to),
                becomes: name(&told.destination, to),
                name: known_as,
            }
        };
        let fallback = wanted.owner.fallback.clone().unwrap_or_default();
        let set = wanted.owner.users.iter().map(|(from, to)| pair(from, to));
        let listed = alone.iter().take(MOST_LISTED).map(|email| pair(email, ""));
        let users = told.source.users.iter().flatten().filter(|user| user.active).count();
        Ok(Self {
            page: "Connectors",
            parts: parts(&frame, "/owners"),
            version: connector.version.to_string(),
            faults: Faults::default(),
            pairs: set.chain(listed).chain([pair("", "")]).collect(),
            matched: users.saturating_sub(alone.len() + wanted.owner.users.len()),
            more: alone.len().saturating_sub(MOST_LISTED),
            fallbacks: there.with(&fallback),
            fallback,
            source_users: here.suggested,
            destination_users: there.suggested,
            changes: changes(&connector.definition, wanted, names),
            is_reviewed: false,
            told: None,
            silent: told.silent,
            visitor,
            frame,
        })
    }

    /// What a choice of a user of this account is called.
    fn user_of(account: &str, row: usize) -> String {
        format!("User of {account}, row {row}")
    }

    /// What happens without a choice.
    fn no_owner(&self) -> &str {
        if self.fallback.is_empty() { "No owner is set" } else { &self.fallback }
    }
}

fn same(one: &str, other: &str) -> bool {
    one.trim().eq_ignore_ascii_case(other.trim())
}

/// Active users of the source without a counterpart, by email address or by the settings.
fn without_counterpart<'a>(
    source: &'a Catalogue,
    destination: &Catalogue,
    set: &Settings,
) -> Vec<&'a str> {
    let lower = |user: &User| user.email.trim().to_lowercase();
    let there: BTreeSet<String> = destination.users.iter().flatten().map(lower).collect();
    let users = source.users.iter().flatten().filter(|user| user.active);
    let emails = users.filter(|user| !there.contains(&lower(user))).map(|user| user.email.as_str());
    emails.filter(|email| !set.users.keys().any(|from| same(from, email))).collect()
}

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    page::LastAction(told): page::LastAction,
) -> page::Shown {
    let opened = open(&shared, &visitor, &name, HERE).await?;
    let wanted = opened.connector.definition.clone();
    let owners = Owners::read(&shared, visitor, opened, &wanted).await?;
    Ok(page::page(StatusCode::OK, &Owners { told, ..owners }))
}

pub(in crate::console) async fn put(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> page::Shown {
    let opened = open(&shared, &visitor, &name, HERE).await?;
    let mut wanted = opened.connector.definition.clone();
    wanted.owner = owners(&form);
    let mut status = StatusCode::OK;
    let mut faults = Faults::default();
    if form.text("do") == "save" {
        let version = form.text("version");
        match save(&shared, &visitor, &wanted, version, &opened.frame, PATH).await {
            Ok(response) => return Ok(response),
            Err(refusal) => {
                status = refusal.status();
                faults = Faults::of_settings(&refusal, &wanted);
            }
        }
    }
    let owners = Owners::read(&shared, visitor, opened, &wanted).await?;
    let version = form.text("version").to_owned();
    Ok(page::page(status, &Owners { version, faults, is_reviewed: true, ..owners }))
}

/// The owners of a form. A user without a choice has no entry.
fn owners(form: &Form) -> Settings {
    let pairs = form.texts("owner_from").zip(form.texts("owner_to"));
    let pairs = pairs.map(|(from, to)| (from.trim().to_owned(), to.trim().to_owned()));
    let fallback = form.text("owner_fallback").trim();
    Settings {
        users: pairs.filter(|(_, to)| !to.is_empty()).collect(),
        fallback: (!fallback.is_empty()).then(|| fallback.to_owned()),
    }
}
