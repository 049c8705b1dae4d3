//! What people read about leads that are left alone.

use super::*;
use crate::payload::Removal;
use crate::problem::Problem;
use crate::review::{Choice, Ruled};

const ASHA: &str =
    r#"{"ProspectID":"one","EmailAddress":"a@x.y","ModifiedOn":"2026-01-01 00:00:00"}"#;

/// A lead that is left alone, and why.
fn skipped(scene: &Scene, json: &str, code: Code) -> Problem {
    match scene.decide(json) {
        Decision::Skip(problem) if problem.code == code => problem,
        other => panic!("{code}: {other:?}"),
    }
}

fn removed(scene: &Scene, code: Code) -> Problem {
    let context = scene.context();
    let item =
        payload::read_removals(ASHA.as_bytes(), None, Removal::Deleted).unwrap().remove(0).unwrap();
    let mut work = Work::new(item);
    work.own.link.clone_from(&scene.link);
    let outcome = ended(work.next(&context).step);
    outcome.problem.filter(|problem| problem.code == code).expect("it is left alone")
}

fn synced(settings: &str) -> Scene {
    let mut scene = scene(settings);
    scene.sync(ASHA, "2026-01-01T00:00:05Z");
    scene
}

/// Changing the connector's behaviour is advised only if that is what holds the lead back.
#[test]
fn only_where_the_behaviour_is_the_reason_it_is_advised_to_change_it() {
    let mut advices = Vec::new();
    let with = |behaviour: &str| format!(r#""lead":{{"behaviour":"{behaviour}"}}"#);
    for (behaviour, code) in [
        ("do_nothing", Code::DoNothing),
        ("create_only", Code::Exists),
        ("update_only", Code::NotFound),
    ] {
        let mut scene = synced(&with(behaviour));
        if code == Code::NotFound {
            scene.link = None;
            scene.known.search.keys_tried = 1;
        }
        advices.push((skipped(&scene, ASHA, code), true));
    }

    let mut late = synced(PLAIN);
    (late.known.source.was_gone, late.known.source.gone) = (true, true);
    advices.push((skipped(&late, ASHA, Code::Removed), false));

    let mut gone_there = synced(PLAIN);
    let link = gone_there.link.as_mut().unwrap();
    let side = link.pair.side(DESTINATION);
    link.end_mut(side).is_gone = true;
    advices.push((skipped(&gone_there, ASHA, Code::TwinRemoved), false));

    advices.push((removed(&synced(PLAIN), Code::RemovalIgnored), false));
    let marks = scene(r#""removed":{"field":"City"}"#);
    advices.push((removed(&marks, Code::NotLinked), false));

    let mut ignored = scene(PLAIN);
    ignored.known.ruled = Some(Ruled::Decided(Choice::Ignore));
    advices.push((skipped(&ignored, ASHA, Code::LeftAlone), false));

    for (problem, advises) in advices {
        let says = problem.advice.contains("behaviour");
        assert_eq!(says, advises, "{}: {}", problem.code, problem.advice);
        assert!(problem.message.ends_with('.') && problem.advice.ends_with('.'), "{problem}");
    }
}

/// Wherever it appears: in the lead itself, with an activity, or once the source was read.
#[test]
fn the_test_lead_of_a_probe_is_skipped() {
    let scene = scene(PLAIN);
    for fields in [
        r#""LastName":"leadsync test, please delete""#,
        r#""EmailAddress":"leadsync-probe-2@example.com","LastName":"x""#,
    ] {
        let lead = format!(r#"{{"Current":{{"ProspectID":"one","FirstName":"First",{fields}}}}}"#);
        let activity = format!(
            r#"{{"ProspectActivityId":"act","RelatedProspectId":"one","ActivityEvent":201,"Current":{{"ProspectID":"one",{fields}}}}}"#
        );
        for record in [lead, activity] {
            let step = scene.work(&record).next(&scene.context()).step;
            let Step::End(outcome) = step else { panic!("{step:?}") };
            assert_eq!(
                outcome.problem.map(|problem| problem.code),
                Some(Code::TestLead),
                "{record}"
            );
        }
    }
}
