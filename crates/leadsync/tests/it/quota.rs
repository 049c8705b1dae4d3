//! `quota`.

use serde_json::{Value, json};

use crate::rig::{Database, Service};

#[tokio::test(flavor = "multi_thread")]
async fn quota_says_what_is_left_and_how_long_it_lasts() {
    let mut service = Service::prepare(Database::Sqlite, "").await;
    service.start();
    service.post(&json!({ "ProspectID": "a", "EmailAddress": "a@example.com" })).await;
    service.settled().await;
    let told = service.run(&["quota"]).succeeded();
    for part in ["source (", "destination (", "calls left today; per window of", "calls per hour"] {
        assert!(told.out.contains(part), "{told:?}");
    }
    let told = service.run(&["quota", "--json"]).succeeded();
    let all: Value = serde_json::from_str(&told.out).unwrap_or_else(|_| panic!("{told:?}"));
    for account in all.as_array().expect("a list") {
        let [used, left, daily] =
            [&account["used"]["today"], &account["forecast"]["left"], &account["quota"]["daily"]]
                .map(|number| number.as_u64().expect("a number"));
        assert!(used > 0, "{account:#}");
        assert_eq!(used + left, daily, "{account:#}");
        assert_eq!(account["forecast"]["used_up_at"], Value::Null, "{account:#}");
        assert_eq!(account["backfills"], json!([]), "{account:#}");
    }
    service.stop();
}
