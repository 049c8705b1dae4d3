//! Bulk writes of leads, in which each row succeeds or fails on its own.

use super::{Answer, Call, malformed, text};
use crate::account::{Account, Captured, Pair, Slot};
use crate::refusal::Refusal;
use crate::switches::BulkRows;
use serde::Deserialize;
use serde_json::{Value, json};

/// The maximum number of rows of `Lead/Bulk/Create` and of `Lead/Bulk/Update`.
const MOST_CREATED: usize = 50;
/// The maximum number of rows of `Lead/Bulk/CreateOrUpdate` and of `Lead/Bulk/UpdateV2`.
const MOST_UPDATED: usize = 25;

fn rows<'a>(call: &Call<'a>, most: usize) -> Result<Vec<Vec<Pair<'a>>>, Refusal> {
    let rows: Vec<Vec<Pair<'_>>> =
        serde_json::from_slice(call.body).map_err(|error| malformed(&error))?;
    fits(rows.len(), most)?;
    Ok(rows)
}

fn fits(rows: usize, most: usize) -> Result<(), Refusal> {
    if rows == 0 || rows > most {
        return Err(Refusal::input(&format!("Number of leads must be between 1 and {most}.")));
    }
    Ok(())
}

fn result(number: usize, done: &Result<Captured, Refusal>) -> Value {
    match done {
        Ok(Captured { id, created, .. }) => json!({
            "RowNumber": number, "LeadId": &**id, "LeadCreated": created, "LeadUpdated": !created,
            "AffectedRows": 1,
        }),
        Err(refusal) => json!({
            "RowNumber": number, "LeadId": null, "LeadCreated": false, "LeadUpdated": false,
            "AffectedRows": 0, "ErrorMessage": refusal.message,
            "ExceptionType": refusal.exception,
        }),
    }
}

/// The rows of a bulk response, numbered from 1 in the order of the request, as the account's switch
/// has them.
pub(super) fn arranged(account: &Account, mut rows: Vec<Value>) -> Vec<Value> {
    let switch = account.setup.switches.bulk_rows;
    for (row, number) in rows.iter_mut().zip(0..) {
        match switch {
            BulkRows::FromZero => row["RowNumber"] = json!(number),
            BulkRows::Unnumbered => {
                row.as_object_mut().map(|row| row.remove("RowNumber"));
            }
            BulkRows::Numbered | BulkRows::Reordered => {}
        }
    }
    if matches!(switch, BulkRows::Reordered | BulkRows::Unnumbered) {
        rows.reverse();
    }
    rows
}

/// `Lead/Bulk/Create` (apidocs.leadsquared.com/create-leads-in-bulk).
pub(super) fn create(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let stamp = account.bulk_stamp("Lead/Bulk/Create");
    let mut results = Vec::new();
    for (pairs, number) in rows(call, MOST_CREATED)?.iter().zip(1..) {
        let done = account.row(pairs).and_then(|row| {
            let slot = account.create(&row, None, &stamp)?;
            Ok(Captured { id: account.ledger.lead(slot).id.clone(), slot, created: true })
        });
        results.push(result(number, &done));
    }
    Ok(Answer::ok(&arranged(account, results)))
}

/// `Lead/Bulk/CreateOrUpdate` (apidocs.leadsquared.com/bulk-create-or-update).
pub(super) fn create_or_update(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let stamp = account.bulk_stamp("Lead/Bulk/CreateOrUpdate");
    let mut results = Vec::new();
    for (pairs, number) in rows(call, MOST_UPDATED)?.iter().zip(1..) {
        let done =
            account.row(pairs).and_then(|row| account.create_or_update(&row, &stamp, &stamp));
        results.push(result(number, &done));
    }
    Ok(Answer::ok(&arranged(account, results)))
}

/// `Lead/Bulk/Update`: one field of many leads (apidocs.leadsquared.com/bulk-update).
pub(super) fn update(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let empty = Vec::new();
    let ids = body["LeadIds"].as_array().unwrap_or(&empty);
    fits(ids.len(), MOST_CREATED)?;
    let field = &body["LeadFields"];
    let (name, value) = (text(&field["Attribute"]), text(&field["Value"]));
    let row = account.row(&[Pair::new(&name, &value)])?;
    let stamp = account.bulk_stamp("Lead/Bulk/Update");
    let mut count = 0;
    for id in ids {
        if let Some(slot) = account.ledger.slot(&text(id)) {
            account.update(slot, &row, &stamp)?;
            count += 1;
        }
    }
    Ok(Answer::success(&json!({ "AffectedRows": count })))
}

#[derive(Deserialize)]
struct UpdateV2<'a> {
    #[serde(rename = "SearchByKey", default)]
    search_by_key: Option<String>,
    #[serde(rename = "Options", default)]
    options: Options,
    #[serde(rename = "LeadPropertiesList", borrow)]
    rows: Vec<Properties<'a>>,
}

#[derive(Default, Deserialize)]
struct Options {
    #[serde(rename = "PushNonExistentLeadsToUnProcessedList", default)]
    unprocessed: bool,
}

#[derive(Deserialize)]
struct Properties<'a> {
    #[serde(rename = "Fields", borrow)]
    fields: Vec<Pair<'a>>,
}

/// Why a row of UpdateV2 was not written.
enum NotUpdated {
    Missing,
    Refused(Refusal),
}

/// `Lead/Bulk/UpdateV2` (apidocs.leadsquared.com/update-lead-in-bulk-v2).
pub(super) fn update_v2(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body: UpdateV2<'_> =
        serde_json::from_slice(call.body).map_err(|error| malformed(&error))?;
    fits(body.rows.len(), MOST_UPDATED)?;
    let key = body.search_by_key.filter(|key| !key.is_empty());
    let key = key.as_deref().unwrap_or("ProspectId");
    let (mut succeeded, mut failed, mut unprocessed) = (0, Vec::new(), Vec::new());
    for Properties { fields } in &body.rows {
        let value = fields
            .iter()
            .find(|pair| pair.attribute.eq_ignore_ascii_case(key))
            .map(|pair| pair.value.as_str().to_owned())
            .unwrap_or_default();
        let entry =
            |reason: &str| json!({ "Identifier": key, "IdentifierValue": value, "Reason": reason });
        match update_one(account, key, &value, fields) {
            Ok(()) => succeeded += 1,
            Err(NotUpdated::Missing) => {
                let missing = entry(
                    "Lead does not exist in the system or You do not have permission to update \
                     the lead",
                );
                let list = if body.options.unprocessed { &mut unprocessed } else { &mut failed };
                list.push(missing);
            }
            Err(NotUpdated::Refused(refusal)) => failed.push(entry(&refusal.message)),
        }
    }
    let complete = failed.is_empty() && unprocessed.is_empty();
    let mut status = json!({
        "TotalCount": body.rows.len(), "SuccessCount": succeeded, "FailureCount": failed.len(),
        "Message": if complete { "Success" } else { "Error" },
    });
    let mut details = json!({});
    if !failed.is_empty() {
        details["FailedLeads"] = failed.into();
    }
    if body.options.unprocessed {
        status["UnProcessedCount"] = unprocessed.len().into();
        details["UnProcessedLeads"] = unprocessed.into();
    }
    Ok(Answer::ok(&json!({ "Status": status, "Details": details })))
}

fn update_one(
    account: &mut Account,
    key: &str,
    value: &str,
    fields: &[Pair<'_>],
) -> Result<(), NotUpdated> {
    let slot: Option<Slot> = if key.eq_ignore_ascii_case("ProspectId") {
        account.ledger.slot(value)
    } else {
        let no = account.unique_field(key).map_err(NotUpdated::Refused)?;
        account.ledger.holder(&account.setup, no, value)
    };
    let row = account.row(fields).map_err(NotUpdated::Refused)?;
    let slot = slot.ok_or(NotUpdated::Missing)?;
    let stamp = account.bulk_stamp("Lead/Bulk/UpdateV2");
    account.update(slot, &row, &stamp).map(|_| ()).map_err(NotUpdated::Refused)
}
