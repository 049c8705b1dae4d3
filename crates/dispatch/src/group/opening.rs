//! Taking requests up from the store.

use std::collections::HashMap;

use plan::decide::{self, Decision};
use plan::id::ConnectorId;
use plan::identity;
use plan::link::{Link, Pair, Side};
use plan::outcome::{Entity, Event};
use plan::payload::{self, Item};
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
        let connectors = self.openable();
        if connectors.is_empty() {
            self.look_for_work = false;
            return Ok(());
        }
        let limit = room.min(MOST_AT_ONCE);
        let opened = self.book.opened();
        let now = self.now();
        let store = self.shared.store.clone();
        let found = store.open_requests(&self.lease, &connectors, &opened, now, limit).await?;
        self.look_for_work = found.len() == limit;
        let mut records = Vec::new();
        for request in &found {
            self.take(request, &mut records);
        }
        self.enter(records).await
    }

    /// The connectors whose records can be decided, or can be told why not.
    fn openable(&self) -> Vec<ConnectorId> {
        let known = |id| self.accounts.get(&id).is_some_and(|account| account.fields().is_some());
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
        let items = payload::read(&request.body, request.content_type.as_deref());
        let now = self.now();
        let before = |position: u32| request.records.iter().find(|r| r.position == position);
        let key = |position: u32| RecordKey { request: request.id, position };
        let items = match items {
            Ok(items) => items,
            Err(problem) => {
                let attempts = before(0).map_or(0, |record| record.attempts);
                self.book.open(request.id, behaviour, vec![Standing::Open]);
                let record = Record::new(
                    request.connector,
                    Item::from_lead(&Snapshot::default()),
                    attempts,
                    0,
                );
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
            record.known.doubtful =
                earlier.is_some_and(|record| record.doubtful) || self.doubts.about(key(position));
            records.push((key(position), record));
        }
        self.book.open(request.id, behaviour, standings);
    }

    /// Puts records in their lanes, with the links that they have.
    async fn enter(&mut self, records: Vec<(RecordKey, Record)>) -> store::Result<()> {
        let mut links = self.links(&records).await?;
        for (key, mut record) in records {
            if record.item.entity() == Entity::Activity {
                self.book.enter(key, record);
                self.decide_activity(key);
                continue;
            }
            let Some(route) = self.routes.get(&record.connector) else { continue };
            let (source, destination) = (route.source, route.destination);
            if let Some(id) = record.item.lead_id() {
                record.lanes.push(Lane::Lead(source, id.to_owned()));
                let pair = Pair::of(source, destination);
                record.link = links.remove(&(pair, pair.side(source), id.to_owned()));
                if let Some(link) = &record.link {
                    links.insert((pair, pair.side(source), id.to_owned()), link.clone());
                    let twin = link.end(pair.side(destination)).lead_id.clone();
                    record.lanes.push(Lane::Lead(destination, twin));
                }
            }
            let basic = route.definition.basic.clone();
            if let Some(mapped) = self.mapped(&mut record) {
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

    async fn links(
        &self,
        records: &[(RecordKey, Record)],
    ) -> store::Result<HashMap<(Pair, Side, String), Link>> {
        let mut wanted: HashMap<(Pair, Side), Vec<String>> = HashMap::new();
        for (_, record) in records {
            if let Some(route) = self.routes.get(&record.connector)
                && let Some(id) = record.item.lead_id()
            {
                let pair = Pair::of(route.source, route.destination);
                wanted.entry((pair, pair.side(route.source))).or_default().push(id.to_owned());
            }
        }
        let mut links = HashMap::new();
        for ((pair, side), mut ids) in wanted {
            ids.sort_unstable();
            ids.dedup();
            for link in self.shared.store.links(pair, side, &ids).await? {
                links.insert((pair, side, link.end(side).lead_id.clone()), link);
            }
        }
        Ok(links)
    }

    fn decide_activity(&mut self, key: RecordKey) {
        let Some(record) = self.book.record(key) else { return };
        let Some(route) = self.routes.get(&record.connector) else { return };
        let outcome = match decide::activity(&route.definition) {
            Decision::Skip { problem } => Outcome::ended(Event::Skipped).because(problem),
            Decision::Refuse { problems } => Outcome::refused(problems),
            // Activities are not written yet, so nothing else is ever decided about one.
            _ => return,
        };
        self.conclude(key, outcome);
    }
}
