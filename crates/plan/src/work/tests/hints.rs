//! What the directory of the destination says, and what follows if it is wrong.

use super::*;
use crate::directory::Hints;
use crate::id::LeadId;
use crate::operation::Operation;
use crate::outcome::Event;
use crate::work::call::{Capture, ReadLead, Which};

const WHEN: &str = "2026-01-01T00:00:05Z";
const DEFAULT: &str = r#""lead":{"field":[{"from":"EmailAddress","to":"EmailAddress"},
    {"from":"City","to":"City","default":"Pune"}]}"#;
const DEFAULT_AND_PHONE: &str = r#""lead":{"field":[{"from":"EmailAddress","to":"EmailAddress"},
    {"from":"Phone","to":"Phone"},{"from":"City","to":"City","default":"Pune"}]}"#;
const SOURCE_NAME: &str = r#""basic":{"lead_source":"Sync"}"#;

fn hints(is_complete: bool, leads: &[&str]) -> Hints {
    let mut hints = Hints::new(is_complete, true);
    hints.add("EmailAddress", leads.iter().map(|id| LeadId::new(id)));
    hints
}

/// The first step for a lead about which the directory says this.
fn first(scene: &Scene, hints: Hints) -> (Work, Call) {
    let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
    work.take_hints(hints);
    let call = call(work.next(&scene.context()).step);
    (work, call)
}

fn is_listed(call: &Call) -> bool {
    matches!(call, Call::ReadLead(ReadLead { which: Which::Listed, lead_id }) if lead_id.as_str() == "twin")
}

#[test]
fn a_listed_lead_is_read_where_that_saves_a_call() {
    let reads = |settings: &str| is_listed(&first(&scene(settings), hints(true, &["twin"])).1);
    assert!(reads(DEFAULT), "it would be looked for");
    assert!(reads(r#""lead":{"behaviour":"update_only"}"#));
    assert!(reads(SOURCE_NAME), "a call that creates would be refused");
    assert!(!reads(r#""basic":{}"#), "one call creates or updates");
    let several = first(&scene(DEFAULT), hints(true, &["twin", "other"])).1;
    assert!(matches!(several, Call::FindLead(_)), "{several:?}");
}

#[test]
fn a_listed_lead_is_taken_only_if_it_has_the_key() {
    let scene = scene(DEFAULT);
    let context = scene.context();
    for (found, is_it) in [
        (vec![shown([("ProspectID", "twin"), ("EmailAddress", "A@x.y"), ("City", "Agra")])], true),
        (vec![shown([("ProspectID", "twin"), ("EmailAddress", "b@x.y"), ("City", "Agra")])], false),
        (vec![], false),
    ] {
        let (mut work, read) = first(&scene, hints(true, &["twin"]));
        let by = read.operation();
        work.answered(&context, &read, by, Answer::Leads(found.clone()), at(WHEN));
        work.links_found(&context, &[]);
        let next = work.next(&context).step;
        if is_it {
            assert_eq!(ended(next).event, Event::Unchanged, "{found:?}");
        } else {
            let next = call(next);
            assert!(matches!(next, Call::FindLead(_)), "{found:?} {next:?}");
        }
    }
}

/// A default for new leads must not overwrite the value of a lead that the directory missed.
#[test]
fn a_lead_that_is_not_listed_is_created_by_a_call_that_never_updates() {
    let scene = scene(DEFAULT);
    let context = scene.context();
    let (_, find) = first(&scene, hints(false, &[]));
    assert!(matches!(find, Call::FindLead(_)), "not all of the account was read: {find:?}");
    let (mut work, made) = first(&scene, hints(true, &[]));
    let Call::Capture(Capture { update: false, creates_once: true, .. }) = &made else {
        panic!("{made:?}");
    };
    // Many are created at once, and this one is refused.
    let taken = refused("MXDuplicateEntryException");
    work.answered(&context, &made, Operation::BulkCreate, taken, at(WHEN));
    let find = call(work.next(&context).step);
    assert!(matches!(find, Call::FindLead(_)), "{find:?}");
    // It is sent alone, and left unchanged.
    let (mut work, made) = first(&scene, hints(true, &[]));
    let answer = Answer::Written { id: Some("twin".into()), is_created: Some(false) };
    work.answered(&context, &made, Operation::Capture, answer, at(WHEN));
    assert!(matches!(call(work.next(&context).step), Call::FindLead(_)));
    // It is sent alone, and the response does not say whether it was created.
    let (mut work, made) = first(&scene, hints(true, &[]));
    let answer = Answer::Written { id: Some("twin".into()), is_created: None };
    assert_eq!(work.answered(&context, &made, Operation::Capture, answer, at(WHEN)), []);
    assert!(work.is_doubtful());
    assert!(matches!(call(work.next(&context).step), Call::FindLead(_)));
}

/// A wrong hint about the second key must not bypass the rule for keys that disagree.
#[test]
fn a_second_key_that_another_lead_has_after_all_is_looked_for() {
    let scene = scene(&format!("{PLAIN},{DEFAULT_AND_PHONE}"));
    let context = scene.context();
    let (mut work, read) = first(&scene, hints(true, &["twin"]));
    let found = shown([("ProspectID", "twin"), ("EmailAddress", "a@x.y"), ("Phone", "")]);
    let by = read.operation();
    work.answered(&context, &read, by, Answer::Leads(vec![found]), at(WHEN));
    work.links_found(&context, &[]);
    let update = call(work.next(&context).step);
    assert!(matches!(update, Call::UpdateLead(_)), "{update:?}");
    let taken = refused("MXDuplicateEntryException");
    assert_eq!(work.answered(&context, &update, Operation::Update, taken, at(WHEN)), []);
    let find = call(work.next(&context).step);
    assert!(matches!(&find, Call::FindLead(key) if key.field == "Phone"), "{find:?}");
}

/// A crash leaves many writes whose outcome is unknown: what the account can't do twice is
/// repeated, instead of a call that searches for each lead.
#[test]
fn in_a_backlog_a_write_whose_answer_was_lost_is_repeated_where_that_is_safe() {
    let first = |settings: &str, in_backlog: bool| {
        let scene = scene(settings);
        let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
        work.doubt();
        work.take_hints(Hints::new(true, in_backlog));
        call(work.next(&scene.context()).step)
    };
    assert!(matches!(first(PLAIN, true), Call::Capture(Capture { update: true, .. })));
    for (settings, in_backlog) in [
        (PLAIN, false),
        (DEFAULT, true),
        (SOURCE_NAME, true),
        (r#""lead":{"behaviour":"create_only"}"#, true),
    ] {
        let looks = first(settings, in_backlog);
        assert!(matches!(looks, Call::FindLead(_)), "{settings}: {looks:?}");
    }
}
