//! `/`: the overview, the first page of the day.

mod alerts;
mod chart;
mod charts;
mod figures;

use std::borrow::Borrow;
use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use plan::id::ConnectorId;
use plan::period;
use store::Configuration;

use self::alerts::{Action, Alert, actions_of, alerts};
use self::chart::Chart;
use self::charts::{chart, quiet};
use self::figures::{Addresses, Figure, figures};
use super::connector::{self, Row, rows};
use super::page::{self, Choice, choices};
use super::state;
use super::visitor::Visitor;
use super::words::{number, stretch, time};
use crate::Shared;
use admin::attention;
use admin::failures::Titles;
use admin::health::Signs;
use admin::overview::{
    AccountOverview, CauseItem, ConnectorOverview, Grid, Lag, Overview, OverviewQuery, StepItem,
    read,
};

/// A period that can be chosen.
struct Period {
    /// Its word in the address.
    word: &'static str,
    label: &'static str,
    /// Where it starts and ends, in the words of an address; an empty end means now.
    from: &'static str,
    to: &'static str,
    /// The name of the period before it.
    name: &'static str,
}

const fn chosen(
    word: &'static str,
    label: &'static str,
    (from, to): (&'static str, &'static str),
    name: &'static str,
) -> Period {
    Period { word, label, from, to, name }
}

const PERIODS: [Period; 6] = [
    chosen("1h", "1 h", ("1h", ""), "hour"),
    chosen("24h", "24 h", ("24h", ""), "day"),
    chosen("7d", "7 d", ("7d", ""), "week"),
    // These are not offered: only an address asks for them.
    chosen("30d", "30 d", ("30d", ""), "30 days"),
    chosen("this-month", "This month", ("this-month", ""), "time"),
    chosen("last-month", "Last month", ("last-month", "this-month"), "time"),
];
/// How many of them are offered,
const OFFERED: usize = 3;
/// and the place of the default.
const DEFAULT: usize = 1;
/// How many causes are listed.
const CAUSES: usize = 5;

#[derive(Template)]
#[template(path = "overview.html")]
struct Shown {
    page: &'static str,
    visitor: Visitor,
    wrong: Option<String>,
    tabs: Vec<Tab>,
    connectors: Vec<Choice>,
    /// The chosen connector and period, for links.
    connector: String,
    period: &'static Period,
    stage: Stage,
    overview: Overview,
    titles: Titles,
    alerts: Vec<Alert>,
    figures: Vec<Figure>,
    rows: Vec<Row>,
    chart: Chart,
}

/// A period to choose.
struct Tab {
    label: &'static str,
    address: String,
    is_here: bool,
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
) -> page::Shown {
    let now = (shared.clock)();
    let page = make(&shared, visitor, &given, now).await?;
    let is_wrong = page.wrong.is_some();
    let status = if is_wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok(page::page(status, &page))
}

async fn make(
    shared: &Shared,
    visitor: Visitor,
    given: &BTreeMap<String, String>,
    now: Timestamp,
) -> store::Result<Shown> {
    let of = |name: &str| given.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let configuration = visitor.reach.narrow(shared.store.configuration().await?);
    let (period, asked, wrong) = match asked(of("period"), of("connector"), &configuration, now) {
        Ok((period, asked)) => (period, asked, None),
        Err(wrong) => (&PERIODS[DEFAULT], since(&PERIODS[DEFAULT], None, now), Some(wrong)),
    };
    let grid = if period.word == PERIODS[0].word { Ok(Grid::last_hour(now)) } else { asked.grid() };
    let grid = grid.unwrap_or_else(|_| Grid::of_hours(asked.from, asked.to, 24));
    let store = &*shared.store;
    let signs = Signs::read(store, &configuration, now).await?;
    let overview = read(store, &configuration, &signs, &asked, &grid, now).await?;
    let scope = attention::Scope {
        configuration: &configuration,
        signs: &signs,
        overview: &overview,
        within: visitor.reach.limit(),
        mails_are_sent: shared.mails_are_sent,
    };
    let matters = attention::read(store, &scope, now).await?;
    let connectors = configuration.connectors.iter().map(|connector| &connector.definition.name);
    let errors = overview.causes.iter().map(|cause| (&*cause.connector, &cause.error));
    let titles = Titles::read(store, &configuration, errors).await?;
    let connector = of("connector").unwrap_or_default();
    let mut shown = Shown {
        page: "Overview",
        wrong,
        tabs: tabs(period, connector),
        connectors: choices(connectors.map(|name| (name.as_str(), name.as_str())), connector),
        connector: connector.to_owned(),
        period,
        stage: stage_of(&overview),
        alerts: alerts(matters, &configuration, &visitor),
        figures: Vec::new(),
        rows: rows(&configuration, &overview),
        chart: chart(&overview),
        visitor,
        overview,
        titles,
    };
    shown.figures = figures(&shown.overview, shown.addresses(), period.name);
    Ok(shown)
}

/// The periods that are offered, and the chosen one.
fn tabs(here: &Period, connector: &str) -> Vec<Tab> {
    let is_shown =
        |(place, period): &(usize, &Period)| *place < OFFERED || period.word == here.word;
    let tab = |(_, period): (usize, &Period)| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("period", period.word);
        if !connector.is_empty() {
            query.append_pair("connector", connector);
        }
        let address = format!("/?{}", query.finish());
        Tab { label: period.label, address, is_here: period.word == here.word }
    };
    PERIODS.iter().enumerate().filter(is_shown).map(tab).collect()
}

fn since(period: &Period, connector: Option<ConnectorId>, now: Timestamp) -> OverviewQuery {
    let time = |text| period::parse(text, now).ok();
    let from = time(period.from).unwrap_or(now);
    let to = time(period.to).unwrap_or_else(|| OverviewQuery::up_to(now));
    OverviewQuery { from, to, connector }
}

/// What the address requests, or its error.
fn asked(
    period: Option<&str>,
    connector: Option<&str>,
    configuration: &Configuration,
    now: Timestamp,
) -> Result<(&'static Period, OverviewQuery), String> {
    let word = period.unwrap_or(PERIODS[DEFAULT].word);
    let known = PERIODS.iter().find(|period| period.word == word);
    let known = known.ok_or_else(|| format!("'{word}' is not a valid period."))?;
    let connector = connector.map(|name| {
        let known = configuration.connector(name);
        known.map(|known| known.id).ok_or_else(|| format!("The connector '{name}' does not exist."))
    });
    Ok((known, since(known, connector.transpose()?, now)))
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

    /// The state of an account.
    fn state(account: &AccountOverview) -> state::Shown {
        state::Shown::from(&account.health)
    }

    /// The address of an account's page.
    fn account(name: &str) -> String {
        super::accounts::account_address(name)
    }

    /// A cause without the values of a single record.
    fn cause(&self, cause: &CauseItem) -> String {
        self.titles.of(&cause.connector, &cause.error)
    }

    fn actions(&self, cause: &CauseItem) -> Vec<Action> {
        actions_of(cause, self.visitor.operates())
    }

    /// The causes that are listed, and how many more there are.
    fn causes(&self) -> (&[CauseItem], usize) {
        let (listed, more) = self.overview.causes.split_at(self.overview.causes.len().min(CAUSES));
        (listed, more.len())
    }

    fn addresses(&self) -> Addresses {
        let (from, to) = (self.overview.from, self.end());
        let queued = match self.connector.as_str() {
            "" => "/requests?job_status=queued".to_owned(),
            name => {
                let mut query = form_urlencoded::Serializer::new(String::new());
                query.extend_pairs([("job_status", "queued"), ("connector", name)]);
                format!("/requests?{}", query.finish())
            }
        };
        Addresses { failed: self.requests(from, to, &[("event", "failed")]), queued }
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
        let length = self.step();
        let to = step.from.checked_add(length).unwrap_or(self.overview.to);
        self.requests(step.from, to, &[])
    }

    fn requests_of_cause(&self, cause: &CauseItem) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let (from, to) = (self.overview.from.to_string(), self.end().to_string());
        query.extend_pairs([("from", &from), ("to", &to)]);
        query.extend_pairs([("connector", &cause.connector), ("cause", &cause.cause)]);
        format!("/requests?{}", query.finish())
    }

    fn step(&self) -> SignedDuration {
        match self.overview.step_hours {
            0 => store::Step::SHORT,
            hours => SignedDuration::from_hours(hours),
        }
    }

    /// The end of the last step: what arrives in it later counts too.
    fn end(&self) -> Timestamp {
        let length = self.step();
        let last = self.overview.steps.last().map_or(self.overview.to, |step| step.from);
        last.checked_add(length).unwrap_or(self.overview.to)
    }

    /// The steps in which something arrived.
    fn busy(&self) -> Vec<&StepItem> {
        self.overview.steps.iter().filter(|step| step.sum.counts.all() > 0).rev().collect()
    }
}
