//! `/connectors/{name}/access`: which users of the destination account may use the connector.

use std::collections::BTreeMap;

use askama::Template;
use plan::access::AccountUser;
use plan::connector::{Access, Definition};
use plan::metadata::Catalogue;
use plan::problem::Problem;

use super::page::{Choice, Faults};
use super::saving::{Saves, Stand, Wish};
use super::{Frame, Opened, lists};
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::visitor::Visitor;

/// A user whom the setting names, as far as the stored list of users shows.
struct Known {
    name: String,
    email: String,
    role: String,
}

/// What the account returned about one user.
struct Said {
    email: String,
    what: String,
    allowed: bool,
}

#[derive(Template)]
#[template(path = "connector_access.html")]
pub(in crate::console) struct AccessPage {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    version: String,
    by: &'static str,
    user_field: String,
    roles: Vec<Choice>,
    known: Vec<Known>,
    said: Option<Said>,
    faults: Faults,
    /// Why the users of the destination could not be read.
    silent: Option<Problem>,
    mails_are_sent: bool,
}

/// The setting, and the user to look up.
pub(in crate::console) struct Part {
    access: Access,
    email: Option<String>,
}

impl Saves for AccessPage {
    const HERE: &'static str = "/access";

    type Part = Part;

    fn saved(definition: &Definition, given: BTreeMap<String, String>) -> Part {
        let email = given.get("email").map(|email| email.trim()).filter(|email| !email.is_empty());
        Part { access: definition.access.clone(), email: email.map(str::to_owned) }
    }

    fn sent(form: &Form, saved: &Definition) -> (Part, Result<Wish, Refusal>) {
        let access = of_form(form);
        let wanted = Definition { access: access.clone(), ..saved.clone() };
        (Part { access, email: None }, Ok(Wish::save(wanted)))
    }

    async fn read(
        shared: &Shared,
        visitor: Visitor,
        opened: Opened,
        Part { access, email }: Part,
        Stand { told, version, faults }: Stand,
    ) -> store::Result<Self> {
        let said = match email {
            Some(email) => ask(shared, &opened, &email).await?,
            None => None,
        };
        let Opened { configuration, connector, frame } = opened;
        let destination = configuration.account_of(connector.destination)?;
        let (catalogue, silent) = lists::catalogue(shared, destination).await?;
        Ok(Self {
            page: "Connectors",
            visitor,
            frame,
            told,
            version,
            by: if access.user_field.is_some() { "field" } else { "roles" },
            roles: roles(&catalogue, &access),
            known: known(&catalogue, &access),
            user_field: access.user_field.unwrap_or_default(),
            said,
            faults,
            silent,
            mails_are_sent: shared.mails_are_sent,
        })
    }
}

/// The roles of the account's users, and those in the settings.
fn roles(catalogue: &Catalogue, access: &Access) -> Vec<Choice> {
    let of_users = catalogue.users.iter().flatten().map(|user| user.role.trim());
    let mut names: Vec<&str> = of_users.chain(access.roles.iter().map(String::as_str)).collect();
    names.retain(|role| !role.is_empty() && !role.eq_ignore_ascii_case("Administrator"));
    names.sort_unstable();
    names.dedup();
    let choice = |role: &str| Choice {
        value: role.to_owned(),
        label: role.replace('_', " "),
        chosen: access.roles.iter().any(|set| set == role),
    };
    names.into_iter().map(choice).collect()
}

/// Who has access by role. The list of users does not show who has it by a field.
fn known(catalogue: &Catalogue, access: &Access) -> Vec<Known> {
    let users = catalogue.users.iter().flatten();
    let allowed = users.filter(|user| {
        access.allows(&AccountUser::new(&user.role, user.active, std::iter::empty()))
    });
    let known = allowed.map(|user| Known {
        name: user.name.clone(),
        email: user.email.clone(),
        role: user.role.replace('_', " "),
    });
    known.collect()
}

/// Reads one user from the destination.
async fn ask(shared: &Shared, opened: &Opened, email: &str) -> store::Result<Option<Said>> {
    let account = opened.configuration.account_of(opened.connector.destination)?;
    let said = |what: String, allowed| Some(Said { email: email.to_owned(), what, allowed });
    Ok(match shared.accounts.read_account_user(account, email).await {
        Err(not_told) => said(not_told.problem.message, false),
        Ok(None) => said(format!("{} has no user with this email address.", account.name), false),
        Ok(Some(user)) => {
            let now = (shared.clock)();
            shared.store.store_account_user(account.id, email, Some(&user), now).await?;
            let set: Vec<&str> = user
                .fields
                .iter()
                .filter(|(_, set)| **set)
                .map(|(name, _)| name.as_str())
                .collect();
            let active = if user.active { "active" } else { "inactive" };
            let set = if set.is_empty() { "none".to_owned() } else { set.join(", ") };
            let what = format!(
                "In {}: {active}, role {}, Yes/No fields set: {set}.",
                account.name, user.role
            );
            said(what, opened.connector.definition.access.allows(&user))
        }
    })
}

fn of_form(form: &Form) -> Access {
    let field = form.text("user_field").trim();
    if form.text("by") == "field" && !field.is_empty() {
        return Access { roles: Vec::new(), user_field: Some(field.to_owned()) };
    }
    let others = form.text("other_roles").split(',');
    let roles = form.texts("role").chain(others).map(|role| role.trim().to_owned());
    let mut roles: Vec<String> = roles.filter(|role| !role.is_empty()).collect();
    roles.sort_unstable();
    roles.dedup();
    if form.text("by") == "field" {
        roles.clear();
    }
    Access { roles, user_field: None }
}
