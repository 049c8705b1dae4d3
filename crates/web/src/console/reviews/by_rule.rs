//! `/reviews/by-rule`: many reviews are resolved by a rule, after a look at what it would do.

use std::collections::BTreeMap;

use admin::reviews::{self, ByRule, MOST_AT_ONCE};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use plan::review::{self, Reason, Rule};
use store::ReviewItem;

use super::{List, words};
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::page::{self, Choice, choices};
use crate::console::visitor::Visitor;

/// The rules that resolve many reviews, and their labels.
const RULES: [(&str, &str); 6] = [
    ("source", "Conflicts: keep the source's values"),
    ("destination", "Conflicts: keep the destination's values"),
    ("primary_key", "Ambiguous matches: link the lead that the first search key finds"),
    ("same_name", "Ambiguous matches: link the only lead with the same name"),
    ("create", "Ambiguous matches: create a new lead"),
    ("ignore", "Ambiguous matches: ignore the lead"),
];

/// How many of the reviews that a rule resolves are shown.
const MOST_SHOWN: usize = 20;

#[derive(Template)]
#[template(path = "reviews_by_rule.html")]
struct ByRulePage {
    page: &'static str,
    visitor: Visitor,
    rule: String,
    rules: Vec<Choice>,
    connector: String,
    connectors: Vec<Choice>,
    /// What the rule would do; `None`: no rule is chosen yet.
    by_rule: Option<ByRule>,
}

impl ByRulePage {
    fn shown(by_rule: &ByRule) -> &[(ReviewItem, review::Choice)] {
        &by_rule.decided[..by_rule.decided.len().min(MOST_SHOWN)]
    }

    fn name(item: &ReviewItem) -> &str {
        List::name(item)
    }

    fn words(reason: Reason) -> &'static str {
        words(reason)
    }

    /// What the rule would do with a lead.
    fn outcome(choice: &review::Choice) -> String {
        match choice {
            review::Choice::Link { lead_id } => format!("Link to lead {lead_id}"),
            review::Choice::Create => "Create as a new lead".to_owned(),
            review::Choice::Ignore => "Ignore the lead".to_owned(),
            review::Choice::Source => "Keep the source's values".to_owned(),
            review::Choice::Destination => "Keep the destination's values".to_owned(),
        }
    }
}

/// `GET /reviews/by-rule`: what a rule would do to all open reviews. Nothing is resolved.
pub(in crate::console) async fn show_by_rule(
    State(shared): State<Shared>,
    visitor: Visitor,
    Query(given): Query<BTreeMap<String, String>>,
) -> page::Shown {
    let text = |name: &str| given.get(name).map(|text| text.trim()).unwrap_or_default().to_owned();
    let (rule, connector) = (text("rule"), text("connector"));
    let configuration = visitor.reach.narrow(shared.store.configuration().await?);
    let names = configuration.connectors.iter().map(|one| one.definition.name.as_str());
    let connectors = choices(names.map(|name| (name, name)), &connector);
    let by_rule = match rule.as_str() {
        "" => None,
        word => Some(by_rule(&shared, &visitor, word, &connector, None).await?),
    };
    let (page, rules) = ("Reviews", choices(RULES, &rule));
    let shown = ByRulePage { page, visitor, rule, rules, connector, connectors, by_rule };
    Ok(page::page(StatusCode::OK, &shown))
}

/// `POST /reviews/by-rule`: resolves what was shown.
pub(in crate::console) async fn resolve_by_rule(
    State(shared): State<Shared>,
    visitor: Visitor,
    form: Form,
) -> page::Shown {
    let newest = form.text("newest").parse();
    let newest = newest.map_err(|_| Refusal::wrong("newest", "is not a number"))?;
    let (rule, connector) = (form.text("rule"), form.text("connector"));
    let by_rule = by_rule(&shared, &visitor, rule, connector, Some(newest)).await?;
    let told = match reviews::resolve_by_rule(&shared, &visitor.actor(), &by_rule).await? {
        0 => "none_resolved",
        _ => "resolved_by_rule",
    };
    Ok(Redirect::to(&page::with_told("/reviews", told)).into_response())
}

async fn by_rule(
    shared: &Shared,
    visitor: &Visitor,
    rule: &str,
    connector: &str,
    newest: Option<i64>,
) -> Result<ByRule, Refusal> {
    let rule = rule.parse::<Rule>().map_err(|what| Refusal::wrong("rule", what))?;
    let connector = Some(connector).filter(|name| !name.is_empty());
    Ok(reviews::by_rule(shared, &visitor.reach, rule, connector, newest).await?)
}
