//! `leadsync backfill`.

use std::time::Duration;

use serde_json::Value;

use crate::rig::{Database, SOON, Service, until};

const NAME: &str = "source-to-destination";
/// Leads of the source, of which the destination has every fifth.
const LEADS: usize = 2_000;

fn email(n: usize) -> String {
    format!("lead{n}@example.com")
}

fn fill(service: &Service) {
    for n in 0..LEADS {
        let email = email(n);
        let fields = [("EmailAddress", &*email), ("LastName", "Rao"), ("mx_City", "Pune")];
        service.source.create_lead(&fields).expect("a lead");
        if n % 5 == 0 {
            let fields = [("EmailAddress", &*email), ("LastName", "R.")];
            service.destination.create_lead(&fields).expect("a lead");
        }
    }
}

/// The backfill that `arguments` print.
fn backfill(service: &Service, arguments: &[&str]) -> Value {
    let all: Value = service.run(arguments).json();
    all[0].clone()
}

fn is_complete(service: &Service) {
    assert_eq!(service.destination.lead_count(), LEADS, "none is missing, and none doubled");
    for id in service.destination.leads() {
        let lead = service.destination.lead(&id).expect("it");
        assert_eq!(lead["LastName"].as_deref(), Some("Rao"), "{lead:?}");
        assert_eq!(lead["mx_City"].as_deref(), Some("Pune"), "{lead:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_does_what_its_plan_says_on_sqlite() {
    a_backfill_does_what_its_plan_says(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_does_what_its_plan_says_on_postgres() {
    a_backfill_does_what_its_plan_says(Database::Postgres).await;
}

async fn a_backfill_does_what_its_plan_says(database: Database) {
    let mut service = Service::prepare(database, "").await;
    fill(&service);
    service.start();
    let plan: Value = service.run(&["backfill", NAME, "--plan", "--json"]).json();
    let counts = ["leads", "new", "linked", "ambiguous", "refused", "left_out"];
    let counts = counts.map(|name| plan[name].as_u64().expect("a count"));
    assert_eq!(counts, [2_000, 1_600, 400, 0, 0, 0], "{plan}");
    let told = service.run(&["backfill", NAME, "--plan", "--where", "mx_City=Agra"]).succeeded();
    for part in ["2000 leads read from source", "2000 are outside the filter"] {
        assert!(told.out.contains(part), "{told:?}");
    }
    service.run(&["backfill", "nobody"]).failed(1, &["no connector nobody"]);
    service.run(&["backfill", NAME, "--since", "soon"]).failed(1, &["--since", "soon"]);
    service.run(&["backfill", NAME, "--where", "mx_City"]).failed(2, &["FIELD=VALUE"]);
    service.run(&["backfill", NAME, "--pause"]).failed(1, &["has no backfill in progress"]);
    service.run(&["backfill", NAME, "--direction", "both"]).failed(1, &["no opposite connector"]);
    // It changes every lead of the destination.
    let told = ["400 of 400 leads in the destination", "20%", "--yes"];
    service.run(&["backfill", NAME]).failed(1, &told);
    assert_eq!(service.destination.lead_count(), 400, "nothing was written");

    let before = service.destination.calls();
    let done = backfill(&service, &["backfill", NAME, "--yes", "--json"]);
    assert_eq!(done["expected"], 2_000, "it was counted just now");
    let counts = ["read", "new", "updated", "failed", "waiting"];
    let counts = counts.map(|name| done[name].as_u64().expect("a count"));
    assert_eq!((counts, &done["state"]), ([2_000, 1_600, 400, 0, 0], &"done".into()), "{done}");
    is_complete(&service);
    let made = service.destination.calls();
    let planned = plan["destination_calls"].as_u64().expect("a count");
    // Metadata, and the directory.
    let more = 12;
    let made_for_it = made.total - before.total;
    assert!(made_for_it <= planned + more, "{made_for_it} {planned} {made:?}");
    let log = service.run(&["logs", "--backfill", "1", "--limit", "200", "--json"]).json();
    assert_eq!(log.as_array().expect("a list").len(), LEADS / 50);
}

/// It is killed again and again, and goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_backfill_loses_and_doubles_no_lead() {
    let may_change_all = "[connector.backfill]\nconfirm_above = 100";
    let mut service = Service::prepare(Database::Sqlite, may_change_all).await;
    fill(&service);
    service.start();
    let begun = backfill(&service, &["backfill", NAME, "--detach", "--json"]);
    assert_eq!(
        (&begun["state"], &begun["expected"]),
        (&"running".into(), &LEADS.into()),
        "{begun}"
    );
    for pause in [100, 350, 600, 200, 450] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        service.kill_hard();
        service.start();
    }
    let store = service.store().await;
    let done = until(SOON * 4, async || {
        let found = store.backfill(1).await.map_err(|error| error.to_string())?;
        let found = found.ok_or("it is not there")?;
        if found.state.is_over() { Ok(found) } else { Err(format!("{found:?}")) }
    })
    .await;
    assert_eq!((done.read, done.failed, done.waiting), (LEADS as u64, 0, 0), "{done:?}");
    is_complete(&service);
}
