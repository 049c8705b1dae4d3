//! Faults on demand.

use std::time::Duration;

use sandbox::{Fault, Trouble};

use crate::client::{Client, attributes};

#[tokio::test]
async fn each_trouble_is_what_it_says() {
    let client = Client::new().await;
    let mut leads = 0;
    for (trouble, effect, expected) in [
        (Trouble::Html500, false, Some(500)),
        (Trouble::Gateway(503), false, Some(503)),
        (Trouble::RateLimited, false, Some(429)),
        (Trouble::ResetBefore, false, None),
        (Trouble::ResetAfter, true, None),
        (Trouble::HangBefore, false, None),
        (Trouble::HangAfter, true, None),
        (Trouble::CutJson, true, Some(200)),
        (Trouble::Slow(Duration::from_millis(20)), true, Some(200)),
    ] {
        client.account.put_fault(Fault::once(trouble.clone()).of("Lead.Create"));
        // Another operation is not struck.
        assert_eq!(client.get("LeadManagement.svc/Leads.GetById?id=x").await.0, 200);
        let answer = client
            .http
            .post(client.url("LeadManagement.svc/Lead.Create"))
            .json(&attributes(&[("FirstName", "A")]))
            .timeout(Duration::from_secs(1))
            .send()
            .await;
        assert_eq!(
            answer.as_ref().ok().map(|answer| answer.status().as_u16()),
            expected,
            "{trouble:?}"
        );
        if trouble == Trouble::CutJson {
            let text = answer.expect("an answer").text().await.expect("a body");
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_err(), "{text}");
        }
        leads += usize::from(effect);
        assert_eq!(client.account.lead_count(), leads, "{trouble:?}");
    }
    assert_eq!(
        client.try_lead("Lead.Create", &[("FirstName", "A")]).await.0,
        200,
        "all are used up"
    );
}

#[tokio::test]
async fn an_account_can_vanish_and_come_back() {
    let client = Client::new().await;
    client.account.create_lead(&[("FirstName", "A")]).expect("a lead");
    client.account.listen(false).await.expect("it lets the port go");
    assert!(client.http.get(client.url("x")).send().await.is_err(), "refused");
    client.account.listen(true).await.expect("the port is free");
    assert_eq!(client.get("LeadManagement.svc/Leads.GetById?id=x").await.0, 200);
    assert_eq!(client.account.lead_count(), 1);
    client.account.put_fault(Fault::always(Trouble::Html500).with_probability(0.5));
    let mut failed = 0;
    for _ in 0..100 {
        failed += u32::from(client.get("LeadManagement.svc/Leads.GetById?id=x").await.0 == 500);
    }
    assert!((20..=80).contains(&failed), "{failed} of 100");
    client.account.clear_faults();
    client.account.stop().await;
    assert!(client.http.get(client.url("x")).send().await.is_err());
}
