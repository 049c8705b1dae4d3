//! Retries of what succeeded.

use super::*;
use crate::id::LeadId;
use crate::work::call::{ReadLead, Which};
use crate::work::explanation::Why;

/// The same connector under other settings, with what was synced before.
fn corrected(before: Scene, settings: &str) -> Scene {
    Scene { link: before.link, ..scene(settings) }
}

/// What a retry does first.
fn retried(scene: &Scene, json: &str) -> Step {
    let (mut work, context) = (scene.work(json), scene.context());
    work.ask_again();
    assert!(matches!(work.next(&context).step, Step::NeedsMetadata { .. }));
    work.next(&context).step
}

fn reads_the_source(step: Step) -> bool {
    let read = ReadLead { which: Which::Own, lead_id: LeadId::new("one") };
    call(step) == Call::ReadLead(read)
}

const LEAD: &str = r#"{"Current":{"ProspectID":"one","EmailAddress":"a@x.y","Phone":"9845098450",
    "FirstName":"Asha","mx_Stage":"Open","mx_Pan":"A","ModifiedOn":"2026-01-01 00:00:00"}}"#;

fn rows(rows: &str) -> String {
    format!(
        r#"{PLAIN},"lead":{{"bad_field":"leave_out","field":[{{"from":"EmailAddress","to":"EmailAddress"}},{rows}]}}"#
    )
}

/// Each way in which a mapping can have been wrong, and the right one.
const CORRECTED: [(&str, &str, &str); 6] = [
    (
        "another translation",
        r#"{"from":"mx_Pan","to":"mx_Pan","values":{"A":"wrong"}}"#,
        r#"{"from":"mx_Pan","to":"mx_Pan","values":{"A":"right"}}"#,
    ),
    (
        "an option that was missing",
        r#"{"from":"mx_Pan","to":"mx_Stage"}"#,
        r#"{"from":"mx_Pan","to":"mx_Stage","values":{"A":"Won"}}"#,
    ),
    (
        "a value that was too long",
        r#"{"from":"FirstName","to":"mx_Short"}"#,
        r#"{"from":"FirstName","to":"mx_Short","values":{"Asha":"Ash"}}"#,
    ),
    (
        "a value that is not a number",
        r#"{"from":"mx_Pan","to":"mx_Age"}"#,
        r#"{"from":"mx_Pan","to":"mx_Age","values":{"A":"7"}}"#,
    ),
    (
        "a row that was missing",
        r#"{"from":"FirstName","to":"FirstName"}"#,
        r#"{"from":"FirstName","to":"FirstName"},{"from":"mx_Pan","to":"mx_Pan"}"#,
    ),
    (
        "another computed value",
        r#"{"compute":"{{ FirstName }}","to":"City"}"#,
        r#"{"compute":"{{ FirstName | upper }}","to":"City"}"#,
    ),
];

#[test]
fn what_a_mapping_got_wrong_is_written_by_a_retry() {
    for (what, wrong, right) in CORRECTED {
        let mut before = scene(&rows(wrong));
        before.sync(LEAD, "2026-01-01T00:00:01Z");
        let same = Scene { link: before.link.clone(), ..scene(&rows(wrong)) };
        let outcome = ended(retried(&same, LEAD));
        assert!(outcome.problem.is_none(), "{what}: nothing is to be done yet: {outcome:?}");
        let after = corrected(before, &rows(right));
        assert!(reads_the_source(retried(&after, LEAD)), "{what}");
    }
}

#[test]
fn a_wrong_country_is_corrected_by_a_retry() {
    let with = |country: &str| format!(r#""basic":{{"default_country_code":"{country}"}}"#);
    let mut before = scene(&with("US"));
    before.sync(LEAD, "2026-01-01T00:00:01Z");
    let after = corrected(before, &with("IN"));
    assert!(reads_the_source(retried(&after, LEAD)));
}

/// A form body has no modification time: the lead may have changed since it was synced.
#[test]
fn a_retry_of_what_says_no_time_is_not_written_over_newer_values() {
    let body = |first: &str| {
        format!(
            r#"{{"Current":{{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"{first}"}}}}"#
        )
    };
    let mut scene = scene(PLAIN);
    scene.sync(&body("Old"), "2026-01-01T00:00:01Z");
    scene.sync(&body("New"), "2026-01-01T00:00:02Z");
    assert!(reads_the_source(retried(&scene, &body("Old"))));
    let outcome = ended(retried(&scene, &body("New")));
    assert_eq!(outcome.destination_id.as_deref(), Some("twin"));
    // On arrival, it is news.
    assert!(matches!(scene.decide(&body("Newer")), Decision::Call(Call::UpdateLead(_))));
}

/// Whatever is retried, an old state is never written.
#[test]
fn an_old_record_is_not_written_by_a_retry() {
    let mut scene = scene(PLAIN);
    scene.sync(&lead("New", "2026-01-02 00:00:00"), "2026-01-02T00:00:01Z");
    let (mut work, context) = (scene.work(&lead("Old", "2026-01-01 00:00:00")), scene.context());
    work.ask_again();
    assert!(matches!(work.next(&context).step, Step::NeedsMetadata { .. }));
    ended(work.next(&context).step);
    assert_eq!(work.plan().and_then(|plan| plan.why), Some(Why::Stale));
}
