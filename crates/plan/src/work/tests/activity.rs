//! What is done about an activity, by what is known about it and its lead.

use std::collections::BTreeSet;

use super::*;
use crate::activity::{Unmapped, shown as activity};
use crate::change::Change;
use crate::id::LeadId;
use crate::link::ActivityPast;
use crate::outcome::{Event, Party};
use crate::work::call::{ActivityPage, ActivityUpdate, Capture, NewActivity, ReadActivities};
use crate::work::explanation::Why;
use crate::work::outcome::Effect;
use crate::work::pages::Activities;

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

/// The update was carried out but its response lost; then the source is set back to what both had.
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

/// A record of it failed permanently without learning whether it was added; then it is delivered
/// again.
#[test]
fn a_doubt_about_an_activity_outlives_its_record() {
    let mut scene = scene(ON).with_lead();
    let body = visit("came early", "2026-01-01 10:00:00");
    let context = scene.context();
    let mut work = scene.work(&body);
    let create = call(work.next(&context).step);
    assert!(matches!(create, Call::CreateActivity(_)), "{create:?}");
    let lost = Failure::Broken { problem: "it was reset".into(), maybe_done: true };
    let by = create.operation();
    let effects = work.answered(&context, &create, by, Answer::Failed(lost), at(SYNCED));
    let [Effect::Link(link), Effect::End(_)] = effects.as_slice() else { panic!("{effects:?}") };
    scene.lead_link = Some((**link).clone());
    assert!(matches!(scene.decide(&body), Decision::Call(Call::ReadActivities(_))));
    // The result of a scan counts, whichever record scanned.
    scene.past().look(305, at(SYNCED), std::collections::BTreeSet::new());
    assert!(matches!(scene.decide(&body), Decision::Call(Call::CreateActivity(_))));
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
    scene.finds(Vec::new());
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
    scene.finds(Vec::new());
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
    let read = Call::ReadActivities(ReadActivities { party, lead_id, event: 305, page: 0 });
    assert_eq!(scene.decide(&json), Decision::Call(read));
    let there = |note: &str, at: &str| visit_there("found", note, at);
    scene.finds(vec![there("came early", "2026-01-01 10:00:01")]);
    assert!(
        matches!(scene.decide(&json), Decision::Call(Call::CreateActivity(_))),
        "another second"
    );
    scene.finds(vec![there("came early", "1/1/2026 10:00:00 AM")]);
    let found = Decision::Unchanged(Why::MadeBefore, Some("found".into()));
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

/// The visit as the destination may show it.
fn visit_there(id: &str, note: &str, at: &str) -> Snapshot {
    let values = [("mx_Custom_7", "Tower A"), ("mx_Custom_4", "3.0"), ("Status", "Done")];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
    activity(id, Some(note), (Some(at), Some("2026-01-01 10:00:00")), values)
}

fn look() -> Decision {
    let (party, lead_id) = (Party::Destination, LeadId::new("twin"));
    Decision::Call(Call::ReadActivities(ReadActivities { party, lead_id, event: 305, page: 0 }))
}

#[test]
fn a_lead_whose_past_is_not_known_is_looked_through_once() {
    let mut scene = scene(ON).with_lead();
    scene.past().clone_from(&ActivityPast::default());
    let json = visit("came early", "2026-01-01 10:00:00");
    assert_eq!(scene.decide(&json), look());
    let noon = |second| crate::activity::second_of(second);
    let other: BTreeSet<i64> = noon("2026-01-01 12:00:00").into_iter().collect();
    scene.past().look(305, at(SYNCED), other);
    assert!(
        matches!(scene.decide(&json), Decision::Call(Call::CreateActivity(_))),
        "nothing happened there in its second"
    );
    let own: BTreeSet<i64> = noon("2026-01-01 10:00:00").into_iter().collect();
    scene.past().look(305, at(SYNCED), own);
    assert_eq!(scene.decide(&json), look(), "it may be the one that was seen");
    scene.finds(vec![visit_there("found", "came early", "2026-01-01 10:00:00")]);
    let found = Decision::Unchanged(Why::SameInDestination, Some("found".into()));
    assert_eq!(scene.decide(&json), found);
}

#[test]
fn what_was_known_before_the_store_was_restored_is_not_trusted() {
    let mut scene = scene(ON).with_lead();
    let json = visit("came early", "2026-01-01 10:00:00");
    assert!(matches!(scene.decide(&json), Decision::Call(Call::CreateActivity(_))));
    scene.unbroken = at(SYNCED) + jiff::SignedDuration::from_mins(1);
    assert_eq!(scene.decide(&json), look());
}

#[test]
fn one_that_was_edited_since_its_link_was_lost_is_updated() {
    let mut scene = scene(ON).with_lead();
    scene.past().clone_from(&ActivityPast::default());
    let json = visit("came late", "2026-01-02 09:00:00");
    scene.finds(vec![visit_there("found", "came early", "2026-01-01 10:00:00")]);
    let (party, lead_id) = (Party::Source, LeadId::new("one"));
    let siblings = ReadActivities { party, lead_id, event: 201, page: 0 };
    assert_eq!(scene.decide(&json), Decision::Call(Call::ReadActivities(siblings)));
    let own = activity("act", Some("came late"), (Some("2026-01-01 10:00:00"), None), []);
    let all = |found: Vec<Snapshot>| Activities { found, is_cut: false };
    scene.known.siblings = Some(all(vec![own.clone()]));
    let Decision::Call(Call::UpdateActivity(update)) = scene.decide(&json) else {
        panic!("{:?}", scene.decide(&json));
    };
    assert_eq!(update.activity_id.as_str(), "found");
    assert_eq!(values(&update.fields), [("ActivityNote", "came late")]);
    // It is what another activity of the source sends.
    let values = [("mx_Custom_1", "Tower A"), ("mx_Custom_2", "3"), ("Status", "Done")];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let at = (Some("2026-01-01 10:00:00"), None);
    let other = activity("other", Some("came early"), at, values);
    scene.known.siblings = Some(all(vec![own.clone(), other]));
    assert!(matches!(scene.decide(&json), Decision::Call(Call::CreateActivity(_))));
    // Nobody can tell which of two it is.
    let two = ["one", "two"].map(|id| visit_there(id, id, "2026-01-01 10:00:00"));
    scene.finds(two.into());
    scene.known.siblings = Some(all(vec![own]));
    assert_eq!(code(&scene.decide(&json)), Code::ActivityUnclear);
}

#[test]
fn one_that_was_never_edited_is_not_taken_for_another_of_its_second() {
    let mut scene = scene(ON).with_lead();
    scene.past().clone_from(&ActivityPast::default());
    let json = visit("came early", "2026-01-01 10:00:00");
    scene.finds(vec![visit_there("other", "something else", "2026-01-01 10:00:00")]);
    scene.known.siblings = Some(Activities::default());
    assert!(matches!(scene.decide(&json), Decision::Call(Call::CreateActivity(_))));
}

#[test]
fn what_lies_beyond_all_pages_is_not_added_blindly() {
    let mut scene = scene(ON).with_lead();
    scene.known.doubtful = true;
    scene.known.twin.activities = Some(Activities { found: Vec::new(), is_cut: true });
    let json = visit("came early", "2026-01-01 10:00:00");
    let Decision::Refuse(problems) = scene.decide(&json) else { panic!("it may be there") };
    assert_eq!(problems[0].code, Code::ActivityUnclear);
    assert!(problems[0].message.contains("20000"), "{}", problems[0].message);
}

/// The lost one is on the second page; what was seen there is stored in the lead's link.
#[test]
fn a_look_goes_through_every_page_and_is_remembered() {
    let scene = scene(ON).with_lead();
    let mut work = scene.work(&visit("came early", "2026-01-01 10:00:00"));
    work.lead.as_mut().unwrap().link.as_mut().unwrap().second.past = ActivityPast::default();
    let context = scene.context();
    let first = call(work.next(&context).step);
    let page = |ids: std::ops::Range<usize>| {
        let row = |id| visit_there(&format!("there{id}"), "another", "2026-01-01 09:00:00");
        let rows = ids.map(row).collect();
        Answer::Activities(ActivityPage { rows, total: 251 })
    };
    let answered = |work: &mut Work, call: &Call, answer| {
        work.answered(&context, call, call.operation(), answer, Timestamp::UNIX_EPOCH)
    };
    assert_eq!(answered(&mut work, &first, page(0..200)), []);
    let second = call(work.next(&context).step);
    assert!(matches!(&second, Call::ReadActivities(read) if read.page == 1), "{second:?}");
    let Answer::Activities(mut last) = page(200..250) else { unreachable!() };
    last.rows.push(visit_there("lost", "came early", "2026-01-01 10:00:00"));
    let effects = answered(&mut work, &second, Answer::Activities(last));
    let [super::super::Effect::FindLinks { ids }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(ids.len(), 251);
    let effects = work.links_found(&context, &[]);
    let [super::super::Effect::Link(link)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(!link.second.past.is_unknown());
    let outcome = ended(work.next(&context).step);
    assert_eq!(outcome.destination_id.as_deref(), Some("lost"));
    assert_eq!(outcome.event, Event::Unchanged);
}

impl Scene {
    /// Its lead is linked, and we created it.
    fn with_lead(mut self) -> Self {
        let ends = ((SOURCE, "one"), (DESTINATION, "twin"));
        self.lead_link = Some(Link::new(Entity::Lead, ends.0, ends.1));
        self.past().make(at(SYNCED));
        self
    }

    fn past(&mut self) -> &mut ActivityPast {
        &mut self.lead_link.as_mut().expect("its lead is linked").second.past
    }

    /// These activities were found on its lead in the destination.
    fn finds(&mut self, found: Vec<Snapshot>) {
        let times = found.iter().filter_map(crate::activity::happened).collect();
        if let Some(link) = &mut self.lead_link {
            link.second.past.look(305, at(SYNCED), times);
        }
        self.known.twin.activities = Some(Activities { found, is_cut: false });
    }
}
