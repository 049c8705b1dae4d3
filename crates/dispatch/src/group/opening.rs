//! Opening requests from the store.

use std::collections::HashMap;

use plan::activity;
use plan::id::{ConnectorId, LeadId};
use plan::link::{Link, Pair, Side};
use plan::outcome::{Entity, RetryWith, SyncStatus};
use plan::payload::Item;
use plan::problem::{Code, Problem};
use plan::quota::Urgency;
use plan::snapshot::Snapshot;
use plan::work::Outcome;
use store::{Opened, Origin, RecordKey, RecordState, Room, Stage, Unfinished};

use super::book::{Place, Record};
use super::lanes::Lane;
use super::trouble::caught_now;
use super::worker::Worker;

/// The most requests opened at a time.
const MOST_AT_ONCE: usize = 500;
/// No more are opened while less than this part of the window is free.
const SMALLEST_PART: usize = 8;
/// The most requests of backfills opened at a time.
const A_PORTION: usize = 1;
/// The most lanes and waiting records that are kept in memory.
const HEAVIEST_BURDEN: usize = 500_000;

/// Links, by the pair, the side and the id by which they were looked up.
pub(super) type Links = HashMap<(Pair, Side, String), Link>;

impl Worker {
    /// Opens the oldest due requests, as many as there is room for; if urgent, none of a backfill.
    pub(super) async fn open(&mut self, is_urgent: bool) -> store::Result<()> {
        let window = self.shared.options.window;
        let room = window.saturating_sub(self.book.open_records());
        if !self.look_for_work
            || room < window / SMALLEST_PART
            || self.book.burden() > HEAVIEST_BURDEN
        {
            self.is_opening_late = false;
            return Ok(());
        }
        self.follow_reads().await?;
        // Retries fill at most half, so that live changes never wait behind them.
        let again = (window / 2).saturating_sub(self.tried_again());
        // A change that arrives meanwhile should not wait until hundreds of a backfill's leads are
        // opened.
        let late = if is_urgent { 0 } else { A_PORTION };
        let room = Room { all: room.min(MOST_AT_ONCE), again, late };
        let store = self.shared.store.clone();
        let found = loop {
            self.drop_arrivals().await?;
            let connectors = self.openable();
            if connectors.is_empty() {
                self.look_for_work = false;
                self.is_opening_late = false;
                return Ok(());
            }
            let opened = self.book.opened();
            let now = self.now();
            let found = store.open_requests(&self.lease, &connectors, &opened, now, room).await?;
            if !self.is_outdated(found.configuration).await? {
                break found;
            }
        };
        let Opened { requests: found, are_more_late, .. } = found;
        self.look_for_work = found.len() == room.all || are_more_late;
        self.is_opening_late = are_more_late;
        self.load_past(&found).await?;
        let mut records = Vec::new();
        for request in &found {
            self.read_request(request, &mut records);
        }
        if !self.trouble.is_careful(self.steady()) {
            return self.enter(records).await;
        }
        // One by one, to find out which of them makes the work fail.
        for record in records {
            self.enter(vec![record]).await?;
        }
        Ok(())
    }

    /// How many open records are retries.
    fn tried_again(&self) -> usize {
        let is_again = |record: &&Record| matches!(record.urgency, Urgency::Asked | Urgency::Retry);
        self.book.records().filter(is_again).count()
    }

    /// Ends requests that arrived at disabled connectors which drop arrivals.
    async fn drop_arrivals(&mut self) -> store::Result<()> {
        let dropping: Vec<ConnectorId> =
            self.routes.iter().filter(|route| route.drops).map(|route| route.id).collect();
        for connector in dropping {
            let store = self.shared.store.clone();
            let found = store.arrivals_while_disabled(&self.lease, connector, MOST_AT_ONCE).await?;
            if self.is_outdated(found.configuration).await? {
                // The current settings say which arrivals to drop.
                return Box::pin(self.drop_arrivals()).await;
            }
            let found = found.requests;
            // Requests whose end is not on disk yet would be found again.
            let opened = self.book.opened();
            let mut records = Vec::new();
            for request in found.iter().filter(|request| !opened.contains(&request.id)) {
                self.read_request(request, &mut records);
            }
            for record in records {
                self.end_at_once(record, Outcome::skipped(dropped()));
            }
        }
        Ok(())
    }

    /// Whether the settings have changed since this task read them. If so, it reads them again, and
    /// the requests too: a request is processed with the settings in effect when it was opened.
    async fn is_outdated(&mut self, version: i64) -> store::Result<bool> {
        if version <= self.configured {
            return Ok(false);
        }
        let configuration = self.shared.store.configuration().await?;
        self.configure(&configuration).await?;
        Ok(true)
    }

    /// Ends a record without processing it.
    fn end_at_once(&mut self, record: Record, outcome: Outcome) {
        let key = record.key;
        self.book.enter(record);
        let record = self.book.take(key);
        self.conclude(record, outcome);
    }

    /// Loads the earlier versions of connectors that retries ask for.
    async fn load_past(&mut self, found: &[Unfinished]) -> store::Result<()> {
        for request in found {
            let Some(route) = self.routes.get(request.connector).cloned() else { continue };
            for record in &request.records {
                let key = (request.connector, record.version);
                let is_wanted = record.retry == Some(RetryWith::Then)
                    && record.version != route.version
                    && !self.routes.knows_past(key);
                if !is_wanted {
                    continue;
                }
                if let Some(definition) = self.shared.store.definition(key.0, key.1).await? {
                    self.routes.keep_past(&route, definition, record.version);
                }
            }
        }
        Ok(())
    }

    /// The connectors whose records can be decided about, or given a reason why not.
    fn openable(&self) -> Vec<ConnectorId> {
        let account = |id| &self.accounts[&id];
        let is_known = |id| account(id).metadata.catalogue().is_some();
        let is_closed = |id| account(id).closed().is_some();
        self.routes
            .iter()
            .filter(|route| route.enabled && !self.guard.is_held(route.id))
            .filter(|route| {
                (is_known(route.source) && is_known(route.destination))
                    || is_closed(route.source)
                    || is_closed(route.destination)
            })
            .map(|route| route.id)
            .collect()
    }

    /// Reads the records of a request.
    fn read_request(&mut self, request: &Unfinished, records: &mut Vec<Record>) {
        let Some(route) = self.routes.get(request.connector) else { return };
        let behaviour = route.definition.lead.behaviour.as_str();
        let content_type = request.content_type.as_deref();
        let read = || request.origin.read(&request.body, content_type);
        let items = caught_now(read).unwrap_or_else(|panic| Err(defect(&panic)));
        let now = self.now();
        let before = |position: u32| request.records.iter().find(|r| r.position == position);
        let key = |position: u32| RecordKey { request: request.id, position };
        let items = match items {
            Ok(items) => items,
            Err(problem) => {
                let mut record = Record::new(key(0), request.connector, nothing());
                if let Some(earlier) = before(0) {
                    (record.attempts, record.retry) = (earlier.attempts, earlier.retry);
                }
                self.book.open(request.id, behaviour, vec![Place::Open]);
                self.end_at_once(record, Outcome::failed(problem));
                return;
            }
        };
        let mut bad = Vec::new();
        let mut places = Vec::with_capacity(items.len());
        for (position, item) in (0u32..).zip(items) {
            let earlier = before(position);
            let place = match earlier.map(|record| (record.stage, record.sync_status)) {
                Some((Stage::Final, sync_status)) => Place::Final(sync_status),
                Some((Stage::Waiting(due) | Stage::Held(due), _)) if due > now => {
                    Place::Waiting(due)
                }
                _ => Place::Open,
            };
            places.push(place);
            if place != Place::Open {
                continue;
            }
            let set_aside = self.trouble.set_aside(key(position)).map_or(Ok(()), Err);
            let item = match set_aside.and(item) {
                Ok(item) => item,
                Err(problem) => {
                    bad.push((position, problem));
                    continue;
                }
            };
            let item = activity::identified(item, &route.definition.activity);
            let mut record = Record::new(key(position), request.connector, item);
            if let Some(earlier) = earlier {
                (record.attempts, record.tries) = (earlier.attempts, earlier.tries);
                record.retry = earlier.retry;
                let past = (request.connector, earlier.version);
                let then = earlier.retry == Some(RetryWith::Then) && self.routes.knows_past(past);
                record.past = then.then_some(earlier.version);
            }
            match request.origin {
                Origin::Backfill => record.work.is_no_event(),
                // The requested retry happens once: a retry after that overrides nothing.
                Origin::Parity
                    if earlier.is_none_or(|record| record.sync_status != SyncStatus::Success) =>
                {
                    record.work.override_twin();
                }
                Origin::Parity
                | Origin::Webhook
                | Origin::Sweep
                | Origin::Gone
                | Origin::Deleted
                | Origin::Merged
                | Origin::TooLong(_) => {}
            }
            record.urgency = urgency(request.origin, earlier);
            if record.retry.is_some() {
                record.work.ask_again();
            }
            if earlier.is_some_and(|record| record.doubtful) || self.doubts.about(record.key) {
                record.work.doubt();
            }
            if let Some(restored) = self.restored {
                record.work.was_restored(restored, request.id.received_at());
            }
            records.push(record);
        }
        self.book.open(request.id, behaviour, places);
        for (position, problem) in bad {
            // It can't be read, or its content may be what made the work fail: none of it is used.
            let mut record = Record::new(key(position), request.connector, nothing());
            if let Some(earlier) = before(position) {
                (record.attempts, record.retry) = (earlier.attempts, earlier.retry);
            }
            self.end_at_once(record, Outcome::failed(problem));
        }
    }

    /// Puts records in their lanes, with what is stored about their leads.
    async fn enter(&mut self, mut records: Vec<Record>) -> store::Result<()> {
        self.at_stake = records.iter().map(|record| record.key).collect();
        self.take_reviews(&mut records).await?;
        let links = self.links(&records).await?;
        let mut unlinked = Vec::new();
        for mut record in records {
            let route =
                self.routes.get(record.connector).expect("it was opened for this connector");
            let (source, destination, pair) = (route.source, route.destination, route.pair());
            let lead_id = record.work.lead_id().map(String::from);
            for id in [lead_id, record.work.id()].into_iter().flatten() {
                if let Some(link) = links.get(&(pair, pair.side(source), id.clone()))
                    && record.work.take_link(link, source)
                {
                    let twin = link.end(pair.side(destination)).id.clone();
                    record.stand_in(Lane::Id(destination, twin));
                }
                record.stand_in(Lane::Id(source, id));
            }
            let version = (record.connector, record.past);
            if let Some(binding) = self.routes.binding(&self.accounts, version) {
                for key in record.work.keys(&binding.context(self.moment())) {
                    record.stand_in(Lane::Key(key.lane()));
                }
            }
            if record.work.is_unmatched() {
                self.unhinted.insert(record.key);
                unlinked.push(record.key);
            }
            self.book.enter(record);
        }
        self.note_shown(&unlinked);
        self.at_stake.clear();
        Ok(())
    }

    /// Adds what reviews say about the leads of these records, and which leads are known to be gone.
    async fn take_reviews(&mut self, records: &mut [Record]) -> store::Result<()> {
        let mut of_pairs: HashMap<Pair, Vec<&mut Record>> = HashMap::new();
        for record in records {
            let route =
                self.routes.get(record.connector).expect("it was opened for this connector");
            if record.work.lead_id().is_some() {
                of_pairs.entry(route.pair()).or_default().push(record);
            }
        }
        let store = &self.shared.store;
        for (pair, mut records) in of_pairs {
            let ids = records.iter().filter_map(|record| record.work.lead_id());
            let ids: Vec<String> = ids.map(String::from).collect();
            for account in [pair.first, pair.second] {
                let gone = store.gone(account, &ids).await?;
                let gone: Vec<LeadId> = gone.iter().map(|id| LeadId::new(id)).collect();
                for record in records.iter_mut().filter(|_| !gone.is_empty()) {
                    if record.work.lead_id().is_some_and(|id| gone.contains(&id)) {
                        record.work.was_gone();
                    }
                }
            }
            let standing = store.standing_reviews(pair, &ids).await?;
            for record in records.iter_mut().filter(|_| !standing.is_empty()) {
                let source = self.routes.get(record.connector).expect("it is of this pair").source;
                for review in &standing {
                    record.work.take_review(review, source);
                }
            }
        }
        Ok(())
    }

    /// The links of these records, with those that are not on disk yet: the webhook about a lead
    /// that was just created may arrive before the response of the call that created it is stored.
    async fn links(&self, records: &[Record]) -> store::Result<Links> {
        let mut wanted: HashMap<(Pair, Side), Vec<String>> = HashMap::new();
        for record in records {
            let route =
                self.routes.get(record.connector).expect("it was opened for this connector");
            let pair = route.pair();
            let ids = [record.work.lead_id().map(String::from), record.work.id()];
            wanted
                .entry((pair, pair.side(route.source)))
                .or_default()
                .extend(ids.into_iter().flatten());
        }
        self.links_by(wanted).await
    }

    /// The links of these leads and activities, with those that are not on disk yet.
    pub(super) async fn links_by(
        &self,
        wanted: HashMap<(Pair, Side), Vec<String>>,
    ) -> store::Result<Links> {
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

/// The urgency of a record, by the request's origin and, if it was tried before, the record's
/// state.
fn urgency(origin: Origin, earlier: Option<&RecordState>) -> Urgency {
    match (origin, earlier) {
        (_, Some(earlier)) if earlier.retry.is_some() => Urgency::Asked,
        (Origin::Backfill, _) => Urgency::Backfill,
        (Origin::Sweep | Origin::Gone, _) => Urgency::Sweep,
        (Origin::Parity, _) => Urgency::Asked,
        (_, Some(earlier)) if earlier.attempts > 0 => Urgency::Retry,
        _ => Urgency::Live,
    }
}

/// A record about which nothing is known.
fn nothing() -> Item {
    Item::from_state(Entity::Lead, &Snapshot::default())
}

fn defect(panic: &str) -> Problem {
    Problem::new(
        Code::Defect,
        format!("leadsync failed to read the body: {panic}"),
        "This is a defect in leadsync: please report it with the service log. The original body is \
         stored; retry the request after an update.",
    )
}

fn dropped() -> Problem {
    Problem::new(
        Code::ConnectorDisabled,
        "The request arrived while the connector was disabled, and the connector drops such \
         requests.",
        "To hold such requests instead, change the setting for disabled connectors under Entity \
         options.",
    )
}

#[cfg(test)]
mod tests {
    use plan::outcome::SyncStatus;

    use super::*;

    #[test]
    fn what_was_just_posted_goes_before_what_is_tried_again() {
        let earlier = |attempts, retry| RecordState {
            position: 0,
            stage: Stage::Final,
            sync_status: SyncStatus::Error,
            attempts,
            tries: attempts,
            doubtful: false,
            retry,
            version: 1,
        };
        let (failed, asked) = (earlier(1, None), earlier(3, Some(RetryWith::Now)));
        for (origin, earlier, expected) in [
            (Origin::Webhook, None, Urgency::Live),
            (Origin::Deleted, None, Urgency::Live),
            (Origin::Webhook, Some(&failed), Urgency::Retry),
            (Origin::Webhook, Some(&asked), Urgency::Asked),
            (Origin::Backfill, None, Urgency::Backfill),
            (Origin::Backfill, Some(&failed), Urgency::Backfill),
            (Origin::Backfill, Some(&asked), Urgency::Asked),
        ] {
            assert_eq!(urgency(origin, earlier), expected, "{origin:?} {earlier:?}");
        }
    }
}
