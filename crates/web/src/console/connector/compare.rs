//! `/connectors/{name}/compare`: how far the two accounts agree, which leads differ, and the sweep.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use plan::connector::{CatchUp, Definition};
use plan::parity::{Apart, Difference};
use std::collections::BTreeMap;
use store::Differing;

use super::page::{self, Choice, Faults, of_the_page};
use super::{Frame, Opened, open, save};
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::visitor::Visitor;
use crate::console::words::{counted, number, time};
use admin::Refused;
use admin::catch_up::{self, Chosen, Direction, ParityItem, SweepItem};

const HERE: &str = "/compare";
/// Leads of a page of the list.
const A_PAGE: usize = 50;

#[derive(Template)]
#[template(path = "connector_compare.html")]
struct Compare {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    /// What was refused.
    refused: &'static str,
    faults: Faults,
    version: String,
    parity: ParityItem,
    sweep: SweepItem,
    /// Whether values can be written to the source too.
    is_pair: bool,
    /// Which kind of difference is listed; empty: all.
    kinds: Vec<Choice>,
    apart: Option<Apart>,
    /// Whether the connector marks leads that are gone from the source.
    marks_gone: bool,
    listed: Vec<Differing>,
    /// The next page of the list.
    more: Option<String>,
    sweeps: Vec<Choice>,
    compares: Vec<Choice>,
}

impl Compare {
    async fn read(
        shared: &Shared,
        visitor: Visitor,
        opened: Opened,
        given: &BTreeMap<String, String>,
    ) -> store::Result<Self> {
        let Opened { configuration, connector, frame } = opened;
        let store = shared.store.as_ref();
        let apart = given.get("apart").and_then(|word| Apart::from_word(word));
        let after = given.get("after").and_then(|text| text.parse().ok()).unwrap_or_default();
        let listed = store.differences(connector.id, apart, after, A_PAGE).await?;
        let more = listed.last().filter(|_| listed.len() == A_PAGE).map(|last| {
            let apart = apart.map(|apart| format!("&apart={apart}")).unwrap_or_default();
            format!("{}{HERE}?after={}{apart}", frame.address, last.number)
        });
        let kinds = std::iter::once(Choice {
            value: String::new(),
            label: "All differences".to_owned(),
            chosen: apart.is_none(),
        });
        let kinds = kinds
            .chain(Apart::ALL.iter().map(|one| Choice {
                value: one.to_string(),
                label: catch_up::words(*one, &frame.source, &frame.destination),
                chosen: apart == Some(*one),
            }))
            .collect();
        let CatchUp { sweep, parity } = connector.definition.catch_up;
        let opposite = configuration.opposite(&connector);
        Ok(Self {
            page: "Connectors",
            told: None,
            refused: "",
            faults: Faults::default(),
            version: connector.version.to_string(),
            parity: catch_up::parity(store, &configuration, &connector).await?,
            sweep: catch_up::sweep(store, &configuration, &connector).await?,
            is_pair: opposite
                .is_some_and(|other| other.enabled && visitor.reach.has(&other.definition.name)),
            kinds,
            apart,
            marks_gone: connector.definition.removed.is_some(),
            listed,
            more,
            sweeps: switch(sweep),
            compares: switch(parity),
            visitor,
            frame,
        })
    }

    fn sentence(&self) -> Option<String> {
        let parity = self.parity.standing.parity.as_ref()?;
        let (agree, linked) = (number(parity.agree), number(parity.linked));
        let agree = format!("{agree} of {linked} linked leads agree");
        let names = (self.frame.source.as_str(), self.frame.destination.as_str());
        Some(catch_up::told(agree, parity, names, number))
    }

    fn apart(&self, difference: &Difference) -> String {
        catch_up::words(difference.apart, &self.frame.source, &self.frame.destination)
    }

    /// Whether this one can be written to the destination, or to the source.
    fn goes(&self, to: Direction) -> bool {
        self.apart.is_none_or(|apart| match to {
            Direction::Destination => {
                apart != Apart::OnlyThere
                    && apart != Apart::GoneThere
                    && (apart != Apart::GoneHere || self.marks_gone)
            }
            Direction::Source => {
                matches!(apart, Apart::Differs | Apart::OnlyThere | Apart::NotLinked)
            }
        })
    }

    fn goes_there(&self) -> bool {
        self.goes(Direction::Destination)
    }

    fn goes_back(&self) -> bool {
        self.is_pair && self.goes(Direction::Source)
    }

    fn every(&self) -> String {
        time(Some(self.sweep.every_seconds * 1_000))
    }

    fn number(count: u64) -> String {
        number(count)
    }

    fn changes(count: u64) -> String {
        counted(count, "change", "changes")
    }

    fn name(difference: &Difference) -> &str {
        let known_as = difference.known_as.as_deref();
        let id = || difference.source_id.as_deref().or(difference.destination_id.as_deref());
        known_as.or_else(id).unwrap_or_default()
    }
}

/// The choices of a setting that may be left to leadsync.
fn switch(chosen: Option<bool>) -> Vec<Choice> {
    [
        (None, "", "Default (on for two-way sync)"),
        (Some(true), "on", "On"),
        (Some(false), "off", "Off"),
    ]
    .into_iter()
    .map(|(value, word, label)| Choice {
        value: word.to_owned(),
        label: label.to_owned(),
        chosen: value == chosen,
    })
    .collect()
}

fn of_switch(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(given): Query<BTreeMap<String, String>>,
) -> Response {
    let opened = match open(&shared, &visitor, &name, HERE).await {
        Ok(opened) => opened,
        Err(response) => return response,
    };
    match Compare::read(&shared, visitor, opened, &given).await {
        Ok(shown) => page::page(StatusCode::OK, &Compare { told: page::told(&given), ..shown }),
        Err(error) => page::unavailable(&error),
    }
}

/// Compares the accounts, sweeps, or syncs leads that differ.
pub(in crate::console) async fn act(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> Response {
    let opened = match open(&shared, &visitor, &name, HERE).await {
        Ok(opened) => opened,
        Err(response) => return response,
    };
    let done = carry_out(&shared, &visitor, &opened, &form).await;
    let refusal = match done {
        Ok(told) => {
            let path = format!("{}{HERE}", opened.frame.address);
            return Redirect::to(&page::with_told(&path, told)).into_response();
        }
        Err(refusal) => refusal,
    };
    let what = match form.text("do") {
        "compare" | "sweep" | "confirm" => "The request was not started.",
        _ => "The leads were not synced.",
    };
    refused(&shared, visitor, opened, (what, &refusal)).await
}

/// Does what the button says; returns the message to show.
async fn carry_out(
    shared: &Shared,
    visitor: &Visitor,
    opened: &Opened,
    form: &Form,
) -> Result<&'static str, Refusal> {
    let actor = visitor.actor();
    let Opened { configuration, connector, .. } = opened;
    let seen = || {
        form.text("compared_at").parse().map_err(|_| {
            let what = "This page was incomplete. Select the leads again.";
            of_the_page(StatusCode::BAD_REQUEST, what)
        })
    };
    let all = || {
        seen().map(|at| match Apart::from_word(form.text("apart")) {
            Some(apart) => Chosen::Kind(apart, Some(at)),
            None => Chosen::All(Some(at)),
        })
    };
    let (direction, chosen) = match form.text("do") {
        "compare" => {
            catch_up::ask_for_parity(shared, &actor, connector).await?;
            return Ok("compare_begun");
        }
        "sweep" => {
            catch_up::ask_for_sweep(shared, &actor, connector, false).await?;
            return Ok("sweep_begun");
        }
        "confirm" => {
            catch_up::ask_for_sweep(shared, &actor, connector, true).await?;
            return Ok("sweep_confirmed");
        }
        "mark_gone" => (Direction::Destination, Chosen::Kind(Apart::GoneHere, Some(seen()?))),
        "to_source" => (Direction::Source, Chosen::Numbers(selected(form)?, seen()?)),
        "all_to_source" => (Direction::Source, all()?),
        "all_to_destination" => (Direction::Destination, all()?),
        _ => (Direction::Destination, Chosen::Numbers(selected(form)?, seen()?)),
    };
    let (by, between) = ((&actor, &visitor.reach), (configuration, connector));
    let leads = catch_up::sync_differences(shared, by, between, (&chosen, direction)).await;
    let leads = leads.map_err(|refused| match refused {
        Refused::Store(store::Error::Changed(_)) => of_the_page(
            StatusCode::CONFLICT,
            "The accounts were compared again after you opened this page. This is the new list: \
             select the leads again.",
        ),
        refused => refused.into(),
    })?;
    Ok(if leads == 0 { "differences_left" } else { "differences_synced" })
}

/// The leads that are ticked.
fn selected(form: &Form) -> Result<Vec<i64>, Refusal> {
    let numbers: Vec<i64> = form.texts("number").filter_map(|text| text.parse().ok()).collect();
    if numbers.is_empty() {
        let what = "No lead was selected. Select the leads to sync first.";
        return Err(of_the_page(StatusCode::BAD_REQUEST, what));
    }
    Ok(numbers)
}

/// The page again, with what is wrong with the form.
async fn refused(
    shared: &Shared,
    visitor: Visitor,
    opened: Opened,
    (what, refusal): (&'static str, &Refusal),
) -> Response {
    match Compare::read(shared, visitor, opened, &BTreeMap::new()).await {
        Ok(shown) => {
            let faults = Faults::of(refusal);
            page::page(refusal.status(), &Compare { faults, refused: what, ..shown })
        }
        Err(error) => page::unavailable(&error),
    }
}

/// Saves whether it sweeps and compares by itself.
pub(in crate::console) async fn put(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> Response {
    let opened = match open(&shared, &visitor, &name, HERE).await {
        Ok(opened) => opened,
        Err(response) => return response,
    };
    let catch_up =
        CatchUp { sweep: of_switch(form.text("sweep")), parity: of_switch(form.text("parity")) };
    let definition = Definition { catch_up, ..opened.connector.definition.clone() };
    let version = form.text("version");
    let saved = save(&shared, &visitor, &definition, version, &opened.frame, HERE).await;
    let refusal = match saved {
        Ok(response) => return response,
        Err(refusal) => refusal,
    };
    refused(&shared, visitor, opened, ("Your changes were not saved.", &refusal)).await
}
