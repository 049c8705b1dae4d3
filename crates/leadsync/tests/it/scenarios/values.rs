//! What becomes of values as people type them, and of values that identify nobody.

use plan::outcome::Event;
use plan::problem::Code;
use sandbox::switches::BadContact;

use super::world::{Place, World};

scenarios! {
    as_typed_or_read,
    left_out_where_it_can_not_be_read,
    dates_in_the_order_of_the_country,
    dates_that_mean_never,
    nobody_is_found_by_what_is_no_key,
    a_stranger_keeps_what_identifies_nobody,
    the_accounts_encoding_is_not_carried_back,
}

const ASHA: &str = "asha@example.com";
const INDIA: &str = r#""basic":{"search_by":"EmailAddress","default_country_code":"IN"}"#;

/// Whether accounts store text that isn't a phone number in a phone field.
fn takes_any_text(world: &World) -> bool {
    world.switches.bad_contact == BadContact::Stored
}

/// What the log keeps of a record's decision.
async fn explained(world: &World, number: usize) -> String {
    let record = world.records().await.remove(number);
    record.explanation.expect("an explanation").get().to_owned()
}

async fn as_typed_or_read(place: Place) {
    let world = place.world(INDIA).await;
    let cases = [
        ("Phone", "22334455; 22334456", Some("22334455; 22334456"), true),
        ("Phone", "9845098450 x12", Some("9845098450 x12"), true),
        ("Phone", "98XXXXXX50", Some("98XXXXXX50"), true),
        ("Phone", "0000000000", Some("0000000000"), true),
        ("Phone", "9845098450.0", Some("+91-9845098450"), false),
        ("Phone", "+91 91 98450 98451", Some("+91-9845098451"), false),
        ("Company", "\u{200b}", None, false),
        ("Company", "\u{feff}Rao & Sons\u{200e}", Some("Rao & Sons"), false),
        ("Company", "1234567890123456789012", Some("1234567890123456789012"), false),
    ];
    // The people of such accounts can't type what is no number.
    let cases = cases.into_iter().filter(|(field, ..)| *field != "Phone" || takes_any_text(&world));
    for (number, (field, typed, expected, is_remarked)) in cases.enumerate() {
        let email = format!("case{number}@example.com");
        world.lead(&[("EmailAddress", &email), (field, typed)]);
        world.settled().await;
        assert_eq!(world.there(&email, field).as_deref(), expected, "{typed}");
        let explanation = explained(&world, number).await;
        assert_eq!(explanation.contains("passed on unchanged"), is_remarked, "{explanation}");
    }
    if takes_any_text(&world) {
        world.lead(&[("EmailAddress", "Asha Rao <asha@example.com>\u{200b}")]);
        world.settled().await;
        assert!(world.there(ASHA, "ProspectID").is_some(), "by the address");
    }
    assert!(!world.events().await.contains(&Event::Failed));
    world.end().await;
}

async fn left_out_where_it_can_not_be_read(place: Place) {
    let settings = format!(
        r#"{INDIA},"lead":{{"bad_field":"leave_out","field":[
            {{"from":"EmailAddress","to":"EmailAddress"}},
            {{"from":"FirstName","to":"FirstName"}},{{"from":"Company","to":"Phone"}}]}}"#
    );
    let world = place.world(&settings).await;
    world.lead(&[("EmailAddress", ASHA), ("Company", "98XXXXXX50"), ("FirstName", "Asha")]);
    world.settled().await;
    assert_eq!(world.events().await, [Event::New]);
    assert_eq!(world.there(ASHA, "Phone"), None);
    assert_eq!(world.there(ASHA, "FirstName").as_deref(), Some("Asha"));
    assert!(explained(&world, 0).await.contains("got '98XXXXXX50'"));
    world.end().await;
}

const DATES: &str = r#""lead":{"field":[{"from":"EmailAddress","to":"EmailAddress"},
    {"from":"JobTitle","to":"mx_Date_of_Birth"},{"from":"Company","to":"mx_Next_Meeting"}]}"#;

async fn dates_in_the_order_of_the_country(place: Place) {
    let world = place.world(&format!("{INDIA},{DATES}")).await;
    let born = |email: &str| world.there(email, "mx_Date_of_Birth").unwrap_or_default();
    world.lead(&[("EmailAddress", ASHA), ("JobTitle", "03/04/1990")]);
    world.settled().await;
    assert!(born(ASHA).starts_with("1990-04-03"), "{}", born(ASHA));

    world.configure(&format!(r#""basic":{{"date_order":"month_first"}},{DATES}"#)).await;
    world.lead(&[("EmailAddress", "bina@example.com"), ("JobTitle", "03/04/1990")]);
    world.lead(&[("EmailAddress", "chitra@example.com"), ("JobTitle", "13/04/1990")]);
    world.settled().await;
    assert!(born("bina@example.com").starts_with("1990-03-04"));
    assert!(born("chitra@example.com").starts_with("1990-04-13"));

    world.configure(DATES).await;
    world.lead(&[("EmailAddress", "dina@example.com"), ("JobTitle", "03/04/1990")]);
    world.settled().await;
    let record = world.records().await.pop().expect("a record");
    let problem = record.error.expect("a reason");
    assert_eq!((problem.code, record.event), (Code::TypeMismatch, Event::Failed));
    assert!(problem.advice.contains("date_order"), "{problem}");
    world.end().await;
}

async fn dates_that_mean_never(place: Place) {
    let settings = format!(r#""basic":{{"time_zone":"America/New_York"}},{DATES}"#);
    let world = place.world(&settings).await;
    let dates = ["9999-12-31 00:00:00", "1900-01-01 00:00:00", "0001-01-01 00:00:00"];
    for (number, never) in dates.into_iter().enumerate() {
        let email = format!("never{number}@example.com");
        world.lead(&[("EmailAddress", &email), ("Company", never)]);
        world.settled().await;
        let held = world.there(&email, "mx_Next_Meeting").unwrap_or_default();
        assert!(held.starts_with(never), "{never}: {held}");
    }
    world.end().await;
}

async fn nobody_is_found_by_what_is_no_key(place: Place) {
    let keys = r#""basic":{"search_by":"EmailAddress","secondary_search_by":"Phone",
        "default_country_code":"IN"}"#;
    let world = place.world(keys).await;
    if !takes_any_text(&world) {
        return world.end().await;
    }
    let junk = [("EmailAddress", "NA"), ("Phone", "0000000000"), ("FirstName", "Stranger")];
    let stranger = world.there.create_lead(&junk).expect("a lead");
    world.lead(&[("EmailAddress", "NA"), ("Phone", "0000000000"), ("FirstName", "Asha")]);
    world.settled().await;
    assert_eq!(world.events().await, [Event::Failed]);
    let problem = world.records().await[0].error.clone().expect("a reason");
    assert_eq!(problem.code, Code::NoKey);
    assert!(problem.message.contains("'NA' is a placeholder"), "{problem}");
    let lead = world.there.lead(&stranger).expect("the stranger");
    assert_eq!(lead["FirstName"].as_deref(), Some("Stranger"));
    assert_eq!(world.there.lead_count(), 1);
    world.end().await;
}

async fn a_stranger_keeps_what_identifies_nobody(place: Place) {
    let world = place.world(INDIA).await;
    let junk = [("Phone", "0000000000"), ("FirstName", "Stranger")];
    let stranger = world.there.create_lead(&junk).expect("a lead");
    world.lead(&[("EmailAddress", ASHA), ("Phone", "0000000000"), ("FirstName", "Asha")]);
    world.settled().await;
    assert_eq!(world.events().await, [Event::New]);
    let lead = world.there.lead(&stranger).expect("the stranger");
    assert_eq!(lead["FirstName"].as_deref(), Some("Stranger"));
    assert_eq!(world.there.lead_count(), 2);
    // No two leads may have one number.
    assert_eq!(world.there(ASHA, "Phone"), None);
    assert!(
        explained(&world, 0)
            .await
            .contains("another lead in the destination already has this value")
    );
    world.end().await;
}

async fn the_accounts_encoding_is_not_carried_back(place: Place) {
    let world = place.world(r#""conflict":{"policy":"newest"}"#).await;
    world.connect_back(r#""conflict":{"policy":"newest"}"#).await;
    let id = world.lead(&[("EmailAddress", ASHA), ("Company", "Rao & Sons")]);
    world.settled().await;
    let twin = world.there.find_leads("EmailAddress", ASHA).remove(0);
    // As an account that encodes shows it, beside a change of a person's.
    let shown = [("Company", "Rao &amp; Sons"), ("JobTitle", "Nurse")];
    world.there.edit_lead(&twin, &shown).expect("an edit");
    world.settled().await;
    let lead = world.here.lead(&id).expect("the lead");
    assert_eq!(lead["Company"].as_deref(), Some("Rao & Sons"), "what was typed stands");
    assert_eq!(lead["JobTitle"].as_deref(), Some("Nurse"));
    // Somebody's correction goes on.
    world.edit(&id, &[("Company", "Rao and Sons")]);
    world.settled().await;
    assert_eq!(world.there(ASHA, "Company").as_deref(), Some("Rao and Sons"));
    world.end().await;
}
