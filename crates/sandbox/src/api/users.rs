//! `UserManagement.svc` (apidocs.leadsquared.com/get-users).

use super::{Answer, Call};
use crate::account::Account;
use crate::id;
use crate::metadata::User;
use crate::refusal::Refusal;
use serde_json::{Value, json};

fn shown(user: &User) -> Value {
    json!({
        "ID": &*user.id, "FirstName": user.first_name, "LastName": user.last_name,
        "EmailAddress": user.email, "Role": user.role,
        "StatusCode": i32::from(!user.active), "MemberOfGroups": [], "Tag": null,
        "IsPhoneCallAgent": false,
    })
}

/// A single user is returned in full: with `UserId` instead of `ID` (client code), and with custom
/// fields (live by id, inferred by email address).
fn whole(user: &User) -> Value {
    let mut told = shown(user);
    if let Value::Object(told) = &mut told {
        if let Some(id) = told.remove("ID") {
            told.insert("UserId".to_owned(), id);
        }
        told.extend(user.fields.iter().map(|(name, text)| (name.clone(), json!(text))));
    }
    told
}

fn list(account: &Account, wanted: impl Fn(&User) -> bool) -> Answer {
    let users: Vec<Value> =
        account.setup.users.iter().filter(|user| wanted(user)).map(whole).collect();
    Answer::ok(&users)
}

pub(super) fn all(account: &mut Account, _: &Call<'_>) -> Result<Answer, Refusal> {
    Ok(Answer::ok(&account.setup.users.iter().map(shown).collect::<Vec<_>>()))
}

/// The user whose keys are used. The shape of the response is a guess.
pub(super) fn own(account: &mut Account, _: &Call<'_>) -> Result<Answer, Refusal> {
    Ok(Answer::ok(&shown(&account.setup.users[0])))
}

/// The user whose keys are used, and where the account is (apidocs.leadsquared.com/user-authentication;
/// the names of the hosts from client code).
pub(super) fn authenticated(account: &mut Account, _: &Call<'_>) -> Result<Answer, Refusal> {
    let mut told = whole(&account.setup.users[0]);
    if let Value::Object(told) = &mut told {
        told.insert("TimeZone".to_owned(), json!("Asia/Kolkata"));
        told.insert("DefaultCountryCode".to_owned(), json!("+91"));
        let hosts = json!({ "api": account.api_host, "app": account.api_host });
        told.insert("LSQCommonServiceURLs".to_owned(), hosts);
    }
    Ok(Answer::ok(&told))
}

pub(super) fn by_email(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let email = call.parameter("emailAddress").unwrap_or_default();
    Ok(list(account, |user| user.email.eq_ignore_ascii_case(&email)))
}

pub(super) fn by_id(account: &mut Account, call: &Call<'_>) -> Result<Answer, Refusal> {
    let id = call.parameter("UserId").or_else(|| call.parameter("id")).unwrap_or_default();
    Ok(list(account, |user| id::key(&user.id) == id::key(&id)))
}
