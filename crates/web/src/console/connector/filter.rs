//! `/connectors/{name}/filter`: which leads are synced, with a count of recent ones that pass.

use std::collections::BTreeMap;

use askama::Template;
use plan::connector::{Condition, Definition, Fault, Filter, Leaving, Test};
use plan::problem::Problem;

use super::entities::{OneOf, Shown};
use super::page::{self, Choice, Faults};
use super::saving::{Saves, Stand, Wish};
use super::{Frame, Opened, lists};
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::visitor::Visitor;
use crate::console::words::counted;
use admin::passing::{Passing, passing};

/// How many conditions can be added to each list at a time.
const MORE: usize = 2;

const LEAVING: OneOf<Leaving> = OneOf {
    all: &[
        (
            Leaving::Stop,
            "stop",
            "Stop syncing it",
            "The leads stay linked. Syncing resumes when the lead passes again.",
        ),
        (Leaving::Continue, "continue", "Keep syncing it", "Only new leads are filtered."),
    ],
};

/// The tests, in words.
const TESTS: [(&str, &str); 12] = [
    ("equals", "is"),
    ("not_equals", "is not"),
    ("one_of", "is one of"),
    ("none_of", "is not one of"),
    ("contains", "contains"),
    ("not_contains", "does not contain"),
    ("empty", "is empty"),
    ("not_empty", "is not empty"),
    ("before", "is before"),
    ("after", "is after"),
    ("greater", "is greater than"),
    ("less", "is less than"),
];

/// A list of conditions: its name in the file and in the form, and its title.
struct Conditions {
    list: &'static str,
    title: &'static str,
    rows: Vec<Row>,
}

/// A condition as it was written, which need not be one.
struct Row {
    field: String,
    tests: Vec<Choice>,
    /// One a line.
    values: String,
    fault: Option<String>,
}

impl Row {
    fn new(field: &str, test: &str, values: &str) -> Self {
        let (field, values) = (field.to_owned(), values.to_owned());
        Self { field, tests: page::choices(TESTS, test), values, fault: None }
    }

    fn of(condition: &Condition) -> Self {
        let test = &condition.test;
        Self::new(&condition.field, test.name(), &test.values().join("\n"))
    }

    fn is_blank(&self) -> bool {
        self.field.is_empty() && self.values.is_empty()
    }

    /// The condition that it is.
    fn condition(&self) -> Result<Condition, String> {
        let chosen = self.tests.iter().find(|test| test.chosen);
        let Some(test) = chosen else { return Err("has no test; choose one".to_owned()) };
        let lines = self.values.lines().map(str::trim).filter(|line| !line.is_empty());
        let values: Vec<String> = lines.map(str::to_owned).collect();
        let count = values.len();
        let field = self.field.clone();
        match Test::named(&test.value, values) {
            Some(test) => Ok(Condition { field, test }),
            None if matches!(test.value.as_str(), "empty" | "not_empty") => {
                Err(format!("needs no value for '{}'; leave the value empty", test.label))
            }
            None if count == 0 => Err(format!("needs a value for '{}'", test.label)),
            None => Err(format!(
                "has {count} values; '{}' takes one. For several, choose 'is one of'",
                test.label
            )),
        }
    }
}

#[derive(Template)]
#[template(path = "connector_filter.html")]
pub(in crate::console) struct FilterPage {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    version: String,
    faults: Faults,
    lists: [Conditions; 2],
    leaving: Vec<Shown>,
    fields: Vec<Choice>,
    /// Why the fields of the source could not be read.
    silent: Option<Problem>,
    /// Whether there is an opposite connector.
    is_pair: bool,
    passing: Option<Passing>,
}

/// The conditions as they are written, and the filter whose passing leads are counted.
pub(in crate::console) struct Part {
    lists: [Conditions; 2],
    leaving: Leaving,
    counted: Option<Filter>,
}

impl Saves for FilterPage {
    const HERE: &'static str = "/filter";

    type Part = Part;

    fn saved(definition: &Definition, _: BTreeMap<String, String>) -> Part {
        let filter = definition.filter.clone();
        let (lists, leaving) = (rows(&filter), filter.leaving);
        Part { lists, leaving, counted: (!filter.is_open()).then_some(filter) }
    }

    fn sent(form: &Form, saved: &Definition) -> (Part, Result<Wish, Refusal>) {
        let mut lists = ["all", "any"].map(|list| sent(form, list));
        let leaving = LEAVING.named(form.text("leaving")).unwrap_or_default();
        let mut counted = None;
        let wish = read(&mut lists, leaving).and_then(|filter| {
            let wanted = Definition { filter: filter.clone(), ..saved.clone() };
            let mut faults = wanted.check();
            faults.retain(|fault| fault.at.starts_with("filter"));
            if !faults.is_empty() {
                return Err(Refusal::faulty(faults));
            }
            if form.text("do") != "count" {
                return Ok(Wish::save(wanted));
            }
            counted = Some(filter);
            Ok(Wish::Show)
        });
        (Part { lists: roomy(lists), leaving, counted }, wish)
    }

    async fn read(
        shared: &Shared,
        visitor: Visitor,
        Opened { configuration, connector, frame }: Opened,
        Part { lists, leaving, counted }: Part,
        Stand { told, version, faults }: Stand,
    ) -> store::Result<Self> {
        let source = configuration.account_of(connector.source)?;
        let (catalogue, silent) = lists::catalogue(shared, source).await?;
        let passing = match counted {
            Some(filter) => {
                Some(passing(shared.store.as_ref(), &configuration, &connector, filter).await?)
            }
            None => None,
        };
        Ok(Self {
            page: "Connectors",
            visitor,
            frame,
            told,
            version,
            faults,
            lists,
            leaving: LEAVING.shown(leaving),
            fields: lists::fields(&catalogue),
            silent,
            is_pair: configuration.opposite(&connector).is_some(),
            passing,
        })
    }
}

impl FilterPage {
    fn leads(passing: &Passing) -> String {
        counted(passing.leads as u64, "lead", "leads")
    }

    fn requests(passing: &Passing) -> String {
        counted(passing.requests as u64, "request", "requests")
    }
}

/// The lists of a filter, with room for more conditions.
fn rows(filter: &Filter) -> [Conditions; 2] {
    let rows = |conditions: &[Condition]| conditions.iter().map(Row::of).collect();
    roomy([rows(&filter.all), rows(&filter.any)])
}

fn roomy([all, any]: [Vec<Row>; 2]) -> [Conditions; 2] {
    let roomy = |list, title, mut rows: Vec<Row>| {
        rows.extend((0..MORE).map(|_| Row::new("", "equals", "")));
        Conditions { list, title, rows }
    };
    [roomy("all", "All of these", all), roomy("any", "At least one of these", any)]
}

/// The rows of one list in the form.
fn sent(form: &Form, list: &str) -> Vec<Row> {
    let [fields, tests, values] = ["field", "test", "values"].map(|what| {
        let name = format!("{list}_{what}");
        form.texts(&name).map(str::trim).collect::<Vec<_>>()
    });
    let rows = fields.into_iter().zip(tests).zip(values);
    let rows = rows.map(|((field, test), values)| Row::new(field, test, values));
    rows.filter(|row| !row.is_blank()).collect()
}

/// The filter that these rows make.
fn read(lists: &mut [Vec<Row>; 2], leaving: Leaving) -> Result<Filter, Refusal> {
    let mut filter = Filter { leaving, ..Filter::default() };
    let mut faults = Vec::new();
    let [all, any] = lists;
    for (list, rows, conditions) in [("all", all, &mut filter.all), ("any", any, &mut filter.any)] {
        for (row, number) in rows.iter_mut().zip(1..) {
            match row.condition() {
                Ok(condition) => conditions.push(condition),
                Err(what) => {
                    faults
                        .push(Fault { at: format!("filter.{list}[{number}]"), what: what.clone() });
                    row.fault = Some(what);
                }
            }
        }
    }
    if faults.is_empty() { Ok(filter) } else { Err(Refusal::faulty(faults)) }
}
