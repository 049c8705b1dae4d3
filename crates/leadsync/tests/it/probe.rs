//! `leadsync probe`.

use std::process::Command;

use plan::probe::{By, QUESTIONS, Question};
use serde_json::Value;

use crate::rig::{Database, EVERY_TRIGGER, SOON, Service, until, wire};

const NAME: &str = "source-to-destination";

/// Makes the source account the source of a connector that syncs activities too.
fn read_from_source(service: &mut Service) {
    service.apply_file(&format!(
        "[[connector]]\nname = \"{NAME}\"\nsource = \"source\"\ndestination = \"destination\"\n\
         enabled = true\n[connector.activity]\nenabled = true\n\
         [[connector.activity.type]]\nfrom = 201\nto = 201\n",
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_asked_what_it_is_like_on_sqlite() {
    an_account_is_asked_what_it_is_like(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_asked_what_it_is_like_on_postgres() {
    an_account_is_asked_what_it_is_like(Database::Postgres).await;
}

async fn an_account_is_asked_what_it_is_like(database: Database) {
    let service = Service::prepare(database, "").await;
    service.run(&["probe", "nobody"]).failed(1, &["no account nobody"]);

    let asked = service.run(&["probe", "destination"]).succeeded();
    for part in ["HTTP status of a refusal", "500", "run them with --write"] {
        assert!(asked.out.contains(part), "{asked:?}");
    }
    service.run(&["probe", "destination", "--write"]).failed(
        1,
        &["leadsync-probe-1@example.com", "automations and rules for new leads", "--yes"],
    );
    assert_eq!(service.destination.leads(), Vec::<String>::new(), "nothing was written");

    let written = service.run(&["probe", "destination", "--write", "--yes", "--json"]).succeeded();
    let report: Value = serde_json::from_str(&written.out).expect("a report");
    let findings = report["findings"].as_array().expect("a list");
    let takes_no_webhook = |question: &&Question| question.by != By::Listening;
    let asked = QUESTIONS.iter().filter(takes_no_webhook).count();
    assert_eq!(findings.len(), asked);
    assert!(findings.iter().all(|finding| finding["seen"].is_string()), "{report:#}");
    assert_eq!(report["test_leads_left"], 0);
    let url = service.destination.url();
    let secrets = [service.destination.access_key(), service.destination.secret_key(), &url];
    for secret in secrets.into_iter().chain(["destination", "127.0.0.1"]) {
        assert!(!written.out.contains(secret), "the report holds {secret}");
    }
    assert_eq!(service.destination.leads(), Vec::<String>::new(), "no lead stays");

    // The account's page shows what was found.
    let store = service.store().await;
    let configuration = store.configuration().await.expect("a configuration");
    let account = configuration.account("destination").expect("it is there").id;
    let traits = store.traits(account).await.expect("a list");
    assert_eq!(traits.len(), asked);
    let words: Vec<String> = traits.iter().map(|(_, seen)| seen.words()).collect();
    assert!(words.iter().any(|words| words == "works (assumed for every account: is refused)"));
}

/// The account's automations post to the service, which tells what they are like.
#[tokio::test(flavor = "multi_thread")]
async fn webhooks_of_an_account_are_listened_to() {
    let mut service = Service::prepare(Database::Sqlite, "").await;
    read_from_source(&mut service);
    service.start();
    wire(&service.source, &service.hook_of(NAME), &EVERY_TRIGGER, 3);
    // What a person said is not asked anew.
    let store = service.store().await;
    let account = "source".to_owned();
    let (question, answer) = ("bulk_fires".to_owned(), Some("on".to_owned()));
    let by_hand = store::Change::SetAnswer { account, question, answer };
    let (actor, now) = (store::Actor::command_line(), jiff::Timestamp::UNIX_EPOCH);
    store.change_configuration(vec![by_hand], &actor, now).await.expect("it is known");

    let written = service.run(&["probe", "source", "--write", "--yes", "--json"]).succeeded();
    let report: Value = serde_json::from_str(&written.out).expect("a report");
    let findings = report["findings"].as_array().expect("a list");
    assert_eq!(findings.len(), QUESTIONS.len());
    for finding in findings {
        assert!(finding["seen"].is_string(), "{finding:#}");
    }
    let configuration = store.configuration().await.expect("a configuration");
    let account = configuration.account("source").expect("it is there").id;
    let traits = store.traits(account).await.expect("a list");
    let answer_of = |question: &str| {
        let mut words = traits.iter().filter(|(_, seen)| seen.key() == question);
        words.next().map(|(_, seen)| (seen.is_by_hand(), seen.words())).expect("it is known")
    };
    assert_eq!(answer_of("capture_update_fires"), (false, "triggers no webhook".to_owned()));
    let by_hand = "triggers webhooks (assumed for every account: triggers no webhook)".to_owned();
    assert_eq!(answer_of("bulk_fires"), (true, by_hand));
    assert_eq!(service.source.leads(), Vec::<String>::new(), "no lead stays");
    service.stop();
}

/// The account is the source of a connector, which must not sync the test lead.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_lead_is_not_synced() {
    let mut service = Service::prepare(Database::Sqlite, "").await;
    read_from_source(&mut service);
    service.start();
    service.run(&["connector", "wire", NAME]).succeeded();
    service.run(&["probe", "source", "--write", "--yes"]).succeeded();
    until(SOON, || async {
        let done = service.run(&["logs", "--event", "skipped", "--json"]).json();
        let found = done.as_array().expect("a list").len();
        if found > 1 { Ok(()) } else { Err(service.log().to_string()) }
    })
    .await;
    service.settled().await;
    assert_eq!(service.destination.leads(), Vec::<String>::new());
    let failed = service.run(&["logs", "--event", "failed", "--json"]).json();
    assert_eq!(failed, serde_json::json!([]));
    service.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_is_stopped_removes_its_lead() {
    let service = Service::prepare(Database::Sqlite, "").await;
    let probe = service.begin(&["probe", "destination", "--write", "--yes"]);
    until(SOON, || async {
        if service.destination.leads().is_empty() { Err("no lead yet") } else { Ok(()) }
    })
    .await;
    let sent = Command::new("kill").args(["-INT", &probe.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    let ended = probe.wait_with_output().expect("the process is ours");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("stopped early"), "{said}");
    assert_eq!(service.destination.leads(), Vec::<String>::new(), "no lead stays");
}
