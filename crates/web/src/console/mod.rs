//! The console: pages for people, with a module for each page.
//!
//! Every page is a row of [`routes`] with what it requires, and there is no other way to add one,
//! so that none is open by mistake. `visitor` decides who is calling, `form` whether a form is
//! accepted.

mod account;
mod accounts;
mod alerts;
mod assets;
mod audit;
mod backfills;
mod comparisons;
mod confirm;
mod connector;
#[cfg(debug_assertions)]
mod design;
mod failures;
mod form;
mod invite;
mod link;
mod log;
mod overview;
mod page;
mod people;
mod personal_data;
mod provider;
mod reviews;
mod second_factor;
mod sign_in;
mod start;
mod state;
mod throttle;
mod traits;
mod visitor;
mod words;

use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::Method;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use plan::permission::Scope;

use self::connector::{AccessPage, BasicPage, ComparePage, EntitiesPage, FilterPage};
use crate::Shared;
use crate::access_log::Who;
use crate::route::{GuardedRoute, Within};
use crate::route::{Route, route};
pub(crate) use page::{invalid, wrong_host};
pub(crate) use provider::CALLBACK;
pub(crate) use throttle::Attempts;
pub(crate) use visitor::Visitor;

/// What a page requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// That nobody can sign in yet.
    FirstStart,
    /// Nothing: it is for signing in.
    Nothing,
    /// Nothing, and who is signed in may use it, too.
    Anybody,
    /// Somebody who is signed in and may do this.
    Signed(Scope),
}

/// The page of the design's parts, which only debug builds have.
const DESIGN: &str = "/design";

fn routes() -> Vec<Route<Needs>> {
    use Needs::{Anybody, FirstStart, Nothing, Signed};
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    let [read, operate, administer] = [Scope::Read, Scope::Operate, Scope::Administer].map(Signed);
    let mut routes = vec![
        route(GET, "/start", FirstStart, start::show),
        route(POST, "/start", FirstStart, start::make_first),
        route(GET, "/sign-in", Nothing, sign_in::show),
        route(POST, "/sign-in", Nothing, sign_in::sign_in),
        route(GET, "/sign-in/code", Nothing, sign_in::ask_code),
        route(POST, "/sign-in/code", Nothing, sign_in::check_code),
        route(GET, "/sign-in/oidc", Nothing, provider::start),
        route(GET, provider::CALLBACK, Anybody, provider::finish),
        route(GET, "/sign-in/link", Nothing, link::ask),
        route(POST, "/sign-in/link", Nothing, link::send),
        route(GET, "/sign-in/link/{secret}", Nothing, link::show),
        route(POST, "/sign-in/link/{secret}", Nothing, link::sign_in),
        route(GET, "/invite/{secret}", Nothing, invite::show),
        route(POST, "/invite/{secret}", Nothing, invite::accept),
        route(POST, "/sign-out", read, sign_in::sign_out).own(),
        route(GET, "/", read, overview::show).in_reach(),
    ];
    routes.extend(of_connectors(read, operate, administer));
    #[cfg(debug_assertions)]
    routes.push(route(GET, DESIGN, read, design::show).own());
    routes.extend(of_the_log(read, operate, administer));
    routes.extend(of_the_settings(read, administer));
    routes
}

/// What was synced, and what waits for somebody.
fn of_the_log(read: Needs, operate: Needs, administer: Needs) -> Vec<Route<Needs>> {
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    vec![
        route(GET, "/backfills", operate, backfills::show).in_reach(),
        route(GET, "/compare", read, comparisons::show).in_reach(),
        route(GET, "/requests", read, log::list).in_reach(),
        route(GET, "/requests/rows", read, log::rows).in_reach(),
        route(POST, "/requests/retry", operate, log::selected).in_reach(),
        route(POST, "/requests/views", read, log::save_view).own(),
        route(POST, "/requests/views/{id}/rename", read, log::rename_view).own(),
        route(POST, "/requests/views/{id}/remove", read, log::remove_view).own(),
        route(GET, "/requests/{id}", read, log::show).in_reach(),
        route(POST, "/requests/{id}/retry", operate, log::one).in_reach(),
        route(GET, "/retries", read, log::retries).in_reach(),
        route(POST, "/retries", operate, log::all).in_reach(),
        route(GET, "/retries/new", operate, log::ask_all).in_reach(),
        route(GET, "/retries/{id}", read, log::retry).in_reach(),
        route(GET, "/retries/{id}/progress", read, log::progress).in_reach(),
        route(POST, "/retries/{id}/cancel", operate, log::cancel).in_reach(),
        route(GET, "/failures", read, failures::list).in_reach(),
        route(GET, "/failures/{name}/{cause}", read, failures::show).of_connector(),
        route(POST, "/failures/{name}/{cause}/fix", administer, failures::fix),
        route(POST, "/failures/{name}/{cause}/metadata", operate, failures::metadata)
            .of_connector(),
        route(POST, "/failures/{name}/{cause}/dismiss", operate, failures::dismiss).of_connector(),
        route(POST, "/failures/{name}/{cause}/restore", operate, failures::restore).of_connector(),
        route(GET, "/reviews", read, reviews::list).in_reach(),
        route(GET, "/reviews/by-rule", operate, reviews::show_by_rule).in_reach(),
        route(POST, "/reviews/by-rule", operate, reviews::resolve_by_rule).in_reach(),
        route(GET, "/reviews/{id}", read, reviews::show).in_reach(),
        route(POST, "/reviews/{id}/decide", operate, reviews::decide).in_reach(),
        route(POST, "/reviews/{id}/undo", operate, reviews::undo).in_reach(),
        route(GET, "/leads", read, log::leads).in_reach(),
        route(GET, "/leads/{account}/{id}", read, log::lead).in_reach(),
        route(POST, "/leads/{account}/{id}/sync", operate, log::sync).in_reach(),
        route(POST, "/leads/{account}/{id}/release", operate, log::release).in_reach(),
    ]
}

/// Accounts, people and the visitor's own account.
fn of_the_settings(read: Needs, administer: Needs) -> Vec<Route<Needs>> {
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    vec![
        route(GET, "/accounts", administer, accounts::list),
        route(POST, "/accounts", administer, accounts::put_new).confirmed(),
        route(GET, "/accounts/new", administer, accounts::add),
        route(GET, "/accounts/{name}", administer, accounts::show),
        route(POST, "/accounts/{name}", administer, accounts::put).confirmed(),
        route(POST, "/accounts/{name}/remove", administer, accounts::remove).confirmed(),
        route(GET, "/accounts/{name}/traits", administer, traits::show),
        route(POST, "/accounts/{name}/probe", administer, traits::probe),
        route(POST, "/accounts/{name}/probe/stop", administer, traits::stop),
        route(POST, "/accounts/{name}/answer", administer, traits::answer),
        route(GET, "/alerts", administer, alerts::show),
        route(POST, "/alerts", administer, alerts::add),
        route(GET, "/alerts/{id}", administer, alerts::ask_edit),
        route(POST, "/alerts/{id}", administer, alerts::edit),
        route(POST, "/alerts/{id}/test", administer, alerts::test),
        route(POST, "/alerts/{id}/remove", administer, alerts::remove).confirmed(),
        route(GET, "/people", administer, people::show),
        route(POST, "/people/users", administer, people::add_user).confirmed(),
        route(POST, "/people/users/role", administer, people::set_role).confirmed(),
        route(POST, "/people/users/password", administer, people::set_password).confirmed(),
        route(POST, "/people/users/second-factor/off", administer, people::turn_off_second_factor)
            .confirmed(),
        route(POST, "/people/users/remove", administer, people::remove_user).confirmed(),
        route(POST, "/people/invites", administer, people::invite).confirmed(),
        route(POST, "/people/invites/remove", administer, people::remove_invite).confirmed(),
        route(POST, "/people/guests/end", administer, people::end_guest),
        route(POST, "/people/tokens", administer, people::add_token).confirmed(),
        route(POST, "/people/tokens/remove", administer, people::remove_token).confirmed(),
        route(GET, "/audit", administer, audit::show),
        route(GET, "/personal-data", administer, personal_data::show),
        route(POST, "/personal-data", administer, personal_data::find),
        route(POST, "/personal-data/export", administer, personal_data::export).confirmed(),
        route(POST, "/personal-data/forget", administer, personal_data::forget).confirmed(),
        route(GET, "/account", read, account::show).own(),
        route(GET, "/account/confirm", read, provider::confirm).own(),
        route(POST, "/account/password", read, account::set_password).own(),
        route(POST, "/account/second-factor/set-up", read, second_factor::set_up).own().confirmed(),
        route(POST, "/account/second-factor", read, second_factor::turn_on).own().confirmed(),
        route(POST, "/account/second-factor/off", read, second_factor::turn_off).own().confirmed(),
        route(POST, "/account/sessions/{id}/end", read, account::end).own(),
        route(POST, "/account/sessions/end-others", read, account::end_others).own(),
    ]
}

fn of_connectors(read: Needs, operate: Needs, administer: Needs) -> Vec<Route<Needs>> {
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    vec![
        route(GET, "/connectors", read, connector::list).in_reach(),
        route(POST, "/connectors", administer, connector::create),
        route(GET, "/connectors/new", administer, connector::add),
        route(GET, "/connectors/{name}", read, connector::summary).of_connector(),
        route(GET, "/connectors/{name}/basic", administer, connector::show::<BasicPage>),
        route(POST, "/connectors/{name}/basic", administer, connector::put::<BasicPage>),
        route(GET, "/connectors/{name}/entities", administer, connector::show::<EntitiesPage>),
        route(POST, "/connectors/{name}/entities", administer, connector::put::<EntitiesPage>),
        route(GET, "/connectors/{name}/filter", administer, connector::show::<FilterPage>),
        route(POST, "/connectors/{name}/filter", administer, connector::put::<FilterPage>),
        route(GET, "/connectors/{name}/mapping", operate, connector::mapping).of_connector(),
        route(POST, "/connectors/{name}/mapping", administer, connector::put_mapping),
        route(GET, "/connectors/{name}/mapping/owners", operate, connector::owners).of_connector(),
        route(POST, "/connectors/{name}/mapping/owners", administer, connector::put_owners),
        route(
            GET,
            "/connectors/{name}/mapping/activities",
            operate,
            connector::mapping_of_activities,
        )
        .of_connector(),
        route(
            GET,
            "/connectors/{name}/mapping/activities/{code}",
            operate,
            connector::activity_mapping,
        )
        .of_connector(),
        route(
            POST,
            "/connectors/{name}/mapping/activities/{code}",
            administer,
            connector::put_activity_mapping,
        ),
        route(GET, "/connectors/{name}/versions", operate, connector::versions).of_connector(),
        route(
            POST,
            "/connectors/{name}/versions/{version}/restore",
            administer,
            connector::restore,
        ),
        route(GET, "/connectors/{name}/access", administer, connector::show::<AccessPage>),
        route(POST, "/connectors/{name}/access", administer, connector::put::<AccessPage>),
        route(GET, "/connectors/{name}/webhook", administer, connector::webhook),
        route(GET, "/connectors/{name}/check", operate, connector::check).of_connector(),
        route(GET, "/connectors/{name}/preview", operate, connector::preview_form).of_connector(),
        route(POST, "/connectors/{name}/preview", operate, connector::preview).of_connector(),
        route(POST, "/connectors/{name}/url", administer, connector::replace_url),
        route(POST, "/connectors/{name}/url/end", administer, connector::end_old_urls),
        route(POST, "/connectors/{name}/wire", administer, connector::wire),
        route(POST, "/connectors/{name}/unwire", administer, connector::unwire),
        route(GET, "/connectors/{name}/backfill", operate, connector::backfill).of_connector(),
        route(POST, "/connectors/{name}/backfill", operate, connector::begin_backfill)
            .of_connector(),
        route(GET, "/connectors/{name}/backfill/progress", operate, connector::backfill_progress)
            .of_connector(),
        route(POST, "/connectors/{name}/backfill/{backfill}", operate, connector::set_backfill)
            .of_connector(),
        route(GET, "/connectors/{name}/compare", read, connector::show::<ComparePage>)
            .of_connector(),
        route(POST, "/connectors/{name}/compare", operate, connector::act_on_compare)
            .of_connector(),
        route(
            POST,
            "/connectors/{name}/compare/settings",
            administer,
            connector::put::<ComparePage>,
        ),
        route(GET, "/connectors/{name}/refresh", operate, connector::refresh_form).of_connector(),
        route(POST, "/connectors/{name}/refresh", operate, connector::refresh).of_connector(),
        route(GET, "/connectors/{name}/export", administer, connector::export),
        route(POST, "/connectors/{name}/confirm", operate, connector::confirm).of_connector(),
        route(POST, "/connectors/{name}/enable", operate, connector::enable).of_connector(),
        route(POST, "/connectors/{name}/disable", operate, connector::disable).of_connector(),
        route(POST, "/connectors/{name}/retry", operate, connector::retry).of_connector(),
        route(POST, "/connectors/{name}/remove", administer, connector::remove).confirmed(),
    ]
}

/// Every page and every file that pages load, and who may use it.
pub(crate) fn access_rows() -> impl Iterator<Item = GuardedRoute> {
    let row = |route: Route<Needs>| match route.needs {
        Needs::FirstStart | Needs::Nothing | Needs::Anybody => {
            GuardedRoute::open(route.method.as_str(), route.path)
        }
        Needs::Signed(needs) => {
            GuardedRoute::closed(route.method.as_str(), route.path, needs, route.within)
        }
    };
    let pages = routes().into_iter().filter(|route| route.path != DESIGN);
    assets::paths().map(|path| GuardedRoute::open("GET", path)).chain(pages.map(row))
}

/// Every page.
pub(crate) fn router(shared: &Shared) -> Router<Shared> {
    let mut router = assets::router();
    for Route { method, path, needs, within, confirmed, handler } in routes() {
        let gate = Gate { shared: shared.clone(), method, needs, within, confirmed };
        router = router.route(path, handler.route_layer(from_fn_with_state(gate, let_through)));
    }
    router
}

/// The page for an unknown address.
pub(crate) async fn no_such_page() -> Response {
    page::not_found("page")
}

/// What stands before a page.
#[derive(Clone)]
struct Gate {
    shared: Shared,
    method: Method,
    needs: Needs,
    within: Within,
    confirmed: bool,
}

/// Lets through only those who may see the page, and forms only from our own pages.
async fn let_through(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match admitted(&gate, request).await {
        Ok(request) => next.run(request).await,
        Err(instead) => instead.into_response(),
    }
}

async fn admitted(gate: &Gate, request: Request) -> Result<Request, page::Instead> {
    if gate.method != Method::GET && !form::is_ours(request.headers()) {
        return Err(page::forbidden("This form was not sent from a page of leadsync.").into());
    }
    let shared = &gate.shared;
    let visitor = Visitor::of(request.headers(), shared).await?;
    if visitor.is_none() {
        let users = shared.store.users().await?;
        match (users.is_empty(), gate.needs) {
            (true, Needs::FirstStart) | (false, Needs::Nothing | Needs::Anybody) => {
                return Ok(request);
            }
            (true, _) => return Err(Redirect::to("/start").into_response().into()),
            (false, _) => {
                let next = match gate.method {
                    Method::GET => request.uri().path_and_query().map_or("/", |path| path.as_str()),
                    _ => "/",
                };
                return Err(Redirect::to(&sign_in::path(next)).into_response().into());
            }
        }
    }
    let Some(mut visitor) = visitor else { return Ok(request) };
    if let Some(who) = request.extensions().get::<Who>() {
        who.is(&visitor.actor());
    }
    match gate.needs {
        Needs::FirstStart | Needs::Nothing => Err(Redirect::to("/").into_response().into()),
        Needs::Anybody => {
            let mut request = request;
            request.extensions_mut().insert(visitor);
            Ok(request)
        }
        Needs::Signed(scope) if visitor.role.most() < scope => {
            Err(page::forbidden("Your role does not allow this. Ask an administrator.").into())
        }
        Needs::Signed(_) => {
            let (mut parts, body) = request.into_parts();
            let path = RawPathParams::from_request_parts(&mut parts, &()).await;
            if !gate.within.is_open_to(&visitor.reach, path.as_ref().ok()) {
                let what = "You don't have access to this. Ask an administrator of leadsync.";
                return Err(page::forbidden(what).into());
            }
            if gate.method == Method::GET {
                visitor.count(&*shared.store).await?;
            }
            parts.extensions.insert(visitor.clone());
            if gate.confirmed {
                return confirm::confirmed(shared, &visitor, (parts, body)).await;
            }
            Ok(Request::from_parts(parts, body))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ways_in_need_nothing() {
        let open: Vec<&str> = routes()
            .iter()
            .filter(|route| !matches!(route.needs, Needs::Signed(_)))
            .map(|route| route.path)
            .collect();
        let link = "/sign-in/link";
        let secret = "/sign-in/link/{secret}";
        let (code, invite) = ("/sign-in/code", "/invite/{secret}");
        let (oidc, callback) = ("/sign-in/oidc", "/sign-in/oidc/callback");
        let ways_in = ["/start", "/start", "/sign-in", "/sign-in", code, code, oidc, callback];
        let ways_in = [&ways_in[..], &[link, link, secret, secret, invite, invite]].concat();
        assert_eq!(open, ways_in);
    }
}
