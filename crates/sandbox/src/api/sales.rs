//! `SalesActivity.svc` and `EmailMarketing.svc`, as far as LeadSquared's own PHP library calls them. What
//! they answer is a guess: nothing here is used by leadsync.

use super::{Answer, Call, text};
use crate::account::{Account, NewActivity, Product};
use crate::refusal::Refusal;
use serde_json::{Value, json};

/// The event code of a sales activity (guess). An account without this type refuses them.
const SALE: u32 = 30;

pub(super) fn create(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let id = ["ProspectId", "RelatedProspectId", "LeadId"].map(|key| text(&body[key]).into_owned());
    let id = id.into_iter().find(|id| !id.is_empty()).unwrap_or_default();
    let slot = account.ledger.slot(&id).ok_or_else(Refusal::no_lead)?;
    let stamp = account.api_stamp("SalesActivity/Create", true);
    let activity = NewActivity::of_fields(SALE, super::activities::fields(&body));
    let id = account.add_activity(slot, activity, &stamp)?;
    Ok(Answer::success(&json!({ "Id": &*id })))
}

pub(super) fn update(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let id = text(&body["ProspectActivityId"]).into_owned();
    let stamp = account.api_stamp("SalesActivity/Update", true);
    account.update_activity(&id, None, super::activities::fields(&body), &stamp)?;
    Ok(Answer::ok(&json!({ "Status": "Success" })))
}

pub(super) fn read(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.parameter("activityId").unwrap_or_default();
    let activity = account.activities.get(&id).ok_or_else(Refusal::no_activity)?;
    Ok(Answer::ok(&activity.shown(&account.setup)))
}

pub(super) fn setting(account: &mut Account, _: &Call<'_>) -> Result<Answer, Refusal> {
    let fields = account.setup.activity_type(SALE).map(|kind| {
        let fields = kind.fields.iter().map(
            |field| json!({ "SchemaName": &*field.schema_name, "DisplayName": field.display_name }),
        );
        fields.collect::<Vec<_>>()
    });
    Ok(Answer::ok(&json!({ "Fields": fields })))
}

fn shown(product: &Product) -> Value {
    json!({ "ProductId": product.id, "ProductName": product.name, "SKU": product.sku })
}

pub(super) fn create_product(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let name = text(&body["ProductName"]).into_owned();
    if name.is_empty() {
        return Err(Refusal::input("ProductName"));
    }
    let id = account.chance.guid().to_string();
    let sku = text(&body["SKU"]).into_owned();
    account.extras.products.push(Product { id: id.clone(), name, sku });
    Ok(Answer::success(&json!({ "Id": id })))
}

fn product<'a>(account: &'a mut Account, id: &str) -> Result<&'a mut Product, Refusal> {
    let mut products = account.extras.products.iter_mut();
    products.find(|product| product.id == id).ok_or_else(|| Refusal::input("ProductId"))
}

pub(super) fn update_product(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let product = product(account, &text(&body["ProductId"]))?;
    for (key, value) in [("ProductName", &mut product.name), ("SKU", &mut product.sku)] {
        let given = text(&body[key]);
        if !given.is_empty() {
            *value = given.into_owned();
        }
    }
    Ok(Answer::ok(&json!({ "Status": "Success" })))
}

pub(super) fn products(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let wanted = text(&body["SearchText"]).to_lowercase();
    let fits = |product: &&Product| product.name.to_lowercase().contains(&wanted);
    let found: Vec<Value> = account.extras.products.iter().filter(fits).map(shown).collect();
    Ok(Answer::ok(&json!({ "RecordCount": found.len(), "Products": found })))
}

pub(super) fn delete_product(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.parameter("id").unwrap_or_default();
    product(account, &id)?;
    account.extras.products.retain(|product| product.id != id);
    Ok(Answer::ok(&json!({ "Status": "Success" })))
}

/// Nothing is sent.
pub(super) fn schedule_email(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    if text(&body["Subject"]).is_empty() {
        return Err(Refusal::input("Subject"));
    }
    Ok(Answer::success(&json!({ "Id": &*account.chance.guid() })))
}
