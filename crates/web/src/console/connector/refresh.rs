//! `/connectors/{name}/refresh`: updating linked leads, with the count first.

use admin::retry;
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use store::Retry;

use super::page;
use super::{Frame, Opened, address, open};
use crate::Shared;
use crate::console::form::Form;
use crate::console::visitor::Visitor;
use crate::console::words::{counted, number};
use admin::preview::Previewed;
use admin::refresh::{self, RefreshPlan};

#[derive(Template)]
#[template(path = "connector_refresh.html")]
struct Refresh {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    plan: RefreshPlan,
    /// Whether nothing flows back, so that the source's values win.
    is_one_way: bool,
    at_once: usize,
    per_minute: u32,
}

impl Refresh {
    fn number(count: u64) -> String {
        number(count)
    }

    fn leads(&self) -> String {
        counted(self.plan.leads, "linked lead", "linked leads")
    }

    /// Leads that no request of this connector is known of.
    fn others(&self) -> Option<String> {
        let others = self.plan.linked.saturating_sub(self.plan.leads);
        (others > 0).then(|| counted(others, "linked lead", "linked leads"))
    }
}

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> page::Shown {
    let Opened { configuration, connector, frame } =
        open(&shared, &visitor, &name, "/refresh").await?;
    let (store, accounts) = (shared.store.as_ref(), shared.accounts.as_ref());
    let previewed =
        Previewed { configuration: &configuration, connector: &connector, now: (shared.clock)() };
    let plan = refresh::plan(store, accounts, previewed).await?;
    let is_one_way = configuration.opposite(&connector).is_none();
    let (at_once, per_minute) = (Retry::AT_ONCE, Retry::PER_MINUTE);
    let page = "Connectors";
    let shown = Refresh { page, visitor, frame, told: None, plan, is_one_way, at_once, per_minute };
    Ok(page::page(StatusCode::OK, &shown))
}

pub(in crate::console) async fn begin(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> page::Shown {
    let connector = open(&shared, &visitor, &name, "/refresh").await?.connector;
    let per_minute = form.per_minute()?;
    let retried = retry::refresh_leads(&shared, &visitor.actor(), &connector, per_minute).await?;
    let path = match retried.batch {
        Some(batch) => format!("/retries/{batch}"),
        None => page::with_told(&address(&name), "none_linked"),
    };
    Ok(Redirect::to(&path).into_response())
}
