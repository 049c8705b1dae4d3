//! `Webhook.svc` (apidocs.leadsquared.com/create-a-webhook).

use super::{Answer, Call, number, paging, text};
use crate::account::{Account, Hook};
use crate::id;
use crate::refusal::Refusal;
use serde_json::{Value, json};
use std::sync::Arc;

const ACTIVITY_CREATE: u64 = 2;
const MOST: u64 = 1_000;

fn hook(body: &Value, id: Arc<str>) -> Result<Hook, Refusal> {
    let url = text(&body["URL"]).into_owned();
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(Refusal::input("URL"));
    }
    let event = number(&body["WebhookEvent"]).ok_or_else(|| Refusal::input("WebhookEvent"))?;
    let properties = match &body["WebhookProperties"] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        _ => return Err(super::malformed(&"WebhookProperties is a string of JSON")),
    };
    if event == ACTIVITY_CREATE && text(&body["ActivityEvent"]).is_empty() {
        return Err(Refusal::new(
            "MXInvalidDataTypeException",
            "You have not passed ActivityEvent.",
        ));
    }
    let event = u32::try_from(event).map_err(|_| Refusal::input("WebhookEvent"))?;
    let activity_event = number(&body["ActivityEvent"]).and_then(|code| u32::try_from(code).ok());
    let header = |header: &Value| {
        let (name, value) =
            (text(&header["Key"]).into_owned(), text(&header["Value"]).into_owned());
        (!name.is_empty()).then_some((name, value))
    };
    let headers = body["CustomHeaders"].as_array().into_iter().flatten().filter_map(header);
    Ok(Hook {
        id,
        description: text(&body["Description"]).into_owned(),
        url,
        event,
        properties,
        activity_event,
        headers: headers.collect(),
        failures: 0,
        status: 0,
    })
}

pub(super) fn create(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let hook = hook(&call.json()?, account.chance.guid())?;
    let id = hook.id.clone();
    account.native.hooks.push(hook);
    Ok(Answer::success(&json!({ "Id": &*id })))
}

pub(super) fn update(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let id = text(&body["WebhookId"]);
    let known = account.native.hooks.iter_mut().find(|hook| id::key(&hook.id) == id::key(&id));
    let known = known.ok_or_else(|| Refusal::input("WebhookId"))?;
    *known = hook(&body, known.id.clone())?;
    Ok(Answer::ok(&json!({ "Status": "Success" })))
}

pub(super) fn retrieve(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let page = paging(&body, 25, MOST)?;
    let wanted = &body["Parameter"];
    let (status, id) = (number(&wanted["StatusCode"]), text(&wanted["WebhookId"]));
    let search = text(&wanted["SearchText"]).to_lowercase();
    // There is no filter by `WebhookEvent`: its names have no numbers here.
    let fits = |hook: &&Hook| {
        status.is_none_or(|status| status == u64::from(hook.status))
            && (id.is_empty() || id::key(&id) == id::key(&hook.id))
            && hook.description.to_lowercase().contains(&search)
    };
    let hooks: Vec<&Hook> = account.native.hooks.iter().filter(fits).collect();
    let rows: Vec<Value> = hooks
        .iter()
        .skip(page.skip)
        .take(page.take)
        .map(|hook| {
            json!({
                "WebhookId": &*hook.id, "URL": hook.url, "Description": hook.description,
                "EventCode": hook.event, "StatusCode": hook.status,
                "WebhookProperties": hook.properties,
            })
        })
        .collect();
    let mut answer = json!({ "RecordCount": hooks.len() });
    if !rows.is_empty() {
        answer["Response"] = rows.into();
    }
    Ok(Answer::ok(&answer))
}

pub(super) fn delete(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.parameter("webhookId").unwrap_or_default();
    let before = account.native.hooks.len();
    account.native.hooks.retain(|hook| id::key(&hook.id) != id::key(&id));
    if account.native.hooks.len() == before {
        return Err(Refusal::input("webhookId"));
    }
    Ok(Answer::ok(&json!({ "Status": "Success" })))
}
