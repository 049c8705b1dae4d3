//! What a migration makes of a store that was written before it.

use std::collections::HashSet;
use std::sync::Arc;

use plan::link::{End, Pair};
use plan::outcome::Event;
use plan::problem::Problem;
use plan::review::{Candidate, Choice, Reason, Review};
use store::{Configuration, Filter, NewReview, Page, Progress, Room, Store};

use crate::empty::{Beside, Empty, actor, at, attempt, ended, execute, id};

crate::promises! {
    the_code_of_old_problems_is_known,
    old_ids_are_in_lower_case,
}

/// Takes the database back to the migration before `code` and lower-case ids, does this to it, and
/// opens it again, so that both run.
async fn reopened(empty: &Empty, sql: &str) -> Arc<dyn Store> {
    let back = "DROP INDEX mention_request; DROP INDEX review_request; \
                DROP TABLE saved_view; DROP INDEX record_state; ALTER TABLE record DROP COLUMN state; \
                ALTER TABLE record DROP COLUMN name; ALTER TABLE record DROP COLUMN echo; \
                DROP INDEX request_shown; DROP INDEX request_echo; ALTER TABLE request DROP COLUMN echo; \
                ALTER TABLE record DROP COLUMN code; ALTER TABLE lease DROP COLUMN since; \
                DROP TABLE mark; ALTER TABLE retry_batch DROP COLUMN linked_by; DROP TABLE trait; \
                ALTER TABLE connector DROP COLUMN wired_secret; \
                ALTER TABLE connector DROP COLUMN wired_at; DROP TABLE former_url; \
                ALTER TABLE connector DROP COLUMN url_since; ALTER TABLE connector DROP COLUMN url_used; \
                ALTER TABLE account DROP COLUMN probe_until; \
                DROP TABLE contact; DROP TABLE tally_recent; DROP TABLE dismissal; \
                DROP TABLE mass_change; DROP TABLE backfill_plan; DROP TABLE backfill; DROP INDEX request_backfill; \
                ALTER TABLE request DROP COLUMN backfill; \
                DROP TABLE directory_key; DROP TABLE directory_lead; DROP TABLE directory_reading; \
                DROP TABLE sweep; DROP TABLE parity_lead; DROP TABLE parity; \
                DROP TABLE spent_hour; ALTER TABLE spent DROP COLUMN warned_at; \
                DROP TABLE identity; ALTER TABLE users DROP COLUMN by_provider; \
                DROP TABLE invite; DROP TABLE recovery_code; DROP TABLE second_factor; DROP TABLE known_browser; \
                ALTER TABLE session DROP COLUMN confirmed_at; ALTER TABLE session DROP COLUMN needs_code; \
                DROP TABLE arrival; DROP TABLE alert_connector; DROP TABLE alert; DROP INDEX mail_alert; \
                ALTER TABLE mail DROP COLUMN alert; ALTER TABLE mail DROP COLUMN kind; \
                ALTER TABLE mail DROP COLUMN connector; ALTER TABLE mail DROP COLUMN url; \
                DELETE FROM _sqlx_migrations WHERE version > 12";
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
                lead_id: plan::id::LeadId::new("TWIN"),
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
        let problem = Problem::new(
            plan::problem::Code::from_word(code).unwrap(),
            "It \"waits\" for \u{0} and \u{1f980}.",
            "Decide.",
        );
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
    let open =
        store.open_requests(&lease, &[own], &HashSet::new(), at(60), Room::of(9)).await.unwrap();
    let open: Vec<_> = open.requests.iter().map(|request| request.id).collect();
    assert_eq!(open, [id(0), id(1)]);
}

async fn old_ids_are_in_lower_case(empty: Empty) {
    let configuration = empty.with_connector().await;
    let own = configuration.connectors[0].clone();
    empty.deliver(own.id, 0..1).await;
    let lease = empty.lease(&configuration).await;
    let mut old = attempt(own.id, 0, Event::New);
    (old.source_id, old.destination_id) = (Some("AB-1".to_owned()), Some("CD-1".to_owned()));
    let reviews = [("AB-1", Reason::Several), ("AB-2", Reason::Conflict)];
    let progress = Progress {
        attempts: vec![old],
        requests: vec![ended(0, Event::New)],
        reviews: reviews.map(|(lead, reason)| asked(&configuration, lead, reason)).to_vec(),
        ..Progress::default()
    };
    empty.store.record_progress(&lease, progress).await.unwrap();
    let choice = Choice::Link { lead_id: plan::id::LeadId::new("TWIN") };
    empty.store.decide_review(1, Some(&choice), &actor(), at(1)).await.unwrap();

    let pair = Pair::of(own.source, own.destination);
    // The third and the fourth are the first again, the sixth has the fifth's twin.
    let leads = [
        ("AB-1", "CD-1"),
        ("AB-2", "CD-2"),
        ("Ab-1", "cd-7"),
        ("ab-1", "cD-1"),
        ("e", "F"),
        ("G", "f"),
    ];
    let mut sql = vec!["UPDATE review SET choice = replace(choice, 'twin', 'TWIN')".to_owned()];
    for (first, second) in leads {
        let end =
            |lead: &str| serde_json::to_string(&End { id: lead.to_owned(), ..End::default() });
        sql.push(format!(
            "INSERT INTO link (first_account, second_account, first_id, second_id, first_end, \
             second_end, entity) VALUES ({}, {}, '{first}', '{second}', '{}', '{}', 'lead')",
            pair.first.0,
            pair.second.0,
            end(first).unwrap(),
            end(second).unwrap(),
        ));
    }
    for lead in ["AB-8", "ab-8", "ab-9", "AB-7"] {
        sql.push(format!("INSERT INTO gone (account, lead) VALUES ({}, '{lead}')", own.source.0));
    }
    // The same question in other letters, asked later.
    let again = "INSERT INTO review (connector, source, destination, source_id, reason, state, evidence, \
            opened_at, request) SELECT connector, source, destination, 'Ab-2', reason, state, \
            evidence, opened_at + 1, request FROM review WHERE id = 2";
    sql.push(again.to_owned());
    let store = reopened(&empty, &sql.join(";")).await;

    let side = pair.side(own.source);
    let ids = ["ab-1", "AB-1", "Ab-1", "ab-2", "e", "g"].map(str::to_owned);
    let links = store.links(pair, side, &ids).await.unwrap();
    let mut links: Vec<_> = links.into_iter().map(|l| (l.first.id, l.second.id)).collect();
    links.sort();
    assert_eq!(links.len(), 3, "one a lead: {links:?}");
    assert_eq!((links[0].0.as_str(), links[1].0.as_str()), ("ab-1", "ab-2"));
    assert!(
        links.iter().all(|(a, b)| *a == a.to_lowercase() && *b == b.to_lowercase()),
        "{links:?}"
    );
    let gone = ["ab-7", "ab-8", "ab-9", "AB-8"].map(str::to_owned);
    let mut gone = store.gone(own.source, &gone).await.unwrap();
    gone.sort();
    assert_eq!(gone, ["ab-7", "ab-8", "ab-9"]);
    let standing = store.standing_reviews(pair, &["ab-1", "ab-2", "twin"].map(str::to_owned)).await;
    let standing: Vec<_> =
        standing.unwrap().into_iter().map(|one| (one.id, one.source_id, one.choice)).collect();
    let choice = Choice::Link { lead_id: plan::id::LeadId::new("twin") };
    assert_eq!(
        standing,
        [
            (1, plan::id::LeadId::new("ab-1"), Some(choice)),
            (3, plan::id::LeadId::new("ab-2"), None)
        ]
    );
    let page = Page { limit: 9, after: None };
    let (shown, _) = store.request_lines(&Filter::default(), &page).await.unwrap();
    let record = &shown[0].records[0];
    assert_eq!(record.source_id.as_deref(), Some("ab-1"));
    assert_eq!(record.destination_id.as_deref(), Some("cd-1"));
    // A second time there is nothing left to do.
    execute(&empty.url, "DELETE FROM _sqlx_migrations WHERE version = 14").await;
    empty.again().await.expect("it can be run again");
}
