//! Fields that were left when two leads were linked: earlier edits, whose webhooks come after, and
//! later changes.

use super::meeting::{MOVED, Pair, UNTOLD, read, there};
use super::*;
use crate::connector::{FirstMeeting, Policy};
use crate::id::LeadId;
use crate::operation::Operation;
use crate::outcome::Party;
use crate::review::{Choice, Reason, Ruling, StandingReview, State};
use crate::work::call::{ReadLead, Which};
use crate::work::case::Opposite;
use crate::work::next::Next;
use crate::work::outcome::Effect;

/// The link of two whose cities differed when they were linked, and were left so.
fn met(there: &Snapshot) -> Link {
    let mut link = Link::new(Entity::Lead, (SOURCE, "one"), (DESTINATION, "twin"));
    for (account, state) in [(SOURCE, read(MOVED).state()), (DESTINATION, there.clone())] {
        let end = link.end_mut(link.pair.side(account));
        (end.base, end.left) = (state, ["City".to_owned()].into());
        for field in ["EmailAddress", "FirstName", "City", "Stage"] {
            end.note_own(field);
        }
    }
    link
}

/// An edit from before the two were linked, whose webhook came after, is listed if it does not win.
#[test]
fn what_a_late_event_changed_is_disputed() {
    let there = there(&[("FirstName", "Asha"), ("City", "Goa"), ("Stage", "Offer")]);
    let linked = |work: &mut Work| assert!(work.take_link(&met(&there), SOURCE));
    for (policy, ruling) in [(Policy::FillBlank, Ruling::Left), (Policy::Review, Ruling::Waits)] {
        let pair = Pair::new(FirstMeeting::Changed, policy);
        let merge = pair.merge_as(MOVED, linked, &there);
        let disputes = merge.disputes.iter().map(|it| (it.field.as_str(), it.ruling));
        assert_eq!(disputes.collect::<Vec<_>>(), [("City", ruling)]);
        assert!(merge.to_destination.is_empty() && merge.to_source.is_empty());
    }
}

/// A late edit is treated like any other if the other side's value can't be sent.
#[test]
fn a_late_edit_is_not_written_over_what_cannot_be_sent() {
    let moved = MOVED.replacen("\"Stage\":\"Open\"", "\"Stage\":\"Won\"", 1);
    let there = there(&[("FirstName", "Asha"), ("City", "Agra"), ("Stage", "Odd")]);
    let mut link = met(&there);
    for end in [&mut link.first, &mut link.second] {
        end.left = ["Stage".to_owned()].into();
    }
    for (policy, written, left) in [
        (Policy::Newest, "Stage=Offer", ""),
        (Policy::Source, "Stage=Offer", ""),
        (Policy::Destination, "", "Stage"),
        (Policy::FillBlank, "", "Stage"),
        (Policy::Review, "", "Stage"),
    ] {
        let pair = Pair::new(FirstMeeting::Changed, policy);
        let linked = |work: &mut Work| assert!(work.take_link(&link, SOURCE));
        let found = pair.meet_as(&moved, linked, &there).map(|list| list.join(" "));
        assert_eq!(found, [written, "", left], "{policy:?}");
    }
}

/// What is written to a field that was left is listed, whichever side changed it since: what it
/// overwrites may have been edited before the two were linked.
#[test]
fn what_is_written_over_a_field_that_was_left_is_listed() {
    let pair = Pair::new(FirstMeeting::Changed, Policy::Newest);
    let before = there(&[("FirstName", "Asha"), ("City", "Goa"), ("Stage", "Offer")]);
    let linked = |work: &mut Work| {
        assert!(work.take_link(&met(&before), SOURCE));
        work.is_no_event();
    };
    let mut edited = before.clone();
    edited.put("City", "Diu");
    let here = UNTOLD.replace("Agra", "Ajmer");
    for (body, there, ruling) in
        [(UNTOLD, &edited, Ruling::Destination), (&here, &before, Ruling::Source)]
    {
        let merge = pair.merge_as(body, linked, there);
        let disputes = merge.disputes.iter().map(|it| (it.field.as_str(), it.ruling));
        assert_eq!(disputes.collect::<Vec<_>>(), [("City", ruling)], "{body}");
    }
}

/// What was settled by a write stays listed beside what is left.
#[test]
fn what_was_decided_before_a_write_stays_listed() {
    let pair = Pair::new(FirstMeeting::Changed, Policy::Source);
    let there = there(&[("FirstName", "A."), ("City", "Goa"), ("Stage", "Offer")]);
    let scene = scene(PLAIN);
    let context = Context {
        connector: &pair.ways[0],
        leads: &pair.mappings[0],
        opposite: Some(Opposite { connector: &pair.ways[1], mapping: &pair.mappings[1] }),
        ..scene.context()
    };
    let mut work = Work::new(read(MOVED));
    let link = Link::new(Entity::Lead, (SOURCE, "one"), (DESTINATION, "twin"));
    assert!(work.take_link(&link, SOURCE));
    let now = at("2026-01-01T00:01:00Z");
    while let Step::Call(call) = work.next(&context).step {
        let answer = match &call {
            Call::ReadLead(ReadLead { which: Which::Own, .. }) => {
                Answer::Leads(vec![read(MOVED).state()])
            }
            Call::ReadLead(_) => Answer::Leads(vec![there.clone()]),
            _ => Answer::Written { id: None, is_created: None },
        };
        work.answered(&context, &call, Operation::LeadById, answer, now);
    }
    let disputes = work.explanation().expect("it was decided").disputes;
    let disputes = disputes.iter().map(|it| (it.field.as_str(), it.ruling));
    let listed: Vec<_> = disputes.collect();
    assert_eq!(listed, [("City", Ruling::Source), ("FirstName", Ruling::Left)]);
}

/// No record of either side settles the question about a late edit, until a person decides it or the
/// two have the same value.
#[test]
fn a_late_edit_waits_for_a_person_whatever_comes_after_it() {
    let pair = Pair::new(FirstMeeting::Changed, Policy::Review);
    let here = read(MOVED).state();
    let there = there(&[("FirstName", "Asha"), ("City", "Goa"), ("Stage", "Offer")]);
    let body = |state: &Snapshot| serde_json::to_string(state).expect("texts are JSON");
    let older = body(&here).replace("00:00:09", "00:00:02");
    // The result of a record of the source or the other side, and the link after it.
    let comes_to =
        |json: &str, link: &Link, of: usize, choice: Option<Choice>, states: [&Snapshot; 2]| {
            let scene = scene(PLAIN);
            let mut context = Context {
                connector: &pair.ways[of],
                leads: &pair.mappings[of],
                opposite: Some(Opposite {
                    connector: &pair.ways[1 - of],
                    mapping: &pair.mappings[1 - of],
                }),
                ..scene.context()
            };
            if of == 1 {
                std::mem::swap(&mut context.source, &mut context.destination);
            }
            let mut work = Work::new(read(json));
            assert!(work.take_link(link, context.source.id));
            let asked = StandingReview {
                id: 7,
                source: SOURCE,
                source_id: LeadId::new("one"),
                destination_id: Some(LeadId::new("twin")),
                reason: Reason::Conflict,
                state: if choice.is_none() { State::Open } else { State::Decided },
                choice,
            };
            work.take_review(&asked, context.source.id);
            let mut link = link.clone();
            loop {
                let Next { effects, step } = work.next(&context);
                for effect in effects {
                    let Effect::Link(kept) = effect else { panic!("{effect:?}") };
                    link = *kept;
                }
                let Step::Call(call) = &step else { return (work, step, link) };
                let Call::ReadLead(ReadLead { which, .. }) = call else {
                    return (work, step, link);
                };
                let shown = if *which == Which::Own { states[of] } else { states[1 - of] };
                let answer = Answer::Leads(vec![shown.clone()]);
                let now = at("2026-01-01T00:01:00Z");
                work.answered(&context, call, Operation::LeadById, answer, now);
            }
        };
    let differing = [&here, &there];
    let is_asked = |step: &Step| {
        let Step::Ask(review) = step else { return false };
        review.disputes.iter().map(|it| it.field.as_str()).collect::<Vec<_>>() == ["City"]
    };
    let (_, step, asked) = comes_to(MOVED, &met(&there), 0, None, differing);
    assert!(is_asked(&step), "{step:?}");
    for end in [&asked.first, &asked.second] {
        assert!(end.left.is_empty() && end.disputed.contains("City"), "{end:?}");
    }
    for (json, of) in [(MOVED, 0), (&older, 0), (&body(&there), 1)] {
        let (_, step, link) = comes_to(json, &asked, of, None, differing);
        assert!(is_asked(&step) && link == asked, "{json}: {step:?}");
        for (choice, party, city) in [
            (Choice::Source, Party::Destination, "Agra"),
            (Choice::Destination, Party::Source, "Goa"),
        ] {
            let (_, step, _) = comes_to(json, &asked, of, Some(choice), differing);
            let Call::UpdateLead(update) = call(step) else { panic!("{json}") };
            let is_there = (update.party == Party::Destination) == (of == 0);
            assert_eq!(is_there, party == Party::Destination, "{json}");
            assert_eq!(names(&update.fields), [("City", city)], "{json}");
        }
        // Somebody fixed it in one of the accounts.
        let mut right = there.clone();
        right.put("City", "Agra");
        let json = if of == 0 { json } else { &body(&right) };
        let (work, step, link) = comes_to(json, &asked, of, None, [&here, &right]);
        assert_eq!(work.solved_by(&ended(step)), [7]);
        assert!(link.first.disputed.is_empty() && link.second.disputed.is_empty(), "{link:?}");
    }
}
