//! An emulated team that works in both accounts.

use std::time::Duration;

use sandbox::Sandbox;

use super::people;
use super::watch::{SITE_VISIT, say};

/// The team creates no more leads than this; from then on it only edits.
const MOST_LEADS: usize = 400;
const STAGES: [&str; 5] =
    ["Contacted", "Qualified", "Opportunity", "Opportunity Won", "Post Purchase"];
/// As the account shows them, in UTC.
const MEETINGS: [&str; 3] =
    ["2026-12-01 09:30:00.000", "2026-12-03 04:00:00.000", "2026-12-08 15:15:00.000"];
const REMARKS: [&str; 6] = [
    "Asked for a call in the evening",
    "Prefers WhatsApp; speaks Hindi & English",
    "Second opinion wanted: \"knee\"",
    "Insurance: TPA letter sent",
    "Wants the cardiology package",
    "Came with the family, happy",
];

fn chance(below: usize) -> usize {
    let number = getrandom::u32().unwrap_or_default();
    usize::try_from(number).unwrap_or(0) % below.max(1)
}

/// Works until it is aborted.
pub async fn work(accounts: super::Accounts, pace: f64, json: bool) {
    let pause = Duration::from_secs_f64(1.0 / pace.clamp(0.01, 1_000.0));
    let mut number = 0;
    loop {
        let account = &accounts[chance(2)];
        let leads = account.leads();
        if leads.len() < 3 || (chance(3) == 0 && leads.len() < MOST_LEADS) {
            number += 1;
            create(account, number, json);
        } else if let Some(id) = leads.get(chance(leads.len())) {
            if chance(5) == 0 { visit(account, id, json) } else { edit(account, id, json) }
        }
        tokio::time::sleep(pause).await;
    }
}

fn create(account: &Sandbox, number: usize, json: bool) {
    let person = people::person(number, &mut chance);
    let made = account.create_lead(&[
        ("FirstName", person.first_name),
        ("LastName", person.last_name),
        ("EmailAddress", &person.email),
        ("Phone", &person.phone),
        ("mx_City", person.city),
        ("mx_Country", person.country),
        ("Source", "Referral Sites"),
    ]);
    let who =
        format!("{} {} ({}, {})", person.first_name, person.last_name, person.city, person.phone);
    match made {
        Ok(_) => say(account.name(), &format!("the team creates {who}"), json),
        // A number that somebody already has: the CRM says so to the person who types it.
        Err(refusal) => {
            say(account.name(), &format!("the CRM refuses {who}: {}", refusal.message), json);
        }
    }
}

fn visit(account: &Sandbox, id: &str, json: bool) {
    let Some(lead) = account.lead(id) else { return };
    let part = |name: &str| lead.get(name).cloned().flatten().unwrap_or_default();
    let who = format!("{} {}", part("FirstName"), part("LastName"));
    let note = REMARKS[chance(REMARKS.len())];
    let fields = [("mx_Custom_1", "City Clinic"), ("mx_Custom_2", "2")];
    match account.create_activity(id, SITE_VISIT, note, &fields) {
        Ok(_) => say(account.name(), &format!("the team adds a visit of {who}: {note}"), json),
        Err(refusal) => {
            say(account.name(), &format!("the CRM refuses a visit of {who}: {refusal}"), json);
        }
    }
}

fn edit(account: &Sandbox, id: &str, json: bool) {
    let (field, value) = match chance(3) {
        0 => ("ProspectStage", STAGES[chance(STAGES.len())]),
        1 => ("mx_Remarks", REMARKS[chance(REMARKS.len())]),
        _ => ("mx_Next_Meeting", MEETINGS[chance(MEETINGS.len())]),
    };
    let Some(lead) = account.lead(id) else { return };
    let field_is = |name: &str| lead.get(name).cloned().flatten().unwrap_or_default();
    if field_is(field) == value {
        return;
    }
    let who = format!("{} {}", field_is("FirstName"), field_is("LastName"));
    match account.edit_lead(id, &[(field, value)]) {
        Ok(_) => say(account.name(), &format!("the team sets {field} of {who} to {value}"), json),
        Err(refusal) => {
            say(account.name(), &format!("the CRM refuses a change of {who}: {refusal}"), json);
        }
    }
}
