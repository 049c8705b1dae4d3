//! Static lists of leads. The names of the operations are from client code, and what they answer is a
//! guess: nothing here is used by leadsync.

use super::{Answer, Call, text};
use crate::account::{Account, List};
use crate::refusal::Refusal;
use serde_json::json;

fn list<'a>(account: &'a mut Account, call: &Call<'_>) -> Result<&'a mut List, Refusal> {
    let id = call.parameter("listId").unwrap_or_default();
    let found = account.extras.lists.iter_mut().find(|list| list.id.eq_ignore_ascii_case(&id));
    found.ok_or_else(|| Refusal::input("listId"))
}

pub(super) fn all(account: &mut Account, _: &Call<'_>) -> Result<Answer, Refusal> {
    let shown = |list: &List| {
        json!({
            "ID": list.id, "Name": list.name, "ListType": "Static",
            "MemberCount": list.members.len(),
        })
    };
    Ok(Answer::ok(&account.extras.lists.iter().map(shown).collect::<Vec<_>>()))
}

pub(super) fn create(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let name = ["Name", "ListName"].map(|key| text(&body[key]).into_owned());
    let Some(name) = name.into_iter().find(|name| !name.is_empty()) else {
        return Err(Refusal::input("Name"));
    };
    let id = account.chance.guid().to_string();
    account.extras.lists.push(List { id: id.clone(), name, members: Vec::new() });
    Ok(Answer::success(&json!({ "Id": id })))
}

pub(super) fn count(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let members = list(account, call)?.members.len();
    Ok(Answer::ok(&json!({ "MemberCount": members })))
}

fn lead(account: &Account, call: &Call<'_>) -> Result<String, Refusal> {
    let id = call.parameter("leadId").unwrap_or_default();
    let slot = account.ledger.slot(&id).ok_or_else(Refusal::no_lead)?;
    Ok(account.ledger.lead(slot).id.to_string())
}

pub(super) fn has(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let lead = lead(account, call)?;
    let is_member = list(account, call)?.members.contains(&lead);
    Ok(Answer::ok(&json!({ "IsMember": is_member })))
}

pub(super) fn add(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let lead = lead(account, call)?;
    let members = &mut list(account, call)?.members;
    if !members.contains(&lead) {
        members.push(lead);
    }
    Ok(Answer::ok(&json!({ "Status": "Success" })))
}
