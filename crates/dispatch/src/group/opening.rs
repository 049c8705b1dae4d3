//! Taking requests up from the store.

use std::collections::HashMap;
use std::sync::Arc;

use plan::id::ConnectorId;
use plan::identity;
use plan::link::{Link, Pair, Side};
use plan::mapping::Mapped;
use plan::outcome::{Entity, Event, RetryWith};
use plan::payload::{self, Item};
use plan::problem::Problem;
use plan::snapshot::Snapshot;
use store::{RecordKey, Stage, Unfinished};

use super::book::{Record, Standing};
use super::lanes::Lane;
use super::outcome::Outcome;
use super::worker::Worker;

/// The most requests that are taken up at a time.
const MOST_AT_ONCE: usize = 500;
/// No more are taken up while less than this part of the window is free.
const SMALLEST_PART: usize = 8;
/// The most lanes and waiting records that are kept in memory.
const HEAVIEST_BURDEN: usize = 500_000;

impl Worker {
    /// Takes up the oldest requests that are due, as many as there is room for.
    pub(super) async fn open(&mut self) -> store::Result<()> {
        let window = self.shared.options.window;
        let room = window.saturating_sub(self.book.open_records());
        if !self.look_for_work
            || room < window / SMALLEST_PART
            || self.book.burden() > HEAVIEST_BURDEN
        {
            return Ok(());
        }
        self.drop_arrivals().await?;
        let connectors = self.openable();
        if connectors.is_empty() {
            self.look_for_work = false;
            return Ok(());
        }
        let limit = room.min(MOST_AT_ONCE);
        let opened = self.book.opened();
        let now = self.now();
        let store = self.shared.store.clone();
        let found =
            store.open_requests(&self.lease, &connectors, &opened, now, limit).await?.requests;
        self.look_for_work = found.len() == limit;
        self.load_past(&found).await?;
        let mut records = Vec::new();
        for request in &found {
            self.take(request, &mut records);
        }
        self.enter(records).await
    }

    /// Ends requests that came to connectors which are disabled and drop what arrives.
    async fn drop_arrivals(&mut self) -> store::Result<()> {
        let dropping: Vec<ConnectorId> =
            self.routes.values().filter(|route| route.drops).map(|route| route.id).collect();
        for connector in dropping {
            let store = self.shared.store.clone();
            // The store says whether it is still disabled: these settings may be a moment old.
            let found = store.arrivals_while_disabled(&self.lease, connector, MOST_AT_ONCE).await?;
            let found = found.requests;
            // What ended and is not on disk yet is found again.
            let opened = self.book.opened();
            let mut records = Vec::new();
            for request in found.iter().filter(|request| !opened.contains(&request.id)) {
                self.take(request, &mut records);
            }
            for (key, record) in records {
                self.book.enter(key, record);
                self.conclude(key, Outcome::ended(Event::Skipped).because(dropped()));
            }
        }
        Ok(())
    }

    /// Makes the earlier versions of connectors ready with which records are to be retried.
    async fn load_past(&mut self, found: &[Unfinished]) -> store::Result<()> {
        for request in found {
            for record in &request.records {
                let key = (request.connector, record.version);
                let Some(route) = self.routes.get(&request.connector) else { continue };
                let wanted = record.retry == Some(RetryWith::Then)
                    && record.version != route.version
                    && !self.past.contains_key(&key);
                if !wanted {
                    continue;
                }
                let definition = self.shared.store.definition(key.0, key.1).await?;
                if let Some(definition) = definition
                    && let Some(route) = self.routes.get(&request.connector)
                {
                    let past = route.at_version(definition, record.version);
                    self.past.insert(key, past);
                }
            }
        }
        Ok(())
    }

    /// The connectors whose records can be decided, or can be told why not.
    fn openable(&self) -> Vec<ConnectorId> {
        let known =
            |id| self.accounts.get(&id).is_some_and(|account| account.told.catalogue().is_some());
        let closed = |id| self.accounts.get(&id).is_some_and(|account| account.closed().is_some());
        self.routes
            .values()
            .filter(|route| route.enabled)
            .filter(|route| {
                (known(route.source) && known(route.destination))
                    || closed(route.source)
                    || closed(route.destination)
            })
            .map(|route| route.id)
            .collect()
    }

    fn take(&mut self, request: &Unfinished, records: &mut Vec<(RecordKey, Record)>) {
        let Some(route) = self.routes.get(&request.connector) else { return };
        let behaviour = route.definition.lead.behaviour.as_str();
        let content_type = request.content_type.as_deref();
        let items = match request.origin.removal() {
            None => payload::read(&request.body, content_type),
            Some(removal) => payload::read_removals(&request.body, content_type, removal),
        };
        let now = self.now();
        let before = |position: u32| request.records.iter().find(|r| r.position == position);
        let key = |position: u32| RecordKey { request: request.id, position };
        let items = match items {
            Ok(items) => items,
            Err(problem) => {
                let attempts = before(0).map_or(0, |record| record.attempts);
                self.book.open(request.id, behaviour, vec![Standing::Open]);
                let mut record = Record::new(
                    request.connector,
                    Item::from_state(Entity::Lead, &Snapshot::default()),
                    attempts,
                    0,
                );
                record.retry = before(0).and_then(|record| record.retry);
                self.book.enter(key(0), record);
                self.conclude(key(0), Outcome::failed(problem));
                return;
            }
        };
        let mut standings = Vec::with_capacity(items.len());
        for (position, item) in (0u32..).zip(items) {
            let earlier = before(position);
            let standing = match earlier.map(|record| (record.stage, record.sync_status)) {
                Some((Stage::Final, sync_status)) => Standing::Final(sync_status),
                Some((Stage::Waiting(due), _)) if due > now => Standing::Waiting(due),
                _ => Standing::Open,
            };
            standings.push(standing);
            if standing != Standing::Open {
                continue;
            }
            let (attempts, tries) =
                earlier.map_or((0, 0), |record| (record.attempts, record.tries));
            let mut record = Record::new(request.connector, item, attempts, tries);
            if let Some(earlier) = earlier {
                record.retry = earlier.retry;
                let past = (request.connector, earlier.version);
                let then = earlier.retry == Some(RetryWith::Then) && self.past.contains_key(&past);
                record.past = then.then_some(earlier.version);
            }
            if earlier.is_some_and(|record| record.doubtful) || self.doubts.about(key(position)) {
                record.doubt();
            }
            records.push((key(position), record));
        }
        self.book.open(request.id, behaviour, standings);
    }

    /// Puts records in their lanes, with the links that they have.
    async fn enter(&mut self, mut records: Vec<(RecordKey, Record)>) -> store::Result<()> {
        self.rulings(&mut records).await?;
        let links = self.links(&records).await?;
        for (key, mut record) in records {
            let Some(route) = self.routes.get(&record.connector) else { continue };
            let (source, destination) = (route.source, route.destination);
            let basic = route.definition.basic.clone();
            let pair = Pair::of(source, destination);
            let find = |id: &str| links.get(&(pair, pair.side(source), id.to_owned())).cloned();
            let lead_link = record.item.lead_id().and_then(find);
            match &mut record.lead {
                Some(lead) => {
                    lead.link.clone_from(&lead_link);
                    record.link = record.item.id().and_then(find);
                }
                None => record.link.clone_from(&lead_link),
            }
            let own = record.link.as_ref().filter(|_| record.lead.is_some());
            let twins: Vec<Lane> = [lead_link.as_ref(), own]
                .into_iter()
                .flatten()
                .map(|link| Lane::Id(destination, link.end(pair.side(destination)).id.clone()))
                .collect();
            for id in [record.item.lead_id(), record.item.id()].into_iter().flatten() {
                let lane = Lane::Id(source, id.to_owned());
                if !record.lanes.contains(&lane) {
                    record.lanes.push(lane);
                }
            }
            record.lanes.extend(twins);
            if let Some(mapped) = self.mapped_lead(&mut record) {
                for identity in identity::keys(&basic, &mapped) {
                    let lane = Lane::Key(identity.lane());
                    if !record.lanes.contains(&lane) {
                        record.lanes.push(lane);
                    }
                }
            }
            self.book.enter(key, record);
        }
        Ok(())
    }

    /// What the record's lead sends, by the mapping of now.
    fn mapped_lead(&mut self, record: &mut Record) -> Option<Arc<Mapped>> {
        let mappings = self.mappings(record.connector, record.past)?;
        let generation = self.route(record.connector, record.past)?.generation;
        let (item, place) = match &mut record.lead {
            Some(lead) => (&lead.item, &mut lead.mapped),
            None => (&record.item, &mut record.mapped),
        };
        let mapped = Arc::new(mappings.leads.apply(item));
        *place = Some((generation, mapped.clone()));
        Some(mapped)
    }

    /// The links of these records, with those that are not on disk yet: the webhook about a lead
    /// that was just made may be here before the answer of the call that made it is kept.
    async fn links(
        &self,
        records: &[(RecordKey, Record)],
    ) -> store::Result<HashMap<(Pair, Side, String), Link>> {
        let mut wanted: HashMap<(Pair, Side), Vec<String>> = HashMap::new();
        for (_, record) in records {
            if let Some(route) = self.routes.get(&record.connector) {
                let pair = Pair::of(route.source, route.destination);
                let ids = [record.item.lead_id(), record.item.id()].into_iter().flatten();
                let wanted = wanted.entry((pair, pair.side(route.source))).or_default();
                wanted.extend(ids.map(str::to_owned));
            }
        }
        self.links_by(wanted).await
    }

    /// The links of these leads and activities, likewise.
    pub(super) async fn links_by(
        &self,
        wanted: HashMap<(Pair, Side), Vec<String>>,
    ) -> store::Result<HashMap<(Pair, Side, String), Link>> {
        let mut links = HashMap::new();
        for ((pair, side), mut ids) in wanted {
            ids.sort_unstable();
            ids.dedup();
            let news = self.progress.links.iter().filter(|link| link.pair == pair);
            let news: Vec<&Link> = news.collect();
            let replaced = |link: &Link| {
                news.iter()
                    .any(|new| new.first.id == link.first.id || new.second.id == link.second.id)
            };
            let mut found = self.shared.store.links(pair, side, &ids).await?;
            found.retain(|link| !replaced(link));
            let wanted = |link: &&&Link| ids.binary_search(&link.end(side).id).is_ok();
            found.extend(news.iter().filter(wanted).map(|link| Link::clone(link)));
            links.extend(
                found.into_iter().map(|link| ((pair, side, link.end(side).id.clone()), link)),
            );
        }
        Ok(links)
    }
}

fn dropped() -> Problem {
    Problem::new(
        "connector_disabled",
        "It came while the connector was disabled, and the connector drops what comes then.",
        "Set while_disabled = \"keep\" in the connector to have such requests kept for later.",
    )
}
