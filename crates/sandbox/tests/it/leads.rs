//! Writes of leads.

use sandbox::Switches;
use sandbox::switches::{EmptyValue, ErrorStatus};
use serde_json::{Value, json};

use crate::client::{Client, attributes, refused};

fn id(body: &Value) -> String {
    body["Message"]["Id"].as_str().unwrap_or_else(|| panic!("no id: {body}")).to_owned()
}

#[tokio::test]
async fn capture_follows_its_rules() {
    let client = Client::new().await;
    let first = client.lead("Lead.Capture", &[("FirstName", "Nobody")]).await;
    assert_eq!(first["Message"]["IsCreated"], true);
    let second = client.lead("Lead.Capture", &[("FirstName", "Nobody")]).await;
    assert_ne!(id(&first), id(&second), "1: without a key there is always a new lead");

    let asha = [("EmailAddress", "asha@example.com"), ("Phone", "+91-9876543210")];
    let made = client.lead("Lead.Capture", &asha).await;
    let again = client
        .lead("Lead.Capture", &[("EmailAddress", "ASHA@example.com"), ("mx_City", "Pune")])
        .await;
    assert_eq!(
        (id(&again), &again["Message"]["IsCreated"]),
        (id(&made), &json!(false)),
        "2: by email"
    );
    let again = client.lead("Lead.Capture", &[("Phone", "+91-9876543210")]).await;
    assert_eq!(id(&again), id(&made), "2: by phone");
    let own = id(&made);
    let again = client.lead("Lead.Capture", &[("ProspectID", &own), ("FirstName", "Asha")]).await;
    assert_eq!(id(&again), own, "5: by id");
    let other = client
        .lead("Lead.Capture", &[("ProspectID", &own), ("EmailAddress", "other@example.com")])
        .await;
    assert_ne!(id(&other), own, "4: another email is another lead");
    let found = client
        .lead(
            "Lead.Capture",
            &[("EmailAddress", "asha@example.com"), ("Phone", "1"), ("SearchBy", "EmailAddress")],
        )
        .await;
    assert_eq!(id(&found), own, "8: by SearchBy");
    let clash = client
        .try_lead(
            "Lead.Capture",
            &[("EmailAddress", "other@example.com"), ("Phone", "1"), ("SearchBy", "Phone")],
        )
        .await;
    refused(&clash, "MXDuplicateEntryException", "Email");
    let bad = client.try_lead("Lead.Capture", &[("mx_City", "x"), ("SearchBy", "mx_City")]).await;
    refused(&bad, "MXInvalidInputException", "SearchBy");
}

#[tokio::test]
async fn a_repeated_capture_keeps_the_source() {
    let client = Client::new().await;
    let lead = |source| [("EmailAddress", "a@example.com"), ("Source", source)];
    let made = id(&client.lead("Lead.Capture", &lead("Referral Sites")).await);
    client.lead("Lead.Capture", &lead("Social Media")).await;
    let fields = client.account.lead(&made).expect("the lead");
    assert_eq!(fields["Source"].as_deref(), Some("Referral Sites"));
    let activities = client.account.activities(&made);
    assert_eq!(activities.len(), 1, "{activities:?}");
    assert_eq!(activities[0].2["mx_Custom_1"], "Social Media");
}

#[tokio::test]
async fn behaviours_of_capture() {
    let client = Client::new().await;
    let made = id(&client
        .lead("Lead.Capture", &[("EmailAddress", "a@example.com"), ("mx_City", "Pune")])
        .await);
    for (behaviour, city, state) in [
        ("DoNotUpdate", "Pune", None),
        ("UpdateOnlyEmptyFields", "Pune", Some("MH")),
        ("", "Delhi", Some("DL")),
    ] {
        let path = format!("Lead.Capture?LeadUpdateBehavior={behaviour}");
        let state_sent = if behaviour.is_empty() { "DL" } else { "MH" };
        client
            .lead(
                &path,
                &[
                    ("EmailAddress", "a@example.com"),
                    ("mx_City", "Delhi"),
                    ("mx_State", state_sent),
                ],
            )
            .await;
        let fields = client.account.lead(&made).expect("the lead");
        assert_eq!(fields["mx_City"].as_deref(), Some(city), "{behaviour}");
        assert_eq!(fields["mx_State"].as_deref(), state, "{behaviour}");
    }
}

#[tokio::test]
async fn one_bad_attribute_refuses_the_whole_write() {
    let client = Client::new().await;
    let made = id(&client
        .lead("Lead.Create", &[("FirstName", "A"), ("EmailAddress", "a@example.com")])
        .await);
    let update = format!("Lead.Update?leadId={made}");
    for (field, value, exception, part) in [
        ("mx_Nowhere", "x", "MXUnknownAttributeException", "mx_Nowhere"),
        ("mx_Budget", "a lot", "MXInvalidDataTypeException", "mx_Budget"),
        ("mx_Date_of_Birth", "2026-02-30", "MXInvalidDataTypeException", "mx_Date_of_Birth"),
        ("mx_PAN_Number", "123456789012345678901", "MXInvalidInputException", "mx_PAN_Number"),
        ("OwnerId", "nobody", "MXInvalidDataTypeException", "OwnerId"),
    ] {
        let answer = client.try_lead(&update, &[("FirstName", "B"), (field, value)]).await;
        refused(&answer, exception, part);
    }
    let fields = client.account.lead(&made).expect("the lead");
    assert_eq!(fields["FirstName"].as_deref(), Some("A"), "nothing of a refused write is kept");
    client.lead("Lead.Create", &[("FirstName", "C"), ("Phone", "1234567")]).await;
    let clash = client.try_lead(&update, &[("Phone", "1234567")]).await;
    refused(&clash, "MXDuplicateEntryException", "Phone Number");
    let gone = client.try_lead("Lead.Update?leadId=no-such-id", &[("FirstName", "B")]).await;
    refused(&gone, "MXInvalidEntityException", "does not exist");
    let nobody = client.try_lead("Lead.Create", &[("mx_City", "Pune")]).await;
    refused(&nobody, "MXMandatoryAttributeMissingException", "FirstName");
}

#[tokio::test]
async fn switches_change_what_is_disputed() {
    let client = Client::new().await;
    let made = id(&client.lead("Lead.Create", &[("FirstName", "A"), ("mx_City", "Pune")]).await);
    let update = format!("Lead.Update?leadId={made}");
    client.account.set_switches(Switches {
        error_status: ErrorStatus::Status200,
        empty_value: EmptyValue::Ignored,
        ..Switches::default()
    });
    let (status, body) = client.try_lead(&update, &[("mx_Nowhere", "x")]).await;
    assert_eq!((status, &body["Status"]), (200, &json!("Error")));
    client.lead(&update, &[("mx_City", "")]).await;
    assert_eq!(client.account.lead(&made).expect("the lead")["mx_City"].as_deref(), Some("Pune"));
    client.account.set_switches(Switches::default());
    client.lead(&update, &[("mx_City", "")]).await;
    assert_eq!(client.account.lead(&made).expect("the lead")["mx_City"], None);
}

#[tokio::test]
async fn bulk_writes_answer_row_by_row() {
    let client = Client::new().await;
    let rows = json!([
        attributes(&[("EmailAddress", "a@example.com"), ("FirstName", "A")]),
        attributes(&[("EmailAddress", "b@example.com"), ("mx_Nowhere", "x")]),
        attributes(&[("EmailAddress", "a@example.com"), ("FirstName", "AA")]),
    ]);
    let (status, body) = client.post("LeadManagement.svc/Lead/Bulk/CreateOrUpdate", &rows).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!((&body[0]["RowNumber"], &body[0]["LeadCreated"]), (&json!(1), &json!(true)));
    assert_eq!(body[1]["ExceptionType"], "MXUnknownAttributeException");
    assert_eq!((&body[2]["LeadUpdated"], &body[2]["LeadId"]), (&json!(true), &body[0]["LeadId"]));
    assert_eq!(client.account.lead_count(), 1);

    let many: Vec<Value> = (0..26).map(|_| attributes(&[("FirstName", "x")])).collect();
    let answer = client.post("LeadManagement.svc/Lead/Bulk/CreateOrUpdate", &json!(many)).await;
    refused(&answer, "MXInvalidInputException", "25");

    let own = body[0]["LeadId"].as_str().expect("an id");
    let body = json!({ "LeadPropertiesList": [
        { "Fields": attributes(&[("ProspectID", own), ("mx_City", "Pune")]) },
        { "Fields": attributes(&[("ProspectID", "nobody"), ("mx_City", "Pune")]) },
    ]});
    let (status, answer) = client.post("LeadManagement.svc/Lead/Bulk/UpdateV2", &body).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["Status"]["SuccessCount"], 1, "{answer}");
    assert_eq!(answer["Details"]["FailedLeads"][0]["IdentifierValue"], "nobody");
    assert_eq!(client.account.lead(own).expect("the lead")["mx_City"].as_deref(), Some("Pune"));
    let (status, _) = client.post("LeadManagement.svc/Lead/Bulk/UpdateV2", &json!([[]])).await;
    assert_eq!(status, 400, "an array of arrays is another operation's body");
}
