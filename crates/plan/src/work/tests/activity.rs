use super::*;
use crate::connector::Definition;
use crate::decide::{Known, settle};
use crate::id::AccountId;
use crate::link::Link;
use crate::mapping::Mapping;
use crate::metadata::{ActivityType, Catalogue, Field, FieldList, Kind};
use crate::payload::{self, Item};

const SOURCE: AccountId = AccountId(1);
const DESTINATION: AccountId = AccountId(2);

fn own(list: &[(&str, &str, Kind)]) -> FieldList {
    let field = |&(name, display, kind): &(&str, &str, Kind)| Field {
        display_name: display.into(),
        ..Field::plain(name, kind)
    };
    list.iter().map(field).collect::<Vec<_>>().into()
}

fn leads() -> FieldList {
    vec![Field::plain("EmailAddress", Kind::Email), Field::plain("FirstName", Kind::Text)].into()
}

fn account(types: &[(u32, &str, Option<FieldList>)]) -> Catalogue {
    let kind = |(event, name, fields): &(u32, &str, Option<FieldList>)| ActivityType {
        event: *event,
        name: (*name).into(),
        fields: fields.clone(),
    };
    let types = types.iter().map(kind).collect();
    Catalogue { fields: leads(), users: Some(Vec::new()), activity_types: Some(types) }
}

struct Scene {
    connector: Definition,
    activities: ActivityMapping,
    mapping: Mapping,
    link: Option<Link>,
    lead_link: Option<Link>,
    known: Known,
    lead_known: Known,
}

fn scene(settings: &str) -> Scene {
    let settings = format!(r#"{{"name":"c","source":"a","destination":"b"{settings}}}"#);
    let connector: Definition = serde_json::from_str(&settings).expect(&settings);
    let here = account(&[
        (
            201,
            "Site Visit",
            Some(own(&[
                ("mx_Custom_1", "Place", Kind::Text),
                ("mx_Custom_2", "Guests", Kind::Number),
            ])),
        ),
        (202, "Only here", None),
        (23, "Lead Capture", None),
    ]);
    let there = account(&[
        (
            305,
            "site visit",
            Some(own(&[
                ("mx_Custom_4", "Guests", Kind::Number),
                ("mx_Custom_1", "Mood", Kind::Text),
                ("mx_Custom_7", "Place", Kind::Text),
            ])),
        ),
        (23, "Lead Capture", None),
    ]);
    Scene {
        activities: ActivityMapping::new(&connector, &here, &there),
        mapping: Mapping::new(&connector, &here, &there),
        connector,
        link: None,
        lead_link: None,
        known: Known::default(),
        lead_known: Known::default(),
    }
}

impl Scene {
    fn with<T>(&self, json: &str, f: impl FnOnce(&ActivityCase<'_>) -> T) -> T {
        let item = payload::read(json.as_bytes(), None).expect(json).remove(0);
        let kind = self.activities.of(&item).expect("a mapped type");
        let mapped = kind.mapping.apply(&item);
        let lead: Item = item.lead().unwrap_or_else(|| item.bare_lead());
        let lead_mapped = self.mapping.apply(&lead);
        let case = Case {
            connector: &self.connector,
            mapping: &kind.mapping,
            item: &item,
            mapped: &mapped,
            source: SOURCE,
            destination: DESTINATION,
            link: self.link.as_ref(),
            known: &self.known,
            opposite: None,
            now: jiff::Timestamp::UNIX_EPOCH,
        };
        f(&ActivityCase {
            activity: case,
            lead: Case {
                mapping: &self.mapping,
                item: &lead,
                mapped: &lead_mapped,
                link: self.lead_link.as_ref(),
                known: &self.lead_known,
                ..case
            },
            event: kind.to,
        })
    }

    fn decide(&self, json: &str) -> Decision {
        self.with(json, decide)
    }

    fn with_lead(mut self) -> Self {
        let ends = ((SOURCE, "one"), (DESTINATION, "twin"));
        self.lead_link = Some(Link::new(crate::outcome::Entity::Lead, ends.0, ends.1));
        self
    }

    fn sync(&mut self, json: &str) {
        let written = self.with(json, |case| decide::all(&case.activity));
        let at = Some("2026-01-01T00:00:05Z".parse().unwrap());
        self.link = self.with(json, |case| settle(&case.activity, "twin-activity", &written, at));
    }
}

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

const ON: &str = r#","activity":{"enabled":true}"#;

#[test]
fn a_new_activity_is_added_to_its_lead_with_its_fields_by_display_name() {
    let scene = scene(ON).with_lead();
    let Decision::CreateActivity { lead_id, event, fields } =
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
    scene.sync(&first);
    assert!(matches!(scene.decide(&first), Decision::Unchanged { why: Why::SameAsSynced, .. }));
    let Decision::UpdateActivity { activity_id, event, fields } =
        scene.decide(&visit("came late", "2026-01-01 11:00:00"))
    else {
        panic!("an update");
    };
    assert_eq!((activity_id.as_str(), event), ("twin-activity", 305));
    assert_eq!(values(&fields), [("ActivityNote", "came late")]);
    let old = visit("even older", "2026-01-01 09:00:00");
    assert!(matches!(scene.decide(&old), Decision::Unchanged { why: Why::Stale, .. }));
}

#[test]
fn the_lead_is_found_by_what_the_payload_or_the_source_shows() {
    let mut scene = scene(ON);
    let bare = visit("n", "2026-01-01 10:00:00");
    assert_eq!(scene.decide(&bare), Decision::ReadSource { lead_id: "one".into() });
    let with_lead = bare.trim_end_matches('}').to_owned()
        + r#""}},"Current":{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"Asha"}}"#;
    let with_lead = with_lead.replace(r#""Done""}}"#, r#""Done"}"#);
    let Decision::Capture { key, fields, .. } = scene.decide(&with_lead) else {
        panic!("{:?}", scene.decide(&with_lead));
    };
    assert_eq!(key.value, "a@x.y");
    assert_eq!(values(&fields), [("EmailAddress", "a@x.y"), ("FirstName", "Asha")]);
    scene.lead_known.lead_id = Some("made".into());
    assert!(
        matches!(scene.decide(&with_lead), Decision::CreateActivity { lead_id, .. } if lead_id == "made")
    );
}

#[test]
fn where_leads_are_not_created_theirs_are_only_added_to_leads_that_exist() {
    let mut scene = scene(r#","lead":{"behaviour":"update_only"},"activity":{"enabled":true}"#);
    let json = r#"{"ProspectActivityId":"act","ActivityEvent":"201","Current":{"ProspectID":"one","EmailAddress":"a@x.y"}}"#;
    assert!(matches!(scene.decide(json), Decision::Look { .. }));
    scene.lead_known.keys_tried = 1;
    assert!(
        matches!(scene.decide(json), Decision::Skip { problem } if problem.code == "lead_not_found")
    );
    scene.lead_known.lead = Some(Snapshot::from_iter([("ProspectID", "found")]));
    assert!(
        matches!(scene.decide(json), Decision::CreateActivity { lead_id, .. } if lead_id == "found")
    );
}

#[test]
fn behaviours_hold() {
    let json = visit("n", "2026-01-01 10:00:00");
    let edited = visit("m", "2026-01-01 11:00:00");
    let code = |decision| match decision {
        Decision::Skip { problem } => problem.code,
        other => format!("{other:?}"),
    };
    let mut create = scene(r#","activity":{"enabled":true,"behaviour":"create_only"}"#).with_lead();
    assert!(matches!(create.decide(&json), Decision::CreateActivity { .. }));
    create.sync(&json);
    assert_eq!(code(create.decide(&edited)), "exists");
    let mut update = scene(r#","activity":{"enabled":true,"behaviour":"update_only"}"#).with_lead();
    assert_eq!(code(update.decide(&json)), "not_found");
    update.sync(&json);
    assert!(matches!(update.decide(&edited), Decision::UpdateActivity { .. }));
}

#[test]
fn a_lost_answer_is_looked_for_among_the_leads_activities() {
    let mut scene = scene(ON).with_lead();
    scene.known.doubtful = true;
    let json = visit("came early", "2026-01-01 10:00:00");
    let look = Decision::LookActivity { lead_id: "twin".into(), event: 305 };
    assert_eq!(scene.decide(&json), look);
    let there = |note: &str, at: &str| {
        let values = [("mx_Custom_7", "Tower A"), ("mx_Custom_4", "3.0"), ("Status", "Done")];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
        shown("found", Some(note), (Some(at), None), values)
    };
    scene.known.activities = Some(vec![there("came early", "2026-01-01 10:00:01")]);
    assert!(matches!(scene.decide(&json), Decision::CreateActivity { .. }), "another second");
    scene.known.activities = Some(vec![there("came early", "1/1/2026 10:00:00 AM")]);
    let found =
        Decision::Unchanged { why: Why::SameInDestination, destination_id: Some("found".into()) };
    assert_eq!(scene.decide(&json), found);
}

#[test]
fn types_are_mapped_by_name_or_by_code() {
    let of = |scene: &Scene, json: &str| {
        let item = payload::read(json.as_bytes(), None).expect(json).remove(0);
        match scene.activities.of(&item) {
            Ok(kind) => kind.to.to_string(),
            Err(Unmapped::Skipped(problem) | Unmapped::Refused(problem)) => problem.code,
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
        r#","activity":{"enabled":true,"type":[{"from":202,"to":305,"field":[{"from":"mx_Custom_9","to":"mx_Custom_7"}]},{"from":201,"to":999}]}"#,
    );
    assert_eq!(of(&explicit, &event("202")), "305");
    assert_eq!(of(&explicit, &event("201")), "unknown_activity_type");
}
