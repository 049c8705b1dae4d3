//! Activities, users and native webhooks.

use serde_json::json;

use crate::client::{Client, refused};

#[tokio::test]
async fn activities_are_made_changed_and_read() {
    let client = Client::new().await;
    let lead = client.account.create_lead(&[("FirstName", "A")]).expect("a lead");
    let body = json!({ "RelatedProspectId": lead, "ActivityEvent": 201, "ActivityNote": "Came by",
                       "Fields": [{ "SchemaName": "mx_Custom_1", "Value": "Green Park" }] });
    let (status, made) = client.post("ProspectActivity.svc/Create", &body).await;
    assert_eq!(status, 200, "{made}");
    let id = made["Message"]["Id"].as_str().expect("an id").to_owned();
    let unknown = json!({ "RelatedProspectId": lead, "ActivityEvent": 9999 });
    let answer = client.post("ProspectActivity.svc/Create", &unknown).await;
    refused(&answer, "MXInvalidActivityException", "Event Code");
    let change = json!({ "ProspectActivityId": id, "Fields": [{ "SchemaName": "Status", "Value": "Completed" }] });
    assert_eq!(client.post("ProspectActivity.svc/CustomActivity/Update", &change).await.0, 200);
    let (_, read) =
        client.post(&format!("ProspectActivity.svc/Retrieve?leadId={lead}"), &json!({})).await;
    assert_eq!(read["RecordCount"], 1);
    let fields = &read["ProspectActivities"][0]["ActivityFields"];
    assert_eq!(
        (&fields["mx_Custom_1"], &fields["Status"]),
        (&json!("Green Park"), &json!("Completed"))
    );
    let range = json!({ "Parameter": { "FromDate": "2020-01-01 00:00:00", "ToDate": "2100-01-01 00:00:00", "ActivityEvent": 201 },
                        "Paging": { "PageIndex": 1, "PageSize": 10 } });
    let (_, by_event) =
        client.post("ProspectActivity.svc/CustomActivity/RetrieveByActivityEvent", &range).await;
    assert_eq!(by_event["List"][0]["mx_Custom_1"], "Green Park", "{by_event}");
    let (_, recent) = client.post("ProspectActivity.svc/RetrieveRecentlyModified", &range).await;
    assert_eq!(recent["ProspectActivities"][0]["Id"], id.as_str());
    let (_, types) = client.get("ProspectActivity.svc/ActivityTypes.Get").await;
    assert!(types.as_array().expect("a list").iter().any(|kind| kind["ActivityEvent"] == 201));
    let (_, setting) =
        client.get("ProspectActivity.svc/CustomActivity/GetActivitySetting?code=201").await;
    assert_eq!(setting["Fields"][0]["SchemaName"], "mx_Custom_1");
    let rows = json!([{ "RelatedProspectId": lead, "ActivityEvent": 206 }, { "RelatedProspectId": "x", "ActivityEvent": 206 }]);
    let (_, bulk) =
        client.post("ProspectActivity.svc/Bulk/CustomActivity/Add/ByLeadId", &rows).await;
    assert_eq!(
        (&bulk["Response"][0]["ActivityCreated"], &bulk["Response"][1]["ActivityCreated"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(client.account.activities(&lead).len(), 2);
}

#[tokio::test]
async fn users_and_webhooks_are_listed() {
    let client = Client::new().await;
    let (_, users) = client.get("UserManagement.svc/Users.Get").await;
    assert_eq!(users.as_array().map(Vec::len), Some(3));
    let (_, one) = client
        .get("UserManagement.svc/User/Retrieve/ByEmailAddress?emailAddress=ASHA%40test.example")
        .await;
    assert_eq!(one[0]["Role"], "Administrator", "{one}");
    let hook =
        json!({ "URL": "https://example.com/hook", "WebhookEvent": "6", "Description": "d" });
    let (_, made) = client.post("Webhook.svc/Create", &hook).await;
    let id = made["Message"]["Id"].as_str().expect("an id");
    let (_, list) = client
        .post("Webhook.svc/Retrieve", &json!({ "Paging": { "PageIndex": 1, "PageSize": 25 } }))
        .await;
    assert_eq!((&list["RecordCount"], &list["Response"][0]["WebhookId"]), (&json!(1), &json!(id)));
    assert_eq!(client.post(&format!("Webhook.svc/Delete?webhookId={id}"), &json!({})).await.0, 405);
    assert_eq!(client.get(&format!("Webhook.svc/Delete?webhookId={id}")).await.0, 200);
    let no_event = json!({ "URL": "https://example.com/", "WebhookEvent": "2" });
    refused(
        &client.post("Webhook.svc/Create", &no_event).await,
        "MXInvalidDataTypeException",
        "ActivityEvent",
    );
}
