//! What is done about a lead, by what is known about it.

use super::*;
use crate::work::call::{Capture, LeadUpdate, ReadLead, Which};
use crate::work::explanation::Why;
use crate::work::outcome::{Effect, Ending};

#[test]
fn a_new_lead_is_captured_by_its_key_with_all_fields() {
    let Decision::Call(Call::Capture(Capture { key, fields, update, .. })) =
        scene(PLAIN).decide(&lead("Asha", "2026-01-01 00:00:00"))
    else {
        panic!("a capture");
    };
    assert_eq!((key.field.as_str(), key.value.as_str(), update), ("EmailAddress", "a@x.y", true));
    assert_eq!(
        names(&fields),
        [("EmailAddress", "a@x.y"), ("FirstName", "Asha"), ("Phone", "+91-9988776655")]
    );
}

#[test]
fn the_echo_of_a_sync_ends() {
    let mut scene = scene(PLAIN);
    scene.sync(&lead("Asha", "2026-01-01 00:00:00"), "2026-01-01T00:00:05Z");
    let same = Decision::Unchanged(Why::SameAsSynced, Some("twin".into()));
    assert_eq!(scene.decide(&lead("Asha", "2026-01-01 00:00:00")), same);
    assert_eq!(scene.decide(&lead("Asha", "2026-01-01 00:09:00")), same);
}

/// The webhook that reports what we wrote to the source, and one that reports something else.
#[test]
fn an_echo_is_told_from_a_change_of_other_fields() {
    let mut scene = scene(PLAIN);
    scene.sync(&lead("Asha", "2026-01-01 00:00:00"), "2026-01-01T00:00:05Z");
    let received = at("2026-01-01T00:10:00Z");
    let is_echo = |scene: &Scene, json: &str| {
        let mut work = scene.work(json);
        let outcome = ended(work.next(&scene.context()).step);
        assert_eq!(outcome.event, crate::outcome::Event::Unchanged);
        work.is_echo(SOURCE, received)
    };
    let late = lead("Asha", "2026-01-01 00:09:00");
    assert!(!is_echo(&scene, &late), "nothing was ever written to the source");
    let link = scene.link.as_mut().unwrap();
    let side = link.pair.side(SOURCE);
    link.end_mut(side).wrote = Some(at("2026-01-01T00:09:00Z"));
    assert!(is_echo(&scene, &late));
    assert!(!is_echo(&scene, &lead("Asha", "2026-01-01 00:09:30")), "somebody changed it since");
    let undated = r#"{"Current":{"ProspectID":"one","EmailAddress":"a@x.y","Phone":"9988776655","FirstName":"Asha"}}"#;
    assert!(is_echo(&scene, undated), "it arrived soon after the write");
}

#[test]
fn a_linked_lead_gets_only_what_changed() {
    let mut scene = scene(PLAIN);
    scene.sync(&lead("Asha", "2026-01-01 00:00:00"), "2026-01-01T00:00:05Z");
    let Decision::Call(Call::UpdateLead(LeadUpdate { lead_id, fields, .. })) =
        scene.decide(&lead("Usha", "2026-01-01 00:09:00"))
    else {
        panic!("an update");
    };
    assert_eq!(lead_id.as_str(), "twin");
    assert_eq!(names(&fields), [("FirstName", "Usha")]);
    assert_eq!(fields[0].before.as_deref(), Some("Asha"));
}

#[test]
fn an_old_state_never_overwrites_a_newer_one() {
    let mut scene = scene(PLAIN);
    scene.sync(&lead("Usha", "2026-01-01 00:09:00"), "2026-01-01T00:09:05Z");
    assert!(matches!(
        scene.decide(&lead("Asha", "2026-01-01 00:00:00")),
        Decision::Unchanged(Why::Stale, _)
    ));
    assert_eq!(
        scene.decide(&lead("Asha", "2026-01-01 00:09:00")),
        read_own(),
        "the same second says nothing of the order"
    );
    scene.known.source.fresh = true;
    assert!(matches!(
        scene.decide(&lead("Asha", "2026-01-01 00:09:00")),
        Decision::Call(Call::UpdateLead(_))
    ));
}

#[test]
fn a_state_from_before_our_own_write_is_read_afresh() {
    let mut scene = scene(PLAIN);
    scene.sync(&lead("Asha", "2026-01-01 00:00:00"), "2026-01-01T00:00:05Z");
    let link = scene.link.as_mut().unwrap();
    let side = link.pair.side(SOURCE);
    link.end_mut(side).wrote = Some("2026-01-01T00:05:00Z".parse().unwrap());
    assert!(matches!(
        scene.decide(&lead("Usha", "2026-01-01 00:05:03")),
        Decision::Call(Call::ReadLead(ReadLead { which: Which::Own, .. }))
    ));
    assert!(matches!(
        scene.decide(&lead("Usha", "2026-01-01 00:05:06")),
        Decision::Call(Call::UpdateLead(_))
    ));
}

#[test]
fn without_any_key_nothing_is_created() {
    let decision = scene(PLAIN).decide(r#"{"ProspectID":"one","FirstName":"Asha"}"#);
    assert!(matches!(decision, Decision::Refuse(_)), "{decision:?}");
    assert_eq!(code(&decision), Code::NoKey);
}

#[test]
fn the_second_key_serves_when_the_first_is_empty_or_refused() {
    let mut scene = scene(PLAIN);
    let only_phone = r#"{"ProspectID":"one","Phone":"9988776655"}"#;
    assert!(
        matches!(scene.decide(only_phone), Decision::Call(Call::Capture(Capture { key, .. })) if key.field == "Phone")
    );
    scene.known.search.keys_tried = 1;
    let both = lead("Asha", "2026-01-01 00:00:00");
    assert!(
        matches!(scene.decide(&both), Decision::Call(Call::Capture(Capture { key, .. })) if key.field == "Phone")
    );
    scene.known.search.keys_tried = 2;
    assert!(
        matches!(scene.decide(&both), Decision::Refuse(problems) if problems[0].code == Code::Duplicate)
    );
}

#[test]
fn a_doubtful_write_is_looked_for_before_it_is_repeated() {
    let mut scene = scene(PLAIN);
    scene.known.doubtful = true;
    let json = lead("Asha", "2026-01-01 00:00:00");
    assert!(
        matches!(scene.decide(&json), Decision::Call(Call::FindLead(key)) if key.field == "EmailAddress")
    );
    scene.known.search.keys_tried = 1;
    assert!(
        matches!(scene.decide(&json), Decision::Call(Call::FindLead(key)) if key.field == "Phone")
    );
    scene.known.search.keys_tried = 2;
    assert!(
        matches!(scene.decide(&json), Decision::Call(Call::Capture(Capture { key, .. })) if key.field == "EmailAddress")
    );
    scene.known.twin.lead = Some(shown([
        ("ProspectID", "twin"),
        ("EmailAddress", "A@x.y"),
        ("Phone", "+91-9988776655"),
        ("FirstName", "Asha"),
    ]));
    assert_eq!(
        scene.decide(&json),
        Decision::Unchanged(Why::SameInDestination, Some("twin".into()))
    );
}

#[test]
fn behaviours_hold() {
    let with = |behaviour: &str| scene(&format!(r#""lead":{{"behaviour":"{behaviour}"}}"#));
    let json = lead("Asha", "2026-01-01 00:00:00");
    assert!(matches!(with("do_nothing").decide(&json), Decision::Skip(_)));
    assert!(matches!(
        with("create_only").decide(&json),
        Decision::Call(Call::Capture(Capture { update: false, .. }))
    ));

    let mut only_update = with("update_only");
    assert!(matches!(only_update.decide(&json), Decision::Call(Call::FindLead(_))));
    only_update.known.search.keys_tried = 1;
    assert!(
        matches!(only_update.decide(&json), Decision::Skip(problem) if problem.code == Code::NotFound)
    );
    only_update.known.twin.lead = Some(shown([("ProspectID", "twin"), ("FirstName", "Old")]));
    assert!(matches!(only_update.decide(&json), Decision::Call(Call::UpdateLead(_))));

    let mut only_create = with("create_only");
    only_create.sync(&json, "2026-01-01T00:00:05Z");
    assert!(matches!(only_create.decide(&lead("Usha", "2026-01-02 00:00:00")), Decision::Skip(_)));
}

#[test]
fn a_default_is_for_what_both_sides_lack() {
    let mut scene = scene(
        r#""basic":{"lead_source":"Sales"},"lead":{"field":[
            {"from":"EmailAddress","to":"EmailAddress"},{"from":"City","to":"City","default":"Pune"}]}"#,
    );
    let without = r#"{"ProspectID":"one","EmailAddress":"a@x.y","City":""}"#;
    assert!(
        matches!(scene.decide(without), Decision::Call(Call::FindLead(_))),
        "it may be there and filled"
    );
    scene.known.search.keys_tried = 1;
    let Decision::Call(Call::Capture(capture)) = scene.decide(without) else { panic!("a capture") };
    assert_eq!(names(&capture.fields), [("EmailAddress", "a@x.y")]);
    assert_eq!(names(&capture.on_create), [("City", "Pune"), ("Source", "Sales")]);

    let there =
        |city: &str| Some(shown([("ProspectID", "t"), ("EmailAddress", "a@x.y"), ("City", city)]));
    scene.known.twin.lead = there("Agra");
    assert!(matches!(scene.decide(without), Decision::Unchanged(..)));
    scene.known.twin.lead = there("");
    let Decision::Call(Call::UpdateLead(update)) = scene.decide(without) else {
        panic!("an update")
    };
    assert_eq!(names(&update.fields), [("City", "Pune")]);
}

#[test]
fn a_twin_that_is_gone_is_made_again() {
    let mut scene = scene(PLAIN);
    let json = lead("Asha", "2026-01-01 00:00:00");
    scene.sync(&json, "2026-01-01T00:00:05Z");
    scene.known.twin.gone = true;
    assert!(matches!(scene.decide(&json), Decision::Call(Call::Capture(_))));
}

#[test]
fn a_lead_that_a_look_finds_is_not_created_a_second_time() {
    let mut scene = scene(
        r#""lead":{"behaviour":"create_only","field":[
            {"from":"EmailAddress","to":"EmailAddress"},{"from":"City","to":"City","default":"Pune"}]}"#,
    );
    let json = r#"{"ProspectID":"one","EmailAddress":"a@x.y"}"#;
    scene.known.twin.lead = Some(shown([("ProspectID", "twin"), ("City", "")]));
    assert!(
        matches!(scene.decide(json), Decision::Skip(problem) if problem.code == Code::Exists),
        "somebody else made it"
    );
    scene.known.doubtful = true;
    assert!(
        matches!(scene.decide(json), Decision::Unchanged(..)),
        "it may be what the lost write made"
    );
}

#[test]
fn a_second_key_that_is_not_unique_is_looked_for_first() {
    let mut scene = scene(r#""basic":{"secondary_search_by":"mx_Pan"}"#);
    let json = r#"{"ProspectID":"one","EmailAddress":"a@x.y","mx_Pan":"P1"}"#;
    for name in ["EmailAddress", "mx_Pan"] {
        assert!(
            matches!(scene.decide(json), Decision::Call(Call::FindLead(key)) if key.field == name),
            "the account would not refuse a second lead with the same {name}"
        );
        scene.known.search.keys_tried += 1;
    }
    assert!(matches!(scene.decide(json), Decision::Call(Call::Capture(_))));
}

#[test]
fn an_emptied_field_is_emptied_only_where_that_is_wanted() {
    for (blank, expected) in [("leave", None), ("clear", Some(""))] {
        let mut scene = scene(&format!(r#""lead":{{"blank":"{blank}"}}"#));
        let json = |city: &str, at: &str| {
            format!(
                r#"{{"ProspectID":"one","EmailAddress":"a@x.y","City":"{city}","ModifiedOn":"{at}"}}"#
            )
        };
        scene.sync(&json("Pune", "2026-01-01 00:00:00"), "2026-01-01T00:00:05Z");
        let emptied = scene.decide(&json("", "2026-01-02 00:00:00"));
        let written = match &emptied {
            Decision::Call(Call::UpdateLead(update)) => Some(update.fields[0].value.as_str()),
            Decision::Unchanged(..) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(written, expected, "{blank}");
        if expected.is_some() {
            scene.sync(&json("", "2026-01-02 00:00:00"), "2026-01-02T00:00:05Z");
            let again = scene.decide(&json("", "2026-01-02 00:10:00"));
            assert!(matches!(again, Decision::Unchanged(..)), "{again:?}");
        }
    }
}

fn read_own() -> Decision {
    Decision::read_source(crate::id::LeadId::new("one"))
}

/// The other lead may be about to lose the value, unless the mapping keeps it there.
#[test]
fn a_linked_lead_that_is_refused_as_a_duplicate_is_tried_again() {
    for (blank, keeps) in [("leave", true), ("clear", false)] {
        let mut scene = scene(&format!(r#"{PLAIN},"lead":{{"blank":"{blank}"}}"#));
        scene.sync(&lead("Asha", "2026-01-01 00:00:00"), "2026-01-01T00:00:05Z");
        let context = scene.context();
        let moved = lead("Asha", "2026-01-01 01:00:00").replace("9988776655", "9988776656");
        let mut work = scene.work(&moved);
        let update = call(work.next(&context).step);
        let answer = refused("MXDuplicateEntryException");
        let when = at("2026-01-01T01:00:05Z");
        let effects = work.answered(&context, &update, update.operation(), answer, when);
        let [Effect::End(outcome)] = effects.as_slice() else { panic!("{effects:?}") };
        assert!(matches!(outcome.ending, Ending::Again { .. }), "{outcome:?}");
        let advice = &outcome.problem.as_ref().expect("a reason").advice;
        assert_eq!(
            advice.contains("the mapping row to Phone leaves blank values alone"),
            keeps,
            "{advice}"
        );
        assert!(!advice.contains("  "), "{advice}");
    }
}

/// Makes the calls of a record with these responses until it ends; returns how many there were.
fn ended_by(scene: &Scene, work: &mut Work, answer: impl Fn(&Call) -> Answer) -> (usize, Outcome) {
    let context = scene.context();
    let mut calls = 0;
    loop {
        let call = match work.next(&context).step {
            Step::Call(call) => call,
            Step::End(outcome) => return (calls, outcome),
            other => panic!("{other:?}"),
        };
        calls += 1;
        work.sending(&call, &context);
        let when = at("2026-01-01T00:00:05Z");
        let effects = work.answered(&context, &call, call.operation(), answer(&call), when);
        if let Some(Effect::End(outcome)) = effects.into_iter().next_back() {
            return (calls, outcome);
        }
    }
}

/// It is not linked yet, and no key finds the lead that has one of its values.
#[test]
fn a_new_lead_that_is_refused_as_a_duplicate_is_tried_again() {
    let by_one = r#""basic":{"default_country_code":"IN"}"#;
    for settings in [PLAIN, by_one] {
        let scene = scene(settings);
        let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
        let (calls, outcome) = ended_by(&scene, &mut work, |call| match call {
            Call::FindLead(_) => Answer::Leads(Vec::new()),
            _ => refused("MXDuplicateEntryException"),
        });
        assert!(calls <= 6, "{calls}");
        let most = crate::retry::OF_NEW_DUPLICATE;
        assert_eq!(outcome.ending, Ending::Again { doubtful: false, most }, "{settings}");
        assert_eq!(outcome.problem.expect("a reason").code, Code::Duplicate);
    }
}

/// The value moves from a linked lead to a new one, and the change of the new one arrived first.
#[test]
fn a_value_that_moves_to_a_new_lead_is_waited_for() {
    for (phone_now, is_asked, waits) in
        [("9988776600", false, true), ("9988776655", false, false), ("9988776600", true, false)]
    {
        let scene = scene(PLAIN);
        let context = scene.context();
        let mut work = scene.work(&lead("Bina", "2026-01-01 00:00:00").replace("a@x.y", "b@x.y"));
        if is_asked {
            work.ask_again();
            assert!(matches!(work.next(&context).step, Step::NeedsMetadata { .. }));
        }
        let twin = shown([
            ("ProspectID", "twin"),
            ("EmailAddress", "a@x.y"),
            ("Phone", "+91-9988776655"),
            ("FirstName", "Asha"),
        ]);
        let other = shown([
            ("ProspectID", "two"),
            ("EmailAddress", "a@x.y"),
            ("Phone", phone_now),
            ("FirstName", "Asha"),
        ]);
        let link = Link::new(Entity::Lead, (SOURCE, "two"), (DESTINATION, "twin"));
        let mut seen = Vec::new();
        let end = loop {
            let call = match work.next(&context).step {
                Step::Call(call) => call,
                other => break other,
            };
            work.sending(&call, &context);
            let (name, answer) = match &call {
                Call::Capture(capture) => {
                    assert_eq!(capture.key.field, "EmailAddress", "no other lead is written to");
                    ("capture", refused("MXDuplicateEntryException"))
                }
                Call::FindLead(key) if key.field == "Phone" => {
                    ("find", Answer::Leads(vec![twin.clone()]))
                }
                Call::FindLead(_) => ("find", Answer::Leads(Vec::new())),
                Call::ReadLead(_) => ("read", Answer::Leads(vec![other.clone()])),
                other => panic!("{other:?}"),
            };
            seen.push(name);
            let when = at("2026-01-01T00:00:05Z");
            let effects = work.answered(&context, &call, call.operation(), answer, when);
            let mut ended = None;
            for effect in effects {
                match effect {
                    Effect::FindLinks { .. } => {
                        let after = work.links_found(&context, std::slice::from_ref(&link));
                        assert_eq!(after, []);
                    }
                    Effect::End(outcome) => ended = Some(Step::End(outcome)),
                    other => panic!("{other:?}"),
                }
            }
            if let Some(end) = ended {
                break end;
            }
        };
        assert_eq!(seen, ["capture", "find", "find", "read"], "{phone_now}");
        match end {
            Step::End(outcome) => {
                assert!(waits, "{outcome:?}");
                assert!(matches!(outcome.ending, Ending::Again { .. }), "{outcome:?}");
                assert_eq!(outcome.problem.expect("a reason").code, Code::Duplicate);
            }
            Step::Ask(review) => assert!(!waits, "{review:?}"),
            other => panic!("{other:?}"),
        }
    }
}

/// An account that confirms each write, without an id, and then shows nothing.
#[test]
fn an_attempt_makes_so_many_calls_at_most() {
    let scene = scene(PLAIN);
    let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
    let (calls, outcome) = ended_by(&scene, &mut work, |call| match call {
        Call::FindLead(_) => Answer::Leads(Vec::new()),
        _ => Answer::Written { id: None, is_created: None },
    });
    assert_eq!(calls, 16);
    assert_eq!(outcome.problem.expect("a reason").code, Code::TooManyCalls);
}
