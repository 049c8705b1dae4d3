//! `/api/v1/…`: the management API, with a module for each resource.
//!
//! Every route is a row of [`routes`] with the scope that it requires, and there is no other way to
//! add one, so that none is open by mistake. `asker` decides who is calling.

mod accounts;
mod alerts;
mod asker;
mod audit;
mod backfills;
mod batches;
mod catch_up;
mod check;
mod connectors;
mod download;
mod failures;
mod input;
mod invites;
mod leads;
mod mails;
mod mapping;
mod mass_change;
mod openapi;
mod overview;
mod passing;
mod people_data;
mod preview;
mod probe;
mod quota;
mod refresh;
mod refusal;
mod requests;
mod retry;
mod reviews;
mod tokens;
mod users;
mod versions;
mod wiring;

use admin::accounts::known as known_account;
use admin::connectors::known as known_connector;
use axum::Router;
use axum::http::{Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use plan::permission::Scope;
use plan::problem::{Code, Problem};
use serde::Serialize;

pub(crate) use alerts::number as alert_number;
pub(crate) use asker::bearer;
pub(crate) use audit::read as read_audit;
pub(crate) use input::Params;
pub(crate) use refusal::Refusal;
pub(crate) use requests::filter;
pub(crate) use retry::{Which, selection};
pub(crate) use reviews::read as read_reviews;

use crate::Shared;
use crate::route::GuardedRoute;
use crate::route::{Route, route};
use asker::{Asker, Gate};

/// The description of the API, which is public.
const OPENAPI: &str = "/openapi.json";

type Result<T, E = Refusal> = std::result::Result<T, E>;

fn routes() -> Vec<Route<Scope>> {
    use Scope::{Administer, Operate, Read};
    const GET: Method = Method::GET;
    const PUT: Method = Method::PUT;
    const POST: Method = Method::POST;
    const DELETE: Method = Method::DELETE;
    let mut routes = vec![
        route(GET, "/accounts", Read, accounts::list),
        route(PUT, "/accounts/{name}", Administer, accounts::put).confirmed(),
        route(DELETE, "/accounts/{name}", Administer, accounts::remove).confirmed(),
        route(GET, "/accounts/{name}/probe", Administer, probe::show),
        route(POST, "/accounts/{name}/probe", Administer, probe::begin),
        route(DELETE, "/accounts/{name}/probe", Administer, probe::end),
        route(PUT, "/accounts/{account}/answers/{question}", Administer, probe::put_answer),
        route(DELETE, "/accounts/{account}/answers/{question}", Administer, probe::forget_answer),
        route(GET, "/connectors", Read, connectors::list),
        route(GET, "/connectors/{name}", Read, connectors::show).of_connector(),
        route(PUT, "/connectors/{name}", Administer, connectors::put),
        route(DELETE, "/connectors/{name}", Administer, connectors::remove).confirmed(),
        route(POST, "/connectors/{name}/enable", Operate, connectors::enable).of_connector(),
        route(POST, "/connectors/{name}/disable", Operate, connectors::disable).of_connector(),
        route(GET, "/connectors/{name}/mass-change", Read, mass_change::show).of_connector(),
        route(POST, "/connectors/{name}/mass-change/confirm", Operate, mass_change::confirm)
            .of_connector(),
        route(GET, "/connectors/{name}/url", Administer, connectors::url),
        route(POST, "/connectors/{name}/url", Administer, connectors::replace_url),
        route(DELETE, "/connectors/{name}/url/old", Administer, connectors::end_old_urls),
        route(GET, "/connectors/{name}/wiring", Administer, wiring::show),
        route(POST, "/connectors/{name}/wiring", Administer, wiring::wire),
        route(DELETE, "/connectors/{name}/wiring", Administer, wiring::unwire),
        route(POST, "/connectors/{name}/preview", Operate, preview::preview).of_connector(),
        route(GET, "/connectors/{name}/versions", Read, versions::list).of_connector(),
        route(POST, "/connectors/{name}/draft", Operate, versions::draft).of_connector(),
        route(POST, "/connectors/{name}/draft/check", Operate, versions::check_draft)
            .of_connector(),
        route(POST, "/connectors/{name}/filter/count", Operate, passing::count).of_connector(),
        route(GET, "/connectors/{name}/mapping", Operate, mapping::show).of_connector(),
        route(POST, "/connectors/{name}/check", Operate, check::check).of_connector(),
        route(GET, "/connectors/{name}/refresh", Operate, refresh::plan).of_connector(),
        route(POST, "/connectors/{name}/refresh", Operate, refresh::begin).of_connector(),
        route(GET, "/connectors/{name}/backfills", Read, backfills::list).of_connector(),
        route(POST, "/connectors/{name}/backfills", Operate, backfills::begin).of_connector(),
        route(GET, "/connectors/{name}/backfills/plan", Read, backfills::planning).of_connector(),
        route(POST, "/connectors/{name}/backfills/plan", Operate, backfills::plan).of_connector(),
        route(POST, "/connectors/{name}/backfills/{backfill}/pause", Operate, backfills::pause)
            .of_connector(),
        route(POST, "/connectors/{name}/backfills/{backfill}/resume", Operate, backfills::resume)
            .of_connector(),
        route(POST, "/connectors/{name}/backfills/{backfill}/cancel", Operate, backfills::cancel)
            .of_connector(),
        route(GET, "/connectors/{name}/parity", Read, catch_up::parity).of_connector(),
        route(POST, "/connectors/{name}/parity", Operate, catch_up::compare).of_connector(),
        route(GET, "/connectors/{name}/parity/leads", Read, catch_up::differences).of_connector(),
        route(POST, "/connectors/{name}/parity/sync", Operate, catch_up::sync).of_connector(),
        route(GET, "/connectors/{name}/sweep", Read, catch_up::sweep).of_connector(),
        route(POST, "/connectors/{name}/sweep", Operate, catch_up::sweep_now).of_connector(),
        route(GET, "/requests", Read, requests::list).in_reach(),
        route(GET, "/requests.csv", Read, download::csv).in_reach(),
        route(GET, "/requests.jsonl", Read, download::json_lines).in_reach(),
        route(GET, "/requests/counts", Read, requests::counts).in_reach(),
        route(GET, "/requests/{id}", Read, requests::show).in_reach(),
        route(POST, "/requests/{id}/preview", Operate, preview::past),
        route(POST, "/requests/{id}/retry", Operate, retry::one),
        route(POST, "/retry", Operate, retry::many),
        route(POST, "/retry/cancel", Operate, retry::cancel),
        route(GET, "/retries", Read, batches::list),
        route(GET, "/retries/{batch}", Read, batches::show),
        route(POST, "/retries/{batch}/cancel", Operate, batches::cancel),
        route(GET, "/reviews", Read, reviews::list).in_reach(),
        route(GET, "/reviews/{review}", Read, reviews::show).in_reach(),
        route(POST, "/reviews/{review}/decide", Operate, reviews::put).in_reach(),
        route(POST, "/reviews/{review}/undo", Operate, reviews::undo).in_reach(),
        route(GET, "/leads/{account}/{lead}", Read, leads::show),
        route(POST, "/leads/{account}/{lead}/release", Operate, leads::release),
        route(GET, "/failures", Read, requests::failures),
        route(GET, "/failures/{name}/{cause}", Read, failures::show).of_connector(),
        route(POST, "/failures/{name}/{cause}/preview", Operate, failures::preview).of_connector(),
        route(POST, "/failures/{name}/{cause}/fix", Administer, failures::fix),
        route(POST, "/failures/{name}/{cause}/metadata", Operate, failures::refresh).of_connector(),
        route(POST, "/failures/{name}/{cause}/dismiss", Operate, failures::dismiss).of_connector(),
        route(POST, "/failures/{name}/{cause}/restore", Operate, failures::restore).of_connector(),
        route(GET, "/overview", Read, overview::show),
        route(GET, "/quota", Read, quota::list),
        route(GET, "/mails", Read, mails::list),
        route(GET, "/alerts", Administer, alerts::list),
        route(POST, "/alerts", Administer, alerts::add),
        route(GET, "/alerts/{id}", Administer, alerts::show),
        route(PUT, "/alerts/{id}", Administer, alerts::edit),
        route(DELETE, "/alerts/{id}", Administer, alerts::remove).confirmed(),
        route(POST, "/alerts/{id}/test", Administer, alerts::test),
        route(GET, "/audit", Administer, audit::list),
        route(POST, "/people-data/export", Administer, people_data::export),
        route(POST, "/people-data/forget", Administer, people_data::forget),
    ];
    routes.extend(of_people());
    routes
}

/// Users, invites, guests and tokens.
fn of_people() -> Vec<Route<Scope>> {
    use Scope::Administer;
    const GET: Method = Method::GET;
    const PUT: Method = Method::PUT;
    const POST: Method = Method::POST;
    const DELETE: Method = Method::DELETE;
    vec![
        route(GET, "/users", Administer, users::list),
        route(POST, "/users", Administer, users::add).confirmed(),
        route(PUT, "/users/{email}/role", Administer, users::set_role).confirmed(),
        route(PUT, "/users/{email}/password", Administer, users::set_password).confirmed(),
        route(DELETE, "/users/{email}", Administer, users::remove).confirmed(),
        route(DELETE, "/users/{email}/second-factor", Administer, users::turn_off_second_factor)
            .confirmed(),
        route(GET, "/invites", Administer, invites::list),
        route(POST, "/invites", Administer, invites::add).confirmed(),
        route(DELETE, "/invites/{email}", Administer, invites::remove).confirmed(),
        route(GET, "/guests", Administer, users::guests),
        route(DELETE, "/guests/{email}", Administer, users::end_guest),
        route(GET, "/tokens", Administer, tokens::list),
        route(POST, "/tokens", Administer, tokens::add).confirmed(),
        route(DELETE, "/tokens/{name}", Administer, tokens::remove).confirmed(),
    ]
}

/// Every route and who may use it.
pub(crate) fn access_rows() -> impl Iterator<Item = GuardedRoute> {
    let row = |route: Route<Scope>| {
        let path = format!("/api/v1{}", route.path);
        GuardedRoute::closed(route.method.as_str(), path, route.needs, route.within)
    };
    let open = GuardedRoute::open("GET", format!("/api/v1{OPENAPI}"));
    std::iter::once(open).chain(routes().into_iter().map(row))
}

/// Everything under `/api`.
pub(crate) fn router(shared: &Shared) -> Router<Shared> {
    let mut routes_of_v1 = Router::new().route(OPENAPI, get(openapi::document));
    for Route { method, path, needs, within, confirmed, handler } in routes() {
        let gate = Gate { shared: shared.clone(), method, path, needs, within, confirmed };
        let gate = from_fn_with_state(gate, asker::gate);
        routes_of_v1 = routes_of_v1.route(path, handler.route_layer(gate));
    }
    Router::new()
        .nest("/v1", routes_of_v1)
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
}

async fn no_such_route(_: Asker) -> Refusal {
    let problem = Problem::new(
        Code::NoSuchRoute,
        "The API does not have this path.",
        "See /api/v1/openapi.json for the available paths.",
    );
    Refusal::new(StatusCode::NOT_FOUND, problem)
}

async fn no_such_method(_: Asker) -> Refusal {
    let problem = Problem::new(
        Code::NoSuchMethod,
        "This path does not support this method.",
        "See /api/v1/openapi.json for the supported methods.",
    );
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, problem)
}

/// A list as it is returned.
#[derive(Serialize)]
struct List<T> {
    items: Vec<T>,
}

/// A page of a list, and what to send as `cursor` for the next one.
#[derive(Serialize)]
pub(crate) struct Part<T> {
    pub(crate) items: Vec<T>,
    pub(crate) cursor: Option<String>,
}

/// How many items a page has by default, and at most.
const ITEMS: usize = 25;

fn limit(params: &mut input::Params) -> Result<usize> {
    let limit = params.read("limit", |text| match text.parse() {
        Ok(limit) if (1..=store::Page::MOST).contains(&limit) => Ok(limit),
        _ => Err(format!("'{text}' is not a number from 1 to {}", store::Page::MOST)),
    })?;
    Ok(limit.unwrap_or(ITEMS))
}
