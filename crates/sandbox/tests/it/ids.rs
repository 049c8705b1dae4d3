//! Ids compare without case, as GUIDs do.

use serde_json::{Value, json};

use crate::client::Client;

/// The same id in another case.
fn shouted(id: &str) -> String {
    let shouted = id.to_ascii_uppercase();
    assert_ne!(shouted, id, "an id without letters proves nothing");
    shouted
}

#[tokio::test]
async fn a_lead_is_found_whatever_the_case_of_its_id() {
    let client = Client::new().await;
    let id = client.account.create_lead(&[("EmailAddress", "asha@example.com")]).expect("a lead");
    let related = [("FirstName", "Bina"), ("RelatedProspectId", &*id)];
    client.account.create_lead(&related).expect("a lead");
    let given = shouted(&id);

    let (_, read) = client.get(&format!("LeadManagement.svc/Leads.GetById?id={given}")).await;
    assert_eq!(read[0]["ProspectID"], json!(id), "it reads as it was created: {read}");
    let by_ids = json!({ "SearchParameters": { "LeadIds": [given] } });
    let (_, read) = client.post("LeadManagement.svc/Leads/Retrieve/ByIds", &by_ids).await;
    assert_eq!(read["RecordCount"], 1, "{read}");
    for (field, found) in [("ProspectID", json!(id)), ("RelatedProspectId", Value::Null)] {
        let search = json!({
            "Parameter": { "LookupName": field, "LookupValue": given, "SqlOperator": "=" },
        });
        let (_, leads) = client.post("LeadManagement.svc/Leads.Get", &search).await;
        assert_eq!(leads.as_array().map(Vec::len), Some(1), "by {field}: {leads}");
        assert!(found.is_null() || leads[0]["ProspectID"] == found, "by {field}: {leads}");
    }

    let title = |title: &str| json!([{ "Attribute": "JobTitle", "Value": title }]);
    let update = format!("LeadManagement.svc/Lead.Update?leadId={given}");
    assert_eq!(client.post(&update, &title("Nurse")).await.0, 200);
    let capture = [("ProspectID", &*given), ("Company", "Clinic")];
    let captured = client.lead("Lead.Capture", &capture).await;
    assert_eq!(captured["Message"]["Id"], json!(id), "{captured}");
    let in_bulk = json!({
        "LeadIds": [given], "LeadFields": { "Attribute": "mx_City", "Value": "Pune" },
    });
    let (_, updated) = client.post("LeadManagement.svc/Lead/Bulk/Update", &in_bulk).await;
    assert_eq!(updated["Message"]["AffectedRows"], 1, "{updated}");
    let in_bulk = json!({ "LeadPropertiesList": [{ "Fields": [
        { "Attribute": "ProspectId", "Value": given }, { "Attribute": "mx_State", "Value": "MH" },
    ]}]});
    let (_, updated) = client.post("LeadManagement.svc/Lead/Bulk/UpdateV2", &in_bulk).await;
    assert_eq!(updated["Status"]["SuccessCount"], 1, "{updated}");
    assert_eq!(client.account.edit_lead(&given, &[("mx_Zip", "411001")]), Ok(true));
    let lead = client.account.lead(&given).expect("the lead");
    for (field, value) in [
        ("JobTitle", "Nurse"),
        ("Company", "Clinic"),
        ("mx_City", "Pune"),
        ("mx_State", "MH"),
        ("mx_Zip", "411001"),
    ] {
        assert_eq!(lead[field].as_deref(), Some(value), "{field}");
    }
    assert_eq!(client.account.lead_count(), 2, "none was created again");
    let delete = format!("LeadManagement.svc/Lead/Delete/ById?leadId={given}");
    assert_eq!(client.get(&delete).await.0, 200);
    assert_eq!(client.account.lead(&id), None);
}

#[tokio::test]
async fn an_activity_is_found_whatever_the_case_of_its_ids() {
    let client = Client::new().await;
    let lead = client.account.create_lead(&[("FirstName", "Asha")]).expect("a lead");
    let given = shouted(&lead);
    let create = json!({ "RelatedProspectId": given, "ActivityEvent": 201 });
    let (_, made) = client.post("ProspectActivity.svc/Create", &create).await;
    let id = made["Message"]["Id"].as_str().expect("an id").to_owned();
    let (_, bulk) = client
        .post("ProspectActivity.svc/Bulk/CustomActivity/Add/ByLeadId", &json!([create]))
        .await;
    assert_eq!(bulk["Response"][0]["ActivityCreated"], true, "{bulk}");

    let note = |note: &str| json!({ "ProspectActivityId": shouted(&id), "ActivityNote": note });
    let update = "ProspectActivity.svc/CustomActivity/Update";
    assert_eq!(client.post(update, &note("came early")).await.0, 200);
    let bulk_update = "ProspectActivity.svc/Bulk/CustomActivity/Update";
    let (_, updated) = client.post(bulk_update, &json!([note("came late")])).await;
    assert_eq!(updated["Response"][0]["ActivityUpdated"], true, "{updated}");

    let retrieve = format!("ProspectActivity.svc/Retrieve?leadId={given}");
    let (_, read) = client.post(&retrieve, &json!({})).await;
    let last = &read["ProspectActivities"][1];
    assert_eq!((&read["RecordCount"], &last["Id"]), (&json!(2), &json!(id)), "{read}");
    assert_eq!(last["RelatedProspectId"], json!(lead), "it reads as it was created: {read}");
    assert_eq!(last["ActivityFields"]["ActivityEvent_Note"], "came late");
    let details = "ProspectActivity.svc/GetActivityDetails?activityId=";
    assert_eq!(client.get(&format!("{details}{}", shouted(&id))).await.1["ID"], json!(id));
}
