//! Which leads a connector's filter excludes.

use super::*;
use crate::outcome::Event;
use crate::work::call::{ReadLead, Which};
use crate::work::outcome::Effect;

const WON: &str = r#""filter":{"all":[{"field":"mx_Stage","one_of":["Won"]}]}"#;

fn staged(stage: &str, modified: &str) -> String {
    format!(
        r#"{{"Current":{{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"Asha","mx_Stage":"{stage}","ModifiedOn":"{modified}"}}}}"#
    )
}

fn with_activities(filter: &str) -> String {
    format!(r#"{filter},"activity":{{"enabled":true}}"#)
}

const VISIT: &str = r#"{"ProspectActivityId":"act","RelatedProspectId":"one","ActivityEvent":"201",
    "CreatedOn":"2026-01-01 10:00:00","Data":{"mx_Custom_1":"Tower A"}}"#;

const EARLY: &str = "2026-01-01 10:00:00";
const LATE: &str = "2026-01-01 11:00:00";
const SYNCED: &str = "2026-01-01T10:00:05Z";

#[test]
fn a_lead_outside_is_left_out_and_the_condition_is_named() {
    let scene = scene(WON);
    assert!(matches!(scene.decide(&staged("won", EARLY)), Decision::Call(Call::Capture(_))));
    let mut work = scene.work(&staged("Open", EARLY));
    let next = work.next(&scene.context());
    assert_eq!(next.effects, []);
    let outcome = ended(next.step);
    let problem = outcome.problem.expect("a reason");
    assert_eq!((outcome.event, problem.code), (Event::Skipped, Code::FilteredOut));
    assert!(problem.message.contains("mx_Stage is 'Open' but must be one of 'Won'"), "{problem:?}");
}

/// Bad values of a lead that is not synced don't matter.
#[test]
fn the_filter_comes_before_the_mapping() {
    let scene = scene(WON);
    let body = staged("Open", EARLY).replace("\"FirstName\"", "\"mx_Age\":\"many\",\"FirstName\"");
    assert_eq!(code(&scene.decide(&body)), Code::FilteredOut);
    let passes = body.replace("\"Open\"", "\"Won\"");
    assert_eq!(code(&scene.decide(&passes)), Code::TypeMismatch);
}

#[test]
fn what_the_payload_does_not_show_is_read() {
    let mut scene = scene(WON);
    let body = lead("Asha", EARLY);
    assert!(matches!(
        scene.decide(&body),
        Decision::Call(Call::ReadLead(ReadLead { which: Which::Own, .. }))
    ));
    scene.known.source.fresh = true;
    assert_eq!(code(&scene.decide(&body)), Code::FilteredOut, "it is empty");
    scene.known.source.gone = true;
    assert_eq!(code(&scene.decide(&body)), Code::Removed);
    scene.known = Known::default();
    let nameless = body.replace("ProspectID", "mx_Other");
    assert_eq!(code(&scene.decide(&nameless)), Code::NotShown);
}

/// A typo must not silently stop the sync.
#[test]
fn a_field_that_the_source_lacks_fails_the_lead() {
    let mut scene = scene(&WON.replace("mx_Stage", "mx_Stge"));
    let body = lead("Asha", EARLY);
    assert!(matches!(scene.decide(&body), Decision::Call(Call::ReadLead(_))));
    scene.known.source.fresh = true;
    assert_eq!(code(&scene.decide(&body)), Code::UnknownField);
    let shown = body.replace("FirstName", "mx_Stge");
    assert_eq!(code(&scene.decide(&shown)), Code::FilteredOut, "it is shown all the same");
}

#[test]
fn a_linked_lead_that_leaves_is_synced_again_when_it_is_back() {
    let mut scene = scene(WON);
    scene.sync(&staged("Won", EARLY), SYNCED);
    let mut work = scene.work(&staged("Open", LATE));
    let next = work.next(&scene.context());
    assert_eq!(ended(next.step).problem.expect("a reason").code, Code::FilteredOut);
    let [Effect::Link(link)] = next.effects.as_slice() else { panic!("{:?}", next.effects) };
    let here = link.end(link.pair.side(SOURCE));
    assert!(here.is_left_out);
    assert_eq!(here.base.get("mx_Stage"), Some("Won"), "what the two agreed about stays");
    scene.link = Some((**link).clone());

    let stale = staged("Won", "2026-01-01 10:30:00").replace("Asha", "Usha");
    assert!(matches!(scene.decide(&stale), Decision::Unchanged(..)), "it was Open after that");
    let back = staged("Won", "2026-01-01 12:00:00").replace("Asha", "Usha");
    assert!(matches!(scene.decide(&back), Decision::Call(Call::UpdateLead(_))));
    scene.sync(&back, "2026-01-01T12:00:05Z");
    let link = scene.link.as_ref().expect("a link");
    assert!(!link.end(link.pair.side(SOURCE)).is_left_out);
}

#[test]
fn an_old_change_does_not_mark_a_lead_as_left_out() {
    let mut scene = scene(WON);
    scene.sync(&staged("Won", LATE), SYNCED);
    let next = scene.work(&staged("Open", EARLY)).next(&scene.context());
    assert_eq!(next.effects, []);
}

#[test]
fn a_linked_lead_may_be_synced_on() {
    let continues = WON.replace(r#""all""#, r#""leaving":"continue","all""#);
    let mut scene = scene(&continues);
    scene.sync(&staged("Won", EARLY), SYNCED);
    assert!(matches!(scene.decide(&staged("Open", LATE)), Decision::Call(Call::UpdateLead(_))));
    scene.link = None;
    assert_eq!(code(&scene.decide(&staged("Open", LATE))), Code::FilteredOut);
}

#[test]
fn an_activity_follows_its_lead() {
    let mut scene = scene(&with_activities(WON));
    // Nothing is shown of the lead: it is read.
    let mut work = scene.work(VISIT);
    let read = call(work.next(&scene.context()).step);
    assert!(matches!(&read, Call::ReadLead(ReadLead { which: Which::Own, .. })), "{read:?}");
    let open = shown([("ProspectID", "one"), ("EmailAddress", "a@x.y"), ("mx_Stage", "Open")]);
    let (by, answer) = (read.operation(), Answer::Leads(vec![open]));
    work.answered(&scene.context(), &read, by, answer, at(SYNCED));
    let outcome = ended(work.next(&scene.context()).step);
    assert_eq!(outcome.problem.expect("a reason").code, Code::FilteredOut);

    scene.sync(&staged("Won", EARLY), SYNCED);
    scene.lead_link = scene.link.take();
    assert!(matches!(
        scene.decide(VISIT),
        Decision::Call(Call::CreateActivity(_) | Call::ReadActivities(_))
    ));
    let side = scene.lead_link.as_ref().expect("a link").pair.side(SOURCE);
    scene.lead_link.as_mut().expect("a link").end_mut(side).is_left_out = true;
    assert_eq!(code(&scene.decide(VISIT)), Code::FilteredOut);
}

/// A lead that passes for a while is synced as it was then.
#[test]
fn only_a_lead_that_passes_takes_the_place_of_another() {
    let scene = scene(WON);
    let gives_way = |stage| scene.work(&staged(stage, EARLY)).may_give_way(&scene.context());
    assert!(gives_way("Won"));
    assert!(!gives_way("Open"));
}
