//! Two accounts with many leads, some of which both have.

use std::collections::HashMap;
use std::time::Duration;

use sandbox::{Field, Kind, Plan, Quota, Version};
use serde_json::Value;
use store::{Backfill, ReviewFilter};

use super::live::Change;
use super::soon;
use crate::rig::{Database, SOON, Service, until};

pub const NAME: &str = "source-to-destination";
/// How long a call and its answer are on their way.
const LATENCY: Duration = Duration::from_millis(200);
/// The longest external id that the destination takes; those of refused leads are longer.
const LONGEST_ID: usize = 10;

/// What becomes of a lead of the source: of a hundred, twenty are in the destination already, one
/// is ambiguous, and one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    New,
    There,
    /// One lead of the destination has its email address, and another one its phone number.
    Ambiguous,
    /// Nothing identifies it,
    Nobody,
    /// or a value does not fit.
    Unfit,
}

impl Fate {
    fn of(n: usize) -> Self {
        match (n % 100, n % 200) {
            (at, _) if at % 5 == 0 => Self::There,
            (1, _) => Self::Ambiguous,
            (2, 2) => Self::Nobody,
            (2, _) => Self::Unfit,
            _ => Self::New,
        }
    }
}

/// The quota of each account: that of a plan, but many times as large, so that the run ends in some
/// minutes.
pub fn quota(leads: usize) -> Quota {
    let calls = u32::try_from(leads / 300).expect("not that many").clamp(90, 300);
    let window = Duration::from_secs(5);
    Quota { calls, bulk_calls: calls / 2, window, daily: 1_000_000 }
}

pub struct World {
    pub service: Service,
    leads: usize,
}

fn email(n: usize) -> String {
    format!("lead{n}@example.com")
}

fn phone(n: usize) -> String {
    format!("+91-{}", 7_000_000_000 + n)
}

impl World {
    /// Accounts with so many leads in the source. The service is not started yet.
    pub async fn new(leads: usize) -> Self {
        let mut service = Service::prepare(Database::Sqlite, "").await;
        for account in [&service.source, &service.destination] {
            account.set_plan(Plan::Explicit(quota(leads)));
            account.set_latency(LATENCY);
        }
        let external_id = Field::new("mx_External_Id", Kind::Text).max_length(LONGEST_ID);
        service.destination.put_field(external_id);
        service.apply_file(&format!(
            "[[connector]]\nname = \"{NAME}\"\nsource = \"source\"\n\
             destination = \"destination\"\nenabled = true\n\
             [connector.basic]\nsearch_by = \"EmailAddress\"\nsecondary_search_by = \"Phone\"\n\
             [connector.lead]\ntrigger_automations = false\n",
        ));
        service.hook = service.hook_of(NAME);
        let world = Self { service, leads };
        world.fill();
        world
    }

    fn fill(&self) {
        let Service { source, destination, .. } = &self.service;
        for n in 0..self.leads {
            let (fate, email, phone) = (Fate::of(n), email(n), phone(n));
            let id = "9".repeat(LONGEST_ID + usize::from(fate == Fate::Unfit));
            let mut fields =
                vec![("LastName", "Rao"), ("mx_City", "Pune"), ("mx_External_Id", &id)];
            if fate != Fate::Nobody {
                fields.extend([("EmailAddress", &*email), ("Phone", &*phone)]);
            }
            source.create_lead(&fields).expect("a lead");
            let (by_email, by_phone) = (("EmailAddress", &*email), ("Phone", &*phone));
            let there: &[&[(&str, &str)]] = match fate {
                Fate::There => &[&[("LastName", "R."), by_email, by_phone]],
                Fate::Ambiguous => {
                    &[&[("LastName", "R."), by_email], &[("LastName", "R."), by_phone]]
                }
                Fate::New | Fate::Nobody | Fate::Unfit => &[],
            };
            for fields in there {
                destination.create_lead(fields).expect("a lead");
            }
        }
    }

    fn count(&self, fate: impl Fn(Fate) -> bool) -> u64 {
        (0..self.leads).filter(|n| fate(Fate::of(*n))).count() as u64
    }

    /// The plan says what becomes of each lead.
    pub fn is_planned(&self, plan: &Value) {
        let counts = ["leads", "new", "linked", "ambiguous", "refused"];
        let counts = counts.map(|name| plan[name].as_u64().expect("a count"));
        let ours = [
            self.leads as u64,
            self.count(|fate| fate == Fate::New),
            self.count(|fate| fate == Fate::There),
            self.count(|fate| fate == Fate::Ambiguous),
            self.count(|fate| matches!(fate, Fate::Nobody | Fate::Unfit)),
        ];
        assert_eq!(counts, ours, "{plan}");
    }

    /// Waits until the service knows which leads the destination has.
    pub async fn directory_is_read(&self) {
        let store = self.service.store().await;
        let configuration = store.configuration().await.expect("the settings");
        let account = configuration.account("destination").expect("it was applied").id;
        until(SOON * 5, async || {
            let reading = store.directory_reading(account).await.expect("the directory");
            if reading.as_ref().is_some_and(|reading| reading.complete_at.is_some()) {
                Ok(())
            } else {
                Err(reading)
            }
        })
        .await;
        // If the service is killed next, this process must not be the one that closes the file.
        store.close().await.expect("it closes");
    }

    /// Waits until this part of the leads that are to be created is there.
    pub async fn has_created(&self, part: usize, of: usize) {
        let create = usize::try_from(self.count(|fate| fate == Fate::New)).expect("a count");
        let before = self.before();
        let destination = &self.service.destination;
        soon("leads are created", || destination.lead_count() >= before + create * part / of).await;
    }

    /// How many leads the destination had before.
    fn before(&self) -> usize {
        let there = self.count(|fate| fate == Fate::There);
        let ambiguous = self.count(|fate| fate == Fate::Ambiguous);
        usize::try_from(there + 2 * ambiguous).expect("a count")
    }

    pub fn reset_calls(&self) {
        self.service.source.reset_calls();
        self.service.destination.reset_calls();
    }

    pub fn source_calls(&self) -> sandbox::CallCounts {
        self.service.source.calls()
    }

    pub fn destination_calls(&self) -> sandbox::CallCounts {
        self.service.destination.calls()
    }

    /// All calls since the last reset.
    pub fn calls(&self) -> u64 {
        self.source_calls().total + self.destination_calls().total
    }

    /// Every lead of the source has one counterpart, unless it is ambiguous or refused, and nobody
    /// has two. Returns the histories of the live leads by their email addresses.
    pub async fn is_complete(
        &self,
        done: &Backfill,
        live: &[Change],
    ) -> HashMap<String, Vec<Version>> {
        let destination = &self.service.destination;
        let mut by_key: HashMap<String, Vec<String>> = HashMap::new();
        for id in destination.leads() {
            let lead = destination.lead(&id).expect("it was listed");
            let keys = [&lead["EmailAddress"], &lead["Phone"]];
            let facts = [&lead["LastName"], &lead["mx_City"]];
            let fact = facts.map(|fact| fact.as_deref().unwrap_or("-")).join(" ");
            for key in keys.into_iter().flatten() {
                by_key.entry(key.clone()).or_default().push(format!("{id} {fact}"));
            }
        }
        let found = |key: String| by_key.get(&key).map_or(&[][..], Vec::as_slice);
        for n in 0..self.leads {
            let (by_email, by_phone) = (found(email(n)), found(phone(n)));
            let is_well = match Fate::of(n) {
                Fate::New | Fate::There => {
                    by_email == by_phone
                        && by_email.len() == 1
                        && by_email[0].ends_with(" Rao Pune")
                }
                Fate::Ambiguous => {
                    let both = [by_email, by_phone];
                    both.iter().all(|of| of.len() == 1 && of[0].ends_with(" R. -"))
                        && by_email != by_phone
                }
                Fate::Nobody | Fate::Unfit => by_email.is_empty() && by_phone.is_empty(),
            };
            assert!(is_well, "lead {n}, {:?}: {by_email:?} {by_phone:?}", Fate::of(n));
        }
        let created = live.iter().filter(|change| change.name == "v1").count();
        let new = usize::try_from(self.count(|fate| fate == Fate::New)).expect("a count");
        assert_eq!(destination.lead_count(), self.before() + new + created, "none is doubled");

        let ambiguous = self.count(|fate| fate == Fate::Ambiguous);
        let refused = self.count(|fate| matches!(fate, Fate::Nobody | Fate::Unfit));
        assert_eq!((done.failed, done.waiting), (ambiguous + refused, 0), "{done:?}");
        let store = self.service.store().await;
        let reviews = store.count_reviews(&ReviewFilter::default()).await.expect("the reviews");
        assert_eq!(reviews, ambiguous, "each waits for a person");
        store.close().await.expect("it closes");

        let history = |change: &Change| {
            let [lead] = found(change.email.clone()) else {
                panic!("{change:?}: {:?}", found(change.email.clone()));
            };
            let (id, _) = lead.split_once(' ').expect("an id");
            (change.email.clone(), destination.history(id))
        };
        live.iter().map(history).collect()
    }
}
