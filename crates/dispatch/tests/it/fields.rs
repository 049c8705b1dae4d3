//! Every type of field arrives as it was.

use plan::outcome::Event;

use crate::scene::{Scene, capture, captured};

/// A value for each writable field of the account's catalogue, each of another type.
const VALUES: &[(&str, &str)] = &[
    ("FirstName", "Zoë \"Z\" O'Brien"),
    ("LastName", "श्रीनिवासन"),
    ("EmailAddress", "zoe+test@example.com"),
    ("Phone", "+91-9123456789"),
    ("Mobile", "+39-066982"),
    ("Website", "https://example.com/?a=1&b=2"),
    ("TimeZone", "Asia/Kolkata"),
    ("Source", "Referral Sites"),
    ("ProspectStage", "Opportunity Won"),
    ("Revenue", "1234567.5"),
    ("DoNotCall", "1"),
    ("DoNotEmail", "0"),
    ("Notes", "Two\nlines, and <b>no</b> markup & \\ backslash"),
    ("mx_Street1", "12, MG Road"),
    ("mx_Remarks", "emoji 🙂, tab\tand\r\nCRLF"),
    ("mx_Budget", "-0.25"),
    ("mx_Second_Email", "second@example.com"),
    ("mx_Alternate_Phone", "+1-5125550100"),
    ("mx_Profile_Page", "https://example.com/%C3%A9"),
    ("mx_Date_of_Birth", "1990-02-28"),
    ("mx_Next_Meeting", "2026-03-29 01:30:00"),
    ("mx_Call_Time", "23:59:00"),
    ("mx_Plan", "Premium"),
    ("mx_Branch", "Chennai"),
    ("mx_Pin_Area", "411001"),
    ("mx_Languages", "English;Tamil"),
    ("mx_Is_Customer", "1"),
    ("mx_Nationality", "India"),
    (
        "mx_KYC",
        r#"{"Status":"Done","mx_CustomObject_1":"PAN","mx_CustomObject_2":"7","mx_CustomObject_3":"2026-01-02"}"#,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_type_of_field_arrives_unchanged_in_meaning() {
    let mut scene = Scene::at_work("").await;
    capture(&scene.here);
    let here = scene.here.create_lead(VALUES).expect("every value is one that the account takes");
    let posted = captured(&scene.here).await;
    let request = scene.post_to("there", posted[0].clone()).await;
    let item = scene.ends_as(request, Event::New).await;
    let there = item.records[0].destination_id.clone().expect("an id");
    same(&scene, &here, &there);

    // And again as an update, with other values where a type has any.
    let edits = [
        ("Phone", "+65-65123456"),
        ("mx_Date_of_Birth", "2000-12-31"),
        ("mx_Next_Meeting", "2026-10-25 00:30:00"),
        ("mx_Is_Customer", "0"),
        ("mx_Languages", "Hindi"),
        ("mx_Budget", "1000.50"),
        ("mx_KYC", r#"{"mx_CustomObject_1":"Aadhaar"}"#),
    ];
    assert_eq!(scene.here.edit_lead(&here, &edits), Ok(true));
    let posted = captured(&scene.here).await;
    let request = scene.post_to("there", posted[1].clone()).await;
    scene.ends_as(request, Event::Updated).await;
    same(&scene, &here, &there);
    scene.stop().await;
}

fn same(scene: &Scene, here: &str, there: &str) {
    let (mut here, mut there) =
        (scene.here.lead(here).expect("a lead"), scene.there.lead(there).expect("its twin"));
    for (field, _) in VALUES {
        let (one, other) = (here.remove(*field).flatten(), there.remove(*field).flatten());
        assert!(one.is_some(), "{field} is empty at the source");
        let (one, other) = if *field == "mx_KYC" {
            let json = |text: Option<String>| {
                text.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
            };
            assert_eq!(json(one), json(other), "{field}");
            continue;
        } else {
            (one, other)
        };
        if *field == "mx_Budget" || *field == "Revenue" {
            let number = |text: Option<String>| text.and_then(|text| text.parse::<f64>().ok());
            assert_eq!(number(one), number(other), "{field}");
            continue;
        }
        assert_eq!(one, other, "{field}");
    }
}
