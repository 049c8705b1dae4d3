//! Two-way sync over real HTTP: two emulated accounts with live automations, people working in
//! both, webhooks that arrive twice, late, out of order or never, `kill -9` of the service and of
//! PostgreSQL, and a full disk.
//!
//! `plan/tests/it/simulation/` checks the same rules without a clock and a network. There a seed
//! repeats a run exactly; here it repeats only what people do.

mod disk;
mod relay;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use postgres_fixture::{Options, Postgres};
use sandbox::Sandbox;

use crate::rig::{Chance, Database, LEAD_TRIGGERS, Service, wire};
use disk::Disk;
use relay::Relay;

/// How many people there are, each a lead on both sides.
const PEOPLE: u64 = 8;
/// The fields that people edit.
const FIELDS: [&str; 3] = ["FirstName", "LastName", "mx_City"];
/// How many edits they make. An automation stops for a lead after 50 runs in a day, and writes of
/// leadsync trigger runs too.
const EDITS: usize = 70;
/// A field that is edited at the end, when no webhook is lost any more: that brings changes whose
/// webhooks were lost.
const TOUCHED: &str = "Company";
/// The maximum number of requests in a list.
const MOST_LISTED: usize = 200;
/// How long it may take until nothing is in flight.
const REST: Duration = Duration::from_mins(3);

/// A pair of opposite connectors, whose mappings are not each other's inverse.
fn connectors(source: &str, destination: &str) -> String {
    let way = |from: &str, to: &str, country: &str| {
        format!(
            "[[connector]]\nname = \"{from}-to-{to}\"\nsource = \"{from}\"\n\
             destination = \"{to}\"\nenabled = true\n[connector.basic]\n\
             search_by = \"EmailAddress\"\n{country}\n[connector.lead]\n\
             trigger_automations = true\n"
        )
    };
    let country = "default_country_code = \"IN\"";
    way(source, destination, country) + &way(destination, source, "")
}

/// A person's edit: the side and the value.
type Edit = (usize, String);

struct World {
    service: Service,
    relay: Relay,
    chance: Chance,
    seed: u64,
    /// By person and field, in order.
    edits: BTreeMap<(u64, &'static str), Vec<Edit>>,
    /// On how many sides a lead of this person was created by people, before it arrived from the
    /// other side.
    made: BTreeMap<u64, u32>,
}

impl World {
    async fn new(mut service: Service) -> Self {
        let seed = u64::from(std::process::id());
        println!("seed {seed}");
        service.apply_file(&connectors("source", "destination"));
        let ways = ["source-to-destination", "destination-to-source"];
        let relay = Relay::start(ways.map(|way| service.hook_of(way)), seed).await;
        for (number, account) in [&service.source, &service.destination].into_iter().enumerate() {
            wire(account, &format!("{}/{number}", relay.url), &LEAD_TRIGGERS, 3);
        }
        service.start();
        let (edits, made) = (BTreeMap::new(), BTreeMap::new());
        Self { service, relay, chance: Chance(seed), seed, edits, made }
    }

    fn account(&self, side: usize) -> &Sandbox {
        [&self.service.source, &self.service.destination][side]
    }

    fn email(person: u64) -> String {
        format!("person{person}@example.com")
    }

    /// A person edits something: usually in the account where this field of this person is at home,
    /// sometimes in the other.
    fn person(&mut self) {
        let person = self.chance.below(PEOPLE);
        let field = FIELDS[usize::try_from(self.chance.below(3)).expect("an index")];
        let home = (usize::try_from(person).expect("small") + field.len()) % 2;
        let side = if self.chance.below(6) == 0 { 1 - home } else { home };
        let value = format!("V{}", self.chance.below(1_000_000));
        let email = Self::email(person);
        let account = self.account(side);
        if let Some(id) = account.find_leads("EmailAddress", &email).first() {
            account.edit_lead(id, &[(field, &value)]).expect("an edit");
        } else {
            let phone = format!("98{person:08}");
            let fields = [("EmailAddress", &*email), ("Phone", &phone), (field, &value)];
            account.create_lead(&fields).expect("a new lead");
            *self.made.entry(person).or_default() += 1;
        }
        self.edits.entry((person, field)).or_default().push((side, value));
    }

    async fn work(&mut self) {
        self.person();
        self.service.revive();
        let pause = [0, 0, 5, 20, 60, 120][usize::try_from(self.chance.below(6)).expect("small")];
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }

    /// Waits until nothing is in flight.
    async fn at_rest(&mut self) {
        let deadline = Instant::now() + REST;
        let mut quiet = 0;
        while quiet < 3 {
            let log = || self.service.log();
            assert!(Instant::now() < deadline, "seed {}: no rest: {}", self.seed, log());
            self.service.revive();
            for side in [0, 1] {
                self.account(side).idle().await;
            }
            self.service.settled().await;
            let posts = self.relay.counts();
            tokio::time::sleep(Duration::from_millis(100)).await;
            let is_quiet = self.relay.under_way() == 0
                && self.relay.counts() == posts
                && [0, 1].iter().all(|side| self.account(*side).deliveries_pending() == 0);
            quiet = if is_quiet { quiet + 1 } else { 0 };
        }
    }

    /// How many requests are stored, up to the maximum of one list.
    fn kept(&self) -> usize {
        let all = self.service.run(&["logs", "--json", "--limit", &MOST_LISTED.to_string()]).json();
        all.as_array().expect("a list").len()
    }

    /// Waits until nothing is in flight, and checks that nothing was lost, doubled or reverted.
    async fn ends_well(mut self) {
        self.relay.calm();
        self.at_rest().await;
        // Records that failed while the database was down are waiting for their next attempt.
        self.service.run(&["retry", "--failed"]).succeeded();
        self.at_rest().await;
        for person in 0..PEOPLE {
            let account = self.account(0);
            if let Some(id) = account.find_leads("EmailAddress", &Self::email(person)).first() {
                account.edit_lead(id, &[(TOUCHED, "touched")]).expect("an edit");
            }
        }
        // Leads are touched there too, in case the webhook of their creation was lost.
        self.at_rest().await;
        for person in 0..PEOPLE {
            let account = self.account(1);
            if let Some(id) = account.find_leads("EmailAddress", &Self::email(person)).first() {
                account.edit_lead(id, &[(TOUCHED, "touched twice")]).expect("an edit");
            }
        }
        self.at_rest().await;
        let seed = self.seed;
        // A request may be stored twice: if the answer was lost with the service, it was posted again.
        let (kept, acknowledged) = (self.kept(), self.relay.acknowledged());
        assert!(
            kept >= acknowledged.min(MOST_LISTED),
            "seed {seed}: {kept} requests are kept of {acknowledged} that were acknowledged"
        );
        let failed = self.service.run(&["logs", "--job-status", "failure", "--json"]).json();
        assert_eq!(failed, serde_json::json!([]), "seed {seed}");
        for ((person, field), edits) in &self.edits {
            let email = Self::email(*person);
            let held: Vec<_> = [0, 1]
                .iter()
                .map(|side| {
                    let account = self.account(*side);
                    let found = account.find_leads("EmailAddress", &email);
                    assert_eq!(found.len(), 1, "seed {seed}: {email} on side {side}: {found:?}");
                    account.lead(&found[0]).expect("it was found")[*field].clone()
                })
                .collect();
            let last_of = |side: usize| {
                let mut own = edits.iter().rev().filter(|(other, _)| *other == side);
                own.next().map(|(_, value)| value.clone())
            };
            if held[0] != held[1] {
                // Leads that were created on both sides don't overwrite each other: a person decides.
                let met = self.made[person] > 1 && [last_of(0), last_of(1)] == held[..];
                let story = || self.service.run(&["logs", "--q", &email, "--json"]).json();
                assert!(
                    met,
                    "seed {seed}: {field} of {email} is {held:?} after {edits:?}\n{:#}",
                    story()
                );
                continue;
            }
            let held = held[0].clone().unwrap_or_default();
            let (side, last) = edits.last().expect("one edit");
            let has_rival = edits.iter().any(|(other, _)| other != side);
            let known = edits.iter().any(|(_, value)| *value == held);
            assert!(known, "seed {seed}: nobody wrote {held} in {field} of {email}: {edits:?}");
            if !has_rival {
                assert_eq!(held, *last, "seed {seed}: {field} of {email} after {edits:?}");
            }
        }
        let (one, other) = (self.account(0).lead_count(), self.account(1).lead_count());
        let people = self.edits.keys().map(|(person, _)| person);
        let people = people.collect::<std::collections::BTreeSet<_>>().len();
        assert_eq!((one, other), (people, people), "seed {seed}: leads");

        let edits = self.edits.values().map(Vec::len).sum::<usize>() + 2 * people;
        let writes: u64 = [0, 1].iter().map(|side| writes(self.account(*side))).sum();
        let (posts, lost) = self.relay.counts();
        println!(
            "seed {seed}: {edits} edits, {posts} posts of which {lost} were lost, {writes} writes"
        );
        // An edit is one write on the other side; a write whose answer was lost is repeated, and a
        // conflict is written on both sides.
        let most = u64::try_from(3 * edits).expect("small");
        assert!(writes <= most, "seed {seed}: {writes} writes for {edits} edits");
        self.service.stop();
    }
}

/// How many calls to an account wrote leads.
fn writes(account: &Sandbox) -> u64 {
    let counts = account.calls().by_operation;
    let is_write = |operation: &str| {
        ["Lead.Capture", "Lead.Create", "Lead.Update", "Lead.CreateOrUpdate", "Lead/Bulk"]
            .iter()
            .any(|write| operation.contains(write))
    };
    counts.iter().filter(|(operation, _)| is_write(operation)).map(|(_, count)| count).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_is_killed_again_and_again() {
    let mut world = World::new(Service::prepare(Database::Sqlite, "").await).await;
    for edit in 0..EDITS {
        world.work().await;
        if edit % 6 == 5 {
            world.service.kill_hard();
            world.service.start();
        }
    }
    world.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_killed_and_so_is_the_service() {
    let mut postgres = Postgres::start(Options { fsync: true });
    let service = Service::prepare_on(postgres.database(), "").await;
    let mut world = World::new(service).await;
    for edit in 0..EDITS {
        world.work().await;
        if edit % 14 == 13 {
            postgres.kill_hard();
            tokio::time::sleep(Duration::from_millis(world.chance.below(400))).await;
            postgres.restart();
        }
        if edit % 20 == 19 {
            world.service.kill_hard();
            world.service.start();
        }
    }
    world.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_is_full_for_a_while() {
    let mut service = Service::prepare(Database::Sqlite, "").await;
    let folder = service.folder().join("disk");
    std::fs::create_dir(&folder).expect("a folder");
    let disk = Disk::mount(&folder, 48);
    service.live_behind(disk.enter(service.folder()), &folder);
    let mut world = World::new(service).await;
    for edit in 0..EDITS {
        world.work().await;
        if edit % 20 == 4 {
            disk.fill();
        }
        if edit % 20 == 9 {
            disk.free();
        }
    }
    let log = world.service.log().to_string();
    assert!(log.contains("full"), "the disk was never full: {log}");
    world.ends_well().await;
}
