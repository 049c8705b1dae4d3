//! Leads that were there before, in backlogs: the account is read once, and calls are shared.

use plan::outcome::Event;
use serde_json::json;

use crate::scene::{Scene, capture, captured, connector};

const LEADS: usize = 60;

fn email(n: usize) -> String {
    format!("lead{n}@example.com")
}

/// How many calls were made to an account, without those that read its metadata.
fn spent(account: &sandbox::Sandbox) -> (u64, String) {
    let counts = account.calls();
    let is_metadata = |name: &str| {
        ["MetaData", "Users.Get", "ActivityTypes", "GetActivitySetting"]
            .iter()
            .any(|part| name.contains(part))
    };
    let calls = counts.by_operation.iter().filter(|(name, _)| !is_metadata(name));
    (calls.map(|(_, count)| *count).sum(), format!("{counts:?}"))
}

/// Both accounts have the leads, and each is edited here before the pair is at work.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_leads_that_both_accounts_have_shares_calls() {
    let mut scene = Scene::new("").await;
    let mut back = connector("");
    (back.name, back.source, back.destination) =
        ("back".to_owned(), "there".to_owned(), "here".to_owned());
    scene.put_connector(back).await;
    let mut leads = Vec::new();
    for n in 0..LEADS {
        let fields = [("EmailAddress", &*email(n)), ("mx_City", "Pune"), ("LastName", "Rao")];
        let twin = scene.there.create_lead(&fields).expect("a lead");
        let fields = [("EmailAddress", &*email(n)), ("mx_City", "Pune"), ("LastName", "Nair")];
        leads.push((scene.here.create_lead(&fields).expect("a lead"), twin));
    }
    capture(&scene.here);
    capture(&scene.there);
    for (id, _) in &leads {
        scene.here.edit_lead(id, &[("mx_City", "Agra")]).expect("an edit");
    }
    let mut requests = Vec::new();
    for posted in captured(&scene.here).await {
        requests.push(scene.post_to("there", posted).await);
    }
    assert_eq!(requests.len(), LEADS);
    scene.work();
    for request in requests {
        scene.ends_as(request, Event::Updated).await;
    }
    for (id, twin) in &leads {
        let (here, there) = (scene.here.lead(id).expect("it"), scene.there.lead(twin).expect("it"));
        assert_eq!(there["mx_City"].as_deref(), Some("Agra"));
        let names = [&here["LastName"], &there["LastName"]].map(Option::as_deref);
        assert_eq!(names, [Some("Nair"), Some("Rao")], "no event changed them");
    }
    assert_eq!(scene.there.lead_count(), LEADS);
    let (of_source, of_destination) = (spent(&scene.here), spent(&scene.there));
    // A page of each account and an empty one behind it, one read of all of them there, and updates of
    // 25 at a time.
    assert!(of_source.0 + of_destination.0 <= 10, "{of_source:?} {of_destination:?}");
    scene.stop().await;
}

/// A default would overwrite what a lead holds; so each lead was looked up before it was written.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_with_a_default_value_shares_calls() {
    let mut scene = Scene::new(
        r#""lead":{"field":[{"from":"EmailAddress","to":"EmailAddress"},
            {"from":"LastName","to":"LastName"},{"from":"mx_City","to":"mx_City","default":"Pune"}]}"#,
    )
    .await;
    for n in 0..LEADS / 2 {
        let fields = [("EmailAddress", &*email(n)), ("mx_City", "Agra")];
        scene.there.create_lead(&fields).expect("a lead");
    }
    let mut requests = Vec::new();
    for n in 0..LEADS {
        let lead = json!({
            "ProspectID": format!("lead-{n}"), "EmailAddress": email(n), "LastName": "Rao"
        });
        requests.push(scene.post(&lead).await);
    }
    scene.work();
    for (n, request) in requests.into_iter().enumerate() {
        let event = if n < LEADS / 2 { Event::Updated } else { Event::New };
        scene.ends_as(request, event).await;
    }
    for id in scene.there.leads() {
        let lead = scene.there.lead(&id).expect("it");
        let is_old = lead["EmailAddress"]
            .as_deref()
            .is_some_and(|email| (0..LEADS / 2).any(|n| email == self::email(n)));
        assert_eq!(lead["mx_City"].as_deref(), Some(if is_old { "Agra" } else { "Pune" }));
        assert_eq!(lead["LastName"].as_deref(), Some("Rao"));
    }
    assert_eq!(scene.there.lead_count(), LEADS);
    let (calls, told) = spent(&scene.there);
    assert!(calls <= 6, "{told}");
    scene.stop().await;
}

/// Somebody changes leads of the destination behind the directory's back.
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_wrong_costs_calls_and_no_value() {
    let mut scene = Scene::new(
        r#""lead":{"field":[{"from":"EmailAddress","to":"EmailAddress"},
            {"from":"mx_City","to":"mx_City","default":"Pune"}]}"#,
    )
    .await;
    let known: Vec<String> = (0..LEADS)
        .map(|n| {
            let fields = [("EmailAddress", &*email(n)), ("mx_City", "Agra")];
            scene.there.create_lead(&fields).expect("a lead")
        })
        .collect();
    scene.work();
    // A first backlog has the account read.
    let post = async |scene: &Scene, numbers: std::ops::Range<usize>| {
        let mut requests = Vec::new();
        for n in numbers {
            let lead = json!({"ProspectID": format!("lead-{n}"), "EmailAddress": email(n)});
            requests.push(scene.post(&lead).await);
        }
        requests
    };
    let requests = post(&scene, 100..100 + LEADS).await;
    for request in requests {
        scene.ended(request).await;
    }
    // Some are renamed, and others take or have the names that the next backlog has.
    for (n, id) in known.iter().enumerate() {
        scene.there.edit_lead(id, &[("EmailAddress", &*email(1_000 + n))]).expect("an edit");
    }
    for n in 200..230 {
        let fields = [("EmailAddress", &*email(n)), ("mx_City", "Goa")];
        scene.there.create_lead(&fields).expect("a lead");
    }
    let before = scene.there.lead_count();
    let renamed = post(&scene, 0..LEADS).await;
    let unknown = post(&scene, 200..230).await;
    for request in renamed {
        scene.ends_as(request, Event::New).await;
    }
    for request in unknown {
        scene.ends_as(request, Event::Unchanged).await;
    }
    assert_eq!(scene.there.lead_count(), before + LEADS);
    let city = |email: &str| {
        let found = scene.there.find_leads("EmailAddress", email);
        assert_eq!(found.len(), 1, "{email}");
        scene.there.lead(&found[0]).expect("it")["mx_City"].clone()
    };
    assert_eq!(city(&email(1_000)).as_deref(), Some("Agra"), "it is another lead now");
    assert_eq!(city(&email(0)).as_deref(), Some("Pune"), "a new one");
    assert_eq!(city(&email(200)).as_deref(), Some("Goa"), "a default overwrites nothing");
    scene.stop().await;
}
