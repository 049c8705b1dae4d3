//! `/`: the overview, the first page of the day.

mod chart;
mod charts;
mod notices;

use std::borrow::Borrow;
use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use plan::id::ConnectorId;
use plan::period;
use plan::review::State as Standing;
use store::{Configuration, ReviewFilter, Waiting};

use self::chart::Chart;
use self::charts::{charts, quiet};
use self::notices::{Facts, Notice, notices};
use super::connector;
use super::failures::failure_path;
use super::page::{self, Choice, choices};
use super::visitor::Visitor;
use super::words::{number, stretch, time};
use crate::Shared;
use admin::access::Reach;
use admin::overview::{
    CauseItem, ConnectorOverview, Lag, Overview, OverviewQuery, StepItem, WaitingItem, read,
};

/// The periods that can be chosen: the word in the address, the label, and the first and the last
/// time, which is now if there is none. The first is the default.
const PERIODS: [(&str, &str, &str, &str); 5] = [
    ("24h", "Last 24 hours", "24h", ""),
    ("7d", "Last 7 days", "7d", ""),
    ("30d", "Last 30 days", "30d", ""),
    ("this-month", "This month", "this-month", ""),
    ("last-month", "Last month", "last-month", "this-month"),
];
/// How many mails are searched for unsent ones.
const MAILS: usize = 50;
/// How long field changes and unsent mails are shown.
const OF_LATE: SignedDuration = SignedDuration::from_hours(7 * 24);

#[derive(Template)]
#[template(path = "overview.html")]
struct Shown {
    page: &'static str,
    visitor: Visitor,
    wrong: Option<String>,
    periods: Vec<Choice>,
    connectors: Vec<Choice>,
    /// The chosen connector, for links.
    connector: String,
    stage: Stage,
    overview: Overview,
    notices: Vec<Notice>,
    charts: Vec<Chart>,
}

/// How far the set-up is.
enum Stage {
    /// There is no connector.
    NoConnector,
    /// Nothing has arrived at any yet; this is one of them.
    NothingCame(String),
    /// It is complete.
    Going,
}

pub(super) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(given): Query<BTreeMap<String, String>>,
) -> Response {
    let now = (shared.clock)();
    match make(&shared, visitor, &given, now).await {
        Ok(page) => {
            let is_wrong = page.wrong.is_some();
            let status = if is_wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK };
            page::page(status, &page)
        }
        Err(error) => page::unavailable(&error),
    }
}

async fn make(
    shared: &Shared,
    visitor: Visitor,
    given: &BTreeMap<String, String>,
    now: Timestamp,
) -> store::Result<Shown> {
    let of = |name: &str| given.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let configuration = visitor.reach.narrow(shared.store.configuration().await?);
    let (asked, wrong) = match asked(of("period"), of("connector"), &configuration, now) {
        Ok(asked) => (asked, None),
        Err(wrong) => (since(PERIODS[0], None, now), Some(wrong)),
    };
    let span = asked.span().unwrap_or(store::Span { from: asked.from, to: asked.to, hours: 24 });
    let overview = read(&*shared.store, &configuration, &asked, &span, now).await?;
    let of_late = now.checked_sub(OF_LATE).unwrap_or(now);
    let mut field_changes = Vec::with_capacity(overview.accounts.len());
    for account in &overview.accounts {
        if let Some(known) = configuration.account(&account.name) {
            let changes = shared.store.field_changes(known.id, of_late).await?;
            field_changes.push((account.name.clone(), changes));
        }
    }
    let mut incidents = shared.store.incidents().await?;
    incidents
        .retain(|incident| configuration.connectors.iter().any(|c| c.id == incident.connector));
    let all = visitor.reach == Reach::All;
    let undecided = ReviewFilter {
        state: Some(Standing::Open),
        within: visitor.reach.limit(),
        ..ReviewFilter::default()
    };
    let ids: Vec<_> = configuration.connectors.iter().map(|connector| connector.id).collect();
    let mass_changes = shared.store.mass_changes(&ids).await?;
    let facts = Facts {
        configuration: &configuration,
        overview: &overview,
        incidents: &incidents,
        mails: &if all { shared.store.mails(MAILS).await? } else { Vec::new() },
        mails_are_sent: shared.mails_are_sent,
        field_changes: &field_changes,
        mass_changes: &mass_changes,
        undecided: shared.store.count_reviews(&undecided).await?,
        administers: visitor.administers(),
        since: of_late,
        now,
    };
    let names = configuration.connectors.iter().map(|connector| &connector.definition.name);
    let period = of("period").unwrap_or(PERIODS[0].0);
    Ok(Shown {
        page: "Overview",
        visitor,
        wrong,
        periods: choices(PERIODS.iter().map(|(word, label, ..)| (*word, *label)), period),
        connectors: choices(
            names.map(|name| (name.as_str(), name.as_str())),
            of("connector").unwrap_or_default(),
        ),
        connector: of("connector").unwrap_or_default().to_owned(),
        stage: stage_of(&overview),
        notices: notices(&facts),
        charts: charts(&overview),
        overview,
    })
}

fn since(
    (_, _, from, to): (&str, &str, &str, &str),
    connector: Option<ConnectorId>,
    now: Timestamp,
) -> OverviewQuery {
    let time = |text| period::parse(text, now).ok();
    let from = time(from).unwrap_or(now);
    let to = time(to).unwrap_or_else(|| OverviewQuery::up_to(now));
    OverviewQuery { from, to, connector }
}

/// What the address requests, or its error.
fn asked(
    period: Option<&str>,
    connector: Option<&str>,
    configuration: &Configuration,
    now: Timestamp,
) -> Result<OverviewQuery, String> {
    let period = period.unwrap_or(PERIODS[0].0);
    let known = PERIODS.iter().find(|(word, ..)| *word == period);
    let known = known.ok_or_else(|| format!("'{period}' is not a valid period."))?;
    let connector = connector.map(|name| {
        let known = configuration.connector(name);
        known.map(|known| known.id).ok_or_else(|| format!("The connector '{name}' does not exist."))
    });
    Ok(since(*known, connector.transpose()?, now))
}

fn stage_of(overview: &Overview) -> Stage {
    match overview.connectors.first() {
        None => Stage::NoConnector,
        Some(first) if !overview.connectors.iter().any(ConnectorOverview::is_used) => {
            Stage::NothingCame(connector::address(&first.name))
        }
        Some(_) => Stage::Going,
    }
}

impl Shown {
    /// Whether there is nothing to choose from yet.
    fn is_first(&self) -> bool {
        matches!(self.stage, Stage::NoConnector)
    }

    fn number(value: impl Borrow<u64>) -> String {
        number(*value.borrow())
    }

    fn calls(value: impl Borrow<u32>) -> String {
        number((*value.borrow()).into())
    }

    fn quiet(counts: &store::Tally) -> String {
        number(quiet(counts))
    }

    fn written(counts: &store::Tally) -> String {
        number(counts.written())
    }

    /// The lag of half of the records (p50).
    fn half(lag: &Lag) -> String {
        time(lag.p50_ms)
    }

    /// The lag of 95 of 100 records (p95).
    fn most(lag: &Lag) -> String {
        time(lag.p95_ms)
    }

    fn stretch(&self, step: &StepItem) -> String {
        stretch(step.from, self.overview.step_hours)
    }

    /// The address of a connector's page.
    fn address(name: &str) -> String {
        connector::address(name)
    }

    fn waiting(waiting: &WaitingItem) -> String {
        let more = if waiting.count == Waiting::MOST { "+" } else { "" };
        format!("{}{more}", number(waiting.count))
    }

    fn all(&self, of: fn(&ConnectorOverview) -> WaitingItem) -> String {
        let counts = self.overview.connectors.iter().map(|connector| of(connector).count);
        let more = counts.clone().any(|count| count == Waiting::MOST);
        format!("{}{}", number(counts.sum()), if more { "+" } else { "" })
    }

    fn all_waiting(&self) -> String {
        self.all(|connector| connector.waiting)
    }

    fn all_retrying(&self) -> String {
        self.all(|connector| connector.retrying)
    }

    /// The address of the requests that arrived in a part of the period.
    fn requests(&self, from: Timestamp, to: Timestamp, more: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("from", &from.to_string()).append_pair("to", &to.to_string());
        if !self.connector.is_empty() {
            query.append_pair("connector", &self.connector);
        }
        format!("/requests?{}", query.extend_pairs(more).finish())
    }

    fn requests_of_step(&self, step: &StepItem) -> String {
        let length = SignedDuration::from_hours(self.overview.step_hours);
        let to = step.from.checked_add(length).unwrap_or(self.overview.to);
        self.requests(step.from, to, &[])
    }

    fn failed_requests(&self) -> String {
        self.requests(self.overview.from, self.end(), &[("event", "failed")])
    }

    /// The page on which the cause can be fixed.
    fn failure(cause: &CauseItem) -> String {
        failure_path(&cause.connector, &cause.cause)
    }

    fn requests_of_cause(&self, cause: &CauseItem) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let (from, to) = (self.overview.from.to_string(), self.end().to_string());
        query.extend_pairs([("from", &from), ("to", &to)]);
        query.extend_pairs([("connector", &cause.connector), ("cause", &cause.cause)]);
        format!("/requests?{}", query.finish())
    }

    /// The end of the last step: what arrives in it later counts too.
    fn end(&self) -> Timestamp {
        let length = SignedDuration::from_hours(self.overview.step_hours);
        let last = self.overview.steps.last().map_or(self.overview.to, |step| step.from);
        last.checked_add(length).unwrap_or(self.overview.to)
    }

    /// The steps in which something arrived.
    fn busy(&self) -> Vec<&StepItem> {
        self.overview.steps.iter().filter(|step| step.sum.counts.all() > 0).rev().collect()
    }
}
