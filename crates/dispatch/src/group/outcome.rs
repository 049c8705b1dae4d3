//! How an attempt ended, as it is kept.

use jiff::{SignedDuration, Timestamp};
use plan::decide::{Change, Decision};
use plan::identity;
use plan::link::{Link, Pair};
use plan::outcome::{Entity, Event, SyncStatus};
use plan::problem::Problem;
use plan::retry;
use serde_json::{Map, Value, json};
use store::{AttemptOutcome, RecordKey, Stage};

use super::book::{Record, Standing};
use super::lanes::Lane;
use super::reviewing::is_solved;
use super::worker::Worker;

/// How long a record waits for an account that is closed; it is woken when the account is back.
const HELD: SignedDuration = SignedDuration::from_hours(1);

/// How an attempt ended.
#[derive(Debug)]
pub(super) struct Outcome {
    event: Event,
    ending: Ending,
    problem: Option<Problem>,
    destination_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Final(SyncStatus),
    /// Once more, by the schedule; the try counts.
    Again {
        doubtful: bool,
    },
    /// As soon as the account works again or at this time; the try does not count.
    Held(Option<Timestamp>),
}

impl Outcome {
    /// It ended well.
    pub(super) fn ended(event: Event) -> Self {
        let ending = Ending::Final(SyncStatus::Success);
        Self { event, ending, problem: None, destination_id: None }
    }

    /// It failed until somebody retries it.
    pub(super) fn failed(problem: Problem) -> Self {
        let ending = Ending::Final(SyncStatus::Error);
        Self { event: Event::Failed, ending, problem: Some(problem), destination_id: None }
    }

    /// It failed for all of these reasons.
    pub(super) fn refused(problems: Vec<Problem>) -> Self {
        let joined = problems.into_iter().reduce(|mut first, other| {
            first.message.push(' ');
            first.message.push_str(&other.message);
            first
        });
        let ending = Ending::Final(SyncStatus::Error);
        Self { event: Event::Failed, ending, problem: joined, destination_id: None }
    }

    /// It failed for a reason that may pass.
    pub(super) fn again(problem: Problem, doubtful: bool) -> Self {
        let ending = Ending::Again { doubtful };
        Self { event: Event::Failed, ending, problem: Some(problem), destination_id: None }
    }

    /// It waits for its account, until this time at most.
    pub(super) fn held(problem: Problem, until: Option<Timestamp>) -> Self {
        let ending = Ending::Held(until);
        Self { event: Event::Failed, ending, problem: Some(problem), destination_id: None }
    }

    /// The same, with a reason.
    pub(super) fn because(mut self, problem: Problem) -> Self {
        self.problem = Some(problem);
        self
    }

    /// The same, about this lead or activity of the destination.
    pub(super) fn of(mut self, id: impl Into<String>) -> Self {
        self.destination_id = Some(id.into());
        self
    }
}

impl Worker {
    /// Ends a record's attempt.
    pub(super) fn conclude(&mut self, key: RecordKey, outcome: Outcome) {
        let now = self.now();
        let Some(record) = self.book.record(key) else { return };
        let Some(route) = self.routes.get(&record.connector) else {
            // The connector was removed, and its log with it.
            self.book.close(key, Standing::Final(SyncStatus::Error), now);
            return;
        };
        let counted = !matches!(outcome.ending, Ending::Held(_));
        let tries = record.tries + u32::from(counted);
        let (stage, sync_status, doubtful) = match outcome.ending {
            Ending::Final(sync_status) => (Stage::Final, sync_status, false),
            Ending::Again { doubtful } => match retry::delay(tries, chance()) {
                Some(delay) => (Stage::Waiting(now + delay), SyncStatus::Error, doubtful),
                None => (Stage::Final, SyncStatus::Error, doubtful),
            },
            Ending::Held(until) => {
                let due = until.unwrap_or(now + HELD);
                (Stage::Waiting(due), SyncStatus::Error, record.known.doubtful)
            }
        };
        let mapped = record.lead.as_ref().map_or(&record.mapped, |lead| &lead.mapped);
        let mapped = mapped.as_ref().map(|(_, mapped)| &**mapped);
        let keys = mapped
            .map(|mapped| identity::keys(&route.definition.basic, mapped))
            .unwrap_or_default();
        let linked =
            record.link.as_ref().map(|link| link.end(link.pair.side(route.destination)).id.clone());
        let destination_id = outcome.destination_id.or(linked);
        let mentions = identity::mentions(&record.item, mapped, &keys, destination_id.as_deref());
        self.progress.attempts.push(AttemptOutcome {
            key,
            connector: record.connector,
            entity: record.item.entity(),
            attempt: record.attempts + 1,
            tries,
            at: now,
            event: outcome.event,
            sync_status,
            stage,
            doubtful,
            known_as: identity::known_as(&record.item, mapped),
            source_id: record.item.id().map(str::to_owned),
            destination_id,
            problem: outcome.problem,
            explanation: explanation(record),
            version: record.past.unwrap_or(route.version),
            retry: record.retry,
            calls: record.calls.clone(),
            mentions,
        });
        let code = self.progress.attempts.last().and_then(|attempt| attempt.problem.as_ref());
        if is_solved(record, outcome.event, code.map(|problem| problem.code.as_str())) {
            self.progress.solved.extend(&record.asked);
        }
        metrics::counter!("leadsync_records_total", "event" => outcome.event.as_str()).increment(1);
        let lag = now.duration_since(key.request.received_at());
        metrics::histogram!("leadsync_record_seconds").record(lag.as_secs_f64());
        self.progress.settled.extend(self.doubts.resolve(key));
        let standing = match stage {
            Stage::Final => Standing::Final(sync_status),
            Stage::Waiting(due) => Standing::Waiting(due),
        };
        if let Some(state) = self.book.close(key, standing, now) {
            self.progress.requests.retain(|earlier| earlier.id != state.id);
            self.progress.requests.push(state);
        }
    }

    /// Keeps a link, and tells the records of both its ends.
    pub(super) fn link(&mut self, link: Link) {
        let pair = link.pair;
        let lanes = [
            Lane::Id(pair.first, link.first.id.clone()),
            Lane::Id(pair.second, link.second.id.clone()),
        ];
        for lane in &lanes {
            for key in self.book.in_lane(lane) {
                let Some(record) = self.book.record_mut(key) else { continue };
                let Some(route) = self.routes.get(&record.connector) else { continue };
                // The lead may wait for other accounts too: there it is tied to other leads.
                if Pair::of(route.source, route.destination) != pair {
                    continue;
                }
                let own = link.end(pair.side(route.source)).id.as_str();
                match (link.entity, &mut record.lead) {
                    (Entity::Lead, Some(lead)) if lead.item.lead_id() == Some(own) => {
                        lead.link = Some(link.clone());
                    }
                    (Entity::Lead, None) if record.item.lead_id() == Some(own) => {
                        record.link = Some(link.clone());
                    }
                    (Entity::Activity, Some(_)) if record.item.id() == Some(own) => {
                        record.link = Some(link.clone());
                    }
                    _ => continue,
                }
                for lane in &lanes {
                    self.book.join(key, lane.clone());
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

/// What was decided and why, for the log.
fn explanation(record: &Record) -> Option<String> {
    let decision = record.decision.as_ref()?;
    let why = match decision {
        Decision::Unchanged { why, .. } => Some(why.sentence()),
        _ => None,
    };
    let remarks: Vec<Value> = record
        .mapped
        .iter()
        .flat_map(|(_, mapped)| &mapped.fields)
        .filter_map(|field| Some(json!({"field": field.to, "remark": field.remark.as_ref()?})))
        .collect();
    let left_out: Vec<&Problem> =
        record.mapped.iter().flat_map(|(_, mapped)| &mapped.left_out).collect();
    let mut all = json!({"plan": decision});
    if let Some(then) = &record.then {
        all["then"] = json!(then);
    }
    if !record.disputes.is_empty() {
        all["disputes"] = json!(record.disputes);
    }
    if let Some(origins) = origins(record, decision) {
        all["origins"] = origins.into();
    }
    if !left_out.is_empty() {
        all["left_out"] = json!(left_out);
    }
    if let Some(why) = why {
        all["why"] = why.into();
    }
    if !remarks.is_empty() {
        all["remarks"] = remarks.into();
    }
    if record.known.doubtful {
        all["looked_because"] =
            "An earlier write got no answer, so it was looked for first.".into();
    }
    Some(all.to_string())
}

/// Where the values come from that a decision writes: by field of the destination, the source's
/// field or what else it is. A field of the source's of the same name is left out.
fn origins(record: &Record, decision: &Decision) -> Option<Map<String, Value>> {
    let of_activity =
        matches!(decision, Decision::CreateActivity { .. } | Decision::UpdateActivity { .. });
    let mapped = match &record.lead {
        Some(lead) if !of_activity => &lead.mapped,
        _ => &record.mapped,
    };
    let mapped = mapped.as_ref().map(|(_, mapped)| &**mapped);
    let origin = |change: &Change| {
        let Some(field) = mapped.and_then(|mapped| mapped.get(&change.to)) else {
            return Some(json!({"by": "lead_source"}));
        };
        match &field.from {
            _ if field.sent.written() != Some(&change.value) => Some(json!({"by": "default"})),
            None => Some(json!({"by": "computed"})),
            Some(from) => (*from != field.to).then(|| json!({"from": from})),
        }
    };
    let fields = decision.fields()?;
    Some(fields.filter_map(|change| Some((change.to.clone(), origin(change)?))).collect())
}

/// A number between 0 and 1.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}
