//! Every operation: the path, verb and body that LeadSquared documents, and its answer.

use jiff::Timestamp;
use leadsquared::{
    ActivityField, ActivityWrite, Attribute, Automations, ByEventQuery, LeadQuery, LeadWrite,
    Missing, ModifiedActivitiesQuery, Operator, OptionSets, Paging, Sorting, Window,
};

use crate::server::{Seen, Server, lead};

const LEAD: &str = r#"[{"Attribute":"FirstName","Value":"Asha"},{"Attribute":"EmailAddress","Value":"asha@example.com"}]"#;
const WRITTEN: &str = r#"{"Status":"Success","Message":{"Id":"a","AffectedRows":1}}"#;
const PAGING: Paging = Paging { page_index: 1, page_size: 100 };

#[track_caller]
fn assert_asked(seen: &Seen, method: &str, uri: &str, body: &str) {
    assert_eq!((seen.method.as_str(), seen.uri.as_str()), (method, uri));
    assert_eq!(seen.body, body);
}

fn window() -> Window {
    let instant = |text: &str| text.parse::<Timestamp>().expect("a timestamp");
    Window { from: instant("2016-09-05T02:00:00Z"), to: instant("2016-09-08T02:20:00Z") }
}

fn activity() -> ActivityWrite<'static> {
    ActivityWrite {
        event: 201,
        note: Some("A note".into()),
        fields: vec![ActivityField::new("mx_Custom_1", "x")],
        ..ActivityWrite::default()
    }
}

const ACTIVITY: &str = r#""ActivityEvent":201,"ActivityNote":"A note","Fields":[{"SchemaName":"mx_Custom_1","Value":"x"}]}"#;

#[tokio::test]
async fn single_leads_are_written() {
    let server = Server::answering(200, WRITTEN).await;
    let client = server.client();
    let lead = lead();
    let quiet = Automations::Quiet;
    for reply in [
        client.create_lead(&lead).await,
        client.update_lead("l 1", &lead, Automations::Fire).await,
        client.create_or_update_lead(&lead, quiet).await,
        client.convert_lead("v", &lead, quiet).await,
    ] {
        assert_eq!(reply.result.expect("written").affected_rows, Some(1));
    }
    let uris = [
        "/v2/LeadManagement.svc/Lead.Create",
        "/v2/LeadManagement.svc/Lead.Update?leadId=l%201&postUpdatedLead=true",
        "/v2/LeadManagement.svc/Lead.CreateOrUpdate?postUpdatedLead=false",
        "/v2/LeadManagement.svc/Lead.Convert?leadId=v&postUpdatedLead=false",
    ];
    for (seen, uri) in server.seen().iter().zip(uris) {
        assert_asked(seen, "POST", uri, LEAD);
    }
}

#[tokio::test]
async fn many_leads_are_written() {
    let server = Server::answering(
        200,
        r#"[{"RowNumber":1,"LeadId":"a","LeadCreated":true,"LeadUpdated":false,"AffectedRows":1},{"RowNumber":2,"ErrorMessage":"A Lead with same Email already exists.","ExceptionType":"MXDuplicateEntryException"}]"#,
    )
    .await;
    let leads = [lead(), LeadWrite::new([("Phone", "1")]).found_by("Phone")];
    for reply in [
        server.client().create_leads(&leads).await,
        server.client().create_or_update_leads(&leads).await,
    ] {
        let rows = reply.result.expect("rows");
        let rows = rows.each(2);
        assert_eq!(rows[0].and_then(|row| row.lead_id.as_deref()), Some("a"));
        assert!(rows[1].expect("a row").is_failure());
    }
    let body = format!(
        r#"[{LEAD},[{{"Attribute":"Phone","Value":"1"}},{{"Attribute":"SearchBy","Value":"Phone"}}]]"#
    );
    for (seen, name) in server.seen().iter().zip(["Create", "CreateOrUpdate"]) {
        assert_asked(seen, "POST", &format!("/v2/LeadManagement.svc/Lead/Bulk/{name}"), &body);
    }
}

#[tokio::test]
async fn a_field_of_many_leads_is_set() {
    let server = Server::answering(200, WRITTEN).await;
    let field = Attribute::new("mx_City", "Bangalore");
    let reply = server.client().set_field_of_leads(&["a", "b"], &field).await;
    reply.result.expect("written");
    assert_asked(
        &server.only(),
        "POST",
        "/v2/LeadManagement.svc/Lead/Bulk/Update",
        r#"{"LeadIds":["a","b"],"LeadFields":{"Attribute":"mx_City","Value":"Bangalore"}}"#,
    );
}

#[tokio::test]
async fn many_leads_are_updated_each_with_its_values() {
    let server = Server::answering(
        200,
        r#"{"Status":{"TotalCount":2,"SuccessCount":1,"FailureCount":1,"Message":"Error"},"Details":{"FailedLeads":[{"Identifier":"EmailAddress","IdentifierValue":"b@example.com","Reason":"Lead does not exist in the system"}]}}"#,
    )
    .await;
    let leads = [LeadWrite::new([("ProspectID", "a"), ("mx_City", "X")])];
    let client = server.client();
    let reply = client.update_leads(&leads, None, Missing::Unprocessed).await;
    let updated = reply.result.expect("a partial failure is no error of the call");
    assert_eq!((updated.total, updated.succeeded, updated.failed), (Some(2), Some(1), Some(1)));
    assert_eq!(updated.failed_leads[0].identifier_value, "b@example.com");
    let reply = client.update_leads(&leads, Some("EmailAddress"), Missing::Failed).await;
    reply.result.expect("updated");
    let rows = r#""LeadPropertiesList":[{"Fields":[{"Attribute":"ProspectID","Value":"a"},{"Attribute":"mx_City","Value":"X"}]}]}"#;
    let uri = "/v2/LeadManagement.svc/Lead/Bulk/UpdateV2";
    let seen = server.seen();
    let body = format!(r#"{{"Options":{{"PushNonExistentLeadsToUnProcessedList":true}},{rows}"#);
    assert_asked(&seen[0], "POST", uri, &body);
    let body = format!(
        r#"{{"SearchByKey":"EmailAddress","Options":{{"PushNonExistentLeadsToUnProcessedList":false}},{rows}"#
    );
    assert_asked(&seen[1], "POST", uri, &body);
}

#[tokio::test]
async fn leads_are_looked_up() {
    let server = Server::answering(200, r#"[{"ProspectID":"a","Phone":null}]"#).await;
    let client = server.client();
    let lead = client.lead_by_id("a").await.result.expect("read").expect("a lead");
    assert_eq!(lead.id(), Some("a"));
    for reply in [
        client.leads_by_email("a@example.com").await,
        client.leads_by_phone("+91-1").await,
        client.quick_search_leads("Asha K").await,
    ] {
        assert_eq!(reply.result.expect("read").len(), 1);
    }
    let uris = [
        "/v2/LeadManagement.svc/Leads.GetById?id=a",
        "/v2/LeadManagement.svc/Leads.GetByEmailaddress?emailaddress=a%40example.com",
        "/v2/LeadManagement.svc/RetrieveLeadByPhoneNumber?phone=%2B91-1",
        "/v2/LeadManagement.svc/Leads.GetByQuickSearch?key=Asha%20K",
    ];
    for (seen, uri) in server.seen().iter().zip(uris) {
        assert_asked(seen, "GET", uri, "");
    }
    let server = Server::answering(200, "[]").await;
    assert_eq!(server.client().lead_by_id("b").await.result.expect("read"), None);
}

#[tokio::test]
async fn leads_are_searched() {
    let server = Server::answering(200, "[]").await;
    let query = LeadQuery {
        field: "CreatedOn",
        operator: Operator::Greater,
        value: "2015-01-01 14:36:59",
        columns: &["ProspectID", "FirstName"],
        sorting: Sorting::descending("CreatedOn"),
        paging: PAGING,
    };
    assert!(server.client().leads(&query).await.result.expect("read").is_empty());
    assert_asked(
        &server.only(),
        "POST",
        "/v2/LeadManagement.svc/Leads.Get",
        r#"{"Parameter":{"LookupName":"CreatedOn","LookupValue":"2015-01-01 14:36:59","SqlOperator":">"},"Columns":{"Include_CSV":"ProspectID,FirstName"},"Sorting":{"ColumnName":"CreatedOn","Direction":"1"},"Paging":{"PageIndex":1,"PageSize":100}}"#,
    );
}

#[tokio::test]
async fn leads_are_paged() {
    let server = Server::answering(
        200,
        r#"{"RecordCount":1,"Leads":[{"LeadPropertyList":[{"Attribute":"ProspectID","Value":"a"},{"Attribute":"Total","Value":"1"}]}]}"#,
    )
    .await;
    let client = server.client();
    let sorting = Sorting::ascending("ProspectAutoId");
    for reply in [
        client.recently_modified_leads(window(), &[], &sorting, PAGING).await,
        client.leads_by_ids(&["a"], &["ProspectID"], PAGING).await,
        client.leads_in_list("list", &[], &sorting, PAGING).await,
    ] {
        let page = reply.result.expect("a page");
        assert_eq!((page.record_count, page.rows[0].id()), (1, Some("a")));
        assert_eq!(page.rows[0].get("Total"), None);
    }
    let seen = server.seen();
    let paging = r#""Paging":{"PageIndex":1,"PageSize":100}}"#;
    let sorting = r#""Sorting":{"ColumnName":"ProspectAutoId","Direction":"0"}"#;
    assert_asked(
        &seen[0],
        "POST",
        "/v2/LeadManagement.svc/Leads.RecentlyModified",
        &format!(
            r#"{{"Parameter":{{"FromDate":"2016-09-05 02:00:00","ToDate":"2016-09-08 02:20:00"}},{sorting},{paging}"#
        ),
    );
    assert_asked(
        &seen[1],
        "POST",
        "/v2/LeadManagement.svc/Leads/Retrieve/ByIds",
        &format!(
            r#"{{"SearchParameters":{{"LeadIds":["a"]}},"Columns":{{"Include_CSV":"ProspectID"}},{paging}"#
        ),
    );
    assert_asked(
        &seen[2],
        "POST",
        "/v2/LeadManagement.svc/Leads/Retrieve/BySearchParameter",
        &format!(
            r#"{{"SearchParameters":{{"ListId":"list","RetrieveBehaviour":"0"}},{sorting},{paging}"#
        ),
    );
}

#[tokio::test]
async fn fields_of_leads_are_listed() {
    let server = Server::answering(200, r#"[{"SchemaName":"Phone","MaxLength":"10"}]"#).await;
    let client = server.client();
    let fields = client.lead_fields(None, OptionSets::Included).await.result.expect("read");
    assert_eq!(fields[0].max_length, Some(10));
    client.lead_fields(Some("Phone"), OptionSets::Excluded).await.result.expect("read");
    let seen = server.seen();
    let uri = "/v2/LeadManagement.svc/LeadsMetaData.Get";
    assert_asked(&seen[0], "GET", uri, "");
    assert_asked(&seen[1], "GET", &format!("{uri}?schemaName=Phone&excludeOptionSets=1"), "");
}

#[tokio::test]
async fn activities_are_written() {
    let server = Server::answering(200, WRITTEN).await;
    let (client, activity) = (server.client(), activity());
    for reply in [
        client.create_activity("l", &activity).await,
        client.update_activity("p", &activity).await,
        client.create_lead_and_activity(&lead().found_by("EmailAddress"), &activity).await,
    ] {
        assert_eq!(reply.result.expect("written").id.as_deref(), Some("a"));
    }
    let seen = server.seen();
    assert_asked(
        &seen[0],
        "POST",
        "/v2/ProspectActivity.svc/Create",
        &format!(r#"{{"RelatedProspectId":"l",{ACTIVITY}"#),
    );
    assert_asked(
        &seen[1],
        "POST",
        "/v2/ProspectActivity.svc/CustomActivity/Update",
        &format!(r#"{{"ProspectActivityId":"p",{ACTIVITY}"#),
    );
    let found = LEAD.replace(']', r#",{"Attribute":"SearchBy","Value":"EmailAddress"}]"#);
    assert_asked(
        &seen[2],
        "POST",
        "/v2/ProspectActivity.svc/CreateCustom",
        &format!(r#"{{"LeadDetails":{found},"Activity":{{{ACTIVITY}}}"#),
    );
}

#[tokio::test]
async fn many_activities_are_written() {
    let server = Server::answering(
        200,
        r#"{"Response":[{"RowNumber":1,"ActivityCreated":true,"ProspectActivityId":"p"}]}"#,
    )
    .await;
    let (client, rows) = (server.client(), [("k", activity())]);
    for reply in [
        client.create_activities(&rows).await,
        client.create_activities_by_field("EmailAddress", &rows).await,
        client.update_activities(&rows).await,
    ] {
        let rows = reply.result.expect("rows");
        assert_eq!(rows.each(1)[0].and_then(|row| row.prospect_activity_id.as_deref()), Some("p"));
    }
    let asked = [
        ("Add/ByLeadId", "RelatedProspectId"),
        ("Add/ByLeadField?searchBy=EmailAddress", "SearchByValue"),
        ("Update", "ProspectActivityId"),
    ];
    for (seen, (path, key)) in server.seen().iter().zip(asked) {
        let uri = format!("/v2/ProspectActivity.svc/Bulk/CustomActivity/{path}");
        assert_asked(seen, "POST", &uri, &format!(r#"[{{"{key}":"k",{ACTIVITY}]"#));
    }
}

#[tokio::test]
async fn activities_are_read() {
    let server = Server::answering(
        200,
        r#"{"RecordCount":2,"ProspectActivities":[{"Id":"p","EventCode":201,"ActivityFields":{"mx_Custom_1":"x"}}]}"#,
    )
    .await;
    let client = server.client();
    let sorting = Sorting::descending("ProspectActivityId");
    let by_event =
        ByEventQuery { event: 201, window: window(), sorting: sorting.clone(), paging: PAGING };
    let modified =
        ModifiedActivitiesQuery { event: None, window: window(), sorting, paging: PAGING };
    for reply in [
        client.activities_of_lead("l", Some(201), 0, 10).await,
        client.activities_by_event(&by_event).await,
        client.recently_modified_activities(&modified).await,
    ] {
        let page = reply.result.expect("a page");
        assert_eq!(page.record_count, 2);
        assert_eq!(page.rows[0].event, Some(201));
        assert_eq!(page.rows[0].fields.get("mx_Custom_1"), Some("x"));
    }
    let seen = server.seen();
    assert_asked(
        &seen[0],
        "POST",
        "/v2/ProspectActivity.svc/Retrieve?leadId=l",
        r#"{"Parameter":{"ActivityEvent":201},"Paging":{"Offset":"0","RowCount":"10"}}"#,
    );
    let dates = r#""FromDate":"2016-09-05 02:00:00","ToDate":"2016-09-08 02:20:00""#;
    let rest = r#""Paging":{"PageIndex":1,"PageSize":100},"Sorting":{"ColumnName":"ProspectActivityId","Direction":"1"}}"#;
    assert_asked(
        &seen[1],
        "POST",
        "/v2/ProspectActivity.svc/CustomActivity/RetrieveByActivityEvent",
        &format!(
            r#"{{"Parameter":{{{dates},"ActivityEvent":201,"RemoveEmptyValue":false}},{rest}"#
        ),
    );
    assert_asked(
        &seen[2],
        "POST",
        "/v2/ProspectActivity.svc/RetrieveRecentlyModified",
        &format!(r#"{{"Parameter":{{{dates},"IncludeCustomFields":1}},{rest}"#),
    );
}

#[tokio::test]
async fn types_of_activities_are_read() {
    let server =
        Server::answering(200, r#"[{"ActivityEvent":"206","ActivityEventName":"Booking"}]"#).await;
    let types = server.client().activity_types().await.result.expect("read");
    assert_eq!((types[0].event, types[0].name.as_str()), (Some(206), "Booking"));
    assert_asked(&server.only(), "GET", "/v2/ProspectActivity.svc/ActivityTypes.Get", "");

    let server = Server::answering(200, r#"{"ID":"206","Fields":[{"SchemaName":"Status"}]}"#).await;
    let client = server.client();
    for reply in [client.activity_form(206).await, client.activity_details("p").await] {
        assert_eq!(reply.result.expect("read").fields[0].schema_name, "Status");
    }
    let seen = server.seen();
    let uri = "/v2/ProspectActivity.svc/CustomActivity/GetActivitySetting?code=206";
    assert_asked(&seen[0], "GET", uri, "");
    assert_asked(&seen[1], "GET", "/v2/ProspectActivity.svc/GetActivityDetails?activityId=p", "");
}

#[tokio::test]
async fn users_are_read() {
    let body = r#"[{"ID":"u","FirstName":"Asha","EmailAddress":"a@example.com","Role":"Administrator","StatusCode":0,"mx_Custom_1":"1","mx_Custom_2":null,"mx_Custom_3":true,"Tag":null}]"#;
    let server = Server::answering(200, body).await;
    let client = server.client();
    assert_eq!(client.users().await.result.expect("read")[0].id, "u");
    let user = client.user_of_keys().await.result.expect("read").expect("a user");
    assert_eq!(user.email_address, "a@example.com");
    let users = client.users_by_email("a@example.com").await.result.expect("read");
    assert_eq!((users[0].user.id.as_str(), users[0].user.is_active()), ("u", true));
    let fields: Vec<_> = users[0].custom_fields().collect();
    assert_eq!(fields, [("mx_Custom_1", "1".to_owned()), ("mx_Custom_3", "true".to_owned())]);
    let uris = [
        "/v2/UserManagement.svc/Users.Get",
        "/v2/UserManagement.svc/GetByAccessKey",
        "/v2/UserManagement.svc/User/Retrieve/ByEmailAddress?emailAddress=a%40example.com",
    ];
    for (seen, uri) in server.seen().iter().zip(uris) {
        assert_asked(seen, "GET", uri, "");
    }
}

#[tokio::test]
async fn a_webhook_is_deleted_by_get() {
    let server = Server::answering(200, r#"{"Status":"Success"}"#).await;
    server.client().delete_webhook("w").await.result.expect("deleted");
    assert_asked(&server.only(), "GET", "/v2/Webhook.svc/Delete?webhookId=w", "");
}
