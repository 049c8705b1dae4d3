use super::*;
use crate::metadata::{Catalogue, Field, FieldList, Kind};
use crate::payload;

const SOURCE: AccountId = AccountId(1);
const DESTINATION: AccountId = AccountId(2);

struct Scene {
    connector: Definition,
    mapping: Mapping,
    known: Known,
    link: Option<Link>,
}

fn scene(settings: &str) -> Scene {
    let connector: Definition = serde_json::from_str(settings).expect(settings);
    let fields = Catalogue::from(FieldList::from(vec![
        Field::plain("EmailAddress", Kind::Email),
        Field::plain("Phone", Kind::Phone),
        Field::plain("FirstName", Kind::Text),
        Field::plain("City", Kind::Text),
        Field::plain("mx_Pan", Kind::Text),
    ]));
    let mapping = Mapping::new(&connector, &fields, &fields);
    Scene { connector, mapping, known: Known::default(), link: None }
}

const PLAIN: &str = r#"{"name":"c","source":"a","destination":"b",
    "basic":{"secondary_search_by":"Phone","default_country_code":"IN"}}"#;

impl Scene {
    fn with<T>(&self, json: &str, f: impl FnOnce(&Case<'_>) -> T) -> T {
        let item = payload::read(json.as_bytes(), None).expect(json).remove(0);
        let mapped = self.mapping.apply(&item);
        f(&Case {
            connector: &self.connector,
            mapping: &self.mapping,
            item: &item,
            mapped: &mapped,
            source: SOURCE,
            destination: DESTINATION,
            link: self.link.as_ref(),
            known: &self.known,
            opposite: None,
            now: Timestamp::UNIX_EPOCH,
        })
    }

    fn decide(&self, json: &str) -> Decision {
        self.with(json, decide)
    }

    /// Makes the link that a capture of this record leaves.
    fn sync(&mut self, json: &str, at: &str) {
        let link = self.with(json, |case| {
            let written = change::all(case);
            settle(case, "twin", &written, Some(at.parse().unwrap()))
        });
        self.link = link;
    }
}

fn lead(first: &str, modified: &str) -> String {
    format!(
        r#"{{"Current":{{"ProspectID":"one","EmailAddress":"a@x.y","Phone":"9988776655","FirstName":"{first}","ModifiedOn":"{modified}"}}}}"#
    )
}

fn names(changes: &[Change]) -> Vec<(&str, &str)> {
    changes.iter().map(|change| (change.to.as_str(), change.value.as_str())).collect()
}

#[test]
fn a_new_lead_is_captured_by_its_key_with_all_fields() {
    let Decision::Capture { key, fields, update, .. } =
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
    let same = Decision::Unchanged { why: Why::SameAsSynced, destination_id: Some("twin".into()) };
    assert_eq!(scene.decide(&lead("Asha", "2026-01-01 00:00:00")), same);
    assert_eq!(scene.decide(&lead("Asha", "2026-01-01 00:09:00")), same);
}

#[test]
fn a_linked_lead_gets_only_what_changed() {
    let mut scene = scene(PLAIN);
    scene.sync(&lead("Asha", "2026-01-01 00:00:00"), "2026-01-01T00:00:05Z");
    let Decision::Update { lead_id, fields } = scene.decide(&lead("Usha", "2026-01-01 00:09:00"))
    else {
        panic!("an update");
    };
    assert_eq!(lead_id, "twin");
    assert_eq!(names(&fields), [("FirstName", "Usha")]);
    assert_eq!(fields[0].before.as_deref(), Some("Asha"));
}

#[test]
fn an_old_state_never_overwrites_a_newer_one() {
    let mut scene = scene(PLAIN);
    scene.sync(&lead("Usha", "2026-01-01 00:09:00"), "2026-01-01T00:09:05Z");
    assert!(matches!(
        scene.decide(&lead("Asha", "2026-01-01 00:00:00")),
        Decision::Unchanged { why: Why::Stale, .. }
    ));
    assert_eq!(
        scene.decide(&lead("Asha", "2026-01-01 00:09:00")),
        Decision::ReadSource { lead_id: "one".into() },
        "the same second says nothing of the order"
    );
    scene.known.fresh = true;
    assert!(matches!(scene.decide(&lead("Asha", "2026-01-01 00:09:00")), Decision::Update { .. }));
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
        Decision::ReadSource { .. }
    ));
    assert!(matches!(scene.decide(&lead("Usha", "2026-01-01 00:05:06")), Decision::Update { .. }));
}

#[test]
fn without_any_key_nothing_is_created() {
    let Decision::Refuse { problems } =
        scene(PLAIN).decide(r#"{"ProspectID":"one","FirstName":"Asha"}"#)
    else {
        panic!("a refusal");
    };
    assert_eq!(problems[0].code, "no_key");
}

#[test]
fn the_second_key_serves_when_the_first_is_empty_or_refused() {
    let mut scene = scene(PLAIN);
    let only_phone = r#"{"ProspectID":"one","Phone":"9988776655"}"#;
    assert!(
        matches!(scene.decide(only_phone), Decision::Capture { key, .. } if key.field == "Phone")
    );
    scene.known.keys_tried = 1;
    let both = lead("Asha", "2026-01-01 00:00:00");
    assert!(matches!(scene.decide(&both), Decision::Capture { key, .. } if key.field == "Phone"));
    scene.known.keys_tried = 2;
    assert!(
        matches!(scene.decide(&both), Decision::Refuse { problems } if problems[0].code == "duplicate")
    );
}

#[test]
fn a_doubtful_write_is_looked_for_before_it_is_repeated() {
    let mut scene = scene(PLAIN);
    scene.known.doubtful = true;
    let json = lead("Asha", "2026-01-01 00:00:00");
    assert!(
        matches!(scene.decide(&json), Decision::Look { by: Sought::Key(key) } if key.field == "EmailAddress")
    );
    scene.known.keys_tried = 1;
    assert!(
        matches!(scene.decide(&json), Decision::Look { by: Sought::Key(key) } if key.field == "Phone")
    );
    scene.known.keys_tried = 2;
    assert!(
        matches!(scene.decide(&json), Decision::Capture { key, .. } if key.field == "EmailAddress")
    );
    scene.known.lead = Some(Snapshot::from_iter([
        ("ProspectID", "twin"),
        ("EmailAddress", "A@x.y"),
        ("Phone", "+91-9988776655"),
        ("FirstName", "Asha"),
    ]));
    assert_eq!(
        scene.decide(&json),
        Decision::Unchanged { why: Why::SameInDestination, destination_id: Some("twin".into()) }
    );
}

#[test]
fn behaviours_hold() {
    let with = |behaviour: &str| {
        scene(&format!(
            r#"{{"name":"c","source":"a","destination":"b","lead":{{"behaviour":"{behaviour}"}}}}"#
        ))
    };
    let json = lead("Asha", "2026-01-01 00:00:00");
    assert!(matches!(with("do_nothing").decide(&json), Decision::Skip { .. }));
    assert!(matches!(with("create_only").decide(&json), Decision::Capture { update: false, .. }));

    let mut only_update = with("update_only");
    assert!(matches!(only_update.decide(&json), Decision::Look { .. }));
    only_update.known.keys_tried = 1;
    assert!(
        matches!(only_update.decide(&json), Decision::Skip { problem } if problem.code == "not_found")
    );
    only_update.known.lead =
        Some(Snapshot::from_iter([("ProspectID", "twin"), ("FirstName", "Old")]));
    assert!(matches!(only_update.decide(&json), Decision::Update { .. }));

    let mut only_create = with("create_only");
    only_create.sync(&json, "2026-01-01T00:00:05Z");
    assert!(matches!(
        only_create.decide(&lead("Usha", "2026-01-02 00:00:00")),
        Decision::Skip { .. }
    ));
}

#[test]
fn a_default_is_for_what_both_sides_lack() {
    let mut scene = scene(
        r#"{"name":"c","source":"a","destination":"b","basic":{"lead_source":"Sales"},"lead":{"field":[
            {"from":"EmailAddress","to":"EmailAddress"},{"from":"City","to":"City","default":"Pune"}]}}"#,
    );
    let without = r#"{"ProspectID":"one","EmailAddress":"a@x.y","City":""}"#;
    assert!(matches!(scene.decide(without), Decision::Look { .. }), "it may be there and filled");
    scene.known.keys_tried = 1;
    let Decision::Capture { fields, on_create, .. } = scene.decide(without) else {
        panic!("a capture")
    };
    assert_eq!(names(&fields), [("EmailAddress", "a@x.y")]);
    assert_eq!(names(&on_create), [("City", "Pune"), ("Source", "Sales")]);

    let there = |city: &str| {
        Some(Snapshot::from_iter([("ProspectID", "t"), ("EmailAddress", "a@x.y"), ("City", city)]))
    };
    scene.known.lead = there("Agra");
    assert!(matches!(scene.decide(without), Decision::Unchanged { .. }));
    scene.known.lead = there("");
    let Decision::Update { fields, .. } = scene.decide(without) else { panic!("an update") };
    assert_eq!(names(&fields), [("City", "Pune")]);
}

#[test]
fn a_twin_that_is_gone_is_made_again() {
    let mut scene = scene(PLAIN);
    let json = lead("Asha", "2026-01-01 00:00:00");
    scene.sync(&json, "2026-01-01T00:00:05Z");
    scene.known.twin_gone = true;
    assert!(matches!(scene.decide(&json), Decision::Capture { .. }));
}

#[test]
fn a_lead_that_a_look_finds_is_not_created_a_second_time() {
    let mut scene = scene(
        r#"{"name":"c","source":"a","destination":"b","lead":{"behaviour":"create_only","field":[
            {"from":"EmailAddress","to":"EmailAddress"},{"from":"City","to":"City","default":"Pune"}]}}"#,
    );
    let json = r#"{"ProspectID":"one","EmailAddress":"a@x.y"}"#;
    scene.known.lead = Some(Snapshot::from_iter([("ProspectID", "twin"), ("City", "")]));
    assert!(
        matches!(scene.decide(json), Decision::Skip { problem } if problem.code == "exists"),
        "somebody else made it"
    );
    scene.known.doubtful = true;
    assert!(
        matches!(scene.decide(json), Decision::Unchanged { .. }),
        "it may be what the lost write made"
    );
}

#[test]
fn a_second_key_that_is_not_unique_is_looked_for_first() {
    let mut scene = scene(
        r#"{"name":"c","source":"a","destination":"b","basic":{"secondary_search_by":"mx_Pan"}}"#,
    );
    let json = r#"{"ProspectID":"one","EmailAddress":"a@x.y","mx_Pan":"P1"}"#;
    for name in ["EmailAddress", "mx_Pan"] {
        assert!(
            matches!(scene.decide(json), Decision::Look { by: Sought::Key(key) } if key.field == name),
            "the account would not refuse a second lead with the same {name}"
        );
        scene.known.keys_tried += 1;
    }
    assert!(matches!(scene.decide(json), Decision::Capture { .. }));
}

#[test]
fn an_emptied_field_is_emptied_only_where_that_is_wanted() {
    for (blank, expected) in [("leave", None), ("clear", Some(""))] {
        let mut scene = scene(&format!(
            r#"{{"name":"c","source":"a","destination":"b","lead":{{"blank":"{blank}"}}}}"#
        ));
        let json = |city: &str, at: &str| {
            format!(
                r#"{{"ProspectID":"one","EmailAddress":"a@x.y","City":"{city}","ModifiedOn":"{at}"}}"#
            )
        };
        scene.sync(&json("Pune", "2026-01-01 00:00:00"), "2026-01-01T00:00:05Z");
        let emptied = scene.decide(&json("", "2026-01-02 00:00:00"));
        let written = match &emptied {
            Decision::Update { fields, .. } => Some(fields[0].value.as_str()),
            Decision::Unchanged { .. } => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(written, expected, "{blank}");
        if expected.is_some() {
            scene.sync(&json("", "2026-01-02 00:00:00"), "2026-01-02T00:00:05Z");
            let again = scene.decide(&json("", "2026-01-02 00:10:00"));
            assert!(matches!(again, Decision::Unchanged { .. }), "{again:?}");
        }
    }
}
