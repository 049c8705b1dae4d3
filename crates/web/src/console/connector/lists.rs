//! Metadata of an account, for lists to choose from.

use plan::metadata::{Catalogue, Kind};
use plan::phone::Country;
use plan::problem::Problem;
use store::Account;

use super::page::Choice;
use crate::Shared;

/// The metadata that was read last; it is read now if it never was. What is missing can still be
/// typed.
pub(super) async fn catalogue(
    shared: &Shared,
    account: &Account,
) -> store::Result<(Catalogue, Option<Problem>)> {
    if let Some((_, kept)) = shared.store.catalogue(account.id).await? {
        return Ok((kept, None));
    }
    match shared.accounts.read_catalogue(account).await {
        Ok(told) => {
            shared.store.store_catalogue(account.id, &told, (shared.clock)()).await?;
            Ok((told, None))
        }
        Err(not_told) => Ok((Catalogue::default(), Some(not_told.problem))),
    }
}

fn choice(value: impl Into<String>, label: impl Into<String>) -> Choice {
    Choice { value: value.into(), label: label.into(), chosen: false }
}

/// The list with this value chosen. One that is not in the list stays as a choice, unless the list is
/// empty because the account can't be read: then it is typed.
pub(super) fn chosen(mut all: Vec<Choice>, value: &str) -> Vec<Choice> {
    if all.is_empty() || value.is_empty() {
        return all;
    }
    match all.iter_mut().find(|one| one.value == value) {
        Some(one) => one.chosen = true,
        None => {
            all.push(Choice {
                chosen: true,
                ..choice(value, format!("{value} (not in the list)"))
            });
        }
    }
    all
}

/// Users who can be notified of failures, by email address.
pub(super) fn users(catalogue: &Catalogue) -> Vec<Choice> {
    let active = catalogue.users.iter().flatten().filter(|user| user.active);
    active.map(|user| choice(&user.email, &user.name)).collect()
}

/// The same for a list that shows only labels: by name, with the address.
pub(super) fn named_users(catalogue: &Catalogue) -> Vec<Choice> {
    let named = |user: Choice| choice(&user.value, format!("{} ({})", user.label, user.value));
    let mut all: Vec<Choice> = users(catalogue).into_iter().map(named).collect();
    all.sort_by(|one, other| one.label.cmp(&other.label));
    all
}

/// Fields by which a lead can be found: the unique ones, or all if the account marks none.
pub(super) fn search_keys(catalogue: &Catalogue) -> Vec<Choice> {
    let can_be_key = |kind: Kind| !matches!(kind, Kind::FieldSet | Kind::Boolean);
    let fields: Vec<_> = catalogue.fields.iter().filter(|field| can_be_key(field.kind)).collect();
    let has_unique = fields.iter().any(|field| field.unique);
    let fields = fields.into_iter().filter(|field| field.unique || !has_unique);
    fields.map(|field| choice(&field.schema_name, &field.display_name)).collect()
}

/// Every lead field.
pub(super) fn fields(catalogue: &Catalogue) -> Vec<Choice> {
    let fields = catalogue.fields.iter();
    fields.map(|field| choice(&field.schema_name, &field.display_name)).collect()
}

/// Every country with phone numbers, by name.
pub(super) fn countries() -> Vec<Choice> {
    let country = |country: Country| {
        let code = country.code();
        let name = iso3166::Country::from_alpha2(&code).map_or("", |known| known.data().name);
        let calling = country.calling_code().unwrap_or_default();
        choice(code, format!("{name} (+{calling})"))
    };
    let mut all: Vec<Choice> = Country::all().map(country).collect();
    all.sort_by(|one, other| one.label.cmp(&other.label));
    all
}

/// Every time zone.
pub(super) fn time_zones() -> Vec<Choice> {
    let names = jiff::tz::db().available();
    names.map(|name| choice(name.as_str(), name.as_str().replace('_', " "))).collect()
}

/// Activity types, by event code.
pub(super) fn activity_types(catalogue: &Catalogue) -> Vec<Choice> {
    let types = catalogue.activity_types.iter().flatten();
    types.map(|kind| choice(kind.event.to_string(), &kind.name)).collect()
}
