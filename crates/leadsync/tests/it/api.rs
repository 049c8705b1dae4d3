//! The API of `leadsync serve`, with a token of `leadsync user`.

use serde_json::{Value, json};

use crate::rig::{Database, Service};

#[tokio::test(flavor = "multi_thread")]
async fn a_script_finds_its_way_with_a_token() {
    let mut service = Service::prepare(Database::Sqlite, "").await;
    service.start();
    let token = service.run(&["user", "token", "ci", "--json"]).json();
    let token = token["token"].as_str().expect("a token");
    let client = reqwest::Client::builder().build().expect("a client");
    let base = format!("http://{}/api/v1", service.address);
    let get = async |path: &str, token: &str| -> (u16, Value) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
        loop {
            let sent = client.get(format!("{base}{path}")).bearer_auth(token).send().await;
            match sent {
                Ok(answer) => {
                    return (answer.status().as_u16(), answer.json().await.expect("JSON"));
                }
                // It may not listen yet.
                Err(error) => assert!(std::time::Instant::now() < deadline, "{error}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let (status, told) = get("/connectors/source-to-destination/url", token).await;
    assert_eq!((status, &told["url"]), (200, &json!(service.hook)), "{told}");
    assert_eq!(get("/connectors", "wrong").await.0, 401);

    let payload = r#"{"ProspectID":"x","FirstName":"Asha","EmailAddress":"asha@example.com"}"#;
    let preview = client
        .post(format!("{base}/connectors/source-to-destination/preview"))
        .bearer_auth(token)
        .body(payload)
        .send()
        .await
        .expect("an answer");
    assert_eq!(preview.status(), 200);
    let preview: Value = preview.json().await.expect("JSON");
    assert_eq!(preview["items"][0]["decision"], "capture", "{preview}");
    std::fs::write(service.folder().join("lead.json"), payload).expect("a file");
    let told = service.run(&["preview", "source-to-destination", "lead.json", "--json"]).json();
    assert_eq!(preview["items"], told, "the API and the command say the same");
    service.stop();
}
