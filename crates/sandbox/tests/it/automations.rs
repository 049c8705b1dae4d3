//! Automations and what they post.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use sandbox::switches::{CustomFields, NewLeadBefore};
use sandbox::{Automation, Switches, Trigger};
use serde_json::{Value, json};

use crate::client::{Client, attributes};

/// What was posted, and what is answered: the statuses to come, then 200.
#[derive(Clone, Default)]
struct Inbox {
    posts: Arc<Mutex<Vec<Value>>>,
    statuses: Arc<Mutex<Vec<u16>>>,
    /// The header `x-secret` of each.
    secrets: Arc<Mutex<Vec<Option<String>>>>,
}

impl Inbox {
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let router = Router::new().route("/", post(receive)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/")
    }

    fn posts(&self) -> Vec<Value> {
        self.posts.lock().expect("the posts").clone()
    }
}

async fn receive(State(inbox): State<Inbox>, headers: HeaderMap, body: String) -> StatusCode {
    let secret = headers.get("x-secret").and_then(|value| value.to_str().ok());
    inbox.secrets.lock().expect("the secrets").push(secret.map(str::to_owned));
    inbox.posts.lock().expect("the posts").push(serde_json::from_str(&body).expect("JSON"));
    let status = inbox.statuses.lock().expect("the statuses").pop().unwrap_or(200);
    StatusCode::from_u16(status).expect("a status")
}

async fn scene(trigger: Trigger) -> (Client, Inbox) {
    let client = Client::with(|settings| {
        settings.plan = sandbox::Plan::Unlimited;
        settings.retry_delay = std::time::Duration::from_millis(5);
    })
    .await;
    let inbox = Inbox::default();
    let url = inbox.listen().await;
    client.account.add_automation(Automation { name: "a".to_owned(), trigger, url, retries: 2 });
    (client, inbox)
}

#[tokio::test]
async fn a_new_lead_is_posted_with_its_state() {
    let (client, inbox) = scene(Trigger::NewLead).await;
    let id =
        client.account.create_lead(&[("FirstName", "A"), ("mx_City", "Pune")]).expect("a lead");
    client.lead("Lead.Capture", &[("EmailAddress", "b@example.com")]).await;
    client.account.idle().await;
    let posts = inbox.posts();
    assert_eq!(posts.len(), 2, "a creation by API fires too");
    assert_eq!(posts[0]["Before"], serde_json::json!({}));
    assert_eq!(posts[0]["Current"]["ProspectID"], id.as_str());
    assert_eq!(posts[0]["After"]["mx_City"], "Pune");
    assert_eq!(posts[0]["Current"]["EmailAddress"], Value::Null);
    client.account.edit_lead(&id, &[("mx_City", "Delhi")]).expect("an edit");
    client.account.idle().await;
    assert_eq!(inbox.posts().len(), 2, "an update is another trigger");
}

#[tokio::test]
async fn an_update_fires_when_it_is_asked_to() {
    let (client, inbox) = scene(Trigger::LeadUpdate(vec!["mx_City".to_owned()])).await;
    let id =
        client.account.create_lead(&[("FirstName", "A"), ("mx_City", "Pune")]).expect("a lead");
    let update = format!("Lead.Update?leadId={id}");
    client.lead(&update, &[("mx_City", "Delhi")]).await;
    client.lead(&format!("{update}&postUpdatedLead=true"), &[("FirstName", "B")]).await;
    client.account.idle().await;
    assert_eq!(inbox.posts().len(), 0, "quiet by default, and another field does not count");
    client.lead(&format!("{update}&postUpdatedLead=true"), &[("mx_City", "Agra")]).await;
    client.account.idle().await;
    let posts = inbox.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(
        (&posts[0]["Before"]["mx_City"], &posts[0]["After"]["mx_City"]),
        (&"Delhi".into(), &"Agra".into())
    );
    let rows = serde_json::json!({ "LeadPropertiesList": [{ "Fields": attributes(&[("ProspectID", &id), ("mx_City", "X")]) }] });
    client.post("LeadManagement.svc/Lead/Bulk/UpdateV2", &rows).await;
    client.account.idle().await;
    assert_eq!(inbox.posts().len(), 1, "bulk writes fire nothing");
}

#[tokio::test]
async fn posts_are_repeated_and_keep_their_order() {
    let (client, inbox) = scene(Trigger::LeadUpdate(Vec::new())).await;
    inbox.statuses.lock().expect("the statuses").extend([503, 500]);
    let id = client.account.create_lead(&[("FirstName", "A")]).expect("a lead");
    for n in 0..5 {
        client.account.edit_lead(&id, &[("mx_City", &n.to_string())]).expect("an edit");
    }
    client.account.idle().await;
    let cities: Vec<Value> =
        inbox.posts().iter().map(|post| post["After"]["mx_City"].clone()).collect();
    assert_eq!(cities, ["0", "0", "0", "1", "2", "3", "4"]);
    let deliveries = client.account.deliveries();
    assert_eq!(deliveries[0].statuses, [Some(500), Some(503), Some(200)]);
    assert_eq!(client.account.deliver_again(&deliveries[0]).await, Some(200));
    assert_eq!(inbox.posts().len(), 8);
}

#[tokio::test]
async fn an_automation_stops_itself_after_fifty_runs_for_a_lead() {
    let (client, inbox) = scene(Trigger::LeadUpdate(Vec::new())).await;
    let id = client.account.create_lead(&[("FirstName", "A")]).expect("a lead");
    for n in 0..55 {
        client.account.edit_lead(&id, &[("mx_City", &n.to_string())]).expect("an edit");
    }
    let other = client.account.create_lead(&[("FirstName", "B")]).expect("a lead");
    client.account.edit_lead(&other, &[("mx_City", "x")]).expect("an edit");
    client.account.idle().await;
    assert_eq!(inbox.posts().len(), 51);
    assert_eq!(client.account.automations()[0].3, 5, "cut off");
}

#[tokio::test]
async fn switches_change_the_payload() {
    let (client, inbox) = scene(Trigger::NewLead).await;
    for (switches, before) in [
        (
            Switches { new_lead_before: NewLeadBefore::Null, ..Switches::default() },
            Some(Value::Null),
        ),
        (Switches { new_lead_before: NewLeadBefore::Absent, ..Switches::default() }, None),
    ] {
        client.account.set_switches(switches);
        client.account.create_lead(&[("FirstName", "A")]).expect("a lead");
        client.account.idle().await;
        assert_eq!(inbox.posts().last().expect("a post").get("Before").cloned(), before);
    }
    client
        .account
        .set_switches(Switches { custom_fields: CustomFields::CurrentOnly, ..Switches::default() });
    client.account.create_lead(&[("FirstName", "A"), ("mx_City", "Pune")]).expect("a lead");
    client.account.idle().await;
    let post = inbox.posts().pop().expect("a post");
    assert_eq!((post["After"].get("mx_City"), &post["Current"]["mx_City"]), (None, &"Pune".into()));
}

/// A native webhook sends its headers and the events of its type only, and is disabled after ten posts
/// in a row that were given up.
#[tokio::test]
async fn a_native_webhook_sends_its_headers_and_is_disabled_by_failures() {
    let client = Client::with(|settings| {
        settings.plan = sandbox::Plan::Unlimited;
        settings.retry_delay = std::time::Duration::from_millis(1);
    })
    .await;
    let inbox = Inbox::default();
    let url = inbox.listen().await;
    let hook = |event: &str, kind: Option<&str>| {
        let properties = kind.map(|kind| json!({ "ActivityEvent": kind }).to_string());
        json!({
            "Description": "leadsync", "URL": url, "Method": "POST",
            "WebhookEvent": event, "ActivityEvent": kind, "WebhookProperties": properties,
            "CustomHeaders": [{ "Key": "x-secret", "Value": "shibboleth" }],
        })
    };
    for (event, kind) in [("3", None), ("2", Some("201"))] {
        let (status, told) = client.post("Webhook.svc/Create", &hook(event, kind)).await;
        assert_eq!(status, 200, "{told}");
    }
    let lead = client.account.create_lead(&[("FirstName", "Asha")]).expect("a lead");
    for kind in [201, 206] {
        client.account.create_activity(&lead, kind, "a note", &[]).expect("an activity");
    }
    client.account.idle().await;
    assert_eq!(inbox.posts().len(), 2, "the lead, and one of the activities: {:?}", inbox.posts());
    let secrets = inbox.secrets.lock().expect("the secrets").clone();
    assert_eq!(secrets, [Some("shibboleth".to_owned()), Some("shibboleth".to_owned())]);

    let status = async |code: u8| {
        let wanted = json!({
            "Parameter": { "StatusCode": code, "SearchText": "leadsync" },
            "Paging": { "PageIndex": 1, "PageSize": 25 },
        });
        let (_, told) = client.post("Webhook.svc/Retrieve", &wanted).await;
        told["RecordCount"].as_u64().expect("a count")
    };
    assert_eq!((status(0).await, status(2).await), (2, 0));
    inbox.statuses.lock().expect("the statuses").extend([500; 30]);
    for n in 0..10 {
        let name = format!("Lead {n}");
        client.account.create_lead(&[("FirstName", &name)]).expect("a lead");
        client.account.idle().await;
    }
    assert_eq!((status(0).await, status(2).await), (1, 1), "that of new leads is off");
    let before = inbox.posts().len();
    client.account.create_lead(&[("FirstName", "Unheard")]).expect("a lead");
    client.account.idle().await;
    assert_eq!(inbox.posts().len(), before);
}
