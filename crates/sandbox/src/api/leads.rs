//! Writes of single leads.

use super::{Answer, Call, malformed};
use crate::account::{Account, Captured, Lost, Pair, Row, UpdateBehavior};
use crate::id;
use crate::refusal::Refusal;
use crate::switches::CaptureAnswer;
use serde_json::json;

fn row(account: &Account, call: &Call<'_>) -> Result<Row, Refusal> {
    let pairs: Vec<Pair<'_>> =
        serde_json::from_slice(call.body).map_err(|error| malformed(&error))?;
    if pairs.is_empty() {
        return Err(Refusal::input("You have not passed Parameter."));
    }
    account.row(&pairs)
}

/// `Lead.Capture` (apidocs.leadsquared.com/capture-lead).
pub(super) fn capture(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let row = row(account, call)?;
    let behavior = UpdateBehavior::of(&call.parameter("LeadUpdateBehavior").unwrap_or_default())?;
    let stamp = account.api_stamp("Lead.Capture", true);
    let Captured { id, created, .. } = account.capture(row, behavior, &stamp)?;
    Ok(Answer::success(&match account.setup.switches.capture_answer {
        CaptureAnswer::Full => json!({ "Id": &*id, "RelatedId": &*id, "IsCreated": created }),
        CaptureAnswer::IdOnly => json!({ "Id": &*id }),
        CaptureAnswer::RelatedIdOnly => json!({ "RelatedId": &*id, "IsCreated": created }),
    }))
}

/// `Lead.Create`.
pub(super) fn create(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let row = row(account, call)?;
    let known = account.setup.known;
    let named = [known.names[0], known.names[1], known.email, known.phone];
    if named.iter().all(|&no| row.set(no).is_none()) {
        return Err(Refusal::mandatory(
            "One of FirstName, LastName, EmailAddress and Phone is mandatory for creating lead",
        ));
    }
    let stamp = account.api_stamp("Lead.Create", true);
    let id = row.id.clone().filter(|_| row.own_guid);
    let slot = account.create(&row, id, &stamp)?;
    Ok(Answer::success(&json!({ "Id": &*account.ledger.lead(slot).id })))
}

/// `Lead.Update` (apidocs.leadsquared.com/update-a-lead).
pub(super) fn update(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let row = row(account, call)?;
    let id = call
        .parameter("leadId")
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Refusal::mandatory("'leadId' is mandatory for updating lead"))?;
    let slot = account.ledger.slot(&id).ok_or_else(Refusal::no_lead)?;
    let stamp = account.api_stamp("Lead.Update", call.is_true("postUpdatedLead"));
    account.update(slot, &row, &stamp)?;
    Ok(Answer::success(&json!({ "AffectedRows": 1 })))
}

/// `Lead.CreateOrUpdate` (apidocs.leadsquared.com/create-or-update).
pub(super) fn create_or_update(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let row = row(account, call)?;
    let create = account.api_stamp("Lead.CreateOrUpdate", true);
    let update = account.api_stamp("Lead.CreateOrUpdate", call.is_true("postUpdatedLead"));
    let Captured { id, .. } = account.create_or_update(&row, &create, &update)?;
    Ok(Answer::success(&json!({ "Id": &*id, "AffectedRows": 1 })))
}

/// `Lead.Convert`: a visitor becomes a lead.
pub(super) fn convert(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let row = row(account, call)?;
    let id = call.parameter("leadId").unwrap_or_default();
    let visitor = account.visitors.take(&*id::key(&id)).ok_or_else(Refusal::no_lead)?;
    let stamp = account.api_stamp("Lead.Convert", true);
    account.create(&row, Some(visitor), &stamp)?;
    Ok(Answer::success(&json!({ "AffectedRows": 1 })))
}

/// `Lead/Delete/ById` (apidocs.leadsquared.com/lead-delete).
/// `Lead.Merge` (apidocs.leadsquared.com/merge-leads): the child goes, and its values with it.
pub(super) fn merge(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let slot = |name: &str| {
        let id = call.parameter(name).unwrap_or_default();
        account.ledger.slot(&id).ok_or_else(Refusal::no_lead)
    };
    let (master, child) = (slot("masterId")?, slot("childId")?);
    if master == child {
        return Err(Refusal::input("childId"));
    }
    let stamp = account.api_stamp("Lead.Merge", true);
    account.merge(master, child, Lost::All, &stamp)?;
    Ok(Answer::ok(&json!({ "Status": "Success" })))
}

pub(super) fn delete(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    if !account.setup.switches.delete_enabled.is_on() {
        return Err(Refusal::input("Lead delete is not enabled for this account."));
    }
    let id = call.parameter("leadId").unwrap_or_default();
    let slot = account.ledger.slot(&id).ok_or_else(Refusal::no_lead)?;
    account.delete(slot);
    Ok(Answer::ok(&json!({ "Status": "Success" })))
}
