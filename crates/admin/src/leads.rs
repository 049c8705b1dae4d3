//! Finding leads: what the log says about each, newest first.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use plan::id::{AccountId, RequestId};
use plan::outcome::Entity;
use plan::state::State;
use store::{Configuration, Cursor, Echoes, Filter, Page, RecordLine, RequestLine, Store};

use crate::access::Reach;

/// How many leads are listed.
pub const MOST: usize = 50;
/// How many pages of requests are read to find them: of a lead that changes often there are many.
const MOST_PAGES: usize = 2;

/// Leads that were found.
#[derive(Debug)]
pub struct FoundLeads {
    /// The leads, the one with the newest request first.
    pub leads: Vec<FoundLead>,
    /// Whether there may be more.
    pub more: bool,
}

/// A lead that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLead {
    /// Its name, as the source of a request showed it.
    pub name: Option<String>,
    /// An email address or a phone number.
    pub known_as: Option<String>,
    /// Where it is: the account's name, and its id there.
    pub places: Vec<(String, String)>,
    /// When its newest request arrived.
    pub last_at: Timestamp,
    /// That request,
    pub last: RequestId,
    /// and its state.
    pub state: State,
}

/// Leads that match, as [`plan::search`] takes it; all, if nothing is sought.
///
/// # Errors
/// The store failed.
pub async fn find(
    store: &dyn Store,
    (configuration, reach): (&Configuration, &Reach),
    q: Option<&str>,
) -> store::Result<FoundLeads> {
    let filter = Filter {
        q: q.map(str::to_owned),
        within: reach.limit(),
        entity: Some(Entity::Lead),
        // The newest request of a lead is rarely an echo, which would hide what happened to it.
        echoes: if q.is_some() { Echoes::Any } else { Echoes::Without },
        ..Filter::default()
    };
    let mut found = Found::default();
    let mut after: Option<Cursor> = None;
    for _ in 0..MOST_PAGES {
        let (lines, next) =
            store.request_lines(&filter, &Page { limit: Page::MOST, after }).await?;
        for line in &lines {
            found.add(line, configuration, q);
        }
        after = next;
        if after.is_none() || found.count() > MOST {
            break;
        }
    }
    let more = after.is_some() || found.count() > MOST;
    Ok(FoundLeads { leads: found.end(configuration), more })
}

/// Leads by their ids in accounts.
#[derive(Default)]
struct Found {
    leads: Vec<Option<Kept>>,
    by_place: HashMap<(AccountId, String), usize>,
}

struct Kept {
    lead: FoundLead,
    places: Vec<(AccountId, String)>,
}

impl Found {
    fn count(&self) -> usize {
        self.leads.iter().flatten().count()
    }

    /// Adds the leads of a request, which is older than those before.
    fn add(&mut self, line: &RequestLine, configuration: &Configuration, q: Option<&str>) {
        let Some(connector) = configuration.connector(&line.connector) else { return };
        // Of a request with several records, those that do not match are of other leads.
        let is_sure = q.is_none() || line.records.len() == 1;
        let sought = q.map(plan::search::Sought::of);
        for record in line.records.iter().filter(|record| record.entity == Entity::Lead) {
            if !is_sure && !sought.as_ref().is_some_and(|sought| mentions(record, sought)) {
                continue;
            }
            let ends = [
                (connector.source, &record.source_id),
                (connector.destination, &record.destination_id),
            ];
            let places: Vec<(AccountId, String)> =
                ends.into_iter().filter_map(|(account, id)| Some((account, id.clone()?))).collect();
            if !places.is_empty() {
                self.take(line, record, places);
            }
        }
    }

    fn take(&mut self, line: &RequestLine, record: &RecordLine, places: Vec<(AccountId, String)>) {
        let known: HashSet<usize> =
            places.iter().filter_map(|place| self.by_place.get(place).copied()).collect();
        let mut known: Vec<usize> = known.into_iter().collect();
        known.sort_unstable();
        let Some((first, others)) = known.split_first() else {
            for place in &places {
                self.by_place.insert(place.clone(), self.leads.len());
            }
            let lead = FoundLead {
                name: record.name.clone(),
                known_as: record.known_as.clone(),
                places: Vec::new(),
                last_at: line.received_at,
                last: line.id,
                state: State::of(line.job_status, line.is_held, [record.standing()]),
            };
            self.leads.push(Some(Kept { lead, places }));
            return;
        };
        // A record may show that two are one.
        let joined: Vec<Kept> =
            others.iter().filter_map(|other| self.leads[*other].take()).collect();
        let Some(kept) = &mut self.leads[*first] else { return };
        let mut more = places;
        for other in joined {
            more.extend(other.places);
            kept.lead.name = kept.lead.name.take().or(other.lead.name);
            kept.lead.known_as = kept.lead.known_as.take().or(other.lead.known_as);
        }
        kept.lead.name = kept.lead.name.take().or_else(|| record.name.clone());
        kept.lead.known_as = kept.lead.known_as.take().or_else(|| record.known_as.clone());
        for place in more {
            self.by_place.insert(place.clone(), *first);
            if !kept.places.contains(&place) {
                kept.places.push(place);
            }
        }
    }

    fn end(self, configuration: &Configuration) -> Vec<FoundLead> {
        let name = |account: AccountId| {
            let mut accounts = configuration.accounts.iter();
            accounts.find(|of| of.id == account).map(|of| of.name.clone())
        };
        let lead = |Kept { lead, places }: Kept| {
            let named = places.into_iter().filter_map(|(account, id)| Some((name(account)?, id)));
            FoundLead { places: named.collect(), ..lead }
        };
        self.leads.into_iter().flatten().take(MOST).map(lead).collect()
    }
}

/// Whether a record shows what is sought, as far as a list shows it.
fn mentions(record: &RecordLine, sought: &plan::search::Sought) -> bool {
    let texts = [&record.name, &record.known_as, &record.source_id, &record.destination_id];
    let text = texts.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ").to_lowercase();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_in = |form: &String| text.contains(form.as_str()) || digits.contains(form.as_str());
    sought.terms.iter().all(|forms| forms.iter().any(is_in))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::outcome::{Event, JobStatus, SyncStatus};

    fn line(n: i64, ids: (&str, &str), name: Option<&str>) -> RequestLine {
        let record = RecordLine {
            position: 0,
            entity: Entity::Lead,
            event: Event::Updated,
            sync_status: SyncStatus::Success,
            known_as: Some("asha@example.com".to_owned()),
            name: name.map(str::to_owned),
            source_id: Some(ids.0.to_owned()),
            destination_id: (!ids.1.is_empty()).then(|| ids.1.to_owned()),
            error: None,
            version: 1,
            next_attempt_at: None,
            explanation: None,
        };
        let at = Timestamp::from_second(1_790_000_000 - n).unwrap();
        RequestLine {
            id: RequestId::new(at, 1, 0),
            connector: "there".to_owned(),
            origin: "webhook".to_owned(),
            received_at: at,
            finished_at: Some(at),
            job_status: JobStatus::Success,
            sync_status: Some(SyncStatus::Success),
            behaviour: None,
            is_held: false,
            is_echo: false,
            records: vec![record],
        }
    }

    #[test]
    fn requests_of_one_lead_are_one_result() {
        let mut found = Found::default();
        let [a, b] = [AccountId(1), AccountId(2)];
        let place = |account, id: &str| (account, id.to_owned());
        let take = |found: &mut Found, line: RequestLine, places: Vec<_>| {
            found.take(&line, &line.records[0], places);
        };
        take(&mut found, line(0, ("a1", ""), None), vec![place(a, "a1")]);
        take(&mut found, line(1, ("b1", ""), Some("Asha")), vec![place(b, "b1")]);
        take(&mut found, line(2, ("a2", ""), None), vec![place(a, "a2")]);
        assert_eq!(found.count(), 3, "nothing says that two of them are one");
        take(&mut found, line(3, ("a1", "b1"), None), vec![place(a, "a1"), place(b, "b1")]);
        assert_eq!(found.count(), 2);
        let first = found.leads[0].as_ref().unwrap();
        assert_eq!(first.lead.name.as_deref(), Some("Asha"));
        assert_eq!(first.places, [place(a, "a1"), place(b, "b1")]);
        assert_eq!(first.lead.last, line(0, ("a1", ""), None).id, "the newest request is shown");
    }
}
