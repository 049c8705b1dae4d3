//! Storing the effects of steps and responses, and ending attempts.

use std::collections::HashMap;

use jiff::SignedDuration;
use plan::link::{Link, Pair, Side};
use plan::outcome::{Event, SyncStatus};
use plan::retry;
use plan::review::Review;
use plan::work::{Effect, Ending, Outcome};
use store::{AttemptOutcome, NewReview, RecordKey, Stage};

use super::book::{Place, Record};
use super::lanes::Lane;
use super::worker::{Lookup, Worker};

/// The longest wait of a record for a closed account; it continues earlier if the account is back.
const HELD: SignedDuration = SignedDuration::from_hours(1);

/// How a record continues once effects were stored.
pub(super) enum After {
    /// Its next step is due.
    GoesOn,
    /// The links of these have to be looked up first.
    FindLinks(Vec<String>),
    /// The attempt is over.
    Ended(Outcome),
}

impl Worker {
    /// Stores effects; returns how the record continues.
    pub(super) fn keep(&mut self, effects: Vec<Effect>) -> After {
        let mut after = After::GoesOn;
        for effect in effects {
            match effect {
                Effect::Link(link) => self.keep_link(*link),
                Effect::Gone { account, lead_id } => {
                    self.progress.gone.push((account, lead_id.into()));
                }
                Effect::FindLinks { ids } => after = After::FindLinks(ids),
                Effect::End(outcome) => after = After::Ended(outcome),
            }
        }
        after
    }

    /// Continues with a record after a call ended, or after links were found.
    pub(super) fn go_on(&mut self, record: Box<Record>, effects: Vec<Effect>) {
        match self.keep(effects) {
            After::GoesOn => self.book.resume(record),
            After::FindLinks(ids) => {
                self.lookups.push(Lookup { key: record.key, ids });
                self.book.occupy(record);
            }
            After::Ended(outcome) => self.conclude(record, outcome),
        }
    }

    /// Looks up the links of the leads and activities that were just read.
    pub(super) async fn find_links(&mut self) -> store::Result<()> {
        let lookups = std::mem::take(&mut self.lookups);
        let mut wanted: HashMap<(Pair, Side), Vec<String>> = HashMap::new();
        for lookup in &lookups {
            let place = self.place_of(lookup.key);
            wanted.entry(place).or_default().extend(lookup.ids.iter().cloned());
        }
        self.at_stake = lookups.iter().map(|lookup| lookup.key).collect();
        let links = self.links_by(wanted).await?;
        for Lookup { key, ids } in lookups {
            self.at_stake = vec![key];
            let (pair, side) = self.place_of(key);
            let found = ids.into_iter().filter_map(|id| links.get(&(pair, side, id)).cloned());
            let found: Vec<Link> = found.collect();
            let mut record = self.book.take(key);
            let binding = self.binding(&record).expect("a call was made by it");
            let effects = record.work.links_found(&binding.context(self.moment()), &found);
            self.go_on(record, effects);
        }
        self.at_stake.clear();
        Ok(())
    }

    /// The accounts of a record, and which side the destination is.
    fn place_of(&self, key: RecordKey) -> (Pair, Side) {
        let record = self.book.record(key).expect("a record is open while its links are found");
        let route = self.route_of(record);
        (route.pair(), route.pair().side(route.destination))
    }

    /// Opens a review.
    pub(super) fn ask(&mut self, record: Box<Record>, review: Review) {
        let problem = review.problem();
        let route = self.route_of(&record);
        // A lead without an id can't be identified later, so nobody could resolve its review.
        if let Some(source_id) = record.work.lead_id() {
            let new = NewReview {
                connector: record.connector,
                source: route.source,
                destination: route.destination,
                source_id: source_id.into(),
                known_as: record.work.lead_known_as(),
                request: record.key.request,
                at: self.now(),
                knows_decision: record.work.knows_decision(),
                review,
            };
            self.progress.reviews.push(new);
        }
        self.conclude(record, Outcome::failed(problem));
    }

    /// Ends a record's attempt.
    pub(super) fn conclude(&mut self, record: Box<Record>, outcome: Outcome) {
        let now = self.now();
        let route = self.route_of(&record).clone();
        let work = &record.work;
        let is_counted = !matches!(outcome.ending, Ending::Held(_));
        let tries = record.tries + u32::from(is_counted);
        let (stage, sync_status, doubtful) = match outcome.ending {
            Ending::Final(sync_status) => (Stage::Final, sync_status, false),
            Ending::Again { doubtful, most } => {
                match retry::delay_of(most, tries, (self.shared.options.chance)()) {
                    Some(delay) => (Stage::Waiting(now + delay), SyncStatus::Error, doubtful),
                    None => (Stage::Final, SyncStatus::Error, doubtful),
                }
            }
            Ending::Held(until) => {
                let due = until.unwrap_or(now + HELD);
                (Stage::Held(due), SyncStatus::Error, work.is_doubtful())
            }
        };
        self.progress.solved.extend(work.solved_by(&outcome));
        self.note_change(&record, outcome.event);
        let basic = &route.definition.basic;
        let destination_id = outcome.destination_id.or_else(|| work.twin_id(route.destination));
        let mentions = work.mentions(basic, destination_id.as_deref());
        let explanation = work.explanation().map(|explanation| {
            serde_json::to_string(&explanation).expect("texts, numbers and maps of texts are JSON")
        });
        self.progress.attempts.push(AttemptOutcome {
            key: record.key,
            connector: record.connector,
            entity: work.entity(),
            attempt: record.attempts + 1,
            tries,
            at: now,
            event: outcome.event,
            sync_status,
            stage,
            doubtful,
            known_as: work.known_as(),
            name: work.name(),
            is_echo: outcome.event == Event::Unchanged
                && work.is_echo(route.source, record.key.request.received_at()),
            source_id: work.id(),
            destination_id,
            problem: outcome.problem,
            explanation,
            version: record.past.unwrap_or(route.version),
            retry: record.retry,
            calls: record.calls.clone(),
            mentions,
        });
        metrics::counter!("leadsync_records_total", "event" => outcome.event.as_str()).increment(1);
        let lag = now.duration_since(record.key.request.received_at());
        metrics::histogram!("leadsync_record_seconds").record(lag.as_secs_f64());
        self.progress.settled.extend(self.doubts.resolve(record.key));
        let place = match stage {
            Stage::Final => Place::Final(sync_status),
            Stage::Waiting(due) | Stage::Held(due) => Place::Waiting(due),
        };
        let request = self.book.close(*record, place, now);
        self.progress.requests.retain(|earlier| earlier.id != request.id);
        self.progress.requests.push(request);
    }

    /// Stores a link, and informs the open records of both its leads.
    fn keep_link(&mut self, link: Link) {
        let pair = link.pair;
        let lanes = [
            Lane::Id(pair.first, link.first.id.clone()),
            Lane::Id(pair.second, link.second.id.clone()),
        ];
        for lane in &lanes {
            for key in self.book.in_lane(lane) {
                let record = self.book.record_mut(key).expect("it stands in the lane, and is open");
                // Its connector may have been removed meanwhile.
                let Some(route) = self.routes.get(record.connector) else { continue };
                let source = route.source;
                // The lead may be in records for other accounts too: there it is linked to other
                // leads.
                if route.pair() != pair {
                    continue;
                }
                if record.work.take_link(&link, source) {
                    for lane in &lanes {
                        self.book.join(key, lane.clone());
                    }
                }
            }
        }
        self.progress.links.retain(|earlier| {
            earlier.pair != pair
                || (earlier.first.id != link.first.id && earlier.second.id != link.second.id)
        });
        self.progress.links.push(link);
    }
}
