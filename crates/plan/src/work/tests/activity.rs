//! What is done about an activity, by what is known of it and of its lead.

use super::*;
use crate::activity::{Unmapped, shown as activity};
use crate::change::Change;
use crate::id::LeadId;
use crate::outcome::Party;
use crate::work::call::{ActivityUpdate, Capture, NewActivity, ReadActivities};
use crate::work::explanation::Why;
use crate::work::outcome::Effect;

fn visit(note: &str, modified: &str) -> String {
    format!(
        r#"{{"ProspectActivityId":"act","RelatedProspectId":"one","ActivityEvent":"201","CreatedOn":"2026-01-01 10:00:00","ModifiedOn":"{modified}","Data":{{"Note":"{note}","mx_Custom_1":"Tower A","mx_Custom_2":"3","Status":"Done"}}}}"#
    )
}

fn values(fields: &[Change]) -> Vec<(&str, &str)> {
    let mut all: Vec<_> = fields.iter().map(|f| (f.to.as_str(), f.value.as_str())).collect();
    all.sort_unstable();
    all
}

const ON: &str = r#""activity":{"enabled":true}"#;
const SYNCED: &str = "2026-01-01T00:00:05Z";

#[test]
fn a_new_activity_is_added_to_its_lead_with_its_fields_by_display_name() {
    let scene = scene(ON).with_lead();
    let Decision::Call(Call::CreateActivity(NewActivity { lead_id, event, fields })) =
        scene.decide(&visit("came early", "2026-01-01 10:00:00"))
    else {
        panic!("a creation");
    };
    assert_eq!((lead_id.as_str(), event), ("twin", 305));
    assert_eq!(
        values(&fields),
        [
            ("ActivityDateTime", "2026-01-01 10:00:00"),
            ("ActivityNote", "came early"),
            ("Status", "Done"),
            ("mx_Custom_4", "3"),
            ("mx_Custom_7", "Tower A"),
        ],
        "a slot of the same number is another field there"
    );
}

#[test]
fn the_same_activity_is_added_once_and_an_edit_updates_it() {
    let mut scene = scene(ON).with_lead();
    let first = visit("came early", "2026-01-01 10:00:00");
    scene.sync(&first, SYNCED);
    assert!(matches!(scene.decide(&first), Decision::Unchanged(Why::SameAsSynced, _)));
    let Decision::Call(Call::UpdateActivity(ActivityUpdate { activity_id, event, fields })) =
        scene.decide(&visit("came late", "2026-01-01 11:00:00"))
    else {
        panic!("an update");
    };
    assert_eq!((activity_id.as_str(), event), ("twin", 305));
    assert_eq!(values(&fields), [("ActivityNote", "came late")]);
    let old = visit("even older", "2026-01-01 09:00:00");
    assert!(matches!(scene.decide(&old), Decision::Unchanged(Why::Stale, _)));
}

/// The update was carried out and its answer lost; then the source is set back to what both held.
#[test]
fn what_a_lost_update_may_have_written_is_written_over() {
    let mut scene = scene(ON).with_lead();
    let early = visit("came early", "2026-01-01 10:00:00");
    scene.sync(&early, SYNCED);
    let context = scene.context();
    let mut work = scene.work(&visit("came late", "2026-01-01 11:00:00"));
    let update = call(work.next(&context).step);
    let effects = work.sending(&update, &context);
    let [Effect::Link(link)] = effects.as_slice() else { panic!("{effects:?}") };
    scene.link = Some((**link).clone());

    let back = early.replace("10:00:00\",\"Data", "12:00:00\",\"Data");
    let Decision::Call(Call::UpdateActivity(update)) = scene.decide(&back) else {
        panic!("{:?}", scene.decide(&back));
    };
    assert_eq!(values(&update.fields), [("ActivityNote", "came early")]);
    scene.sync(&back, "2026-01-01T00:00:09Z");
    assert!(matches!(scene.decide(&back), Decision::Unchanged(Why::SameAsSynced, _)));
}

#[test]
fn the_lead_is_found_by_what_the_payload_or_the_source_shows() {
    let mut scene = scene(ON);
    let bare = visit("n", "2026-01-01 10:00:00");
    assert_eq!(scene.decide(&bare), Decision::read_source(LeadId::new("one")));
    let with_lead = bare.trim_end_matches('}').to_owned()
        + r#""}},"Current":{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"Asha"}}"#;
    let with_lead = with_lead.replace(r#""Done""}}"#, r#""Done"}"#);
    let Decision::Call(Call::Capture(Capture { key, fields, .. })) = scene.decide(&with_lead)
    else {
        panic!("{:?}", scene.decide(&with_lead));
    };
    assert_eq!(key.value, "a@x.y");
    assert_eq!(values(&fields), [("EmailAddress", "a@x.y"), ("FirstName", "Asha")]);
    scene.lead_known.twin.lead_id = Some(LeadId::new("made"));
    assert!(
        matches!(scene.decide(&with_lead), Decision::Call(Call::CreateActivity(new)) if new.lead_id.as_str() == "made")
    );
}

#[test]
fn where_leads_are_not_created_theirs_are_only_added_to_leads_that_exist() {
    let mut scene = scene(r#""lead":{"behaviour":"update_only"},"activity":{"enabled":true}"#);
    let json = r#"{"ProspectActivityId":"act","ActivityEvent":"201","Current":{"ProspectID":"one","EmailAddress":"a@x.y"}}"#;
    assert!(matches!(scene.decide(json), Decision::Call(Call::FindLead(_))));
    scene.lead_known.search.keys_tried = 1;
    assert!(
        matches!(scene.decide(json), Decision::Skip(problem) if problem.code == Code::LeadNotFound)
    );
    scene.lead_known.twin.lead = Some(shown([("ProspectID", "found")]));
    assert!(
        matches!(scene.decide(json), Decision::Call(Call::CreateActivity(new)) if new.lead_id.as_str() == "found")
    );
}

#[test]
fn behaviours_hold() {
    let json = visit("n", "2026-01-01 10:00:00");
    let edited = visit("m", "2026-01-01 11:00:00");
    let mut create = scene(r#""activity":{"enabled":true,"behaviour":"create_only"}"#).with_lead();
    assert!(matches!(create.decide(&json), Decision::Call(Call::CreateActivity(_))));
    create.sync(&json, SYNCED);
    assert_eq!(code(&create.decide(&edited)), Code::Exists);
    let mut update = scene(r#""activity":{"enabled":true,"behaviour":"update_only"}"#).with_lead();
    assert_eq!(code(&update.decide(&json)), Code::NotFound);
    update.sync(&json, SYNCED);
    assert!(matches!(update.decide(&edited), Decision::Call(Call::UpdateActivity(_))));
}

#[test]
fn a_lost_answer_is_looked_for_among_the_leads_activities() {
    let mut scene = scene(ON).with_lead();
    scene.known.doubtful = true;
    let json = visit("came early", "2026-01-01 10:00:00");
    let (party, lead_id) = (Party::Destination, LeadId::new("twin"));
    let read = Call::ReadActivities(ReadActivities { party, lead_id, event: 305 });
    assert_eq!(scene.decide(&json), Decision::Call(read));
    let there = |note: &str, at: &str| {
        let values = [("mx_Custom_7", "Tower A"), ("mx_Custom_4", "3.0"), ("Status", "Done")];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
        activity("found", Some(note), (Some(at), None), values)
    };
    scene.known.twin.activities = Some(vec![there("came early", "2026-01-01 10:00:01")]);
    assert!(
        matches!(scene.decide(&json), Decision::Call(Call::CreateActivity(_))),
        "another second"
    );
    scene.known.twin.activities = Some(vec![there("came early", "1/1/2026 10:00:00 AM")]);
    let found = Decision::Unchanged(Why::SameInDestination, Some("found".into()));
    assert_eq!(scene.decide(&json), found);
}

#[test]
fn types_are_mapped_by_name_or_by_code() {
    let of = |scene: &Scene, json: &str| {
        let item = payload::read(json.as_bytes(), None).expect(json).remove(0).unwrap();
        match scene.activities.of(&item) {
            Ok(kind) => kind.to.to_string(),
            Err(Unmapped::Skipped(problem) | Unmapped::Refused(problem)) => {
                problem.code.to_string()
            }
        }
    };
    let event = |code: &str| {
        format!(r#"{{"ProspectActivityId":"x","RelatedProspectId":"a","ActivityEvent":"{code}"}}"#)
    };
    let default = scene(ON);
    assert_eq!(of(&default, &event("201")), "305");
    assert_eq!(of(&default, &event("202")), "activity_type_unmapped");
    assert_eq!(of(&default, &event("23")), "activity_type_unmapped", "LeadSquared's own");
    let named = r#"{"ProspectActivityId":"x","ActivityEventName":"Site visit","Current":{"ProspectID":"a"}}"#;
    assert_eq!(of(&default, named), "305", "automations may name the type only");
    assert_eq!(of(&default, r#"{"ProspectActivityId":"x"}"#), "no_activity_type");
    let explicit = scene(
        r#""activity":{"enabled":true,"type":[{"from":202,"to":305,"field":[{"from":"mx_Custom_9","to":"mx_Custom_7"}]},{"from":201,"to":999}]}"#,
    );
    assert_eq!(of(&explicit, &event("202")), "305");
    assert_eq!(of(&explicit, &event("201")), "unknown_activity_type");
}

impl Scene {
    /// Its lead is linked.
    fn with_lead(mut self) -> Self {
        let ends = ((SOURCE, "one"), (DESTINATION, "twin"));
        self.lead_link = Some(Link::new(Entity::Lead, ends.0, ends.1));
        self
    }
}
