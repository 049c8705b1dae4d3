//! What happens to fields.

use plan::outcome::Event;
use sandbox::switches::{CustomFields, EmptyFields, EmptyValue, UnknownOption};

use super::world::{Place, World};

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
}

pub(super) const ASHA: &str = "asha@example.com";

/// A mapping with the email address and these rows.
pub(super) fn rows(rows: &str) -> String {
    format!(r#""lead":{{"field":[{{"from":"EmailAddress","to":"EmailAddress"}},{rows}]}}"#)
}

/// The value of a field of Asha's counterpart.
pub(super) fn held(world: &World, field: &str) -> Option<String> {
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
