//! Keys, paths, and reads.

use serde_json::{Value, json};

use crate::client::{Client, refused};

#[tokio::test]
async fn keys_and_paths_are_checked() {
    let client = Client::new().await;
    let url = format!("{}/v2/LeadManagement.svc/LeadsMetaData.Get", client.account.url());
    let wrong =
        client.http.get(&url).header("x-LSQ-AccessKey", "x").send().await.expect("an answer");
    assert_eq!(wrong.status(), 401);
    let text = wrong.text().await.expect("a body");
    assert!(text.contains("MXInvalidAccessDetailsException"), "{text}");
    let right = client
        .http
        .get(&url)
        .header("x-LSQ-AccessKey", client.account.access_key())
        .header("x-LSQ-SecretKey", client.account.secret_key());
    assert_eq!(right.send().await.expect("an answer").status(), 200);
    assert_eq!(client.get("LeadManagement.svc/Nothing").await.0, 404);
    assert_eq!(client.get("LeadManagement.svc/Lead.Capture").await.0, 405);
    let garbage = client.http.post(client.url("LeadManagement.svc/Lead.Capture")).body("{");
    assert_eq!(garbage.send().await.expect("an answer").status(), 400);
}

#[tokio::test]
async fn a_lead_is_found_by_id_email_and_number() {
    let client = Client::new().await;
    let fields =
        [("FirstName", "Asha"), ("EmailAddress", "asha@example.com"), ("Phone", "+91-9876543210")];
    let id = client.account.create_lead(&fields).expect("a lead");
    for path in [
        format!("Leads.GetById?id={id}"),
        "Leads.GetByEmailaddress?emailaddress=Asha%40example.com".to_owned(),
        "RetrieveLeadByPhoneNumber?phone=9876543210".to_owned(),
        "RetrieveLeadByPhoneNumber?phone=%2B919876543210".to_owned(),
        "Leads.GetByQuickSearch?key=ash".to_owned(),
    ] {
        let (status, body) = client.get(&format!("LeadManagement.svc/{path}")).await;
        assert_eq!((status, &body[0]["ProspectID"]), (200, &json!(id)), "{path}: {body}");
        let fields = body[0].as_object().expect("a flat lead");
        for (name, value) in fields {
            assert!(value.is_string() || value.is_null(), "{name}: {value}");
        }
        assert_eq!(fields["ProspectStage"], "Prospect", "a default");
        assert_eq!(fields["mx_City"], Value::Null);
    }
    for path in [
        "Leads.GetById?id=x",
        "Leads.GetByEmailaddress?emailaddress=x",
        "RetrieveLeadByPhoneNumber?phone=000",
    ] {
        let (status, body) = client.get(&format!("LeadManagement.svc/{path}")).await;
        assert_eq!((status, &body), (200, &json!([])), "{path}");
    }
}

#[tokio::test]
async fn searches_page_and_are_capped() {
    let client = Client::new().await;
    for n in 0..7 {
        let name = format!("N{n}");
        client
            .account
            .create_lead(&[("FirstName", &name), ("mx_Budget", &n.to_string())])
            .expect("a lead");
    }
    let search = |page: u32, size: u32| {
        json!({
            "Parameter": { "LookupName": "mx_Budget", "LookupValue": "2", "SqlOperator": ">=" },
            "Columns": { "Include_CSV": "FirstName,NoSuchField" },
            "Sorting": { "ColumnName": "ProspectAutoId", "Direction": "0" },
            "Paging": { "PageIndex": page, "PageSize": size },
        })
    };
    let (_, first) = client.post("LeadManagement.svc/Leads.Get", &search(1, 3)).await;
    assert_eq!(first, json!([{ "FirstName": "N2" }, { "FirstName": "N3" }, { "FirstName": "N4" }]));
    let (_, second) = client.post("LeadManagement.svc/Leads.Get", &search(2, 3)).await;
    assert_eq!(second, json!([{ "FirstName": "N5" }, { "FirstName": "N6" }]));
    let over = client.post("LeadManagement.svc/Leads.Get", &search(1, 5001)).await;
    refused(&over, "MXInvalidInputException", "5000");
    let range = json!({ "Parameter": { "FromDate": "2000-01-01 00:00:00", "ToDate": "2000-01-02 00:00:00" } });
    let (_, none) = client.post("LeadManagement.svc/Leads.RecentlyModified", &range).await;
    assert_eq!(none, json!({ "RecordCount": 0 }), "no list without rows");
    let range = json!({ "Parameter": { "FromDate": "2020-01-01 00:00:00", "ToDate": "2100-01-02 00:00:00" },
                        "Paging": { "PageIndex": 1, "PageSize": 2 } });
    let (_, some) = client.post("LeadManagement.svc/Leads.RecentlyModified", &range).await;
    assert_eq!(some["RecordCount"], 7, "the count of all");
    assert_eq!(some["Leads"].as_array().map(Vec::len), Some(2));
    let wrong = json!({ "Parameter": { "FromDate": "2020", "ToDate": "2021" } });
    let wrong = client.post("LeadManagement.svc/Leads.RecentlyModified", &wrong).await;
    refused(&wrong, "MXInvalidInputException", "FromDate");
}

#[tokio::test]
async fn metadata_tells_types_and_options() {
    let client = Client::new().await;
    let (_, fields) = client.get("LeadManagement.svc/LeadsMetaData.Get").await;
    let field = |name: &str| {
        let all = fields.as_array().expect("a list");
        all.iter()
            .find(|field| field["SchemaName"] == name)
            .unwrap_or_else(|| panic!("no {name}"))
            .clone()
    };
    assert_eq!(field("mx_Plan")["Options"][2]["Value"], "Premium");
    assert_eq!(field("Phone")["IsUnique"], true);
    assert_eq!(field("CreatedOn")["IsReadOnly"], true);
    assert_eq!(field("FirstName")["MaxLength"], "200", "a string");
    let (_, one) = client
        .get("LeadManagement.svc/LeadsMetaData.Get?schemaName=mx_Plan&excludeOptionSets=1")
        .await;
    assert_eq!(one.as_array().map(Vec::len), Some(1));
    assert!(one[0].get("Options").is_none(), "{one}");
}
