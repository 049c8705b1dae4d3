//! `kill -9` at random moments under load: every acknowledged webhook is applied, and no lead is
//! created twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use sandbox::{Fault, Trouble};
use store::{Filter, Page, Span, Tally};

use crate::rig::{Chance, Database, SOON, Service, Webhooks, until};

/// How many times the service is killed.
const KILLS: u32 = 20;
/// How many clients post at the same time, each for its own leads.
const CLIENTS: usize = 6;
/// How many leads a client has; each is posted again and again with new values.
const LEADS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_with_bulk_writes() {
    let service = Service::prepare(Database::Sqlite, "trigger_automations = false").await;
    killed(service, Duration::from_millis(400), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_with_single_writes_and_a_destination_that_breaks_off() {
    let service = Service::prepare(Database::Sqlite, "trigger_automations = true").await;
    for trouble in [Trouble::ResetBefore, Trouble::ResetAfter, Trouble::Html500] {
        service.destination.put_fault(Fault::always(trouble).with_probability(0.02));
    }
    killed(service, Duration::from_millis(400), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql() {
    let service = Service::prepare(Database::Postgres, "trigger_automations = false").await;
    // After a kill the lease lasts for some more seconds; some kills must come later than that.
    killed(service, Duration::from_secs(8), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_nodes_dies_and_the_other_goes_on() {
    const LEADS: usize = 60;
    let mut service = Service::prepare(Database::Postgres, "trigger_automations = true").await;
    service.start();
    let other = service.start_another();
    let webhooks = Webhooks::new();
    let own = service.address.to_string();
    for lead in 0..LEADS {
        if lead == LEADS / 2 {
            service.kill_hard();
        }
        // Both nodes receive webhooks while both are running.
        let to_other = lead % 2 == 1 || lead >= LEADS / 2;
        let hook = if to_other {
            service.hook.replace(&own, &other.to_string())
        } else {
            service.hook.clone()
        };
        let email = format!("lead{lead}@example.com");
        let body =
            serde_json::json!({ "ProspectID": format!("lead-{lead}"), "EmailAddress": email });
        webhooks.post(&hook, body.to_string().as_bytes()).await;
    }
    service.settled().await;
    assert_eq!(service.destination.lead_count(), LEADS);
}

/// The last version of a lead that was acknowledged.
struct Posted {
    email: String,
    version: u64,
}

async fn killed(mut service: Service, longest_life: Duration, faulty: bool) {
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let mut chance = Chance(seed);
    let stop = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(AtomicUsize::new(0));
    service.start();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let hook = service.hook.clone();
            tokio::spawn(post(hook, client, seed, stop.clone(), acknowledged.clone()))
        })
        .collect();
    for _ in 0..KILLS {
        let most = u64::try_from(longest_life.as_millis()).expect("a short time");
        // The load must reach the service between two kills, or they prove nothing.
        let before = acknowledged.load(Ordering::SeqCst);
        until(SOON, || async {
            if acknowledged.load(Ordering::SeqCst) == before { Err(before) } else { Ok(()) }
        })
        .await;
        tokio::time::sleep(Duration::from_millis(chance.below(most))).await;
        service.kill_hard();
        service.start();
    }
    stop.store(true, Ordering::SeqCst);
    let mut posted = Vec::new();
    for client in clients {
        posted.extend(client.await.expect("a client"));
    }
    if faulty {
        // Automatic retries wait for half a minute or more; a person does not have to.
        service.destination.clear_faults();
        service.run(&["retry", "--failed"]).succeeded();
    }
    service.settled().await;
    let failed = service.run(&["logs", "--job-status", "failure", "--json"]).json();
    assert_eq!(failed, serde_json::json!([]), "seed {seed}");

    println!(
        "seed {seed}: {KILLS} kills, {} webhooks answered 200, {} leads",
        acknowledged.load(Ordering::SeqCst),
        posted.len()
    );
    assert_eq!(service.destination.lead_count(), posted.len(), "seed {seed}: leads");
    for Posted { email, version } in &posted {
        let found = service.destination.find_leads("EmailAddress", email);
        assert_eq!(found.len(), 1, "seed {seed}: {email}: {found:?}");
        let lead = service.destination.lead(&found[0]).expect("it was found");
        assert_eq!(lead["FirstName"], Some(format!("v{version}")), "seed {seed}: {email}");
    }
    counted_as_they_are(&service).await;
    service.stop();
}

/// The counts kept along with the records equal a count over the records.
async fn counted_as_they_are(service: &Service) {
    let store = service.store().await;
    let span = Span { from: Timestamp::UNIX_EPOCH, to: Timestamp::MAX, hours: 1 };
    let mut told = Tally::default();
    for step in store.steps(&span).await.expect("the counts") {
        told.add_all(&step.counts);
    }
    let (mut counted, mut after) = (Tally::default(), None);
    loop {
        let page = Page { limit: Page::MOST, after };
        let found = store.requests(&Filter::default(), &page).await;
        let (requests, next) = found.expect("the log");
        for record in requests.iter().flat_map(|request| &request.records) {
            counted.add(record.event, 1);
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert!(counted.all() > 0);
    assert_eq!(told, counted);
}

/// Posts new versions of a client's own leads, each until it is acknowledged.
async fn post(
    hook: String,
    client: usize,
    seed: u64,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
) -> Vec<Posted> {
    let webhooks = Webhooks::new();
    let mut chance = Chance(seed ^ (u64::try_from(client).expect("a small number") << 32));
    let mut posted: Vec<Posted> = (0..LEADS)
        .map(|lead| Posted { email: format!("lead{lead}.of{client}@example.com"), version: 0 })
        .collect();
    while !stop.load(Ordering::SeqCst) || posted.iter().any(|lead| lead.version == 0) {
        let next = usize::try_from(chance.below(posted.len() as u64)).expect("an index");
        let lead = &mut posted[next];
        lead.version += 1;
        // LeadSquared's times have whole seconds: each version is one second newer.
        let (minute, second) = (lead.version / 60, lead.version % 60);
        let body = serde_json::json!({ "Before": {}, "After": {}, "Current": {
            "ProspectID": format!("lead-{next}-of-{client}"), "EmailAddress": lead.email,
            "FirstName": format!("v{}", lead.version), "mx_City": "Pune",
            "ModifiedOn": format!("2026-01-0{} {:02}:{:02}:{second:02}.000", 1 + minute / 1440, minute / 60 % 24, minute % 60),
        }});
        webhooks.post(&hook, body.to_string().as_bytes()).await;
        acknowledged.fetch_add(1, Ordering::SeqCst);
        // Keeps the backlog that builds up while the service is down short.
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    posted
}
