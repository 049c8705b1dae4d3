//! `/connectors/{name}/compare`: how far the two accounts agree, which leads differ, and the sweep.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use plan::connector::{CatchUp, Definition};
use plan::parity::{Apart, Difference};
use std::collections::BTreeMap;
use store::Differing;

use super::page::{self, Choice, Faults, of_the_page};
use super::saving::{self, Saves, Stand, Wish};
use super::{Frame, Opened, open};
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::visitor::Visitor;
use crate::console::words::{counted, number, time};
use admin::Refused;
use admin::catch_up::{self, Chosen, Direction, ParityItem, SweepItem};

/// Leads of a page of the list.
const A_PAGE: usize = 50;

#[derive(Template)]
#[template(path = "connector_compare.html")]
pub(in crate::console) struct ComparePage {
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

/// What to list, and what was refused.
#[derive(Default)]
pub(in crate::console) struct Part {
    given: BTreeMap<String, String>,
    refused: &'static str,
}

impl Saves for ComparePage {
    const HERE: &'static str = "/compare";

    type Part = Part;

    fn saved(_: &Definition, given: BTreeMap<String, String>) -> Part {
        Part { given, refused: "" }
    }

    fn sent(form: &Form, saved: &Definition) -> (Part, Result<Wish, Refusal>) {
        let [sweep, parity] = ["sweep", "parity"].map(|name| of_switch(form.text(name)));
        let wanted = Definition { catch_up: CatchUp { sweep, parity }, ..saved.clone() };
        let part = Part { refused: "Your changes were not saved.", ..Part::default() };
        (part, Ok(Wish::save(wanted)))
    }

    async fn read(
        shared: &Shared,
        visitor: Visitor,
        Opened { configuration, connector, frame }: Opened,
        Part { given, refused }: Part,
        Stand { told, faults, .. }: Stand,
    ) -> store::Result<Self> {
        let store = shared.store.as_ref();
        let apart = given.get("apart").and_then(|word| Apart::from_word(word));
        let after = given.get("after").and_then(|text| text.parse().ok()).unwrap_or_default();
        let listed = store.differences(connector.id, apart, after, A_PAGE).await?;
        let more = listed.last().filter(|_| listed.len() == A_PAGE).map(|last| {
            let apart = apart.map(|apart| format!("&apart={apart}")).unwrap_or_default();
            format!("{}{}?after={}{apart}", frame.address, Self::HERE, last.number)
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
            told,
            refused,
            faults,
            // The page shows the saved settings, also after a refusal.
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
}

impl ComparePage {
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

/// Compares the accounts, sweeps, or syncs leads that differ.
pub(in crate::console) async fn act(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> page::Shown {
    let opened = open(&shared, &visitor, &name, ComparePage::HERE).await?;
    let refusal = match carry_out(&shared, &visitor, &opened, &form).await {
        Ok(told) => {
            let path = format!("{}{}", opened.frame.address, ComparePage::HERE);
            return Ok(Redirect::to(&page::with_told(&path, told)).into_response());
        }
        Err(refusal) => refusal,
    };
    let refused = match form.text("do") {
        "compare" | "sweep" | "confirm" => "The request was not started.",
        _ => "The leads were not synced.",
    };
    let part = Part { refused, ..Part::default() };
    let stand = Stand { faults: Faults::of(&refusal), ..Stand::default() };
    let shown = (refusal.status(), stand);
    saving::answer::<ComparePage>(&shared, visitor, opened, part, shown).await
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
