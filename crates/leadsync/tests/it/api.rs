//! The API of `leadsync serve`, with a token of `leadsync user`.

use serde_json::{Value, json};

use crate::rig::{Database, Service};

#[tokio::test(flavor = "multi_thread")]
async fn a_script_finds_its_way_with_a_token() {
    let mut service = Service::prepare(Database::Sqlite, "").await;
    service.write("leadsync.toml", "metrics_token = \"0123456789abcdef\"\n");
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

    // The metrics have a token of their own.
    let metrics = async |token: &str| {
        let asked = client.get(format!("http://{}/metrics", service.address)).bearer_auth(token);
        asked.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!((metrics(token).await, metrics("0123456789abcdef").await), (401, 200));

    // The access log says who did what, and never what was searched for.
    assert_eq!(get("/requests?q=asha@example.com", token).await.0, 200);
    service.stop();
    let log = service.log().to_string();
    let line =
        |parts: &[&str]| log.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    let url = "route=\"/api/v1/connectors/{name}/url\"";
    assert!(line(&["INFO request", "method=GET", url, "status=200", "who=\"token ci\""]), "{log}");
    assert!(line(&["WARN request refused", "status=401", "who=\"nobody\""]), "{log}");
    assert!(line(&["route=\"/api/v1/requests\"", "status=200"]), "{log}");
    for secret in ["asha@example.com", token, "0123456789abcdef"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
