//! An old backup is restored while people work in both accounts: no lead and no activity is
//! doubled, and what people typed stays.

use std::collections::{BTreeMap, BTreeSet};

use sandbox::Sandbox;
use store::{Filter, Page};

use crate::rig::{Database, EVERY_TRIGGER, SOON, Service, Webhooks, until, wire};

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    restored(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql() {
    restored(Database::Postgres).await;
}

/// The type of the activities.
const VISIT: u32 = 201;

struct World {
    service: Service,
    /// What people typed last into a lead's field, by address.
    typed: BTreeMap<(String, &'static str), String>,
    /// The notes of activities that people added, by address.
    visits: BTreeMap<String, Vec<String>>,
    /// What somebody typed that need not be on the other side.
    kept: Option<(usize, usize, &'static str, String)>,
}

fn connectors() -> String {
    let way = |from: &str, to: &str| {
        format!(
            "[[connector]]\nname = \"{from}-to-{to}\"\nsource = \"{from}\"\n\
             destination = \"{to}\"\nenabled = true\n[connector.basic]\n\
             search_by = \"EmailAddress\"\n[connector.lead]\ntrigger_automations = true\n\
             [connector.activity]\nenabled = true\n"
        )
    };
    way("source", "destination") + &way("destination", "source")
}

const WAYS: [&str; 2] = ["source-to-destination", "destination-to-source"];

fn email(person: usize) -> String {
    format!("person{person}@example.com")
}

impl World {
    async fn new(database: Database) -> Self {
        let mut service = Service::prepare(database, "").await;
        service.apply_file(&connectors());
        for (way, account) in WAYS.into_iter().zip([&service.source, &service.destination]) {
            wire(account, &service.hook_of(way), &EVERY_TRIGGER, 50);
        }
        Self { service, typed: BTreeMap::new(), visits: BTreeMap::new(), kept: None }
    }

    fn account(&self, side: usize) -> &Sandbox {
        [&self.service.source, &self.service.destination][side]
    }

    fn id(&self, side: usize, person: usize) -> Option<String> {
        self.account(side).find_leads("EmailAddress", &email(person)).first().cloned()
    }

    /// Somebody types a value on one side, and makes the lead if it is not there.
    fn types(&mut self, side: usize, person: usize, field: &'static str, value: &str) {
        let email = email(person);
        if let Some(id) = self.id(side, person) {
            self.account(side).edit_lead(&id, &[(field, value)]).expect("an edit");
        } else {
            let fields = [("EmailAddress", email.as_str()), (field, value)];
            self.account(side).create_lead(&fields).expect("a new lead");
        }
        self.typed.insert((email, field), value.to_owned());
    }

    /// The same of a lead that the restored database does not know: as always when leads meet that
    /// exist on both sides, neither is overwritten.
    fn types_and_keeps(&mut self, side: usize, person: usize, field: &'static str, value: &str) {
        self.types(side, person, field, value);
        self.typed.remove(&(email(person), field));
        self.kept = Some((side, person, field, value.to_owned()));
    }

    /// Somebody adds an activity on one side.
    fn visits(&mut self, side: usize, person: usize, note: &str) {
        let id = self.id(side, person).expect("the lead is there");
        let fields = [("mx_Custom_1", "Green Acres"), ("Status", "Active")];
        self.account(side).create_activity(&id, VISIT, note, &fields).expect("an activity");
        self.visits.entry(email(person)).or_default().push(note.to_owned());
    }

    /// Waits until nothing is in flight.
    async fn at_rest(&self) {
        for _ in 0..3 {
            until(SOON, || async {
                for side in [0, 1] {
                    self.account(side).idle().await;
                }
                self.service.settled().await;
                let left = [0, 1].map(|side| self.account(side).deliveries_pending());
                if left == [0, 0] { Ok(()) } else { Err(left) }
            })
            .await;
        }
    }

    /// Everything that was received so far: the connector, and the body.
    async fn received(&self) -> Vec<(String, Vec<u8>)> {
        let store = self.service.store().await;
        let page = Page { limit: Page::MOST, after: None };
        let (requests, more) = store.requests(&Filter::default(), &page).await.expect("the log");
        assert!(more.is_none(), "more than a page");
        let mut all = Vec::new();
        for request in requests.iter().rev() {
            let delivery = store.delivery(request.id).await.expect("the log").expect("its body");
            all.push((delivery.connector, delivery.body));
        }
        all
    }

    /// Leads and activities in the accounts that aren't as they should be.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let people: BTreeSet<&String> = self.typed.keys().map(|(email, _)| email).collect();
        for side in [0, 1] {
            let account = self.account(side);
            for email in &people {
                let found = account.find_leads("EmailAddress", email);
                let [id] = found.as_slice() else {
                    faults.push(format!("{email} on side {side}: {found:?}"));
                    continue;
                };
                let held = account.activities(id).into_iter().filter(|(event, ..)| *event == VISIT);
                let mut held: Vec<String> = held.map(|(_, note, _)| note).collect();
                held.sort();
                let mut wanted = self.visits.get(*email).cloned().unwrap_or_default();
                wanted.sort();
                if held != wanted {
                    faults.push(format!("{email} on side {side}: {held:?} for {wanted:?}"));
                }
            }
            for ((email, field), value) in &self.typed {
                let id = &account.find_leads("EmailAddress", email)[0];
                let held = account.lead(id).expect("it was found")[*field].clone();
                if held.as_ref() != Some(value) {
                    faults
                        .push(format!("{email} on side {side}: {field} is {held:?}, not {value}"));
                }
            }
        }
        if let Some((side, person, field, value)) = &self.kept {
            let id = self.id(*side, *person).expect("the lead");
            let held = self.account(*side).lead(&id).expect("the lead")[*field].clone();
            if held.as_ref() != Some(value) {
                faults.push(format!("{field} on side {side} is {held:?}, not {value}"));
            }
        }
        faults
    }
}

async fn restored(database: Database) {
    let mut world = World::new(database).await;
    world.service.start();
    for person in 0..4 {
        world.types(person % 2, person, "FirstName", &format!("First{person}"));
        world.types(person % 2, person, "mx_City", "Agra");
    }
    world.at_rest().await;
    for person in 0..4 {
        world.visits(person % 2, person, &format!("before, of {person}"));
    }
    world.at_rest().await;
    assert_eq!(world.faults(), Vec::<String>::new());
    // A change that is under way when the backup is made.
    world.types(0, 0, "mx_City", "Bhopal");
    world.visits(0, 0, "under way");
    world.service.run(&["backup", "old"]).succeeded();

    // What the backup does not know: new leads, new values on both sides, new activities.
    for person in 4..7 {
        world.types(person % 2, person, "FirstName", &format!("First{person}"));
    }
    world.at_rest().await;
    for person in 0..7 {
        world.types(person % 2, person, "LastName", &format!("Last{person}"));
        world.types((person + 1) % 2, person, "mx_City", "Pune");
        world.at_rest().await;
        world.visits(person % 2, person, &format!("after, of {person}"));
        world.visits((person + 1) % 2, person, &format!("after too, of {person}"));
    }
    world.at_rest().await;
    for person in 0..7 {
        world.types(person % 2, person, "mx_City", &format!("City{person}"));
    }
    world.at_rest().await;
    assert_eq!(world.faults(), Vec::<String>::new());
    let received = world.received().await;
    world.service.stop();
    let restored = world.service.run(&["restore", "old", "--force", "--json"]).json();
    assert!(restored["lost"]["requests"].as_u64() > Some(20), "{restored}");
    assert!(restored["lost"]["links"].as_u64() > Some(5), "{restored}");

    // People go on working while it is down and while it starts, and every webhook comes again.
    world.types(0, 1, "FirstName", "Typed while it was down");
    world.service.start();
    let (webhooks, hooks) = (Webhooks::new(), WAYS.map(|way| world.service.hook_of(way)));
    for (number, (connector, body)) in received.iter().enumerate() {
        let hook = &hooks[WAYS.iter().position(|way| way == connector).expect("a connector")];
        webhooks.post(hook, body).await;
        match number {
            3 => world.types(1, 2, "FirstName", "Typed since"),
            6 => world.types_and_keeps(0, 6, "LastName", "Typed before they meet again"),
            9 => world.visits(1, 5, "since"),
            12 => world.visits(0, 3, "since"),
            15 => world.types(1, 8, "FirstName", "New since"),
            _ => {}
        }
    }
    world.at_rest().await;
    world.types(0, 5, "LastName", "Typed since");
    // Again, and in another order.
    for (connector, body) in received.iter().rev() {
        let hook = &hooks[WAYS.iter().position(|way| way == connector).expect("a connector")];
        webhooks.post(hook, body).await;
    }
    world.at_rest().await;
    world.service.run(&["retry", "--failed"]).succeeded();
    world.at_rest().await;
    let failed = world.service.run(&["logs", "--job-status", "failure", "--json"]).json();
    assert_eq!(failed, serde_json::json!([]));
    assert_eq!(world.faults(), Vec::<String>::new());
    assert_eq!([0, 1].map(|side| world.account(side).lead_count()), [8, 8]);
    world.service.stop();
}
