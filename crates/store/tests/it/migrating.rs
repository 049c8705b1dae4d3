//! What a migration makes of a store that was written before it.

use std::collections::HashSet;
use std::sync::Arc;

use plan::outcome::Event;
use plan::problem::Problem;
use plan::review::{Candidate, Choice, Reason, Review};
use store::{Configuration, NewReview, Progress, Store};

use crate::empty::{Beside, Empty, actor, at, attempt, ended, id};

crate::promises! {
    the_code_of_old_problems_is_known,
}

/// Takes the database back to the migration before `code` and lower-case ids, does this to it, and
/// opens it again, so that both run.
async fn reopened(empty: &Empty, sql: &str) -> Arc<dyn Store> {
    let back =
        "ALTER TABLE record DROP COLUMN code; DELETE FROM _sqlx_migrations WHERE version > 12";
    let mut beside = Beside::open(&empty.url).await;
    beside.execute(back).await;
    beside.execute(sql).await;
    drop(beside);
    empty.again().await.expect("the migrations run")
}

fn asked(configuration: &Configuration, lead: &str, reason: Reason) -> NewReview {
    let connector = &configuration.connectors[0];
    NewReview {
        connector: connector.id,
        source: connector.source,
        destination: connector.destination,
        source_id: lead.to_owned(),
        known_as: None,
        request: id(0),
        at: at(0),
        knows_decision: false,
        review: Review {
            reason,
            sends: [("City", "Agra")].into_iter().collect(),
            candidates: vec![Candidate {
                lead_id: "TWIN".to_owned(),
                found_by: None,
                fields: [("City", "Pune")].into_iter().collect(),
                linked_to: None,
            }],
            disputes: Vec::new(),
        },
    }
}

async fn the_code_of_old_problems_is_known(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].id;
    empty.deliver(own, 0..3).await;
    let lease = empty.lease(&configuration).await;
    let one = |n, event, code: &str| {
        let mut one = attempt(own, n, event);
        // A problem may quote what somebody wrote.
        let problem = Problem::new(code, "It \"waits\" for \u{0} and \u{1f980}.", "Decide.");
        one.problem = Some(problem.about("Phone"));
        one.mentions = vec!["lead".to_owned()];
        one
    };
    let mut done = attempt(own, 2, Event::New);
    done.mentions = vec!["lead".to_owned()];
    let progress = Progress {
        attempts: vec![
            one(0, Event::Failed, "ambiguous"),
            one(1, Event::Skipped, "left_alone"),
            done,
        ],
        requests: (0..3).map(|n| ended(n, Event::Failed)).collect(),
        reviews: vec![asked(&configuration, "lead", Reason::Several)],
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let store = reopened(&empty, "SELECT 1").await;
    let retried = store.decide_review(1, Some(&Choice::Create), &actor(), at(50)).await.unwrap();
    assert_eq!(retried.requests, 2);
    let open = store.open_requests(&lease, &[own], &HashSet::new(), at(60), 9).await.unwrap();
    let open: Vec<_> = open.requests.iter().map(|request| request.id).collect();
    assert_eq!(open, [id(0), id(1)]);
}
