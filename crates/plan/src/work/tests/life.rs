//! Records driven from the webhook to their outcome.

use super::*;
use crate::id::LeadId;
use crate::operation::Operation;
use crate::outcome::Event;
use crate::review::{Choice, Reason, Ruled, StandingReview, State};
use crate::work::call::{ActivityPage, ReadLead, Which};
use crate::work::outcome::{Effect, Ending};

const WHEN: &str = "2026-01-01T00:00:09Z";

fn review(state: State, choice: Option<Choice>) -> StandingReview {
    StandingReview {
        id: 7,
        source: SOURCE,
        source_id: LeadId::new("ONE"),
        destination_id: None,
        reason: Reason::Several,
        state,
        choice,
    }
}

fn written(id: &str, is_created: bool) -> Answer {
    Answer::Written { id: Some(id.into()), is_created: Some(is_created) }
}

#[test]
fn a_new_lead_is_made_and_tied() {
    let scene = scene(PLAIN);
    let context = scene.context();
    let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
    let capture = call(work.next(&context).step);
    assert_eq!(work.sending(&capture, &context), []);
    let answer = written("TWIN", true);
    let effects = work.answered(&context, &capture, Operation::Capture, answer, at(WHEN));
    let [Effect::Link(link), Effect::End(outcome)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!((link.first.id.as_str(), link.second.id.as_str()), ("one", "twin"));
    assert_eq!(outcome.event, Event::New);
    assert_eq!(outcome.destination_id.as_deref(), Some("twin"));
}

/// Accounts write ids in either case.
#[test]
fn the_ids_of_a_lead_are_one_in_either_case() {
    let scene = scene(PLAIN);
    let context = scene.context();
    let shouted = lead("Asha", "2026-01-01 00:00:00").replace("\"one\"", "\"ONE\"");
    let mut work = scene.work(&shouted);
    assert_eq!(work.id().as_deref(), Some("one"));

    let link = Link::new(Entity::Lead, (SOURCE, "One"), (DESTINATION, "Twin"));
    assert!(work.take_link(&link, SOURCE), "it is its link");
    assert_eq!(work.twin_id(DESTINATION).as_deref(), Some("twin"));

    let mut work = scene.work(&shouted);
    work.take_review(&review(State::Open, None), SOURCE);
    let outcome = ended(work.next(&context).step);
    assert_eq!(outcome.problem.expect("it waits").code, Code::Ambiguous);
}

/// A capture that updated a lead is checked again if that lead is linked to another one; that it is
/// our own, written in upper case, is not a reason.
#[test]
fn a_lead_is_no_stranger_to_itself_in_capitals() {
    let scene = scene(PLAIN);
    let context = scene.context();
    for (source_id, is_stranger) in [("ONE", false), ("two", true)] {
        let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
        let capture = call(work.next(&context).step);
        let answer = written("Twin", false);
        let effects = work.answered(&context, &capture, Operation::Capture, answer, at(WHEN));
        assert_eq!(effects, [Effect::FindLinks { ids: vec!["twin".into()] }]);
        let link = Link::new(Entity::Lead, (SOURCE, source_id), (DESTINATION, "TWIN"));
        let effects = work.links_found(&context, &[link]);
        assert_eq!(effects.is_empty(), is_stranger, "{source_id}: {effects:?}");
    }
}

/// A retry finds out whether the accounts were fixed; a decision stays valid.
#[test]
fn a_retry_looks_past_a_review_that_waits_and_not_past_a_decision() {
    let scene = scene(PLAIN);
    let context = scene.context();
    let retried = |review: &StandingReview| {
        let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
        work.ask_again();
        work.take_review(review, SOURCE);
        assert!(matches!(work.next(&context).step, Step::NeedsMetadata { .. }));
        work.next(&context).step
    };
    assert!(matches!(call(retried(&review(State::Open, None))), Call::Capture(_)));
    let ignored = ended(retried(&review(State::Decided, Some(Choice::Ignore))));
    assert_eq!(ignored.problem.expect("a reason").code, Code::LeftAlone);
    let link = Choice::Link { lead_id: LeadId::new("That") };
    let read = call(retried(&review(State::Decided, Some(link))));
    assert_eq!(read, Call::ReadLead(ReadLead { which: Which::Twin, lead_id: LeadId::new("that") }));
}

#[test]
fn a_write_whose_answer_was_lost_is_looked_for() {
    let scene = scene(PLAIN);
    let context = scene.context();
    let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
    let capture = call(work.next(&context).step);
    let lost = Answer::Failed(Failure::Broken { problem: "reset".into(), maybe_done: true });
    let effects = work.answered(&context, &capture, Operation::Capture, lost, at(WHEN));
    assert!(matches!(effects[..], [Effect::End(_)]) && work.is_doubtful(), "{effects:?}");

    let mut again = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
    again.doubt();
    let find = call(again.next(&context).step);
    assert!(matches!(&find, Call::FindLead(key) if key.field == "EmailAddress"), "{find:?}");
    let found = shown([
        ("ProspectID", "twin"),
        ("EmailAddress", "A@x.y"),
        ("Phone", "+91-9988776655"),
        ("FirstName", "Asha"),
    ]);
    let by = find.operation();
    again.answered(&context, &find, by, Answer::Leads(vec![found]), at(WHEN));
    assert_eq!(again.links_found(&context, &[]), []);
    let next = again.next(&context);
    assert!(matches!(next.effects[..], [Effect::Link(_)]), "{:?}", next.effects);
    assert_eq!(ended(next.step).event, Event::Unchanged);
}

/// After a write that does not say on what, the search starts anew: it did not exist before.
#[test]
fn a_write_without_an_id_is_looked_for_once_more() {
    let scene = scene(PLAIN);
    let context = scene.context();
    let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
    work.doubt();
    let nobody = || Answer::Leads(Vec::new());
    for _ in ["EmailAddress", "Phone"] {
        let find = call(work.next(&context).step);
        assert!(matches!(find, Call::FindLead(_)), "{find:?}");
        work.answered(&context, &find, find.operation(), nobody(), at(WHEN));
    }
    let capture = call(work.next(&context).step);
    let nameless = Answer::Written { id: None, is_created: None };
    assert_eq!(work.answered(&context, &capture, Operation::Capture, nameless, at(WHEN)), []);
    let again = call(work.next(&context).step);
    assert!(matches!(&again, Call::FindLead(key) if key.field == "EmailAddress"), "{again:?}");
}

/// An update whose response names another lead is checked, repeated once, and then reported.
#[test]
fn an_update_that_names_another_lead_is_looked_at() {
    let mut scene = scene(PLAIN);
    scene.sync(&lead("Asha", "2026-01-01 00:00:00"), "2026-01-01T00:00:01Z");
    let context = scene.context();
    let other = || Answer::Written { id: Some("other".to_owned()), is_created: None };
    let shows = |first: &str| {
        let keys = [("EmailAddress", "a@x.y"), ("Phone", "+91-9988776655")];
        let mut lead: Snapshot = keys.into_iter().collect();
        lead.put("ProspectID", "twin");
        lead.put("FirstName", first);
        Answer::Leads(vec![lead])
    };
    for holds in [true, false] {
        let mut work = scene.work(&lead("Usha", "2026-01-01 00:10:00"));
        let update = call(work.next(&context).step);
        assert!(matches!(update, Call::UpdateLead(_)), "{update:?}");
        assert_eq!(work.answered(&context, &update, update.operation(), other(), at(WHEN)), []);
        let read = call(work.next(&context).step);
        assert!(
            matches!(&read, Call::ReadLead(read) if read.lead_id.as_str() == "twin"),
            "{read:?}"
        );
        let found = shows(if holds { "Usha" } else { "Asha" });
        work.answered(&context, &read, read.operation(), found, at(WHEN));
        work.links_found(&context, &[]);
        let next = work.next(&context).step;
        if holds {
            assert_eq!(ended(next).event, Event::Unchanged);
            continue;
        }
        assert_eq!(call(next), update);
        let effects = work.answered(&context, &update, update.operation(), other(), at(WHEN));
        let [Effect::End(outcome)] = effects.as_slice() else { panic!("{effects:?}") };
        let problem = outcome.problem.as_ref().expect("a reason");
        assert!(problem.message.contains("the lead twin twice"), "{problem}");
        assert!(problem.message.contains("name the lead other"), "{problem}");
    }
}

#[test]
fn an_activity_without_an_id_is_looked_for_once_more() {
    let mut scene = scene(r#""activity":{"enabled":true}"#);
    scene.lead_link = Some(Link::new(Entity::Lead, (SOURCE, "one"), (DESTINATION, "twin")));
    let context = scene.context();
    let mut work = scene.work(
        r#"{"ProspectActivityId":"x","RelatedProspectId":"one","ActivityEvent":"201","Data":{"Note":"n"}}"#,
    );
    work.doubt();
    let read = call(work.next(&context).step);
    let by = read.operation();
    work.answered(&context, &read, by, Answer::Activities(ActivityPage::default()), at(WHEN));
    work.links_found(&context, &[]);
    let create = call(work.next(&context).step);
    assert!(matches!(create, Call::CreateActivity(_)), "{create:?}");
    let nameless = Answer::Written { id: None, is_created: None };
    work.answered(&context, &create, create.operation(), nameless, at(WHEN));
    assert_eq!(call(work.next(&context).step), read);
}

/// Which lead it is, and which value wins, are two questions: the answer to one stays while the
/// other is decided.
#[test]
fn a_conflict_is_decided_where_a_person_said_before_which_lead_it_is() {
    let scene = scene(PLAIN);
    let lead_id = LeadId::new("twin");
    let told = review(State::Decided, Some(Choice::Link { lead_id: lead_id.clone() }));
    let conflict = |state, choice| StandingReview {
        id: 8,
        destination_id: Some(lead_id.clone()),
        reason: Reason::Conflict,
        ..review(state, choice)
    };
    let decided = conflict(State::Decided, Some(Choice::Source));
    for reviews in [[&told, &decided], [&decided, &told]] {
        let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
        for review in reviews {
            work.take_review(review, SOURCE);
        }
        let known = &work.own.known;
        assert_eq!(known.conflict, Some(Ruled::Decided(Choice::Source)));
        assert!(matches!(known.ruled, Some(Ruled::Decided(Choice::Link { .. }))));
    }
    // The opposite connector asked the same, and nobody answered there.
    let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
    let open = StandingReview { id: 9, ..conflict(State::Open, None) };
    for review in [&open, &decided, &open] {
        work.take_review(review, SOURCE);
    }
    assert_eq!(work.own.known.conflict, Some(Ruled::Decided(Choice::Source)));
}

/// That a lead is none of those found is decided once: a lost response does not ask again.
#[test]
fn a_lead_that_is_to_be_made_is_made_although_an_answer_was_lost() {
    let scene = scene(r#""basic":{"search_by":"mx_Pan"}"#);
    let context = scene.context();
    let json = r#"{"ProspectID":"one","mx_Pan":"F1","FirstName":"Asha"}"#;
    let relative = || shown([("ProspectID", "uma"), ("mx_Pan", "F1"), ("FirstName", "Uma")]);
    let asha = || shown([("ProspectID", "twin"), ("mx_Pan", "F1"), ("FirstName", "Asha")]);
    let looked = |found: Vec<Snapshot>| {
        let mut work = scene.work(json);
        work.doubt();
        work.take_review(&review(State::Decided, Some(Choice::Create)), SOURCE);
        let find = call(work.next(&context).step);
        assert!(matches!(find, Call::FindLead(_)), "{find:?}");
        work.answered(&context, &find, find.operation(), Answer::Leads(found), at(WHEN));
        work.links_found(&context, &[]);
        work.next(&context).step
    };
    for found in [vec![], vec![relative()]] {
        assert!(matches!(call(looked(found)), Call::CreateLead(_)));
    }
    let outcome = ended(looked(vec![relative(), asha()]));
    assert_eq!(outcome.destination_id.as_deref(), Some("twin"));
}

/// Whether a write took effect is unknown if its response can't be read, or if on a repetition the
/// account refuses what an earlier write may have done.
#[test]
fn a_doubt_stays_until_the_end() {
    let scene = scene(PLAIN);
    let context = scene.context();
    let unreadable = || Answer::Activities(ActivityPage::default());
    let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
    let capture = call(work.next(&context).step);
    let effects = work.answered(&context, &capture, Operation::Capture, unreadable(), at(WHEN));
    let [Effect::End(outcome)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(matches!(outcome.ending, Ending::Again { doubtful: true, .. }));

    let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
    work.doubt();
    for _ in 0..2 {
        let nobody = Answer::Leads(Vec::new());
        let find = call(work.next(&context).step);
        work.answered(&context, &find, find.operation(), nobody, at(WHEN));
    }
    let capture = call(work.next(&context).step);
    let refuse = |work: &mut Work| {
        let answer = refused("MXUnknownAttributeException");
        work.answered(&context, &capture, Operation::Capture, answer, at(WHEN))
    };
    assert_eq!(refuse(&mut work), []);
    assert!(matches!(work.next(&context).step, Step::NeedsMetadata { .. }));
    assert_eq!(call(work.next(&context).step), capture);
    let effects = refuse(&mut work);
    let [Effect::End(outcome)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(matches!(outcome.ending, Ending::Again { doubtful: true, .. }));
}

/// An account whose limit is exceeded for a long time costs no try.
#[test]
fn a_call_that_is_put_off_is_none() {
    let scene = scene(PLAIN);
    let context = scene.context();
    let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
    for _ in 0..40 {
        let capture = call(work.next(&context).step);
        work.sending(&capture, &context);
        let put_off = Answer::Failed(Failure::RateLimited(None));
        assert_eq!(work.answered(&context, &capture, Operation::Capture, put_off, at(WHEN)), []);
    }
    assert_eq!(work.calls(), 0);
}

/// Drives a doubtful lead whose search finds this one; returns how it ends.
fn found_in_doubt(created: &str, first: &str) -> Event {
    let scene = scene(r#""basic":{"default_country_code":"IN"}"#);
    let context = scene.context();
    let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
    work.doubt();
    let find = call(work.next(&context).step);
    let there = shown([
        ("ProspectID", "twin"),
        ("EmailAddress", "a@x.y"),
        ("Phone", "+91-9988776655"),
        ("FirstName", first),
        ("CreatedOn", created),
    ]);
    let answer = Answer::Leads(vec![there]);
    let effects = work.answered(&context, &find, find.operation(), answer, at(WHEN));
    assert!(matches!(effects.as_slice(), [Effect::FindLinks { .. }]), "{effects:?}");
    work.links_found(&context, &[]);
    match work.next(&context).step {
        Step::End(outcome) => outcome.event,
        Step::Call(update) => {
            let answer = Answer::Written { id: None, is_created: None };
            let effects = work.answered(&context, &update, update.operation(), answer, at(WHEN));
            let Some(Effect::End(outcome)) = effects.last() else { panic!("{effects:?}") };
            outcome.event
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lead_that_a_lost_call_made_is_new() {
    assert_eq!(found_in_doubt("2026-01-01 00:00:05", "Asha"), Event::New);
    assert_eq!(found_in_doubt("2026-01-01 00:00:05", "ASHA!"), Event::New, "it lacked something");
    assert_eq!(found_in_doubt("2025-12-31 00:00:00", "Asha"), Event::Unchanged);
    assert_eq!(found_in_doubt("2025-12-31 00:00:00", "Usha"), Event::Updated);
}
