//! What posts no webhook, or whose webhook is lost, is found: `leadsync sweep` and `leadsync parity`.

use std::collections::BTreeSet;

use leadsquared::{Attribute, BULK_UPDATE_MAX, Client, Host, Keys, Limits};
use sandbox::Sandbox;
use serde_json::Value;

use crate::rig::{Database, LEAD_TRIGGERS, SOON, Service, Webhooks, until, wire};

const NAME: &str = "source-to-destination";
const BACK: &str = "destination-to-source";
/// Leads that both accounts have, linked.
const LEADS: usize = 3_000;
/// Leads that people edit, on each side.
const EDITED: usize = 200;
/// Leads that a bulk update changes.
const BULK: usize = 500;

/// A pair at work whose accounts post to nobody: the test passes webhooks on.
async fn pair() -> Service {
    let mut service = Service::prepare(Database::Sqlite, "").await;
    service.apply_file(&format!(
        "[[connector]]\nname = \"{NAME}\"\nsource = \"source\"\ndestination = \"destination\"\n\
         enabled = true\n\
         [[connector]]\nname = \"{BACK}\"\nsource = \"destination\"\ndestination = \"source\"\n\
         enabled = true\n",
    ));
    for n in 0..LEADS {
        let email = format!("lead{n}@example.com");
        let fields = [("EmailAddress", &*email), ("LastName", "Rao"), ("mx_City", "Pune")];
        service.source.create_lead(&fields).expect("a lead");
    }
    service.start();
    until(SOON, || tokio::net::TcpStream::connect(service.address)).await;
    service.run(&["backfill", NAME, "--yes", "--json"]).succeeded();
    assert_eq!(service.destination.lead_count(), LEADS);
    for account in [&service.source, &service.destination] {
        // Nothing listens there.
        wire(account, "http://127.0.0.1:1/", &LEAD_TRIGGERS, 0);
    }
    service
}

fn parity(service: &Service, name: &str) -> Value {
    service.run(&["parity", name, "--json"]).json()["parity"].clone()
}

/// Edits leads, and passes on all webhooks but every twentieth. Returns how many were lost.
async fn edit(account: &Sandbox, hook: &str, field: &str, value: &str) -> usize {
    let before = account.deliveries().len();
    for id in account.leads().into_iter().step_by(LEADS / EDITED).take(EDITED) {
        account.edit_lead(&id, &[(field, value)]).expect("an edit");
    }
    account.idle().await;
    let webhooks = Webhooks::new();
    let mut lost = 0;
    for (n, delivery) in account.deliveries().into_iter().skip(before).enumerate() {
        if n % 20 == 7 {
            lost += 1;
        } else {
            webhooks.post(hook, delivery.payload.as_bytes()).await;
        }
    }
    lost
}

/// Another program sets a field of many leads by the calls that post nothing.
async fn edit_in_bulk(account: &Sandbox, field: &str, value: &str) {
    let host = Host::parse(&account.url()).expect("a host");
    let keys = Keys::new(account.access_key(), account.secret_key());
    let client = Client::new(leadsquared::Account::new(host, keys), Limits::default());
    let client = client.expect("a client");
    let posted = account.deliveries().len();
    let leads: Vec<String> = account.leads().into_iter().skip(1).step_by(5).take(BULK).collect();
    for some in leads.chunks(BULK_UPDATE_MAX) {
        let ids: Vec<&str> = some.iter().map(String::as_str).collect();
        let set = client.set_field_of_leads(&ids, &Attribute::new(field, value)).await;
        set.result.expect("they are updated");
    }
    account.idle().await;
    assert_eq!(account.deliveries().len(), posted, "a bulk update posts nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_webhooks_and_bulk_updates_are_made_good() {
    let mut service = pair().await;
    let at_first = parity(&service, NAME);
    assert_eq!(
        (&at_first["percent"], &at_first["parity"]["linked"]),
        (&"100%".into(), &LEADS.into())
    );

    let lost_of_source = edit(&service.source, &service.hook, "mx_City", "Nagpur").await;
    let back = service.hook_of(BACK);
    let lost_of_destination = edit(&service.destination, &back, "LastName", "Nair").await;
    edit_in_bulk(&service.source, "mx_State", "Goa").await;
    service.settled().await;
    assert_eq!((lost_of_source, lost_of_destination), (EDITED / 20, EDITED / 20));

    let fallen = parity(&service, NAME);
    let differ = fallen["parity"]["differ"].as_u64().expect("a count");
    assert!(differ >= BULK as u64, "{fallen}");
    assert_ne!(fallen["percent"], "100%", "{fallen}");
    let told = service.run(&["parity", NAME, "--last"]).succeeded();
    assert!(told.out.contains("mx_State: 'Goa' in source, '' in destination"), "{told:?}");

    let swept: Value = service.run(&["sweep", NAME, "--json"]).json();
    assert!(swept["held"].is_null(), "{swept}");
    assert!(swept["last_found"].as_u64() >= Some((BULK + lost_of_source) as u64 - 40), "{swept}");
    service.run(&["sweep", BACK, "--json"]).succeeded();
    service.settled().await;
    for name in [NAME, BACK] {
        let restored = parity(&service, name);
        assert_eq!(restored["percent"], "100%", "{name}: {restored}");
        assert_eq!(restored["parity"]["agree"], LEADS, "{name}: {restored}");
    }
    let held = |account: &Sandbox, field: &str, value: &str| {
        let leads = account.leads().into_iter();
        leads
            .filter(|id| account.lead(id).is_some_and(|lead| lead[field].as_deref() == Some(value)))
            .count()
    };
    let counts: BTreeSet<_> = [&service.source, &service.destination]
        .map(|account| {
            let city = held(account, "mx_City", "Nagpur");
            (
                account.lead_count(),
                city,
                held(account, "LastName", "Nair"),
                held(account, "mx_State", "Goa"),
            )
        })
        .into();
    assert_eq!(counts, [(LEADS, EDITED, EDITED, BULK)].into(), "nothing lost, and nothing doubled");
    service.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn leads_that_differ_are_synced_by_the_command() {
    let mut service = Service::prepare(Database::Sqlite, "").await;
    for n in 0..20 {
        let email = format!("lead{n}@example.com");
        service
            .source
            .create_lead(&[("EmailAddress", &*email), ("mx_City", "Pune")])
            .expect("a lead");
    }
    service.run(&["parity", "nobody"]).failed(1, &["no connector nobody"]);
    service.run(&["sweep", "nobody"]).failed(1, &["no connector nobody"]);
    let told = service.run(&["parity", NAME, "--last"]).succeeded();
    assert!(told.out.contains("not been compared yet"), "{told:?}");
    service
        .run(&["parity", NAME, "--sync", "source"])
        .failed(1, &["no connector exists in the opposite direction"]);
    service.start();
    until(SOON, || tokio::net::TcpStream::connect(service.address)).await;
    service.run(&["backfill", NAME, "--json"]).succeeded();
    for id in service.destination.leads().iter().take(3) {
        service.destination.edit_lead(id, &[("mx_City", "Goa")]).expect("an edit");
    }
    service.source.create_lead(&[("EmailAddress", "new@example.com")]).expect("a lead");
    let told = service.run(&["parity", NAME]).succeeded();
    for part in
        ["85.00% of 20 linked leads agree; 3 differ; 1 only in source", "'Goa' in destination"]
    {
        assert!(told.out.contains(part), "{told:?}");
    }
    let told = service.run(&["parity", NAME, "--sync", "destination"]).succeeded();
    assert!(told.out.contains("Syncing 4 leads"), "{told:?}");
    service.settled().await;
    let told = service.run(&["parity", NAME]).succeeded();
    assert!(told.out.contains("100% of 21 linked leads agree. Compared"), "{told:?}");
    service.stop();
}
