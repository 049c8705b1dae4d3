//! `/personal-data`: what is stored of one person, for requests of access and of erasure. Who is
//! meant is in the form, never in the address, which proxies log.

use admin::person;
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use store::{Forgotten, Kept, Who};

use super::form::Form;
use super::visitor::Visitor;
use super::words::number;
use super::{log, page};
use crate::Shared;

#[derive(Template)]
#[template(path = "personal_data.html")]
struct PersonalData<'a> {
    page: &'static str,
    visitor: Visitor,
    wrong: Option<String>,
    who: &'a str,
    all: bool,
    found: Option<Found>,
    erased: Option<Forgotten>,
}

/// What is stored of the person.
struct Found {
    /// The page, the ID and the account of each lead.
    leads: Vec<(String, String, String)>,
    requests: String,
    links: String,
    reviews: String,
}

impl PersonalData<'_> {
    /// What was erased, a line for each kind of which there was something.
    fn lines(erased: &Forgotten) -> Vec<(&'static str, String)> {
        let all = [
            ("Requests deleted", erased.requests_deleted),
            ("Requests about others, too, in which the person was masked", erased.requests_masked),
            ("API calls deleted", erased.calls_deleted),
            ("API calls about others, too, in which the person was masked", erased.calls_masked),
            ("Reviews deleted", erased.reviews_deleted),
            ("Emails, audit entries and saved views masked or deleted", erased.texts_masked),
            ("Links whose values were replaced by keyed hashes", erased.links_covered),
        ];
        let some = all.into_iter().filter(|(_, count)| *count > 0);
        some.map(|(what, count)| (what, number(count))).collect()
    }
}

/// What the form says: who is meant, and whether everybody who has that address is.
fn meant(form: &Form) -> (&str, bool) {
    (form.text("who").trim(), !form.text("all").is_empty())
}

fn shown(visitor: Visitor, status: StatusCode, (who, all): (&str, bool), news: News) -> Response {
    let (mut wrong, mut found, mut erased) = (None, None, None);
    match news {
        News::None => {}
        News::Wrong(what) => wrong = Some(what),
        News::Found(what) => found = Some(what),
        News::Erased(what) => erased = Some(what),
    }
    let page = "Personal data";
    page::page(status, &PersonalData { page, visitor, wrong, who, all, found, erased })
}

enum News {
    None,
    Wrong(String),
    Found(Found),
    Erased(Forgotten),
}

/// The page for a request that can't be followed: nobody is meant, or several people are.
fn refused(visitor: Visitor, meant: (&str, bool), error: &store::Error) -> Response {
    match error {
        store::Error::Refused(why) => {
            shown(visitor, StatusCode::BAD_REQUEST, meant, News::Wrong(sentence(why)))
        }
        error => page::unavailable(error),
    }
}

/// The text as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

pub(super) async fn show(visitor: Visitor) -> Response {
    shown(visitor, StatusCode::OK, ("", false), News::None)
}

pub(super) async fn find(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let meant = meant(&form);
    let kept = match Who::of(meant.0, meant.1) {
        Ok(who) => shared.store.person(&who).await,
        Err(error) => Err(error),
    };
    match kept {
        Ok(kept) => {
            let found = found(&shared, &kept).await?;
            Ok(shown(visitor, StatusCode::OK, meant, News::Found(found)))
        }
        Err(error) => Ok(refused(visitor, meant, &error)),
    }
}

async fn found(shared: &Shared, kept: &Kept) -> store::Result<Found> {
    let configuration = shared.store.configuration().await?;
    let leads = kept.leads.iter().map(|lead| {
        let account = configuration.accounts.iter().find(|account| account.id == lead.account);
        let account = account.map_or_else(String::new, |account| account.name.clone());
        (log::lead_path(&account, &lead.id), lead.id.clone(), account)
    });
    let mut requests: Vec<_> = kept.records.iter().map(|record| record.request).collect();
    requests.sort_unstable();
    requests.dedup();
    let count = |of: usize| number(of.try_into().unwrap_or(u64::MAX));
    Ok(Found {
        leads: leads.collect(),
        requests: count(requests.len()),
        links: count(kept.links.len()),
        reviews: count(kept.reviews.len()),
    })
}

pub(super) async fn export(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let meant = meant(&form);
    let exported = match Who::of(meant.0, meant.1) {
        Ok(who) => person::export(&shared, &who, &visitor.actor()).await,
        Err(error) => Err(error),
    };
    match exported {
        Ok(person) => {
            let text = serde_json::to_vec_pretty(&person).map_err(|error| {
                store::Error::Defect(format!("a person's data can't be written: {error}"))
            })?;
            let json = HeaderValue::from_static("application/json");
            let file = HeaderValue::from_static("attachment; filename=\"personal-data.json\"");
            let headers = [(header::CONTENT_TYPE, json), (header::CONTENT_DISPOSITION, file)];
            Ok((headers, text).into_response())
        }
        Err(error) => Ok(refused(visitor, meant, &error)),
    }
}

pub(super) async fn forget(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let meant = meant(&form);
    let forgotten = match Who::of(meant.0, meant.1) {
        Ok(who) => person::forget(&shared, &who, &visitor.actor()).await,
        Err(error) => Err(error),
    };
    match forgotten {
        Ok(forgotten) => Ok(shown(visitor, StatusCode::OK, ("", false), News::Erased(forgotten))),
        Err(error) => Ok(refused(visitor, meant, &error)),
    }
}
