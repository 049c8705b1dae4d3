//! `/requests/{id}`: the history of a request.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use plan::connector::Definition;
use plan::id::RequestId;
use plan::mapping::MappedField;
use plan::metadata::Catalogue;
use plan::outcome::Event;
use plan::payload::{self, Entry};
use plan::state;
use store::{
    Access, Configuration, Connector, Delivery, Filter, Neighbours, Page, RecordItem, RequestItem,
    RequestLine,
};

use super::body::{Bodies, Body};
use super::line;
use super::record::{self, Around, Record};
use super::trouble::{Trouble, trouble};
use crate::Shared;
use crate::console::page;
use crate::console::visitor::Visitor;
use crate::console::words::number;
use admin::access::Reach;
use admin::log::{About, waiting};

/// The most records that one page shows; failed ones come first.
const RECORDS: usize = 50;

/// The tabs of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tab {
    Changes,
    Attempts,
    Payload,
}

impl Tab {
    const ALL: [Self; 3] = [Self::Changes, Self::Attempts, Self::Payload];

    fn of(word: Option<&String>) -> Self {
        let found = Self::ALL.into_iter().find(|tab| word.is_some_and(|word| word == tab.word()));
        found.unwrap_or(Self::Changes)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Attempts => "attempts",
            Self::Payload => "payload",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Changes => "Changes",
            Self::Attempts => "Attempts",
            Self::Payload => "Payload",
        }
    }
}

/// A tab as it is shown.
struct TabLink {
    label: &'static str,
    path: String,
    is_current: bool,
    count: Option<usize>,
}

/// The page of a tab.
fn path(id: RequestId, tab: Tab) -> String {
    match tab {
        Tab::Changes => format!("/requests/{id}"),
        tab => format!("/requests/{id}?tab={}", tab.word()),
    }
}

#[derive(Template)]
#[template(path = "request.html")]
struct One {
    page: &'static str,
    visitor: Visitor,
    told: Option<&'static str>,
    request: RequestItem,
    headline: String,
    state: state::State,
    tab: Tab,
    trouble: Option<Trouble>,
    /// Why it has no outcome yet.
    waiting: Option<&'static str>,
    records: Vec<Record>,
    more_records: usize,
    body: Option<Body>,
    content_type: Option<String>,
    neighbours: Neighbours,
    /// What finds its lead in the log.
    q: Option<String>,
}

impl One {
    fn has_failed(&self) -> bool {
        self.records.iter().any(|record| record.kept.event == Event::Failed)
    }

    /// What a retry is called.
    fn again(&self) -> &'static str {
        if self.has_failed() { "Retry" } else { "Sync again" }
    }

    /// Whether there is something to retry: what failed or, once all has ended, all of it.
    fn can_be_retried(&self) -> bool {
        self.has_failed() || self.is_finished() && !self.records.is_empty()
    }

    fn is_finished(&self) -> bool {
        self.request.finished_at.is_some()
    }

    fn tone(&self) -> &'static str {
        line::tone(self.state)
    }

    /// The tabs, and which of them is shown.
    fn tabs(&self) -> Vec<TabLink> {
        let link = |tab: Tab| TabLink {
            label: tab.label(),
            path: path(self.request.id, tab),
            is_current: tab == self.tab,
            count: (tab == Tab::Attempts).then(|| self.attempts()),
        };
        Tab::ALL.into_iter().map(link).collect()
    }

    /// The page of what is shown.
    fn path(&self) -> String {
        path(self.request.id, self.tab)
    }

    /// How many attempts there were.
    fn attempts(&self) -> usize {
        self.records.iter().map(|record| record.attempts.len() + record.earlier_attempts).sum()
    }

    /// The page of the request's lead, if it is about one.
    fn lead(&self) -> Option<&str> {
        let [only] = self.records.as_slice() else { return None };
        only.leads.first().map(|(_, _, path)| path.as_str())
    }
}

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    let unknown = || page::not_found("request");
    let id = id.parse::<RequestId>().map_err(|_| unknown())?;
    let actor = visitor.actor();
    let one = read(&shared, visitor, id, Tab::of(given.get("tab"))).await?.ok_or_else(unknown)?;
    shared.note_access(&actor, Access::Request(id)).await;
    Ok(page::page(StatusCode::OK, &One { told: page::told(&given), ..one }))
}

async fn read(
    shared: &Shared,
    visitor: Visitor,
    id: RequestId,
    tab: Tab,
) -> store::Result<Option<One>> {
    let store = &shared.store;
    let within = visitor.reach.limit();
    let filter = Filter { ids: vec![id], within, ..Filter::default() };
    let page = Page { limit: 1, after: None };
    let ((items, _), (lines, _), delivery, configuration) = tokio::try_join!(
        store.requests(&filter, &page),
        store.request_lines(&filter, &page),
        store.delivery(id),
        store.configuration(),
    )?;
    let request = items.into_iter().next().zip(lines.into_iter().next());
    let Some((mut request, line)) = request else { return Ok(None) };
    let (headline, state) = (headline(&line, &configuration), line.state());
    let trouble = trouble(shared, &visitor, &line).await?;
    let mut records = std::mem::take(&mut request.records);
    records.sort_by_key(|record| (record.event != Event::Failed, record.position));
    let more_records = records.len().saturating_sub(RECORDS);
    records.truncate(RECORDS);
    let q = match records.as_slice() {
        [only] if more_records == 0 => only.source_id.clone(),
        _ => None,
    };
    let neighbours = match &q {
        // Those of others may be out of reach.
        Some(q) if visitor.reach == Reach::All => store.neighbours(id, q).await?,
        _ => Neighbours::default(),
    };
    let mut bodies = Bodies::new();
    let body = delivery
        .as_ref()
        .map(|delivery| payload::text(&delivery.body, delivery.content_type.as_deref()));
    let body = body.and_then(|body| bodies.show(&body));
    // A notice that a lead is gone is not mapped.
    let is_mapped =
        |delivery: &&Delivery| tab == Tab::Changes && delivery.origin.removal().is_none();
    let records = {
        let mut shown = Vec::with_capacity(records.len());
        let connector = configuration.connector(&request.connector);
        let mut mappings =
            Mappings::read(shared, connector, delivery.as_ref().filter(is_mapped)).await?;
        for record in records {
            let mapped = mappings.of(&record).await?;
            let (accounts, catalogues) = (mappings.accounts(), mappings.catalogues());
            let around = Around { accounts, mapped, catalogues };
            shown.push(Record::of(record, around, &mut bodies));
        }
        shown
    };
    let waiting = records.is_empty().then(|| {
        let connector = configuration.connector(&request.connector);
        waiting(request.job_status, line.is_held, connector)
    });
    let content_type = delivery.and_then(|delivery| delivery.content_type);
    Ok(Some(One {
        page: "Requests",
        visitor,
        told: None,
        request,
        headline,
        state,
        tab,
        trouble,
        waiting,
        records,
        more_records,
        body,
        content_type,
        neighbours,
        q,
    }))
}

/// What happened to whom.
fn headline(line: &RequestLine, configuration: &Configuration) -> String {
    let connector = configuration.connector(&line.connector);
    let ends = connector.map(|connector| &connector.definition);
    let destination = ends.map_or("the destination", |ends| ends.destination.as_str());
    match line.records.as_slice() {
        [] => format!("Request from {}", ends.map_or("the source", |ends| ends.source.as_str())),
        [only] => About::from(only).headline(line.state(), destination),
        many => {
            let of = number(many.len() as u64);
            format!("{of} records for {destination}: {}", line.state().label().to_lowercase())
        }
    }
}

/// What is needed for the records of one request: the settings that decided about each, with the
/// current metadata of the accounts.
struct Mappings<'a> {
    shared: &'a Shared,
    connector: Option<&'a Connector>,
    entries: Vec<Entry>,
    /// `None` for accounts whose fields were never read.
    catalogues: Option<(Catalogue, Catalogue)>,
    definitions: HashMap<i64, Option<Definition>>,
}

impl<'a> Mappings<'a> {
    async fn read(
        shared: &'a Shared,
        connector: Option<&'a Connector>,
        delivery: Option<&Delivery>,
    ) -> store::Result<Self> {
        let entries = delivery.and_then(|delivery| {
            delivery.origin.read(&delivery.body, delivery.content_type.as_deref()).ok()
        });
        let (entries, definitions) = (entries.unwrap_or_default(), HashMap::new());
        let mut catalogues = None;
        if let Some(connector) = connector {
            let (source, destination) = tokio::try_join!(
                shared.store.catalogue(connector.source),
                shared.store.catalogue(connector.destination),
            )?;
            catalogues = source.zip(destination).map(|((_, here), (_, there))| (here, there));
        }
        Ok(Self { shared, connector, entries, catalogues, definitions })
    }

    fn catalogues(&self) -> Option<(&Catalogue, &Catalogue)> {
        self.catalogues.as_ref().map(|(source, destination)| (source, destination))
    }

    fn accounts(&self) -> (&'a str, &'a str) {
        self.connector.map_or(("", ""), |connector| {
            let Definition { source, destination, .. } = &connector.definition;
            (source.as_str(), destination.as_str())
        })
    }

    async fn of(&mut self, record: &RecordItem) -> store::Result<Option<Vec<MappedField>>> {
        let Some(connector) = self.connector else { return Ok(None) };
        let position = usize::try_from(record.position).unwrap_or(usize::MAX);
        if !self.entries.get(position).is_some_and(Entry::is_ok) {
            return Ok(None);
        }
        if !self.definitions.contains_key(&record.version) {
            let found = self.shared.store.definition(connector.id, record.version).await?;
            self.definitions.insert(record.version, found);
        }
        let definition = self.definitions.get(&record.version).and_then(Option::as_ref);
        let (Some(definition), Some((source, destination))) = (definition, &self.catalogues) else {
            return Ok(None);
        };
        let Ok(item) = &self.entries[position] else { return Ok(None) };
        Ok(record::mapped(definition, (source, destination), item))
    }
}
