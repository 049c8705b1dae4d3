//! Reads of leads and of their fields.

use super::{Answer, Call, number, paging, text};
use crate::account::{Account, Comparison, Sort, utc};
use crate::lead::{Flat, Lead, Properties};
use crate::metadata::{Field, FieldNo, Kind, Setup, described};
use crate::refusal::Refusal;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The maximum page size.
const MOST: u64 = 5_000;
const DEFAULT_PAGE: u64 = 25;

fn flat(setup: &Setup, leads: &[Arc<Lead>], columns: Option<&[FieldNo]>) -> Answer {
    let leads: Vec<Flat<'_>> =
        leads.iter().map(|lead| Flat { columns, ..Flat::whole(setup, lead) }).collect();
    Answer::ok(&leads)
}

/// `Leads.GetById`: an unknown id returns an empty list.
pub(super) fn by_id(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.parameter("id").unwrap_or_default();
    let lead: Vec<_> = account.ledger.by_id(&id).cloned().into_iter().collect();
    Ok(flat(&account.setup, &lead, None))
}

/// `Leads.GetByEmailaddress` (apidocs.leadsquared.com/get-a-lead-by-email-id).
pub(super) fn by_email(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let email = call.parameter("emailaddress").unwrap_or_default();
    let slot = account.ledger.holder(&account.setup, account.setup.known.email, &email);
    let lead: Vec<_> = slot.map(|slot| account.ledger.lead(slot).clone()).into_iter().collect();
    Ok(flat(&account.setup, &lead, None))
}

/// `RetrieveLeadByPhoneNumber`: of several leads, the one with the latest activity
/// (apidocs.leadsquared.com/get-lead-by-phone).
pub(super) fn by_phone(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let number = call.parameter("phone").unwrap_or_default();
    let found = account.ledger.by_number(&account.setup, &number);
    let latest = |lead: &&Arc<Lead>| lead.last_activity.as_ref().map(|mark| mark.at);
    let lead: Vec<_> = found.into_iter().max_by_key(latest).cloned().into_iter().collect();
    Ok(flat(&account.setup, &lead, None))
}

/// `Leads.GetByQuickSearch`.
pub(super) fn quick_search(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    const FIELDS: [&str; 8] = [
        "FirstName",
        "LastName",
        "EmailAddress",
        "Phone",
        "Mobile",
        "Company",
        "mx_City",
        "mx_Country",
    ];
    let key = call.parameter("key").unwrap_or_default().to_lowercase();
    let setup = &account.setup;
    let fields: Vec<FieldNo> = FIELDS.iter().filter_map(|name| setup.number(name)).collect();
    let has = |lead: &Lead| {
        fields
            .iter()
            .any(|&no| lead.stored(no).is_some_and(|text| text.to_lowercase().contains(&key)))
    };
    let most = usize::try_from(DEFAULT_PAGE).unwrap_or(0);
    let found: Vec<_> =
        account.ledger.leads().filter(|lead| has(lead)).take(most).cloned().collect();
    Ok(flat(setup, &found, None))
}

/// `Columns.Include_CSV`: unknown names are ignored.
fn columns(setup: &Setup, body: &Value) -> Option<Vec<FieldNo>> {
    let names = text(&body["Columns"]["Include_CSV"]);
    if names.trim().is_empty() {
        return None;
    }
    Some(names.split(',').filter_map(|name| setup.number(name.trim())).collect())
}

fn sort(setup: &Setup, body: &Value) -> Result<Sort, Refusal> {
    let sorting = &body["Sorting"];
    let name = text(&sorting["ColumnName"]);
    let name = if name.is_empty() { "CreatedOn" } else { &name };
    let column = setup.number(name).ok_or_else(|| Refusal::unknown_attributes(&[name]))?;
    Ok(Sort {
        column,
        descending: text(&sorting["Direction"]) != "0" && number(&sorting["Direction"]) != Some(0),
    })
}

/// `Leads.Get` (apidocs.leadsquared.com/search-by-lead-criteria). Without a valid
/// `Parameter` it returns every lead.
pub(super) fn search(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let setup = account.setup.clone();
    let parameter = &body["Parameter"];
    let name = text(&parameter["LookupName"]);
    let value = text(&parameter["LookupValue"]);
    let condition = if name.is_empty() {
        None
    } else {
        let no = setup.number(&name).ok_or_else(|| Refusal::unknown_attributes(&[&*name]))?;
        Some((no, Comparison::of(&text(&parameter["SqlOperator"]))?, &*value))
    };
    let page = paging(&body, DEFAULT_PAGE, MOST)?;
    let mut leads = account.matching(condition)?;
    account.sort(&mut leads, sort(&setup, &body)?);
    let leads: Vec<_> = leads.into_iter().skip(page.skip).take(page.take).collect();
    Ok(flat(&setup, &leads, columns(&setup, &body).as_deref()))
}

#[derive(Serialize)]
struct List<'a> {
    #[serde(rename = "RecordCount")]
    count: usize,
    /// Absent if there are no rows (live).
    #[serde(rename = "Leads", skip_serializing_if = "Vec::is_empty")]
    leads: Vec<Properties<'a>>,
}

fn list(account: &Account, mut leads: Vec<Arc<Lead>>, body: &Value) -> Result<Answer, Refusal> {
    let setup = &account.setup;
    let page = paging(body, DEFAULT_PAGE, MOST)?;
    let columns = columns(setup, body);
    account.sort(&mut leads, sort(setup, body)?);
    let total = leads.len();
    let rows = leads.iter().skip(page.skip).take(page.take);
    let leads =
        rows.map(|lead| Properties { setup, lead, columns: columns.as_deref(), total }).collect();
    Ok(Answer::ok(&List { count: total, leads }))
}

/// `Leads.RecentlyModified`: by LeadLastModifiedOn (apidocs.leadsquared.com/get-leads-by-date-range).
pub(super) fn recently_modified(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let (from, to) = range(&body["Parameter"])?;
    let leads = account.ledger.touched(from, to).cloned().collect();
    list(account, leads, &body)
}

/// `FromDate` and `ToDate`, up to the end of the last second.
pub(super) fn range(parameter: &Value) -> Result<(jiff::Timestamp, jiff::Timestamp), Refusal> {
    let date = |name: &str| {
        utc(&text(&parameter[name]))
            .ok_or_else(|| Refusal::input(&format!("{name} value is not correct.")))
    };
    let (from, to) = (date("FromDate")?, date("ToDate")?);
    if from > to {
        return Err(Refusal::input("FromDate can't be greater than ToDate."));
    }
    let end = to.checked_add(jiff::SignedDuration::from_millis(999)).unwrap_or(to);
    Ok((from, end))
}

/// `Leads/Retrieve/ByIds`.
pub(super) fn by_ids(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let empty = Vec::new();
    let ids = body["SearchParameters"]["LeadIds"].as_array().unwrap_or(&empty);
    let leads = ids.iter().filter_map(|id| account.ledger.by_id(&text(id)).cloned()).collect();
    list(account, leads, &body)
}

/// `LeadsMetaData.Get` (apidocs.leadsquared.com/get-lead-field-properties).
pub(super) fn metadata(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let without = call.parameter("excludeOptionSets").is_some_and(|value| value == "1");
    Ok(Answer::ok(&described(&account.setup, call.parameter("schemaName").as_deref(), !without)))
}

/// `CreateLeadField` (apidocs.leadsquared.com/create-custom-lead-field).
pub(super) fn create_field(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let display = text(&body["DisplayName"]).trim().to_owned();
    if display.is_empty() {
        return Err(Refusal::mandatory("'DisplayName' is mandatory for creating lead field"));
    }
    let kind = Kind::of(&text(&body["DataType"]), &text(&body["RenderTypeTextValue"]))
        .ok_or_else(|| Refusal::input("DataType"))?;
    let name = format!("mx_{}", display.replace(' ', "_"));
    if account.setup.number(&name).is_some() {
        return Err(Refusal::new(
            "MXDuplicateEntityNameException",
            format!("{name} exists already."),
        ));
    }
    let mut field = Field::new(&name, kind).display(&display);
    if let Some(length) = number(&body["MaxLength"]).and_then(|n| usize::try_from(n).ok()) {
        field = field.max_length(length);
    }
    account.set_up(|setup| setup.put(field));
    Ok(Answer::success(&json!({ "Id": name })))
}
