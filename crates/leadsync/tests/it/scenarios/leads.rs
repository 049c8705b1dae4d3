//! What happens to leads.

use plan::outcome::{Event, JobStatus};
use plan::problem::Code;
use sandbox::switches::Toggle;
use store::RecordItem;

use super::world::{Place, World};

scenarios! {
    create_and_update,
    create_only,
    update_only,
    do_nothing,
    leads_outside_the_filter,
    lead_source,
    secondary_key_where_the_first_is_empty,
    secondary_key_where_the_first_finds_nothing,
    secondary_key_where_the_first_belongs_to_another,
    many_edits_end_as_the_last,
    automations_see_what_they_may,
    disabled_keeps,
    disabled_drops,
    both_ways_end_equal,
}

const ASHA: &str = "asha@example.com";

async fn create_and_update(place: Place) {
    let world = place.world("").await;
    let id = world.lead(&[("EmailAddress", ASHA), ("FirstName", "Asha"), ("JobTitle", "Nurse")]);
    world.settled().await;
    assert_eq!(world.events().await, [Event::New]);
    world.edit(&id, &[("JobTitle", "Doctor")]);
    world.settled().await;
    assert_eq!(world.events().await, [Event::New, Event::Updated]);
    assert_eq!(world.there(ASHA, "JobTitle").as_deref(), Some("Doctor"));
    assert_eq!(world.there(ASHA, "FirstName").as_deref(), Some("Asha"));
    let log = world.log().await;
    assert!(log.iter().all(|item| item.behaviour.as_deref() == Some("create_and_update")));
    assert!(log.iter().all(|item| item.job_status == JobStatus::Success));
    world.end().await;
}

async fn create_only(place: Place) {
    let world = place.world(r#""lead":{"behaviour":"create_only"}"#).await;
    world.there.create_lead(&[("EmailAddress", ASHA), ("JobTitle", "Nurse")]).expect("a lead");
    let known = world.lead(&[("EmailAddress", ASHA), ("JobTitle", "Doctor")]);
    let new = world.lead(&[("EmailAddress", "bina@example.com"), ("JobTitle", "Cook")]);
    world.settled().await;
    world.edit(&known, &[("JobTitle", "Surgeon")]);
    world.edit(&new, &[("JobTitle", "Chef")]);
    world.settled().await;
    assert_eq!(world.there(ASHA, "JobTitle").as_deref(), Some("Nurse"), "never updated");
    assert_eq!(world.there("bina@example.com", "JobTitle").as_deref(), Some("Cook"));
    let mut events = world.events().await;
    events.sort();
    let told = world.tells_what_was_created();
    let first = if told { Event::Skipped } else { Event::New };
    let mut expected = [Event::New, first, Event::Skipped, Event::Skipped];
    expected.sort();
    assert_eq!(events, expected);
    world.end().await;
}

async fn update_only(place: Place) {
    let world = place.world(r#""lead":{"behaviour":"update_only"}"#).await;
    world.there.create_lead(&[("EmailAddress", ASHA), ("JobTitle", "Nurse")]).expect("a lead");
    world.lead(&[("EmailAddress", ASHA), ("JobTitle", "Doctor")]);
    world.lead(&[("EmailAddress", "bina@example.com"), ("JobTitle", "Cook")]);
    world.settled().await;
    assert_eq!(world.there(ASHA, "JobTitle").as_deref(), Some("Doctor"));
    assert_eq!(world.there.lead_count(), 1, "never created");
    let mut events = world.events().await;
    events.sort();
    assert_eq!(events, [Event::Updated, Event::Skipped]);
    world.end().await;
}

async fn leads_outside_the_filter(place: Place) {
    let filter = r#""filter":{"all":[{"field":"JobTitle","one_of":["Nurse","Doctor"]}]}"#;
    let world = place.world(filter).await;
    let asha = world.lead(&[("EmailAddress", ASHA), ("JobTitle", "Nurse")]);
    let bina = world.lead(&[("EmailAddress", "bina@example.com"), ("JobTitle", "Cook")]);
    world.settled().await;
    let outcomes = async || {
        let records = world.records().await;
        let code = |item: &RecordItem| item.error.as_ref().map(|problem| problem.code);
        let mut all: Vec<_> = records.iter().map(|item| (item.event, code(item))).collect();
        all.sort_by_key(|(event, _)| *event);
        all
    };
    let outside = (Event::Skipped, Some(Code::FilteredOut));
    assert_eq!(outcomes().await, [(Event::New, None), outside]);
    assert_eq!(world.there.lead_count(), 1);
    // One leaves, is edited, and comes back; the other one comes in.
    world.edit(&asha, &[("JobTitle", "Cook")]);
    world.settled().await;
    world.edit(&asha, &[("FirstName", "Asha")]);
    world.edit(&bina, &[("JobTitle", "Doctor")]);
    world.settled().await;
    assert_eq!(world.there(ASHA, "JobTitle").as_deref(), Some("Nurse"), "as it was when it left");
    assert_eq!(world.there(ASHA, "FirstName"), None);
    assert_eq!(world.there("bina@example.com", "JobTitle").as_deref(), Some("Doctor"));
    world.edit(&asha, &[("JobTitle", "Doctor")]);
    world.settled().await;
    assert_eq!(world.there(ASHA, "JobTitle").as_deref(), Some("Doctor"));
    assert_eq!(world.there(ASHA, "FirstName").as_deref(), Some("Asha"));
    assert_eq!(world.there.lead_count(), 2);
    world.end().await;
}

async fn do_nothing(place: Place) {
    let world = place.world(r#""lead":{"behaviour":"do_nothing"}"#).await;
    world.lead(&[("EmailAddress", ASHA)]);
    world.settled().await;
    assert_eq!(world.events().await, [Event::Skipped]);
    assert_eq!(world.there.lead_count(), 0);
    let calls = world.there.calls().by_operation;
    assert!(calls.keys().all(|call| call.contains("Get")), "nothing was written: {calls:?}");
    world.end().await;
}

async fn lead_source(place: Place) {
    let world = place.world(r#""basic":{"lead_source":"Referral Sites"}"#).await;
    world
        .there
        .create_lead(&[("EmailAddress", "old@example.com"), ("Source", "Organic Search")])
        .expect("a lead");
    world.lead(&[("EmailAddress", ASHA), ("Source", "Social Media")]);
    world.lead(&[("EmailAddress", "old@example.com"), ("JobTitle", "Cook")]);
    world.settled().await;
    assert_eq!(world.there(ASHA, "Source").as_deref(), Some("Referral Sites"));
    assert_eq!(world.there("old@example.com", "JobTitle").as_deref(), Some("Cook"));
    let old = world.there("old@example.com", "Source");
    assert_eq!(old.as_deref(), Some("Organic Search"), "of new leads only");
    world.end().await;
}

/// How a capture that found a lead is logged: some accounts don't say that they found one.
fn updated(world: &World) -> Event {
    if world.tells_what_was_created() { Event::Updated } else { Event::New }
}

const KEYS: &str = r#""basic":{"search_by":"EmailAddress","secondary_search_by":"Phone"}"#;

async fn secondary_key_where_the_first_is_empty(place: Place) {
    let world = place.world(KEYS).await;
    let known = world.there.create_lead(&[("Phone", "+91-9876543210")]).expect("a lead");
    world.lead(&[("Phone", "+91-9876543210"), ("FirstName", "Asha")]);
    world.settled().await;
    assert_eq!(world.events().await, [updated(&world)]);
    let lead = world.there.lead(&known).expect("the lead");
    assert_eq!(lead["FirstName"].as_deref(), Some("Asha"));
    assert_eq!(world.there.lead_count(), 1);
    world.end().await;
}

async fn secondary_key_where_the_first_finds_nothing(place: Place) {
    let world = place.world(&format!(r#"{KEYS},"lead":{{"behaviour":"update_only"}}"#)).await;
    let known = world.there.create_lead(&[("Phone", "+91-9876543210")]).expect("a lead");
    world.lead(&[("EmailAddress", ASHA), ("Phone", "+91-9876543210")]);
    world.settled().await;
    assert_eq!(world.events().await, [Event::Updated]);
    let lead = world.there.lead(&known).expect("the lead");
    assert_eq!(lead["EmailAddress"].as_deref(), Some(ASHA));
    world.end().await;
}

async fn secondary_key_where_the_first_belongs_to_another(place: Place) {
    let world = place.world(KEYS).await;
    let known = world.there.create_lead(&[("Phone", "+91-9876543210")]).expect("a lead");
    world.lead(&[("EmailAddress", ASHA), ("Phone", "+91-9876543210")]);
    world.settled().await;
    // It was looked for before anything was written, so it is known which one it is.
    assert_eq!(world.events().await, [Event::Updated]);
    assert_eq!(world.there.lead_count(), 1, "not doubled");
    assert_eq!(world.there.find_leads("EmailAddress", ASHA), [known]);
    world.end().await;
}

async fn many_edits_end_as_the_last(place: Place) {
    let world = place.world("").await;
    let id = world.lead(&[("EmailAddress", ASHA)]);
    for n in 0..20 {
        world.edit(&id, &[("JobTitle", &format!("Title {n}"))]);
    }
    world.settled().await;
    assert_eq!(world.there.lead_count(), 1);
    assert_eq!(world.there(ASHA, "JobTitle").as_deref(), Some("Title 19"));
    let log = world.log().await;
    assert_eq!(log.len(), 21, "each delivery is a request");
    assert!(log.iter().all(|item| item.job_status == JobStatus::Success));
    world.end().await;
}

async fn automations_see_what_they_may(place: Place) {
    for (trigger, seen) in [(false, 0), (true, 1)] {
        let settings = format!(r#""lead":{{"trigger_automations":{trigger}}}"#);
        let world = place.world(&settings).await;
        let id = world.lead(&[("EmailAddress", ASHA)]);
        world.settled().await;
        world.there.add_automation(sandbox::Automation {
            name: "update".to_owned(),
            trigger: sandbox::Trigger::LeadUpdate(Vec::new()),
            url: "http://127.0.0.1:1/".to_owned(),
            retries: 0,
        });
        world.edit(&id, &[("JobTitle", "Doctor")]);
        world.settled().await;
        assert_eq!(world.there(ASHA, "JobTitle").as_deref(), Some("Doctor"));
        let fired = world.there.deliveries().len();
        // Without automations bulk calls may be used, and in some accounts these fire all the same.
        if trigger || world.switches.bulk_fires == Toggle::Off {
            assert_eq!(fired, seen, "trigger_automations = {trigger}");
        }
        world.end().await;
    }
}

async fn disabled_keeps(place: Place) {
    let world = place.world("").await;
    world.enable(false).await;
    world.lead(&[("EmailAddress", ASHA)]);
    world.here.idle().await;
    assert_eq!(world.there.lead_count(), 0);
    assert_eq!(world.log().await.len(), 1, "it is kept");
    world.enable(true).await;
    world.settled().await;
    assert_eq!(world.events().await, [Event::New]);
    world.end().await;
}

async fn disabled_drops(place: Place) {
    let world = place.world(r#""while_disabled":"drop""#).await;
    world.enable(false).await;
    world.lead(&[("EmailAddress", ASHA)]);
    world.settled().await;
    assert_eq!(world.events().await, [Event::Skipped], "told, not silent");
    world.enable(true).await;
    world.lead(&[("EmailAddress", "bina@example.com")]);
    world.settled().await;
    assert_eq!(world.events().await, [Event::Skipped, Event::New]);
    assert_eq!(world.there.lead_count(), 1);
    world.end().await;
}

async fn both_ways_end_equal(place: Place) {
    let world = place.world("").await;
    world.connect_back("").await;
    let id = world.lead(&[("EmailAddress", ASHA), ("FirstName", "Asha"), ("JobTitle", "Nurse")]);
    world.settled().await;
    let twin = world.there.find_leads("EmailAddress", ASHA).remove(0);
    world.there.edit_lead(&twin, &[("JobTitle", "Doctor")]).expect("an edit");
    world.settled().await;
    world.edit(&id, &[("Company", "Clinic")]);
    world.settled().await;
    for (account, lead) in [(&world.here, &id), (&world.there, &twin)] {
        assert_eq!(account.lead_count(), 1, "no echo makes a lead");
        let lead = account.lead(lead).expect("the lead");
        assert_eq!(lead["JobTitle"].as_deref(), Some("Doctor"));
        assert_eq!(lead["Company"].as_deref(), Some("Clinic"));
    }
    // A change and its echo: created, changed twice, and nothing more.
    for (account, lead) in [(&world.here, &id), (&world.there, &twin)] {
        let history = account.history(lead);
        assert!(history.len() <= 3, "{}: {history:#?}\n{:#?}", account.name(), world.log().await);
    }
    world.end().await;
}
