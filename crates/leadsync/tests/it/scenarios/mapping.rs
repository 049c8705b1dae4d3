//! What happens to fields.

use admin::preview::Previewed;
use admin::refresh::RefreshPlan;
use plan::outcome::Event;
use sandbox::switches::{CustomFields, EmptyFields, EmptyValue, UnknownOption};
use sandbox::{Field, Kind};
use store::{Actor, Selection};

use super::world::{Place, World};
use crate::rig::Nobody;

scenarios! {
    default_mapping,
    overrides_of_an_automatic_mapping,
    switched_off_row,
    default_value,
    translated_values,
    computed_value,
    blanks_are_left_or_cleared,
    country_code,
    time_zone,
    owners,
    bad_values_refuse,
    bad_values_are_left_out,
    unlisted_options,
    custom_field_set,
    parts_of_a_field_set,
    what_was_wrong_is_written_once_it_is_right,
    what_was_wrong_is_written_by_a_retry,
    linked_leads_are_brought_up_to_date,
    in_a_pair_a_correction_spares_what_people_typed,
}

const ASHA: &str = "asha@example.com";

fn actor() -> Actor {
    Actor("test".to_owned())
}

/// A mapping with the email address and these rows.
fn rows(rows: &str) -> String {
    format!(r#""lead":{{"field":[{{"from":"EmailAddress","to":"EmailAddress"}},{rows}]}}"#)
}

/// The value of a field of Asha's counterpart.
fn held(world: &World, field: &str) -> Option<String> {
    world.there(ASHA, field)
}

async fn default_mapping(place: Place) {
    let world = place.world("").await;
    world.lead(&[
        ("EmailAddress", ASHA),
        ("FirstName", "Asha"),
        ("Website", "https://example.com"),
        ("mx_City", "Pune"),
        ("mx_Village", "Wai"),
    ]);
    world.settled().await;
    assert_eq!(held(&world, "FirstName").as_deref(), Some("Asha"));
    assert_eq!(held(&world, "Website").as_deref(), Some("https://example.com"));
    // Fields that payloads don't show can't be synced.
    let custom = world.switches.custom_fields != CustomFields::Nowhere;
    assert_eq!(held(&world, "mx_City").as_deref(), custom.then_some("Pune"));
    assert_eq!(held(&world, "mx_Town").as_deref(), custom.then_some("Wai"), "by display name");
    world.end().await;
}

async fn overrides_of_an_automatic_mapping(place: Place) {
    let world = place
        .world(
            r#""lead":{"automatic":true,"field":[
                {"from":"Website","to":"Company"},
                {"to":"JobTitle","enabled":false}]}"#,
        )
        .await;
    world.lead(&[
        ("EmailAddress", ASHA),
        ("FirstName", "Asha"),
        ("JobTitle", "Nurse"),
        ("Company", "Apollo"),
        ("Website", "https://example.com"),
    ]);
    world.settled().await;
    assert_eq!(held(&world, "FirstName").as_deref(), Some("Asha"), "automatic");
    assert_eq!(held(&world, "Website").as_deref(), Some("https://example.com"), "automatic");
    assert_eq!(held(&world, "Company").as_deref(), Some("https://example.com"), "replaced");
    assert_eq!(held(&world, "JobTitle"), None, "taken out");
    world.end().await;
}

async fn switched_off_row(place: Place) {
    let world = place
        .world(&rows(
            r#"{"from":"FirstName","to":"FirstName","enabled":false},
               {"from":"Current.LastName","to":"LastName"}"#,
        ))
        .await;
    world.lead(&[("EmailAddress", ASHA), ("FirstName", "Asha"), ("LastName", "Rao")]);
    world.settled().await;
    assert_eq!(held(&world, "FirstName"), None);
    assert_eq!(held(&world, "LastName").as_deref(), Some("Rao"));
    world.end().await;
}

async fn default_value(place: Place) {
    let world = place
        .world(&rows(
            r#"{"from":"JobTitle","to":"JobTitle","default":"Unknown"},
               {"from":"Company","to":"Company","default":"None"}"#,
        ))
        .await;
    let known = [("EmailAddress", ASHA), ("JobTitle", "Nurse")];
    world.there.create_lead(&known).expect("a lead");
    world.lead(&[("EmailAddress", ASHA)]);
    world.lead(&[("EmailAddress", "bina@example.com"), ("Company", "Clinic")]);
    world.settled().await;
    assert_eq!(held(&world, "JobTitle").as_deref(), Some("Nurse"), "it held something already");
    assert_eq!(held(&world, "Company").as_deref(), Some("None"));
    assert_eq!(world.there("bina@example.com", "JobTitle").as_deref(), Some("Unknown"));
    assert_eq!(world.there("bina@example.com", "Company").as_deref(), Some("Clinic"));
    world.end().await;
}

async fn translated_values(place: Place) {
    let world = place
        .world(&rows(
            r#"{"from":"JobTitle","to":"mx_Plan","values":{"Nurse":"Basic","Doctor":"Premium"}}"#,
        ))
        .await;
    let id = world.lead(&[("EmailAddress", ASHA), ("JobTitle", "Nurse")]);
    world.settled().await;
    assert_eq!(held(&world, "mx_Plan").as_deref(), Some("Basic"));
    world.edit(&id, &[("JobTitle", "Doctor")]);
    world.settled().await;
    assert_eq!(held(&world, "mx_Plan").as_deref(), Some("Premium"));
    world.end().await;
}

async fn computed_value(place: Place) {
    let row =
        r#"{"compute":"{{ Current.FirstName }} {{ Current.LastName | upper }}","to":"Company"}"#;
    let world = place.world(&rows(row)).await;
    world.lead(&[("EmailAddress", ASHA), ("FirstName", "Asha"), ("LastName", "Rao")]);
    world.settled().await;
    assert_eq!(held(&world, "Company").as_deref(), Some("Asha RAO"));
    world.end().await;
}

async fn blanks_are_left_or_cleared(place: Place) {
    let world = place
        .world(&rows(
            r#"{"from":"JobTitle","to":"JobTitle"},
               {"from":"Company","to":"Company","blank":"clear"}"#,
        ))
        .await;
    let id = world.lead(&[("EmailAddress", ASHA), ("JobTitle", "Nurse"), ("Company", "Clinic")]);
    world.settled().await;
    world.edit(&id, &[("JobTitle", ""), ("Company", "")]);
    world.settled().await;
    let emptied = world.here.lead(&id).expect("the lead")["Company"].is_none();
    assert_eq!(held(&world, "JobTitle").as_deref(), Some("Nurse"), "left, as by default");
    // Payloads without blank fields don't show that a field was cleared.
    let shown = world.switches.empty_fields == EmptyFields::Present && emptied;
    let clears = world.switches.empty_value == EmptyValue::Clears;
    let left = !(shown && clears);
    assert_eq!(held(&world, "Company").as_deref(), left.then_some("Clinic"));
    assert!(!world.events().await.contains(&Event::Failed));
    world.end().await;
}

async fn country_code(place: Place) {
    let world = place.world(r#""basic":{"default_country_code":"IN"}"#).await;
    for (email, sent, kept) in [
        ("a@example.com", "9198765432", "+91-9198765432"),
        ("b@example.com", "919876543211", "+91-9876543211"),
        ("c@example.com", "+65 9123 4567", "+65-91234567"),
        ("d@example.com", "+39 06 1234 5678", "+39-0612345678"),
        ("e@example.com", "12345", "12345"),
    ] {
        world.lead(&[("EmailAddress", email), ("Phone", sent)]);
        world.settled().await;
        assert_eq!(world.there(email, "Phone").as_deref(), Some(kept), "{sent}");
    }
    let marked = world.records().await.pop().expect("the last one");
    let explanation = marked.explanation.expect("an explanation");
    assert!(explanation.get().contains("the value is not a phone number"), "{explanation}");
    world.end().await;
}

async fn time_zone(place: Place) {
    let row =
        r#"{"from":"JobTitle","to":"mx_Next_Meeting"},{"from":"Company","to":"mx_Date_of_Birth"}"#;
    let world =
        place.world(&format!(r#""basic":{{"time_zone":"America/New_York"}},{}"#, rows(row))).await;
    for (n, (local, utc)) in [
        ("2026-07-01 10:00:00", "2026-07-01 14:00:00"),
        ("2026-01-01 10:00:00", "2026-01-01 15:00:00"),
        // A time skipped in spring, and one that occurs twice in autumn: the first of them.
        ("2026-03-08 02:30:00", "2026-03-08 07:30:00"),
        ("2026-11-01 01:30:00", "2026-11-01 05:30:00"),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("z{n}@example.com");
        world.lead(&[("EmailAddress", &email), ("JobTitle", local), ("Company", "2026-07-01")]);
        world.settled().await;
        let kept = world.there(&email, "mx_Next_Meeting").expect("a time");
        assert!(kept.starts_with(utc), "{local}: {kept}");
        let day = world.there(&email, "mx_Date_of_Birth").expect("a day");
        assert!(day.starts_with("2026-07-01"), "a date is moved by no zone: {day}");
    }
    world.end().await;
}

async fn owners(place: Place) {
    // Users of the emulated accounts: asha@here1.example here, asha@there1.example there.
    let world = place.world("").await;
    let domain = |name: &str| name.replace('-', "") + ".example";
    let (here, there) = (domain(world.here.name()), domain(world.there.name()));
    let user =
        |name: &str, email: &str| sandbox::User::new(name, "Some", "One", email, "Sales_User");
    let (known, stands_for) =
        ("aaaaaaaa-1111-4111-8111-000000000001", "bbbbbbbb-1111-4111-8111-000000000001");
    world.here.put_user(user(known, "same@example.com"));
    world.there.put_user(user(stands_for, "Same@example.com"));
    let settings = format!(
        r#""owner":{{"users":{{"vikram@{here}":"meera@{there}"}},"fallback":"asha@{there}"}},{}"#,
        rows(r#"{"from":"OwnerId","to":"OwnerId"}"#)
    );
    world.configure(&settings).await;
    let id = |account: &sandbox::Sandbox, email: &str| {
        let found = account.user(email);
        found.unwrap_or_else(|| panic!("{email}")).id.to_string()
    };
    for (n, (owner, becomes)) in [
        (known.to_owned(), stands_for.to_owned()),
        (id(&world.here, &format!("vikram@{here}")), id(&world.there, &format!("meera@{there}"))),
        (id(&world.here, &format!("meera@{here}")), id(&world.there, &format!("asha@{there}"))),
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("o{n}@example.com");
        world.lead(&[("EmailAddress", &email), ("OwnerId", &owner)]);
        world.settled().await;
        assert_eq!(world.there(&email, "OwnerId"), Some(becomes), "case {n}");
    }
    assert!(!world.events().await.contains(&Event::Failed), "an owner never sinks a lead");
    world.end().await;
}

const BAD: &str = r#"{"from":"JobTitle","to":"mx_Budget"},{"from":"Company","to":"mx_Plan"},
    {"from":"LastName","to":"mx_PAN_Number"},{"from":"FirstName","to":"FirstName"}"#;

fn bad_lead(world: &World) {
    let long = "x".repeat(150);
    world.lead(&[
        ("EmailAddress", ASHA),
        ("FirstName", "Asha"),
        ("JobTitle", "plenty"),
        ("Company", "Nonesuch"),
        ("LastName", &long),
    ]);
}

async fn bad_values_refuse(place: Place) {
    let world = place.world(&rows(BAD)).await;
    bad_lead(&world);
    world.settled().await;
    assert_eq!(world.events().await, [Event::Failed]);
    assert_eq!(world.there.lead_count(), 0);
    let problem = world.records().await[0].error.clone().expect("a reason");
    assert!(!problem.message.is_empty() && !problem.advice.is_empty());
    world.end().await;
}

async fn bad_values_are_left_out(place: Place) {
    let leaves_out = r#"{"bad_field":"leave_out","unlisted_option":"leave_out","#;
    let settings = rows(BAD).replacen('{', leaves_out, 1);
    let world = place.world(&settings).await;
    bad_lead(&world);
    world.settled().await;
    assert_eq!(world.events().await, [Event::New]);
    assert_eq!(held(&world, "FirstName").as_deref(), Some("Asha"));
    for field in ["mx_Budget", "mx_Plan", "mx_PAN_Number"] {
        assert_eq!(held(&world, field), None, "{field}");
    }
    let record = world.records().await.remove(0);
    let explanation = record.explanation.expect("an explanation").get().to_owned();
    for code in ["type_mismatch", "missing_option", "too_long"] {
        assert!(explanation.contains(code), "{code} is not in {explanation}");
    }
    world.end().await;
}

/// Whether accounts store an option that they don't list.
async fn unlisted_options(place: Place) {
    let settings =
        rows(r#"{"from":"Company","to":"mx_Plan"},{"from":"FirstName","to":"FirstName"}"#);
    let world = place.world(&settings).await;
    let id = world.lead(&[("EmailAddress", ASHA), ("FirstName", "Asha"), ("Company", "Nonesuch")]);
    world.settled().await;
    let record = world.records().await.remove(0);
    if world.switches.unknown_option == UnknownOption::Stored {
        assert_eq!(world.events().await, [Event::New]);
        assert_eq!(held(&world, "mx_Plan").as_deref(), Some("Nonesuch"));
        let explanation = record.explanation.expect("an explanation").get().to_owned();
        assert!(explanation.contains("does not list this option"), "{explanation}");
    } else {
        // The account has the last word, and the record says what to do.
        assert_eq!(world.events().await, [Event::Failed]);
        assert_eq!(world.there.lead_count(), 0);
        let leaves_out = settings.replacen('{', r#"{"unlisted_option":"leave_out","#, 1);
        world.configure(&leaves_out).await;
        world.edit(&id, &[("FirstName", "A.")]);
        world.settled().await;
        assert_eq!(held(&world, "FirstName").as_deref(), Some("A."));
        assert_eq!(held(&world, "mx_Plan"), None);
    }
    world.end().await;
}

async fn custom_field_set(place: Place) {
    let world = place.world(&rows(r#"{"from":"JobTitle","to":"mx_KYC.mx_CustomObject_1"}"#)).await;
    world.lead(&[("EmailAddress", ASHA), ("JobTitle", "ABCDE1234F")]);
    world.settled().await;
    assert_eq!(world.events().await, [Event::New]);
    let kept = held(&world, "mx_KYC").expect("the set");
    assert!(kept.contains("ABCDE1234F"), "{kept}");
    world.end().await;
}

/// Each part of a custom field set is converted by its own type; a bad one leaves the others.
async fn parts_of_a_field_set(place: Place) {
    let set = r#"{"from":"Notes","to":"mx_KYC"},{"from":"FirstName","to":"FirstName"}"#;
    let rows = rows(set).replacen("\"lead\":{", r#""lead":{"bad_field":"leave_out","#, 1);
    let world = place.world(&rows).await;
    let parts = r#"{"mx_CustomObject_1":"PAN","mx_CustomObject_2":"seven","mx_CustomObject_3":"31/12/1990","Nowhere":"x"}"#;
    let lead = [("EmailAddress", ASHA), ("FirstName", "Asha"), ("Notes", parts)];
    let id = world.lead(&lead);
    world.settled().await;
    assert_eq!(world.events().await, [Event::New]);
    assert_eq!(held(&world, "FirstName").as_deref(), Some("Asha"));
    let kept = |world: &World| -> serde_json::Value {
        serde_json::from_str(&held(world, "mx_KYC").expect("the set")).expect("a set")
    };
    let rest = serde_json::json!({"mx_CustomObject_1": "PAN", "mx_CustomObject_3": "1990-12-31"});
    assert_eq!(kept(&world), rest);
    let record = world.records().await.remove(0);
    let explanation = record.explanation.expect("an explanation").get().to_owned();
    for told in ["mx_KYC.mx_CustomObject_2", "mx_KYC.Nowhere"] {
        assert!(explanation.contains(told), "{told} is not in {explanation}");
    }
    // Once it is right, it is written.
    world.edit(&id, &[("Notes", &parts.replace("seven", "7"))]);
    world.settled().await;
    assert_eq!(kept(&world)["mx_CustomObject_2"], "7");
    assert_eq!(kept(&world)["mx_CustomObject_3"], "1990-12-31");
    world.end().await;
}

/// Rows for what a mapping can get wrong, with these settings around them.
fn flawed(country: &str, plan: &str, more: &str) -> String {
    let rows = rows(&format!(
        r#"{{"from":"Phone","to":"Phone"}},{{"from":"OwnerId","to":"OwnerId"}},
           {{"from":"FirstName","to":"FirstName"}},{{"from":"Company","to":"mx_Plan"}},
           {{"from":"LastName","to":"LastName","values":{{"one":"{plan}"}}}}{more}"#
    ));
    let rows = rows.replacen(
        "\"lead\":{",
        r#""lead":{"bad_field":"leave_out","unlisted_option":"leave_out","#,
        1,
    );
    format!(r#""basic":{{"default_country_code":"{country}"}},{rows}"#)
}

const KNOWN: [&str; 2] =
    ["aaaaaaaa-1111-4111-8111-000000000002", "bbbbbbbb-1111-4111-8111-000000000002"];

fn user(id: &str) -> sandbox::User {
    sandbox::User::new(id, "Some", "One", "late@example.com", "Sales_User")
}

/// A lead that is synced with a wrong country, a wrong translation, an option and a user that the
/// destination lacks, and without a row for its job title.
async fn wrong_lead(world: &World) -> String {
    world.here.put_user(user(KNOWN[0]));
    world.configure(&flawed("US", "wrong", "")).await;
    let id = world.lead(&[
        ("EmailAddress", ASHA),
        ("Phone", "9845098450"),
        ("OwnerId", KNOWN[0]),
        ("Company", "Platinum"),
        ("LastName", "one"),
        ("JobTitle", "Nurse"),
    ]);
    world.settled().await;
    assert_eq!(held(world, "Phone").as_deref(), Some("+1-9845098450"));
    assert_eq!(held(world, "LastName").as_deref(), Some("wrong"));
    assert_eq!(held(world, "mx_Plan"), None);
    assert_eq!(held(world, "JobTitle"), None);
    id
}

/// All of that is put right.
async fn put_right(world: &World) {
    world.there.put_user(user(KNOWN[1]));
    let plan = Field::new("mx_Plan", Kind::Select).options(&["Basic", "Premium", "Platinum"]);
    world.there.put_field(plan);
    let title = r#",{"from":"JobTitle","to":"JobTitle"}"#;
    world.configure(&flawed("IN", "right", title)).await;
    // By then the accounts are asked again what they have.
    world.node.advance(jiff::SignedDuration::from_mins(11));
}

fn is_right(world: &World) {
    assert_eq!(held(world, "Phone").as_deref(), Some("+91-9845098450"));
    assert_eq!(held(world, "LastName").as_deref(), Some("right"));
    assert_eq!(held(world, "mx_Plan").as_deref(), Some("Platinum"));
    assert_eq!(held(world, "JobTitle").as_deref(), Some("Nurse"));
    assert_eq!(held(world, "OwnerId").as_deref(), Some(KNOWN[1]));
}

async fn what_was_wrong_is_written_once_it_is_right(place: Place) {
    let world = place.world("").await;
    let id = wrong_lead(&world).await;
    put_right(&world).await;
    // The metadata is read beside the work: a change that comes sooner is written without the option
    // and the owner, and the next one has them.
    let has_all = || {
        held(&world, "mx_Plan").is_some() && held(&world, "OwnerId").as_deref() == Some(KNOWN[1])
    };
    for change in 0..50 {
        world.edit(&id, &[("FirstName", &format!("Asha {change}"))]);
        world.settled().await;
        if has_all() {
            break;
        }
    }
    is_right(&world);
    assert!(!world.events().await.contains(&Event::Failed));
    world.end().await;
}

async fn what_was_wrong_is_written_by_a_retry(place: Place) {
    let world = place.world("").await;
    wrong_lead(&world).await;
    put_right(&world).await;
    let [request] = world.log().await.try_into().expect("one request");
    assert_eq!(request.records[0].event, Event::New);
    let selection = Selection::Requests(vec![request.id]);
    let retried = world.node.store.retry(&selection.into(), &actor(), world.node.now()).await;
    assert_eq!(retried.expect("a retry").requests, 1);
    world.settled().await;
    is_right(&world);
    assert_eq!(world.events().await, [Event::Updated]);
    world.end().await;
}

async fn linked_leads_are_brought_up_to_date(place: Place) {
    let world = place.world(&rows(r#"{"from":"FirstName","to":"FirstName"}"#)).await;
    let both = ["b@example.com", ASHA];
    let ids = both.map(|email| world.lead(&[("EmailAddress", email), ("FirstName", "one")]));
    world.settled().await;
    world.edit(&ids[0], &[("FirstName", "two")]);
    // What nobody maps is posted all the same.
    world.edit(&ids[1], &[("JobTitle", "Nurse")]);
    world.settled().await;
    let before = world.records().await;
    let title = r#"{"from":"FirstName","to":"FirstName"},{"from":"JobTitle","to":"JobTitle"}"#;
    world.configure(&rows(title)).await;

    let store = &world.node.store;
    let configuration = store.configuration().await.expect("the configuration");
    let connector = configuration.connector(&world.name).expect("the connector");
    let previewed = Previewed { configuration: &configuration, connector, now: world.node.now() };
    let plan = admin::refresh::plan(store.as_ref(), &Nobody, previewed).await.expect("a plan");
    let RefreshPlan { linked, leads, examined, changed, unchanged, refused } = plan;
    assert_eq!((linked, leads, examined), (2, 2, 2));
    assert_eq!((changed, unchanged, refused), (1, 1, 0));

    world.there.reset_calls();
    let which = (connector.id, world.name.as_str());
    let begun = store.refresh_leads(which, Some(60), &actor(), world.node.now()).await;
    let begun = begun.expect("a batch");
    assert_eq!(begun.requests, 2);
    world.settled().await;
    assert_eq!(held(&world, "JobTitle").as_deref(), Some("Nurse"));
    assert_eq!(world.there(both[0], "FirstName").as_deref(), Some("two"));
    let written = world.there.calls().by_operation;
    assert!(written.keys().any(|call| call.contains("Update") || call.contains("Capture")));
    let batch = store.retry_batch(begun.batch.expect("a number")).await.expect("the store");
    let batch = batch.expect("the batch");
    assert_eq!((batch.done, batch.left, batch.failed), (2, 0, 0));
    assert_eq!(batch.linked_by.as_ref(), Some(&world.name));

    // What needed nothing stands as it did before; the change that nobody mapped is written now.
    let after = world.records().await;
    let changed: Vec<[Event; 2]> = before
        .iter()
        .zip(&after)
        .map(|(before, after)| [before.event, after.event])
        .filter(|[before, after]| before != after)
        .collect();
    assert_eq!((before.len(), changed), (after.len(), vec![[Event::Unchanged, Event::Updated]]));
    let tried: usize = after.iter().map(|record| record.attempts.len()).sum();
    assert_eq!(tried, before.len() + 2);
    world.end().await;
}

async fn in_a_pair_a_correction_spares_what_people_typed(place: Place) {
    let world = place.world("").await;
    world.configure(&flawed("IN", "wrong", "")).await;
    let back = rows(r#"{"from":"FirstName","to":"FirstName"},{"from":"LastName","to":"LastName"}"#);
    world.connect_back(&back).await;
    let both = ["b@example.com", ASHA];
    let ids = both.map(|email| world.lead(&[("EmailAddress", email), ("LastName", "one")]));
    world.settled().await;
    // A person there corrects one of the two by hand.
    let there = world.there.find_leads("EmailAddress", both[0]).remove(0);
    world.there.edit_lead(&there, &[("LastName", "typed")]).expect("an edit");
    world.settled().await;
    world.configure(&flawed("IN", "right", "")).await;
    for id in &ids {
        world.edit(id, &[("FirstName", "Asha")]);
    }
    world.settled().await;
    assert_eq!(held(&world, "LastName").as_deref(), Some("right"));
    assert_eq!(world.there(both[0], "LastName").as_deref(), Some("typed"));
    let here = world.here.lead(&ids[0]).expect("a lead").remove("LastName").flatten();
    assert_eq!(here.as_deref(), Some("typed"));
    let here = world.here.lead(&ids[1]).expect("a lead").remove("LastName").flatten();
    assert_eq!(here.as_deref(), Some("one"));
    world.end().await;
}
