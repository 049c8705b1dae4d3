//! `ProspectActivity.svc`.

use super::bulk::arranged;
use super::reads::range;
use super::{Answer, Call, malformed, number, paging, text};
use crate::account::{Account, Activity, NewActivity, Pair, Slot, Stamp, utc};
use crate::lead::moment;
use crate::metadata::{ActivityType, Kind};
use crate::refusal::Refusal;
use crate::switches::ActivityOffset;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The maximum number of rows of a bulk call.
const MOST_IN_BULK: usize = 25;
/// The maximum page size.
const MOST: u64 = 1_000;
const DEFAULT_PAGE: u64 = 10;

fn new_activity(account: &Account, body: &Value) -> Result<NewActivity, Refusal> {
    let event = number(&body["ActivityEvent"])
        .and_then(|event| u32::try_from(event).ok())
        .ok_or_else(Refusal::activity_event)?;
    check_options(account, event, body)?;
    Ok(NewActivity {
        event,
        note: text(&body["ActivityNote"]).into_owned(),
        at: utc(&text(&body["ActivityDateTime"])),
        fields: fields(body),
    })
}

/// Dropdowns of activities accept their options only, unless the check is skipped
/// (apidocs.leadsquared.com/post-an-activity-to-lead).
fn check_options(account: &Account, event: u32, body: &Value) -> Result<(), Refusal> {
    if body["ValidateDropDownOptions"] == true {
        return Ok(());
    }
    let Some(kind) = account.setup.activity_type(event) else { return Ok(()) };
    for (name, value) in fields(body) {
        let field = kind.fields.iter().find(|field| field.schema_name == name);
        let Some(field) = field.filter(|field| !field.options.is_empty()) else { continue };
        let mut parts = value.split(';').filter(|part| !part.is_empty());
        if !parts.all(|part| field.options.iter().any(|option| option == part)) {
            return Err(Refusal::option(&name, &value));
        }
    }
    Ok(())
}

pub(super) fn fields(body: &Value) -> Vec<(Arc<str>, Arc<str>)> {
    let field = |field: &Value| {
        let name = text(&field["SchemaName"]);
        (!name.is_empty()).then(|| (Arc::from(&*name), Arc::from(&*text(&field["Value"]))))
    };
    body["Fields"].as_array().into_iter().flatten().filter_map(field).collect()
}

/// `Create` (apidocs.leadsquared.com/post-an-activity-to-lead).
pub(super) fn create(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let stamp = account.api_stamp("ProspectActivity/Create", true);
    let id = text(&body["RelatedProspectId"]).into_owned();
    let id = if id.is_empty() { call.parameter("leadId").unwrap_or_default() } else { id };
    let slot = if id.is_empty() {
        let pairs: Vec<(&str, String)> = ["EmailAddress", "FirstName", "LastName", "Phone"]
            .into_iter()
            .map(|name| (name, text(&body[name]).into_owned()))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let pairs: Vec<Pair<'_>> =
            pairs.iter().map(|(name, value)| Pair::new(name, value)).collect();
        if pairs.is_empty() {
            return Err(Refusal::no_lead());
        }
        let row = account.row(&pairs)?;
        account.create_or_update(&row, &stamp, &stamp.silent())?.slot
    } else {
        account.ledger.slot(&id).ok_or_else(Refusal::no_lead)?
    };
    let id = {
        let activity = new_activity(account, &body)?;
        account.add_activity(slot, activity, &stamp)?
    };
    Ok(Answer::success(&json!({ "Id": &*id })))
}

/// `CreateCustom` (apidocs.leadsquared.com/create-lead-and-activity). The response is a guess.
pub(super) fn create_custom(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let details = body["LeadDetails"].to_string();
    let pairs: Vec<Pair<'_>> = serde_json::from_str(&details).map_err(|error| malformed(&error))?;
    let row = account.row(&pairs)?;
    let activity = new_activity(account, &body["Activity"])?;
    if account.setup.activity_type(activity.event).is_none() {
        return Err(Refusal::activity_event());
    }
    let stamp = account.api_stamp("ProspectActivity/CreateCustom", true);
    let lead = account.create_or_update(&row, &stamp, &stamp.silent())?;
    let id = account.add_activity(lead.slot, activity, &stamp)?;
    Ok(Answer::success(&json!({ "Id": &*id, "RelatedId": &*lead.id })))
}

/// `CustomActivity/Update` (apidocs.leadsquared.com/update-activity).
pub(super) fn update(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let stamp = account.api_stamp("CustomActivity/Update", true);
    update_one(account, &body, &stamp)?;
    Ok(Answer::ok(&json!({ "Status": "Success" })))
}

fn update_one(account: &mut Account, body: &Value, stamp: &Stamp) -> Result<(), Refusal> {
    let id = text(&body["ProspectActivityId"]);
    let note = body["ActivityNote"].as_str();
    if let Some(event) = account.activities.get(&id).map(|activity| activity.event) {
        check_options(account, event, body)?;
    }
    account.update_activity(&id, note, fields(body), stamp)
}

fn rows(call: &Call<'_>) -> Result<Vec<Value>, Refusal> {
    let rows: Vec<Value> = serde_json::from_slice(call.body).map_err(|error| malformed(&error))?;
    if rows.is_empty() || rows.len() > MOST_IN_BULK {
        return Err(Refusal::input("activity"));
    }
    Ok(rows)
}

/// The response to a bulk call; `done` is the key that says whether a row succeeded.
fn results(account: &Account, done: &str, rows: Vec<Result<Arc<str>, Refusal>>) -> Answer {
    let rows: Vec<Value> = rows
        .into_iter()
        .zip(1..)
        .map(|(row, number)| match row {
            Ok(id) => json!({ "RowNumber": number, done: true, "ProspectActivityId": &*id }),
            Err(refusal) => json!({
                "RowNumber": number, done: false, "ProspectActivityId": null,
                "ExceptionType": refusal.exception, "ExceptionMessage": refusal.message,
            }),
        })
        .collect();
    Answer::ok(&json!({ "Response": arranged(account, rows) }))
}

fn bulk(
    account: &mut Account,
    call: &Call<'_>,
    find: impl Fn(&Account, &Value) -> Result<Option<Slot>, Refusal>,
) -> Result<Answer, Refusal> {
    let stamp = account.bulk_stamp("Bulk/CustomActivity/Add");
    let mut done = Vec::new();
    for row in rows(call)? {
        done.push(find(account, &row).and_then(|slot| {
            let slot = slot.ok_or_else(Refusal::no_lead)?;
            let activity = new_activity(account, &row)?;
            account.add_activity(slot, activity, &stamp)
        }));
    }
    Ok(results(account, "ActivityCreated", done))
}

/// `Bulk/CustomActivity/Add/ByLeadId` (apidocs.leadsquared.com/post-bulk-activities-on-leads).
pub(super) fn bulk_by_id(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    bulk(account, call, |account, row| Ok(account.ledger.slot(&text(&row["RelatedProspectId"]))))
}

/// `Bulk/CustomActivity/Add/ByLeadField`.
pub(super) fn bulk_by_field(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let by = call.parameter("searchBy").unwrap_or_default();
    let no = account.unique_field(&by)?;
    bulk(account, call, |account, row| {
        Ok(account.ledger.holder(&account.setup, no, &text(&row["SearchByValue"])))
    })
}

/// `Bulk/CustomActivity/Update`: it fires Activity Update (apidocs.leadsquared.com/bulk-update-activities).
pub(super) fn bulk_update(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let stamp = Stamp { fires: true, ..account.bulk_stamp("Bulk/CustomActivity/Update") };
    let mut done = Vec::new();
    for row in rows(call)? {
        let id: Arc<str> = Arc::from(&*text(&row["ProspectActivityId"]));
        done.push(update_one(account, &row, &stamp).map(|()| id));
    }
    Ok(results(account, "ActivityUpdated", done))
}

fn activity_fields(activity: &Activity) -> Map<String, Value> {
    activity.fields.iter().map(|(name, value)| (name.to_string(), json!(&**value))).collect()
}

fn in_lists(account: &Account, activity: &Activity) -> Value {
    let kind = account.setup.activity_type(activity.event);
    let mut fields = activity_fields(activity);
    fields.insert("ActivityEvent_Note".to_owned(), json!(activity.note));
    fields.insert("CreatedBy".to_owned(), json!(&*activity.created_by));
    fields.insert("ProspectActivityAutoId".to_owned(), json!(activity.auto_id.to_string()));
    json!({
        "Id": &*activity.id, "EventCode": activity.event, "EventName": &*activity.name,
        "ActivityScore": 0, "CreatedOn": moment(activity.created_on),
        "ModifiedOn": moment(activity.modified_on), "ActivityType": 2, "IsEmailType": false,
        "Type": if kind.is_some_and(|kind| kind.direction == 1) { "Outbound" } else { "Inbound" },
        "SessionId": null, "TrackLocation": 0, "RelatedProspectId": &*activity.lead_id,
        "Data": [{ "Key": "NotableEventDescription", "Value": activity.note }],
        "ActivityFields": fields,
    })
}

/// `Retrieve` (apidocs.leadsquared.com/get-activities-of-a-lead).
pub(super) fn of_lead(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = if call.body.is_empty() { Value::Null } else { call.json()? };
    let id = call.parameter("leadId").unwrap_or_default();
    let slot = account.ledger.slot(&id).ok_or_else(Refusal::no_lead)?;
    let event = number(&body["Parameter"]["ActivityEvent"]);
    let mut found: Vec<&Arc<Activity>> = account
        .activities
        .of_lead(slot)
        .filter(|activity| event.is_none_or(|event| u64::from(activity.event) == event))
        .collect();
    found.reverse();
    let fits = |value: &Value, default| {
        usize::try_from(number(value).unwrap_or(default)).unwrap_or(usize::MAX)
    };
    let take = fits(&body["Paging"]["RowCount"], DEFAULT_PAGE);
    let offset = fits(&body["Paging"]["Offset"], 0);
    let skip = match account.setup.switches.activity_offset {
        ActivityOffset::Pages => offset.saturating_mul(take),
        ActivityOffset::Rows => offset,
    };
    let rows: Vec<Value> =
        found.iter().skip(skip).take(take).map(|one| in_lists(account, one)).collect();
    Ok(listed(found.len(), "ProspectActivities", rows))
}

/// Without rows, the list's key is absent (live).
fn listed(count: usize, key: &str, rows: Vec<Value>) -> Answer {
    let mut answer = json!({ "RecordCount": count });
    if !rows.is_empty() {
        answer[key] = rows.into();
    }
    Answer::ok(&answer)
}

/// Activities that were last changed in a time range, by id.
fn changed<'a>(
    account: &'a Account,
    parameter: &Value,
    event: Option<u64>,
) -> Result<Vec<&'a Arc<Activity>>, Refusal> {
    let (from, to) = range(parameter)?;
    let mut found: Vec<&Arc<Activity>> = account
        .activities
        .iter()
        .filter(|activity| (from..=to).contains(&activity.modified_on))
        .filter(|activity| event.is_none_or(|event| u64::from(activity.event) == event))
        .collect();
    found.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

/// `CustomActivity/RetrieveByActivityEvent`: flat rows, by ModifiedOn.
pub(super) fn by_event(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let event = number(&body["Parameter"]["ActivityEvent"])
        .ok_or_else(|| Refusal::input("You have not passed any ActivityEvent."))?;
    let page = paging(&body, DEFAULT_PAGE, MOST)?;
    let found = changed(account, &body["Parameter"], Some(event))?;
    let rows = found.iter().skip(page.skip).take(page.take).map(|activity| {
        let user = account.setup.user(&activity.created_by);
        let mut row = Map::new();
        let mut put = |name: &str, value: Value| {
            row.insert(name.to_owned(), value);
        };
        put("ProspectActivityId", json!(&*activity.id));
        put("RelatedProspectId", json!(&*activity.lead_id));
        put("ActivityEvent", json!(activity.event.to_string()));
        put("ActivityEvent_Note", json!(activity.note));
        put("CreatedOn", json!(moment(activity.created_on)));
        put("ModifiedOn", json!(moment(activity.modified_on)));
        put("CreatedBy", json!(&*activity.created_by));
        put("CreatedByName", json!(user.map(crate::settings::User::name)));
        put("CreatedByEmailAddress", json!(user.map(|user| &user.email)));
        row.extend(activity_fields(activity));
        Value::Object(row)
    });
    Ok(listed(found.len(), "List", rows.collect()))
}

/// `RetrieveRecentlyModified`: every type, unless one is asked for.
pub(super) fn recently_modified(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let page = paging(&body, DEFAULT_PAGE, MOST)?;
    let event = number(&body["Parameter"]["ActivityEvent"]);
    let found = changed(account, &body["Parameter"], event)?;
    let rows = found.iter().skip(page.skip).take(page.take).map(|activity| {
        let mut row = in_lists(account, activity);
        let pairs: Vec<Value> = activity
            .fields
            .iter()
            .map(|(name, value)| json!({ "Key": &**name, "Value": &**value }))
            .collect();
        row["Fields"] = pairs.into();
        row
    });
    Ok(listed(found.len(), "ProspectActivities", rows.collect()))
}

/// `ActivityTypes.Get`.
#[expect(clippy::unnecessary_wraps, reason = "every operation has the one signature")]
pub(super) fn types(account: &mut Account, _: &Call<'_>) -> Result<Answer, Refusal> {
    let types: Vec<Value> = account
        .setup
        .types
        .iter()
        .map(|kind| json!({ "ActivityEvent": kind.code, "ActivityEventName": kind.name }))
        .collect();
    Ok(Answer::ok(&types))
}

fn settings(account: &Account, event: u32, activity: Option<&Activity>) -> Result<Answer, Refusal> {
    let kind = account.setup.activity_type(event).ok_or_else(Refusal::activity_event)?;
    let fields: Vec<Value> = kind
        .fields
        .iter()
        .zip(1..)
        .map(|(field, sequence)| {
            let options: Vec<Value> =
                field.options.iter().map(|option| json!({ "Text": "", "Value": option })).collect();
            let options =
                if options.is_empty() { String::new() } else { json!(options).to_string() };
            let value = activity.and_then(|activity| activity.fields.get(&field.schema_name));
            json!({
                "SchemaName": &*field.schema_name, "DisplayName": field.display_name,
                "Value": value.map(|value| &**value),
                "DataType": match field.kind {
                    crate::metadata::Kind::Text => "String",
                    crate::metadata::Kind::Select => "Dropdown",
                    other => other.data_type(),
                },
                "IsMandatory": false, "ShowInForm": true, "Sequence": sequence,
                "OptionSet": options,
            })
        })
        .collect();
    Ok(Answer::ok(&json!({
        "ID": activity.map_or_else(|| event.to_string(), |activity| activity.id.to_string()),
        "Name": kind.name, "DisplayName": kind.name, "Fields": fields,
    })))
}

/// `CustomActivity/GetActivitySetting`.
pub(super) fn setting(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let code = call.parameter("code").and_then(|code| code.parse().ok());
    settings(account, code.ok_or_else(Refusal::activity_event)?, None)
}

/// `GetActivityDetails` (apidocs.leadsquared.com/get-activity-details).
pub(super) fn details(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.parameter("activityId").unwrap_or_default();
    let activity = account.activities.get(&id).cloned().ok_or_else(Refusal::no_activity)?;
    settings(account, activity.event, Some(&activity))
}

/// `CreateType` (apidocs.leadsquared.com/create-new-activity-type-api): only the name is mandatory, and the
/// id is the event code.
pub(super) fn create_type(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let name = text(&body["ActivityEventName"]).trim().to_owned();
    if name.is_empty() {
        return Err(Refusal::input("ActivityEventName"));
    }
    if account.setup.types.iter().any(|kind| kind.name.eq_ignore_ascii_case(&name)) {
        return Err(Refusal::new(
            "MXDuplicateEntryException",
            "An activity type with the same name already exists.",
        ));
    }
    let code = account.setup.types.iter().map(|kind| kind.code).max().unwrap_or(200).max(200) + 1;
    let direction = u8::from(number(&body["Direction"]) == Some(1));
    let mut kind = ActivityType::new(code, &name, direction);
    for field in body["Fields"].as_array().into_iter().flatten() {
        let (schema, display) = (text(&field["SchemaName"]), text(&field["DisplayName"]));
        kind = kind.field(&schema, &display, Kind::Text);
    }
    account.set_up(|setup| setup.types.push(kind));
    Ok(Answer::success(&json!({ "Id": code.to_string() })))
}

/// `DeleteActivities` (apidocs.leadsquared.com/delete-activities), which LeadSquared queues; here they
/// are deleted at once. The body is a guess: a list of ids, or an object with one.
pub(super) fn delete(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let lists = [&body, &body["ActivityIds"], &body["ProspectActivityIds"]];
    let ids = lists.into_iter().find_map(Value::as_array);
    for id in ids.ok_or_else(|| Refusal::input("ActivityIds"))? {
        account.activities.remove(&text(id));
    }
    Ok(Answer::ok(&json!({ "Status": "Success" })))
}
