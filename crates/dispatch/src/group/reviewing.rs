//! Leads of which it is not plain who they are: whether a lead that was found is another one's, and
//! what waits for a person.

use std::collections::HashMap;

use jiff::Timestamp;
use plan::id::AccountId;
use plan::link::{Pair, Side};
use plan::outcome::{Entity, Event};
use plan::review::{Reason, Review, Ruled, State};
use store::{NewReview, RecordKey, Standing};

use super::book::Record;
use super::call::Row;
use super::outcome::Outcome;
use super::worker::Worker;

/// A lead of the destination that was found, of which is to be seen whose it is.
#[derive(Debug)]
pub(super) enum Found {
    /// It was read.
    Read(RecordKey),
    /// A capture wrote to it.
    Captured {
        /// For this record,
        key: RecordKey,
        /// with this row;
        row: Row,
        /// this is the lead,
        id: String,
        /// this became of it,
        event: Event,
        /// at this time.
        at: Timestamp,
    },
}

impl Worker {
    /// Asks a person.
    pub(super) fn review(&mut self, key: RecordKey, review: Review) {
        let problem = review.problem();
        let Some(record) = self.book.record(key) else { return };
        let Some(route) = self.routes.get(&record.connector) else { return };
        let (lead, mapped, known) = match &record.lead {
            Some(lead) => (&lead.item, &lead.mapped, &lead.known),
            None => (&record.item, &record.mapped, &record.known),
        };
        let mapped = mapped.as_ref().map(|(_, mapped)| &**mapped);
        if let Some(source_id) = lead.lead_id() {
            self.progress.reviews.push(NewReview {
                connector: record.connector,
                source: route.source,
                destination: route.destination,
                source_id: source_id.to_owned(),
                known_as: plan::identity::known_as(lead, mapped),
                request: key.request,
                at: self.now(),
                knows_decision: matches!(known.ruled, Some(Ruled::Decided(_))),
                review,
            });
        }
        self.conclude(key, Outcome::failed(problem));
    }

    /// Keeps that the lead which the record's lead is linked to is gone.
    pub(super) fn note_gone(&mut self, key: RecordKey) {
        let Some(record) = self.book.record(key) else { return };
        let Some(route) = self.routes.get(&record.connector) else { return };
        let link = record.lead.as_ref().map_or(&record.link, |lead| &lead.link);
        if let Some(link) = link {
            let id = link.end(link.pair.side(route.destination)).id.clone();
            self.progress.gone.push((route.destination, id));
        }
    }

    /// Whether nothing ties the record's lead to one of the destination.
    pub(super) fn is_unlinked(&self, key: RecordKey) -> bool {
        let Some(record) = self.book.record(key) else { return false };
        match &record.lead {
            Some(lead) => lead.link.is_none() || lead.known.twin_gone,
            None => record.link.is_none() || record.known.twin_gone,
        }
    }

    /// Sees whose the leads are that were found.
    pub(super) async fn tie_found(&mut self) -> store::Result<()> {
        let found = std::mem::take(&mut self.found);
        let mut wanted: HashMap<(Pair, Side), Vec<String>> = HashMap::new();
        for found in &found {
            if let Some((pair, side, ids)) = self.found_ids(found) {
                wanted.entry((pair, side)).or_default().extend(ids);
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let links = self.links_by(wanted).await?;
        for found in found {
            let Some((pair, side, ids)) = self.found_ids(&found) else { continue };
            let (Found::Read(key) | Found::Captured { key, .. }) = &found;
            let Some(record) = self.book.record_mut(*key) else { continue };
            let own = record.item.lead_id().map(str::to_owned);
            let mut is_tied = false;
            for id in ids {
                let link = links.get(&(pair, side, id.clone()));
                let twin = link.map(|link| link.end(side.opposite()).id.clone());
                if let Some(twin) = twin.filter(|twin| Some(twin) != own.as_ref()) {
                    record.lead_known().ties.insert(id, twin);
                    is_tied = true;
                }
            }
            match found {
                Found::Captured { key, row, id, event, at } if !is_tied => {
                    self.synced(key, &row, &id, event, at);
                }
                Found::Captured { key, .. } => {
                    record.achieved.get_or_insert(Event::Updated);
                    let known = record.lead_known();
                    (known.look_first, known.keys_tried) = (true, 0);
                    self.book.resume(key);
                }
                Found::Read(key) => self.book.resume(key),
            }
        }
        Ok(())
    }

    /// The leads of the destination that were found, and the side that this is.
    fn found_ids(&self, found: &Found) -> Option<(Pair, Side, Vec<String>)> {
        let (Found::Read(key) | Found::Captured { key, .. }) = found;
        let record = self.book.record(*key)?;
        let route = self.routes.get(&record.connector)?;
        let pair = Pair::of(route.source, route.destination);
        let ids = match found {
            Found::Captured { id, .. } => vec![id.clone()],
            Found::Read(_) => {
                let known = record.lead.as_ref().map_or(&record.known, |lead| &lead.known);
                known.found().map(str::to_owned).collect()
            }
        };
        Some((pair, pair.side(route.destination), ids))
    }

    /// What reviews say about these records.
    pub(super) async fn rulings(&self, records: &mut [(RecordKey, Record)]) -> store::Result<()> {
        let mut wanted: HashMap<Pair, Vec<String>> = HashMap::new();
        for (_, record) in records.iter() {
            if let (Some(route), Some(id)) =
                (self.routes.get(&record.connector), record.item.lead_id())
            {
                let pair = Pair::of(route.source, route.destination);
                wanted.entry(pair).or_default().push(id.to_owned());
            }
        }
        for (pair, ids) in wanted {
            for account in [pair.first, pair.second] {
                let gone = self.shared.store.gone(account, &ids).await?;
                for (_, record) in records.iter_mut().filter(|_| !gone.is_empty()) {
                    let is_gone = |id: &str| gone.iter().any(|gone| gone == id);
                    if record.item.lead_id().is_some_and(is_gone) {
                        record.lead_known().was_gone = true;
                    }
                }
            }
            let standing = self.shared.store.standing_reviews(pair, &ids).await?;
            if standing.is_empty() {
                continue;
            }
            for (_, record) in records.iter_mut() {
                let Some(route) = self.routes.get(&record.connector) else { continue };
                if Pair::of(route.source, route.destination) == pair {
                    rule(record, route.source, &standing);
                }
            }
        }
        Ok(())
    }
}

/// Takes over what reviews say about a record's lead.
fn rule(record: &mut Record, source: AccountId, standing: &[Standing]) {
    let Some(lead_id) = record.item.lead_id().map(str::to_owned) else { return };
    for review in standing {
        let is_own = review.source == source;
        let about = if is_own { Some(&review.source_id) } else { review.destination_id.as_ref() };
        if about != Some(&lead_id) {
            continue;
        }
        let choice = review.choice.clone().filter(|_| review.state == State::Decided);
        let ruled = match choice {
            Some(choice) if is_own => Ruled::Decided(choice),
            Some(choice) => Ruled::Decided(choice.from_the_other_side()),
            None => Ruled::Waits(review.reason),
        };
        // Whoever retries wants to know whether it is plain by now.
        let waits = matches!(ruled, Ruled::Waits(_));
        if !(waits && record.retry.is_some()) {
            let is_conflict = review.reason == Reason::Conflict;
            let known = record.lead_known();
            // Who it is comes before what it holds.
            if known.ruled.is_none() || !is_conflict {
                known.ruled = Some(ruled);
            }
        }
        if waits || review.reason == Reason::Conflict {
            record.asked.push(review.id);
        }
    }
}

/// Whether nothing is left to decide about the lead once its record ended like this.
pub(super) fn is_solved(record: &Record, event: Event, code: Option<&str>) -> bool {
    let is_stale = matches!(
        record.decision,
        Some(plan::decide::Decision::Unchanged { why: plan::decide::Why::Stale, .. })
    );
    record.item.entity() == Entity::Lead
        && event != Event::Failed
        && !is_stale
        && code.is_none_or(|code| matches!(code, "exists" | "not_found"))
}
