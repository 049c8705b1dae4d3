//! The HTTP API: `/v2/{Service}.svc/{Operation}`.

mod activities;
mod bulk;
mod leads;
#[expect(clippy::unnecessary_wraps, reason = "every operation has the one signature")]
mod lists;
#[expect(clippy::unnecessary_wraps, reason = "every operation has the one signature")]
mod reads;
#[expect(clippy::unnecessary_wraps, reason = "every operation has the one signature")]
mod sales;
#[expect(clippy::unnecessary_wraps, reason = "every operation has the one signature")]
mod users;
mod webhooks;

use crate::account::{Account, Stamp, Who};
use crate::meter::Bucket;
use crate::refusal::Refusal;
use crate::switches::{ErrorStatus, RateLimitStatus, Switches};
use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// A call, parsed as far as every operation needs.
pub(crate) struct Call<'a> {
    pub(crate) query: &'a str,
    pub(crate) body: &'a [u8],
}

impl Call<'_> {
    /// A parameter of the query; names are compared without case.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        parameter(self.query, name)
    }

    fn is_true(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
    }

    fn json(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(self.body).map_err(|error| malformed(&error))
    }
}

/// A parameter of a query string, decoded.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(decoded(value).into_owned())
}

fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (escaped, first) {
            (Some(byte), _) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (None, b'+') => {
                bytes.push(b' ');
                rest = tail;
            }
            (None, byte) => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// HTTP 400: the operation can't parse the body. The status is known, the wording is a guess.
fn malformed(error: &dyn std::fmt::Display) -> Refusal {
    Refusal::new("MXBadRequestException", format!("The request can't be read: {error}"))
        .with_status(400)
}

/// An operation's answer: a status and a JSON body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn ok<T: Serialize + ?Sized>(value: &T) -> Self {
        Self { status: 200, body: serde_json::to_vec(value).unwrap_or_default() }
    }

    fn success(message: &Value) -> Self {
        Self::ok(&json!({ "Status": "Success", "Message": message }))
    }

    /// The error envelope, with the status chosen by the switch.
    pub(crate) fn refused(refusal: &Refusal, switches: &Switches) -> Self {
        let status = match (refusal.status, switches.error_status) {
            (500, ErrorStatus::Status200) => 200,
            (status, _) => status,
        };
        let mut body = json!({
            "Status": "Error",
            "ExceptionType": refusal.exception,
            "ExceptionMessage": refusal.message,
        });
        if switches.is_mx_exception.is_on() {
            body["IsMXException"] = true.into();
        }
        Self { status, body: body.to_string().into_bytes() }
    }

    /// The response to a call over the quota.
    pub(crate) fn over_quota(message: &str, switches: &Switches) -> Self {
        let status = match switches.rate_limit_status {
            RateLimitStatus::Status429 => 429,
            RateLimitStatus::Status403 => 403,
            RateLimitStatus::Status200 => 200,
        };
        let refusal = Refusal::new("MXAPIRateLimitExceededException", message).with_status(status);
        Self::refused(&refusal, switches)
    }
}

/// An operation of the API.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) method: &'static str,
    pub(crate) bucket: Bucket,
    /// Runs it, with the account locked.
    pub(crate) run: fn(&mut Account, &Call<'_>) -> Result<Answer, Refusal>,
}

const fn get(
    name: &'static str,
    run: fn(&mut Account, &Call<'_>) -> Result<Answer, Refusal>,
) -> Operation {
    Operation { name, method: "GET", bucket: Bucket::Single, run }
}

const fn post(
    name: &'static str,
    run: fn(&mut Account, &Call<'_>) -> Result<Answer, Refusal>,
) -> Operation {
    Operation { name, method: "POST", bucket: Bucket::Single, run }
}

const fn bulk(
    name: &'static str,
    run: fn(&mut Account, &Call<'_>) -> Result<Answer, Refusal>,
) -> Operation {
    Operation { name, method: "POST", bucket: Bucket::Bulk, run }
}

/// The one operation that the host of any region answers
/// (apidocs.leadsquared.com/user-authentication).
pub(crate) const AUTHENTICATION: &str = "Authentication.svc/UserByAccessKey.Get";

/// All operations.
const OPERATIONS: &[Operation] = &[
    post("LeadManagement.svc/Lead.Capture", leads::capture),
    post("LeadManagement.svc/Lead.Create", leads::create),
    post("LeadManagement.svc/Lead.Update", leads::update),
    post("LeadManagement.svc/Lead.CreateOrUpdate", leads::create_or_update),
    post("LeadManagement.svc/Lead.Convert", leads::convert),
    get("LeadManagement.svc/Lead/Delete/ById", leads::delete),
    post("LeadManagement.svc/Lead.Merge", leads::merge),
    get("LeadManagement.svc/Lists.Get", lists::all),
    get("LeadManagement.svc/List/Retrieve/MemberCount", lists::count),
    get("LeadManagement.svc/List.CheckLead", lists::has),
    post("LeadManagement.svc/AddLeadToStaticList", lists::add),
    post("LeadSegmentation.svc/CreateEmptyList", lists::create),
    post("EmailMarketing.svc/ScheduleEmailToLead", sales::schedule_email),
    bulk("LeadManagement.svc/Lead/Bulk/Create", bulk::create),
    bulk("LeadManagement.svc/Lead/Bulk/CreateOrUpdate", bulk::create_or_update),
    bulk("LeadManagement.svc/Lead/Bulk/Update", bulk::update),
    bulk("LeadManagement.svc/Lead/Bulk/UpdateV2", bulk::update_v2),
    get("LeadManagement.svc/Leads.GetById", reads::by_id),
    get("LeadManagement.svc/Leads.GetByEmailaddress", reads::by_email),
    get("LeadManagement.svc/RetrieveLeadByPhoneNumber", reads::by_phone),
    get("LeadManagement.svc/Leads.GetByQuickSearch", reads::quick_search),
    post("LeadManagement.svc/Leads.Get", reads::search),
    post("LeadManagement.svc/Leads.RecentlyModified", reads::recently_modified),
    post("LeadManagement.svc/Leads/Retrieve/ByIds", reads::by_ids),
    get("LeadManagement.svc/LeadsMetaData.Get", reads::metadata),
    post("LeadManagement.svc/CreateLeadField", reads::create_field),
    post("ProspectActivity.svc/Create", activities::create),
    post("ProspectActivity.svc/CreateCustom", activities::create_custom),
    post("ProspectActivity.svc/CustomActivity/Update", activities::update),
    bulk("ProspectActivity.svc/Bulk/CustomActivity/Add/ByLeadId", activities::bulk_by_id),
    bulk("ProspectActivity.svc/Bulk/CustomActivity/Add/ByLeadField", activities::bulk_by_field),
    bulk("ProspectActivity.svc/Bulk/CustomActivity/Update", activities::bulk_update),
    post("ProspectActivity.svc/Retrieve", activities::of_lead),
    post("ProspectActivity.svc/CustomActivity/RetrieveByActivityEvent", activities::by_event),
    post("ProspectActivity.svc/RetrieveRecentlyModified", activities::recently_modified),
    get("ProspectActivity.svc/GetActivityDetails", activities::details),
    get("ProspectActivity.svc/ActivityTypes.Get", activities::types),
    post("ProspectActivity.svc/CreateType", activities::create_type),
    post("ProspectActivity.svc/DeleteActivities", activities::delete),
    post("SalesActivity.svc/Create", sales::create),
    post("SalesActivity.svc/Update", sales::update),
    get("SalesActivity.svc/RetrieveActivity", sales::read),
    get("SalesActivity.svc/RetrieveSetting", sales::setting),
    post("SalesActivity.svc/CreateProduct", sales::create_product),
    post("SalesActivity.svc/UpdateProduct", sales::update_product),
    post("SalesActivity.svc/RetrieveProducts", sales::products),
    get("SalesActivity.svc/DeleteProduct", sales::delete_product),
    get("ProspectActivity.svc/CustomActivity/GetActivitySetting", activities::setting),
    get(AUTHENTICATION, users::authenticated),
    get("UserManagement.svc/Users.Get", users::all),
    get("UserManagement.svc/GetByAccessKey", users::own),
    get("UserManagement.svc/User/Retrieve/ByEmailAddress", users::by_email),
    get("UserManagement.svc/User/Retrieve/ByUserId", users::by_id),
    post("Webhook.svc/Create", webhooks::create),
    post("Webhook.svc/Update", webhooks::update),
    post("Webhook.svc/Retrieve", webhooks::retrieve),
    get("Webhook.svc/Delete", webhooks::delete),
];

/// The operation of that name; LeadSquared ignores the case of a path.
pub(crate) fn operation(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name.eq_ignore_ascii_case(name))
}

impl Account {
    /// The stamp of an API call, by the user whose keys are used.
    fn api_stamp(&self, operation: &'static str, fires: bool) -> Stamp {
        Stamp {
            at: (self.clock)(),
            who: Who::Api(operation),
            user: self.setup.users[0].id.clone(),
            fires,
        }
    }

    fn bulk_stamp(&self, operation: &'static str) -> Stamp {
        let fires = self.setup.switches.bulk_fires.is_on();
        Stamp { who: Who::Bulk(operation), ..self.api_stamp(operation, fires) }
    }
}

/// `Paging`: the part of a list to return.
struct Paging {
    skip: usize,
    take: usize,
}

/// A number, possibly given as text.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// Pages start at 1. A page size over the cap is refused.
fn paging(body: &Value, default: u64, cap: u64) -> Result<Paging, Refusal> {
    let paging = &body["Paging"];
    let index = number(&paging["PageIndex"]).unwrap_or(1).max(1);
    let size = number(&paging["PageSize"]).unwrap_or(default);
    if size > cap {
        return Err(Refusal::input(&format!("PageSize can not be more than {cap}.")));
    }
    let fits = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(Paging { skip: fits((index - 1).saturating_mul(size)), take: fits(size) })
}
