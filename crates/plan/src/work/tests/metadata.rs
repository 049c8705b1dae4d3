//! When the accounts' metadata is read again.

use super::*;
use crate::operation::Operation;
use crate::work::outcome::{Effect, Ending};

fn needs_metadata(work: &mut Work, scene: &Scene) -> bool {
    matches!(work.next(&scene.context()).step, Step::NeedsMetadata { .. })
}

/// What the current mapping refuses may be valid with the account's newer fields, options and
/// types: they are read once.
#[test]
fn what_metadata_may_cure_is_refused_only_after_it_was_read_again() {
    let rows = |row: &str| {
        format!(
            r#""lead":{{"unlisted_option":"refuse","field":[{{"from":"EmailAddress","to":"EmailAddress"}},{{"from":"City","to":"{row}"}}]}}"#
        )
    };
    let json = r#"{"ProspectID":"one","EmailAddress":"a@x.y","City":"Pune"}"#;
    for (to, code) in [
        ("mx_Age", Code::TypeMismatch),
        ("mx_Stage", Code::MissingOption),
        ("mx_Short", Code::TooLong),
        ("mx_Score", Code::ReadOnlyField),
        ("mx_Nowhere", Code::UnknownField),
    ] {
        let scene = scene(&rows(to));
        let mut work = scene.work(json);
        assert!(needs_metadata(&mut work, &scene), "{code}");
        let outcome = ended(work.next(&scene.context()).step);
        assert_eq!(outcome.problem.expect("a refusal").code, code);
    }
}

/// What is left out may have been added since, but each reading costs calls.
#[test]
fn what_an_account_lacks_is_looked_for_again_after_a_while() {
    let older_than = |rows: &str, json: &str| {
        let scene = scene(&format!(
            r#""lead":{{"bad_field":"leave_out","unlisted_option":"leave_out","field":[{{"from":"EmailAddress","to":"EmailAddress"}},{rows}]}}"#
        ));
        let mut work = scene.work(json);
        match work.next(&scene.context()).step {
            Step::NeedsMetadata { older_than } => Some(older_than),
            _ => None,
        }
    };
    let json = r#"{"ProspectID":"one","EmailAddress":"a@x.y","City":"Pune","OwnerId":"nobody"}"#;
    let a_while = jiff::SignedDuration::from_mins(10);
    for row in [
        r#"{"from":"City","to":"mx_Stage"}"#,
        r#"{"from":"City","to":"mx_Nowhere"}"#,
        r#"{"from":"OwnerId","to":"OwnerId"}"#,
    ] {
        assert_eq!(older_than(row, json), Some(a_while), "{row}");
    }
    // No metadata turns a city into a number.
    assert_eq!(older_than(r#"{"from":"City","to":"mx_Age"}"#, json), None);
}

#[test]
fn what_metadata_can_not_cure_is_refused_at_once() {
    let scene = scene(PLAIN);
    let mut work = scene.work(r#"{"ProspectID":"one","FirstName":"Asha"}"#);
    let outcome = ended(work.next(&scene.context()).step);
    assert_eq!(outcome.problem.expect("a refusal").code, Code::NoKey);
}

#[test]
fn an_unknown_type_of_activity_is_refused_only_after_metadata_was_read_again() {
    let scene = scene(r#""activity":{"enabled":true,"type":[{"from":201,"to":999}]}"#);
    let mut work =
        scene.work(r#"{"ProspectActivityId":"x","RelatedProspectId":"one","ActivityEvent":"201"}"#);
    assert!(needs_metadata(&mut work, &scene));
    let outcome = ended(work.next(&scene.context()).step);
    assert_eq!(outcome.problem.expect("a refusal").code, Code::UnknownActivityType);
}

/// The account knows best what it has: what it refuses may be valid after its metadata is read
/// again.
#[test]
fn a_refusal_of_the_account_reads_metadata_once() {
    for (exception, code, again) in [
        ("MXUnknownAttributeException", Code::UnknownField, true),
        ("MXInvalidActivityException", Code::UnknownActivityType, true),
        ("MXInvalidDataTypeException", Code::TypeMismatch, false),
    ] {
        let scene = scene(PLAIN);
        let context = scene.context();
        let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
        let capture = call(work.next(&context).step);
        let refuse = |work: &mut Work| {
            work.answered(&context, &capture, Operation::Capture, refused(exception), at(WHEN))
        };
        assert_eq!(refuse(&mut work), [], "{exception}");
        assert!(needs_metadata(&mut work, &scene), "{exception}");
        assert_eq!(call(work.next(&context).step), capture, "{exception}");
        let effects = refuse(&mut work);
        let [Effect::End(outcome)] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!(outcome.problem.as_ref().map(|problem| problem.code), Some(code));
        assert_eq!(matches!(outcome.ending, Ending::Again { .. }), again, "{exception}");
    }
}

#[test]
fn a_retry_by_a_person_begins_with_it() {
    let scene = scene(PLAIN);
    let mut work = scene.work(&lead("Asha", "2026-01-01 00:00:00"));
    work.ask_again();
    assert!(needs_metadata(&mut work, &scene));
    let capture = call(work.next(&scene.context()).step);
    let by = Operation::Capture;
    let answer = refused("MXInvalidDataTypeException");
    let effects = work.answered(&scene.context(), &capture, by, answer, at(WHEN));
    assert!(matches!(effects[..], [Effect::End(_)]), "once is enough: {effects:?}");
}

const WHEN: &str = "2026-01-01T00:00:09Z";
