//! `/accounts`: the LeadSquared accounts. Keys are checked before they are saved.

use admin::accounts::{self, AccountWish, Planned};
use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use plan::metadata::{Catalogue, MetadataUnread};
use plan::problem::Problem;
use plan::quota::Quota;
use plan::quota::forecast::Forecast;
use plan::traits::Trait;
use secrecy::ExposeSecret;
use store::{Account, Configuration};

use super::form::Form;
use super::page::{self, Choice, Faults, choices, own_path, told};
use super::state;
use super::visitor::Visitor;
use super::words::number;
use crate::Shared;
use crate::api::Refusal;
use admin::health::Signs;
use admin::quota::{AccountQuota, forecast_words, read as read_quota};

/// LeadSquared's regions and their API hosts (`docs/leadsquared.md#hosts-and-keys`).
const REGIONS: [(&str, &str); 7] = [
    ("https://api-in21.leadsquared.com", "India, Mumbai (in21)"),
    ("https://api-in22.leadsquared.com", "India, Hyderabad (in22)"),
    ("https://api.leadsquared.com", "Singapore"),
    ("https://api-us11.leadsquared.com", "USA (us11)"),
    ("https://api-ca12.leadsquared.com", "Canada (ca12)"),
    ("https://api-ir31.leadsquared.com", "Ireland (ir31)"),
    ("https://api-me61.leadsquared.com", "Middle East (me61)"),
];
/// Instead of a region: the host is typed.
const OTHER: &str = "other";
/// Instead of a plan: the quota is typed.
const OWN_QUOTA: &str = "quota";

#[derive(Template)]
#[template(path = "accounts.html")]
struct List {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    accounts: Vec<Item>,
}

struct Item {
    name: String,
    region: String,
    plan: String,
    state: state::Shown,
    last_contact: Option<Timestamp>,
    /// What is left of its day,
    left: String,
    daily: String,
    /// and the forecast for the rest of it.
    forecast: Forecast,
    connectors: Vec<String>,
}

pub(super) async fn list(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    let (accounts, told) = (items(&shared).await?, told(&given));
    Ok(page::page(StatusCode::OK, &List { page: "Accounts", visitor, told, accounts }))
}

async fn items(shared: &Shared) -> store::Result<Vec<Item>> {
    let configuration = shared.store.configuration().await?;
    let now = (shared.clock)();
    let signs = Signs::read(&*shared.store, &configuration, now).await?;
    let item = |account: &Account| {
        let condition = signs.of_account(account);
        let forecast = signs.forecast(account)?;
        Some(Item {
            name: account.name.clone(),
            region: region(&account.host),
            plan: plan_words(account),
            state: state::Shown::from(&condition),
            last_contact: condition.last_contact,
            left: number(forecast.left.into()),
            daily: number(account.plan.quota().ours().daily.into()),
            forecast,
            connectors: users_of(&configuration, &account.name),
        })
    };
    Ok(configuration.accounts.iter().filter_map(item).collect())
}

fn region(host: &str) -> String {
    let known = REGIONS.iter().find(|(other, _)| *other == host);
    known.map_or_else(|| host.to_owned(), |(_, name)| (*name).to_owned())
}

fn plan_words(account: &Account) -> String {
    let Quota { calls, bulk_calls, per_seconds, daily, leave } = account.plan.quota();
    let name = match account.plan.written().0 {
        Some("pro") => "Pro",
        Some("super") => "Super",
        Some(other) => other,
        None => "Custom",
    };
    let daily = number(daily.into());
    let others = if leave > 0 {
        format!("; {leave}% reserved for other integrations")
    } else {
        String::new()
    };
    format!(
        "{name}: {daily} calls per day; {calls} calls and {bulk_calls} bulk calls per \
         {per_seconds} s{others}"
    )
}

/// The connectors that join this account to another.
fn users_of(configuration: &Configuration, account: &str) -> Vec<String> {
    let connectors = configuration.connectors.iter().map(|connector| &connector.definition);
    connectors
        .filter(|of| of.source == account || of.destination == account)
        .map(|of| of.name.clone())
        .collect()
}

#[derive(Template)]
#[template(path = "account_form.html")]
struct Edit {
    page: &'static str,
    visitor: Visitor,
    /// The account's name, if it exists.
    known: Option<String>,
    form: Given,
    regions: Vec<Choice>,
    plans: Vec<Choice>,
    faults: Faults,
    /// The account's error when it was read, if there was one.
    refused: Option<Problem>,
    told: Option<&'static str>,
    /// Its metadata when it was last read.
    catalogue: Option<String>,
    /// What its answers showed: what about, what, and when.
    traits: Vec<(String, String, Timestamp)>,
    /// How many questions about it are answered.
    answered: usize,
    connectors: Vec<String>,
    /// What is left of its quota, when that is used up, and whether that is early; the limit that it
    /// named, and when backfills end.
    left: String,
    forecast: String,
    is_early: bool,
    limit: Option<String>,
    backfills: Vec<String>,
    next: String,
}

/// The values of the form; keys are never sent back.
#[derive(Default)]
struct Given {
    name: String,
    region: String,
    host: String,
    plan: String,
    quota: [String; 5],
}

/// The regions to choose from.
fn regions(chosen: &str) -> Vec<Choice> {
    choices(REGIONS.iter().copied().chain([(OTHER, "Other")]), chosen)
}

impl Given {
    /// Chooses the region of a host, or shows the host.
    fn show_host(&mut self, host: &str) {
        let is_region = REGIONS.iter().any(|(other, _)| *other == host);
        self.region = if is_region { host.to_owned() } else { OTHER.to_owned() };
        self.host = if is_region { String::new() } else { host.to_owned() };
    }

    fn of_account(account: &Account) -> Self {
        let Quota { calls, bulk_calls, per_seconds, daily, leave } = account.plan.quota();
        let mut given = Self {
            name: account.name.clone(),
            plan: account.plan.written().0.unwrap_or(OWN_QUOTA).to_owned(),
            quota: [calls, bulk_calls, per_seconds, daily, leave].map(|number| number.to_string()),
            ..Self::default()
        };
        given.show_host(&account.host);
        given
    }

    fn of_form(form: &Form) -> Self {
        let text = |name: &str| form.text(name).trim().to_owned();
        Self {
            name: text("name"),
            region: text("region"),
            host: text("host"),
            plan: text("plan"),
            quota: ["calls", "bulk_calls", "per_seconds", "daily", "leave"].map(text),
        }
    }

    fn wanted(&self, form: &Form) -> Result<AccountWish, Refusal> {
        let key = |name: &str| {
            let key = form.secret(name);
            (!key.expose_secret().trim().is_empty()).then_some(key)
        };
        let has_own = self.plan == OWN_QUOTA;
        Ok(AccountWish {
            host: if self.region == OTHER { self.host.clone() } else { self.region.clone() },
            access_key: key("access_key"),
            secret_key: key("secret_key"),
            plan: (!has_own).then(|| self.plan.clone()),
            quota: if has_own { Some(self.own_quota()?) } else { None },
        })
    }

    fn own_quota(&self) -> Result<Quota, Refusal> {
        let [calls, bulk_calls, per_seconds, daily, leave] = &self.quota;
        let number = |text: &str| {
            let number: Result<u32, _> = text.parse();
            number.map_err(|_| Refusal::wrong("plan", "must have a quota in whole numbers"))
        };
        Ok(Quota {
            calls: number(calls)?,
            bulk_calls: number(bulk_calls)?,
            per_seconds: number(per_seconds)?,
            daily: number(daily)?,
            leave: if leave.is_empty() { 0 } else { number(leave)? },
        })
    }
}

impl Edit {
    fn new(visitor: Visitor, known: Option<String>, form: Given, next: &str) -> Self {
        let plans = [("pro", "Pro"), ("super", "Super"), (OWN_QUOTA, "Custom quota")];
        Self {
            page: "Accounts",
            visitor,
            known,
            regions: regions(&form.region),
            plans: choices(plans, &form.plan),
            form,
            faults: Faults::default(),
            refused: None,
            told: None,
            catalogue: None,
            traits: Vec::new(),
            answered: 0,
            connectors: Vec::new(),
            left: String::new(),
            forecast: String::new(),
            is_early: false,
            limit: None,
            backfills: Vec::new(),
            next: own_path(next).to_owned(),
        }
    }

    fn show_quota(&mut self, quota: &AccountQuota, now: Timestamp) {
        self.left = quota.left_words();
        self.forecast = forecast_words(&quota.forecast);
        self.is_early = quota.forecast.is_early;
        self.limit = quota.limit_words();
        self.backfills = quota.backfills.iter().map(|backfill| backfill.words(now)).collect();
    }

    /// The faults of the input, and where in the form they are.
    fn refuse(&mut self, refusal: &Refusal) -> StatusCode {
        self.faults = Faults::of(refusal);
        StatusCode::BAD_REQUEST
    }
}

/// The address of an account's page.
pub(super) fn account_address(name: &str) -> String {
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
    format!("/accounts/{name}")
}

/// Where to go afterwards.
fn next_of(given: &BTreeMap<String, String>) -> &str {
    given.get("next").map_or("/accounts", String::as_str)
}

pub(super) async fn add(
    visitor: Visitor,
    Query(given): Query<BTreeMap<String, String>>,
) -> Response {
    let form = Given { plan: "pro".to_owned(), ..Given::default() };
    page::page(StatusCode::OK, &Edit::new(visitor, None, form, next_of(&given)))
}

pub(super) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    let configuration = shared.store.configuration().await?;
    let account = configuration.account(&name).ok_or_else(|| page::not_found("account"))?;
    let kept = shared.store.catalogue(account.id).await?;
    let traits = shared.store.traits(account.id).await?;
    let quota = read_quota(&*shared.store, &configuration, &[account], (shared.clock)()).await?;
    let form = Given::of_account(account);
    let mut edit = Edit::new(visitor, Some(name.clone()), form, next_of(&given));
    edit.told = told(&given);
    edit.catalogue = kept.map(|(at, catalogue)| {
        format!("{} {}", at.strftime("%Y-%m-%d %H:%M UTC:"), catalogue_words(&catalogue))
    });
    let (answers, traits): (Vec<_>, Vec<_>) =
        traits.into_iter().partition(|(_, seen)| matches!(seen, Trait::Answered { .. }));
    edit.answered = answers.len();
    edit.traits = traits.into_iter().map(|(at, seen)| (seen.title(), seen.words(), at)).collect();
    edit.connectors = users_of(&configuration, &name);
    if let Some(quota) = quota.first() {
        edit.show_quota(quota, (shared.clock)());
    }
    Ok(page::page(StatusCode::OK, &edit))
}

fn catalogue_words(catalogue: &Catalogue) -> String {
    let count = |number: Option<usize>, what: &str| match number {
        Some(number) => format!("{number} {what}"),
        None => format!("no {what}"),
    };
    let users = catalogue.users.as_ref().map(Vec::len);
    let types = catalogue.activity_types.as_ref().map(Vec::len);
    let fields = catalogue.fields.iter().count();
    [count(Some(fields), "lead fields"), count(users, "users"), count(types, "activity types")]
        .join(", ")
}

pub(super) async fn put_new(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let given = Given::of_form(&form);
    let mut edit = Edit::new(visitor, None, given, form.text("next"));
    if shared.store.configuration().await?.account(&edit.form.name).is_some() {
        let what = "is already used by another account; choose another name";
        let status = edit.refuse(&Refusal::wrong("name", what));
        return Ok(page::page(status, &edit));
    }
    Ok(save(&shared, edit, &form).await)
}

pub(super) async fn put(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> Response {
    let given = Given { name: name.clone(), ..Given::of_form(&form) };
    let edit = Edit::new(visitor, Some(name), given, form.text("next"));
    save(&shared, edit, &form).await
}

/// Checks the keys, and saves the account if they are right or if it should be saved anyway.
async fn save(shared: &Shared, mut edit: Edit, form: &Form) -> Response {
    let planned = match edit.form.wanted(form) {
        Ok(wish) => accounts::plan(shared, &edit.form.name, wish).await.map_err(Refusal::from),
        Err(refusal) => Err(refusal),
    };
    let Planned { account, change, .. } = match planned {
        Ok(planned) => planned,
        Err(refusal) => {
            let status = edit.refuse(&refusal);
            return page::page(status, &edit);
        }
    };
    let told = shared.accounts.read_catalogue(&account).await;
    if let Err(MetadataUnread { right_host: Some(host), .. }) = &told {
        match in_right_region(shared, &edit, form, host).await {
            Ok(None) => {}
            Ok(Some(())) => {
                return Redirect::to(&page::with_told(&edit.next, "right_region")).into_response();
            }
            Err(error) => return page::refused(error),
        }
        // The form shows where the account is.
        edit.form.show_host(host);
        edit.regions = regions(&edit.form.region);
    }
    if let Err(not_told) = &told
        && form.text("unchecked").is_empty()
    {
        edit.refused = Some(not_told.problem.clone());
        return page::page(StatusCode::UNPROCESSABLE_ENTITY, &edit);
    }
    match keep(shared, &edit.visitor, change, &account.name, told.ok()).await {
        Ok(()) => Redirect::to(&page::with_told(&edit.next, "saved")).into_response(),
        Err(error) => page::refused(error),
    }
}

/// Saves the account with the host that its keys belong to, where both were given just now: they were
/// given for the account, wherever it is. Returns `None` where that host refuses them too.
async fn in_right_region(
    shared: &Shared,
    edit: &Edit,
    form: &Form,
    host: &str,
) -> store::Result<Option<()>> {
    let has_keys = |wish: &AccountWish| wish.access_key.is_some() && wish.secret_key.is_some();
    let Some(mut wish) = edit.form.wanted(form).ok().filter(has_keys) else {
        return Ok(None);
    };
    host.clone_into(&mut wish.host);
    let Ok(Planned { account, change, .. }) = accounts::plan(shared, &edit.form.name, wish).await
    else {
        return Ok(None);
    };
    let Ok(catalogue) = shared.accounts.read_catalogue(&account).await else { return Ok(None) };
    keep(shared, &edit.visitor, change, &account.name, Some(catalogue)).await.map(Some)
}

async fn keep(
    shared: &Shared,
    visitor: &Visitor,
    change: Option<store::Change>,
    name: &str,
    catalogue: Option<Catalogue>,
) -> store::Result<()> {
    if let Some(change) = change {
        shared.change(vec![change], &visitor.actor()).await?;
    }
    let configuration = shared.store.configuration().await?;
    if let (Some(catalogue), Some(account)) = (catalogue, configuration.account(name)) {
        shared.store.store_catalogue(account.id, &catalogue, (shared.clock)()).await?;
    }
    Ok(())
}

pub(super) async fn remove(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    _: Form,
) -> Response {
    let change = store::Change::RemoveAccount { name };
    match shared.change(vec![change], &visitor.actor()).await {
        Ok(()) => Redirect::to("/accounts?told=removed").into_response(),
        Err(error) => page::refused(error),
    }
}
