//! Quotas.

use std::time::Duration;

use sandbox::switches::RateLimitStatus;
use sandbox::{Plan, Quota, Switches};
use serde_json::json;

use crate::client::Client;

#[tokio::test]
async fn calls_over_the_quota_are_refused_and_counted() {
    let client = Client::with(|settings| settings.plan = Plan::Pro).await;
    for _ in 0..10 {
        assert_eq!(client.get("LeadManagement.svc/Leads.GetById?id=x").await.0, 200);
    }
    let (status, body) = client.get("LeadManagement.svc/Leads.GetById?id=x").await;
    assert_eq!((status, &body["ExceptionType"]), (429, &json!("MXAPIRateLimitExceededException")));
    assert_eq!(body["ExceptionMessage"], "API calls exceeded the limit of 10 in 5 second(s)");
    for (rate_limit_status, expected) in
        [(RateLimitStatus::Status403, 403), (RateLimitStatus::Status200, 200)]
    {
        client.account.set_switches(Switches { rate_limit_status, ..Switches::default() });
        let (status, body) = client.get("LeadManagement.svc/Leads.GetById?id=x").await;
        assert_eq!((status, &body["Status"]), (expected, &json!("Error")));
    }
    let counts = client.account.calls();
    assert_eq!((counts.total, counts.refused, counts.peak), (13, 3, 13));
    assert_eq!(counts.by_operation["LeadManagement.svc/Leads.GetById"], 13);
    client.account.set_plan(Plan::Unlimited);
    assert_eq!(client.get("LeadManagement.svc/Leads.GetById?id=x").await.0, 200);
    client.account.reset_calls();
    assert_eq!(client.account.calls().total, 0);
}

#[tokio::test]
async fn bulk_calls_have_a_bucket_of_their_own_and_days_an_end() {
    let quota = |daily| Quota { calls: 100, bulk_calls: 1, window: Duration::from_mins(1), daily };
    let client = Client::with(|settings| settings.plan = Plan::Explicit(quota(3))).await;
    let rows = json!([[{ "Attribute": "FirstName", "Value": "A" }]]);
    let bulk = "LeadManagement.svc/Lead/Bulk/CreateOrUpdate";
    assert_eq!(client.post(bulk, &rows).await.0, 200);
    assert_eq!(client.post(bulk, &rows).await.0, 429);
    for _ in 0..2 {
        assert_eq!(client.get("LeadManagement.svc/Leads.GetById?id=x").await.0, 200);
    }
    let (status, body) = client.get("LeadManagement.svc/Leads.GetById?id=x").await;
    assert_eq!(status, 429, "the day is used up");
    assert!(
        body["ExceptionMessage"].as_str().is_some_and(|text| text.contains("limit of 3")),
        "{body}"
    );
    assert_eq!(client.account.lead_count(), 1, "a refused call has no effect");
}
