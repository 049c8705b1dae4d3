//! Native webhooks: `Webhook.svc`. (The webhook *action* of an automation, which is something else,
//! can't be created through the API.)

use std::borrow::Cow;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{Client, Done, Page, Paging, Reply, Sorting, Written, call::Call, scalar};

/// The event of a webhook (documented, `AD/create-a-webhook`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookEvent {
    /// 2. Its event code belongs in [`WebhookWrite::activity_event`] (live).
    LeadActivityCreate,
    /// 3.
    LeadCreate,
    /// 4.
    LeadOwnerChange,
    /// 5. Could not be created by the API (live).
    LeadStageChange,
    /// 6.
    LeadUpdate,
    /// 15.
    LeadActivityUpdate,
    /// 26.
    LeadFieldUpdate,
    /// Any other, by its number.
    Other(u16),
}

impl WebhookEvent {
    /// Its number.
    pub fn number(self) -> u16 {
        match self {
            Self::LeadActivityCreate => 2,
            Self::LeadCreate => 3,
            Self::LeadOwnerChange => 4,
            Self::LeadStageChange => 5,
            Self::LeadUpdate => 6,
            Self::LeadActivityUpdate => 15,
            Self::LeadFieldUpdate => 26,
            Self::Other(number) => number,
        }
    }
}

/// A webhook to be set up. It posts JSON.
#[derive(Clone, Debug)]
pub struct WebhookWrite<'a> {
    /// A description.
    pub description: Cow<'a, str>,
    /// Where it posts. It is recorded in the [`crate::Exchange`]; put secrets in a header.
    pub url: Cow<'a, str>,
    /// Its event.
    pub event: WebhookEvent,
    /// The code of the activity's type, for activity events: sent at the top level *and* in
    /// `WebhookProperties`, a text of JSON, because it is refused unless both are there (live).
    pub activity_event: Option<u32>,
    /// Whether all administrators are notified of failures.
    pub notify_on_failure: bool,
    /// The headers that it sends. Their values are redacted in the [`crate::Exchange`].
    pub headers: Vec<(Cow<'a, str>, SecretString)>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_id: Option<&'a str>,
    description: &'a str,
    #[serde(rename = "URL")]
    url: &'a str,
    method: &'static str,
    content_type: &'static str,
    webhook_event: String,
    is_specific_landing_page: bool,
    notify_on_failure: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity_event: Option<String>,
    webhook_properties: Option<String>,
    custom_headers: Vec<Header<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Header<'a> {
    key: &'a str,
    value: &'a str,
}

fn body<'a>(
    webhook_id: Option<&'a str>,
    webhook: &'a WebhookWrite<'_>,
    reveal: fn(&SecretString) -> &str,
) -> Body<'a> {
    let properties = |event: u32| {
        serde_json::json!({
            "ActivityEvent": event.to_string(), "ActivityData": "[]", "WebPageNames": "[]",
        })
        .to_string()
    };
    Body {
        webhook_id,
        description: &webhook.description,
        url: &webhook.url,
        method: "POST",
        content_type: "application/json",
        webhook_event: webhook.event.number().to_string(),
        is_specific_landing_page: false,
        notify_on_failure: webhook.notify_on_failure,
        activity_event: webhook.activity_event.map(|event| event.to_string()),
        webhook_properties: webhook.activity_event.map(properties),
        custom_headers: webhook
            .headers
            .iter()
            .map(|(key, value)| Header { key, value: reveal(value) })
            .collect(),
    }
}

/// The filter of [`Client::webhooks`]; empty texts and `None` match all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookQuery<'a> {
    /// The event's name, such as `Lead_Post_Create`, `Lead_Post_Update` or
    /// `LeadActivity_Post_Create` (documented, `AD/retrieve-a-webhook`, which recommends it).
    pub event: &'a str,
    /// 0 enabled, 1 disabled by a person, 2 disabled because of failures (documented,
    /// `AD/retrieve-a-webhook`).
    pub status_code: Option<u8>,
    /// The webhook's id.
    pub webhook_id: &'a str,
    /// A text in its description.
    pub search_text: &'a str,
    /// The order.
    pub sorting: Sorting<'a>,
    /// The page.
    pub paging: Paging,
}

/// A webhook that is set up (live).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Webhook {
    /// Its id.
    #[serde(deserialize_with = "scalar::plain")]
    pub webhook_id: String,
    /// Where it posts.
    #[serde(rename = "URL", deserialize_with = "scalar::text")]
    pub url: Option<String>,
    /// Its description.
    #[serde(deserialize_with = "scalar::text")]
    pub description: Option<String>,
    /// Its event, a name or number.
    #[serde(deserialize_with = "scalar::text")]
    pub event_code: Option<String>,
    /// 0 enabled, 1 disabled by a person, 2 disabled because of failures: LeadSquared disables it
    /// after ten in a row (client code).
    #[serde(deserialize_with = "scalar::whole")]
    pub status_code: Option<i64>,
    /// Its properties, a text of JSON.
    #[serde(deserialize_with = "scalar::text")]
    pub webhook_properties: Option<String>,
}

impl Client {
    /// `Webhook.svc/Create`: sets up a webhook (documented, `AD/create-a-webhook`). Returns `Id`.
    pub async fn create_webhook(&self, webhook: &WebhookWrite<'_>) -> Reply<Written> {
        let call =
            Call::write("Webhook.svc/Create", &body(None, webhook, |value| value.expose_secret()))
                .recorded_as(&body(None, webhook, |_| "[redacted]"));
        self.send(call).await
    }

    /// `Webhook.svc/Update`: replaces the settings of a webhook (documented,
    /// `AD/update-a-webhook`).
    pub async fn update_webhook(
        &self,
        webhook_id: &str,
        webhook: &WebhookWrite<'_>,
    ) -> Reply<Done> {
        let id = Some(webhook_id);
        let call =
            Call::write("Webhook.svc/Update", &body(id, webhook, |value| value.expose_secret()))
                .recorded_as(&body(id, webhook, |_| "[redacted]"));
        self.send(call).await
    }

    /// `Webhook.svc/Retrieve`: the webhooks that are set up (documented, `AD/retrieve-a-webhook`).
    /// The response is not recorded, because it may contain values of headers.
    pub async fn webhooks(&self, query: &WebhookQuery<'_>) -> Reply<Page<Webhook>> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Search<'a> {
            parameter: Parameter<'a>,
            sorting: &'a Sorting<'a>,
            paging: Paging,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Parameter<'a> {
            r#type: &'static str,
            webhook_event: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            status_code: Option<u8>,
            webhook_id: &'a str,
            search_text: &'a str,
        }

        let body = Search {
            parameter: Parameter {
                r#type: "Webhook",
                webhook_event: query.event,
                status_code: query.status_code,
                webhook_id: query.webhook_id,
                search_text: query.search_text,
            },
            sorting: &query.sorting,
            paging: query.paging,
        };
        self.send(Call::search("Webhook.svc/Retrieve", &body).hide_answer()).await
    }

    /// `Webhook.svc/Delete`: removes a webhook. It is a `GET`; `POST` returns 405 (live).
    pub async fn delete_webhook(&self, webhook_id: &str) -> Reply<Done> {
        let call = Call::get_that_writes("Webhook.svc/Delete").query("webhookId", webhook_id);
        self.send(call).await
    }
}
