//! The calls of public clients of LeadSquared, as they make them: that of Chatwoot, and LeadSquared's
//! own library for PHP. What they read of the answers is there.

use sandbox::{ActivityType, Kind};
use serde_json::{Value, json};

use crate::client::{Client, attributes};

/// The text of a value that one client reads as a text and another one as a number.
fn id(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[tokio::test]
async fn chatwoots_client_sets_itself_up_and_posts_conversations() {
    let client = Client::new().await;
    // It asks any region's host where the account is, and builds its addresses from the answer.
    let (status, told) = client.get("Authentication.svc/UserByAccessKey.Get").await;
    assert_eq!(status, 200, "{told}");
    let host = told["LSQCommonServiceURLs"]["api"].as_str().expect("a host");
    assert_eq!(client.account.url(), format!("http://{host}"));
    assert!(told["LSQCommonServiceURLs"]["app"].is_string() && told["TimeZone"] == "Asia/Kolkata");

    // Its activity types are made if they are missing, once.
    let types = |told: &Value| -> Vec<(String, String)> {
        let kinds = told.as_array().expect("a list").iter();
        kinds.map(|kind| (id(&kind["ActivityEventName"]), id(&kind["ActivityEvent"]))).collect()
    };
    let (_, told) = client.get("ProspectActivity.svc/ActivityTypes.Get").await;
    let name = "Chatwoot Conversation Started";
    assert!(types(&told).iter().all(|(other, _)| other != name));
    let kind = json!({ "ActivityEventName": name, "Score": 0, "Direction": 0 });
    let (status, made) = client.post("ProspectActivity.svc/CreateType", &kind).await;
    assert_eq!((status, &made["Status"]), (200, &json!("Success")), "{made}");
    let code = id(&made["Message"]["Id"]);
    let (_, told) = client.get("ProspectActivity.svc/ActivityTypes.Get").await;
    assert!(types(&told).contains(&(name.to_owned(), code.clone())), "{told}");
    let (status, again) = client.post("ProspectActivity.svc/CreateType", &kind).await;
    assert_eq!(again["ExceptionType"], "MXDuplicateEntryException", "{status} {again}");

    // A contact becomes a lead, is found by a search, and gets an activity.
    let lead = [("EmailAddress", "asha@example.com"), ("FirstName", "Asha"), ("Mobile", "+91-1")];
    let made = client.lead("Lead.CreateOrUpdate", &lead).await;
    let lead_id = id(&made["Message"]["Id"]);
    let (_, found) = client.get("LeadManagement.svc/Leads.GetByQuickSearch?key=asha").await;
    assert_eq!(found[0]["ProspectID"].as_str(), Some(lead_id.as_str()), "{found}");
    let path = format!("LeadManagement.svc/Lead.Update?leadId={lead_id}");
    let (status, updated) = client.post(&path, &attributes(&[("LastName", "Rao")])).await;
    assert_eq!((status, &updated["Message"]["AffectedRows"]), (200, &json!(1)), "{updated}");
    let activity = json!({
        "RelatedProspectId": lead_id, "ActivityEvent": code.parse::<u32>().expect("a code"),
        "ActivityNote": "Conversation 7 started",
    });
    let (status, posted) = client.post("ProspectActivity.svc/Create", &activity).await;
    assert!(status == 200 && posted["Message"]["Id"].is_string(), "{posted}");
}

/// The answer to a call that succeeded.
fn done((status, told): (u16, Value)) -> Value {
    assert_eq!((status, &told["Status"]), (200, &json!("Success")), "{told}");
    told
}

#[tokio::test]
async fn leadsquareds_library_for_php_manages_leads_and_activities() {
    let client = Client::new().await;
    let lead = |fields: &[(&str, &str)]| attributes(fields);
    let service = "LeadManagement.svc";

    // Leads.
    let asha = [("EmailAddress", "asha@example.com"), ("FirstName", "Asha")];
    let made = done(client.post(&format!("{service}/Lead.Create"), &lead(&asha)).await);
    let asha_id = id(&made["Message"]["Id"]);
    let path = format!("{service}/Lead.Update?leadId={asha_id}");
    done(client.post(&path, &lead(&[("LastName", "Rao")])).await);
    let path = format!("{service}/Lead.CreateOrUpdate?postUpdatedLead=false");
    let ravi = lead(&[("EmailAddress", "ravi@example.com"), ("SearchBy", "EmailAddress")]);
    let made = done(client.post(&path, &ravi).await);
    let ravi_id = id(&made["Message"]["Id"]);
    for path in ["LeadsMetaData.Get", "Leads.GetByEmailaddress?emailaddress=asha@example.com"] {
        let (status, told) = client.get(&format!("{service}/{path}")).await;
        assert!(status == 200 && told[0].is_object(), "{path}: {told}");
    }
    let (_, found) = client.get(&format!("{service}/Leads.GetById?id={asha_id}")).await;
    assert_eq!(found[0]["LastName"], "Rao", "{found}");
    let visitor = "00000000-0000-4000-8000-0000000000aa";
    let path = format!("{service}/Lead.Convert?leadId={visitor}&postUpdatedLead=true");
    let (status, converted) = client.post(&path, &lead(&asha)).await;
    assert!(status == 200 || converted["ExceptionType"].is_string(), "{converted}");

    // Activities.
    let note = json!({
        "RelatedProspectId": asha_id, "ActivityEvent": 201, "ActivityNote": "a note",
        "ActivityDateTime": "2026-01-02 03:04:05",
    });
    let posted = done(client.post("ProspectActivity.svc/Create", &note).await);
    let by_email =
        json!({ "EmailAddress": "new@example.com", "ActivityEvent": 201, "FirstName": "New" });
    done(client.post("ProspectActivity.svc/Create", &by_email).await);
    let path = format!("ProspectActivity.svc/Retrieve?leadId={asha_id}");
    let (_, listed) = client.post(&path, &json!({})).await;
    let has = |listed: &Value, id: &Value| {
        listed["ProspectActivities"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["Id"] == *id))
    };
    let posted_id = posted["Message"]["Id"].clone();
    assert!(has(&listed, &posted_id), "{listed}");
    done(client.post("ProspectActivity.svc/DeleteActivities", &json!([posted_id])).await);
    let (_, listed) = client.post(&path, &json!({})).await;
    assert!(!has(&listed, &posted_id), "{listed}");

    // Users.
    let (_, users) = client.get("UserManagement.svc/Users.Get").await;
    let user = id(&users[0]["ID"]);
    let (_, found) =
        client.get(&format!("UserManagement.svc/User/Retrieve/ByUserId?UserId={user}")).await;
    assert_eq!(id(&found[0]["UserId"]), user, "{found}");

    // A merge keeps the master's values only.
    let path = format!("{service}/Lead.Merge?masterId={ravi_id}&childId={asha_id}");
    done(client.post(&path, &json!({})).await);
    let (_, kept) = client.get(&format!("{service}/Leads.GetById?id={ravi_id}")).await;
    assert!(kept[0]["LastName"].as_str().unwrap_or_default().is_empty(), "{kept}");
    let (_, gone) = client.get(&format!("{service}/Leads.GetById?id={asha_id}")).await;
    assert_eq!(gone, json!([]), "the child is gone");
}

#[tokio::test]
async fn leadsquareds_library_for_php_manages_sales_and_lists() {
    let client = Client::new().await;
    let service = "LeadManagement.svc";
    let lead = |name: &str| attributes(&[("EmailAddress", &format!("{name}@example.com"))]);
    let made = done(client.post(&format!("{service}/Lead.Create"), &lead("asha")).await);
    let asha_id = id(&made["Message"]["Id"]);
    let made = done(client.post(&format!("{service}/Lead.Create"), &lead("ravi")).await);
    let ravi_id = id(&made["Message"]["Id"]);

    // Products, sales and mails.
    let product = json!({ "ProductName": "Scan", "SKU": "S-1" });
    let made = done(client.post("SalesActivity.svc/CreateProduct", &product).await);
    let product_id = id(&made["Message"]["Id"]);
    let renamed = json!({ "ProductId": product_id, "ProductName": "Scan, full" });
    done(client.post("SalesActivity.svc/UpdateProduct", &renamed).await);
    let (_, found) =
        client.post("SalesActivity.svc/RetrieveProducts", &json!({ "SearchText": "scan" })).await;
    assert_eq!(found["Products"][0]["ProductName"], "Scan, full", "{found}");
    done(client.get(&format!("SalesActivity.svc/DeleteProduct?id={product_id}")).await);
    let sales = ActivityType::new(30, "Sales Activity", 1)
        .field("mx_Custom_1", "Product", Kind::Product)
        .field("mx_Custom_2", "Order Value", Kind::Number);
    client.account.put_activity_type(sales);
    let (_, setting) = client.get("SalesActivity.svc/RetrieveSetting").await;
    let has_value = |field: &Value| field["SchemaName"] == "mx_Custom_2";
    assert!(setting["Fields"].as_array().expect("fields").iter().any(has_value), "{setting}");
    let sale = json!({
        "ProspectId": asha_id, "Fields": [{ "SchemaName": "mx_Custom_2", "Value": "500" }],
    });
    let sold = done(client.post("SalesActivity.svc/Create", &sale).await);
    let sale_id = id(&sold["Message"]["Id"]);
    let more = json!({
        "ProspectActivityId": sale_id, "Fields": [{ "SchemaName": "mx_Custom_2", "Value": "700" }],
    });
    done(client.post("SalesActivity.svc/Update", &more).await);
    let path = format!("SalesActivity.svc/RetrieveActivity?activityId={sale_id}");
    let (_, told) = client.get(&path).await;
    assert_eq!(told["Data"]["mx_Custom_2"], "700", "{told}");
    let mail = json!({ "Subject": "Hello", "RecipientType": "LeadId", "Recipient": asha_id });
    done(client.post("EmailMarketing.svc/ScheduleEmailToLead", &mail).await);

    // Lists.
    let made =
        done(client.post("LeadSegmentation.svc/CreateEmptyList", &json!({ "Name": "VIP" })).await);
    let list = id(&made["Message"]["Id"]);
    let on = |lead: &str| format!("listId={list}&leadId={lead}");
    let (status, added) = {
        let url = client.url(&format!("{service}/AddLeadToStaticList?{}", on(&asha_id)));
        let answer = client.http.post(url).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    assert_eq!((status, &added["Status"]), (200, &json!("Success")), "{added}");
    let (_, lists) = client.get(&format!("{service}/Lists.Get")).await;
    assert_eq!(lists[0]["Name"], "VIP", "{lists}");
    let (_, count) =
        client.get(&format!("{service}/List/Retrieve/MemberCount?listId={list}")).await;
    assert_eq!(count["MemberCount"], 1, "{count}");
    for (lead, is_member) in [(&asha_id, true), (&ravi_id, false)] {
        let (_, told) = client.get(&format!("{service}/List.CheckLead?{}", on(lead))).await;
        assert_eq!(told["IsMember"], is_member, "{told}");
    }
}
