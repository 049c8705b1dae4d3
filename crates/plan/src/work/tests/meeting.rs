//! Linking two leads that both accounts already had.

use super::*;
use crate::connector::{Blank, FirstMeeting, Policy};
use crate::review::Ruling;
use crate::work::case::Opposite;
use crate::work::known::Before;
use crate::work::merge::{Merge, merge};

/// A pair whose leads have a first name, a city and a note that a mapping translates.
pub(super) struct Pair {
    pub(super) ways: [Definition; 2],
    pub(super) mappings: [Mapping; 2],
}

impl Pair {
    fn mappings(ways: &[Definition; 2]) -> [Mapping; 2] {
        let field = |name: &str| Field::plain(name, Kind::Text);
        let options = ["Open", "Won", "Offer", "Sold"].map(str::to_owned).to_vec();
        let stage = Field { kind: Kind::Select, options, ..field("Stage") };
        let [email, name, city] = ["EmailAddress", "FirstName", "City"].map(field);
        let fields: FieldList = vec![email, name, city, stage].into();
        let account = Catalogue { fields, ..Catalogue::default() };
        [&ways[0], &ways[1]].map(|way| Mapping::new(way, &account, &account))
    }

    pub(super) fn new(first_meeting: FirstMeeting, policy: Policy) -> Self {
        let way = |values: &str| -> Definition {
            let text = format!(
                r#"{{"name":"c","source":"a","destination":"b","lead":{{
                    "unlisted_option":"leave_out","field":[
                    {{"from":"EmailAddress","to":"EmailAddress"}},
                    {{"from":"FirstName","to":"FirstName"}},{{"from":"City","to":"City"}},
                    {{"from":"Stage","to":"Stage","values":{values}}}]}}}}"#
            );
            let mut way: Definition = serde_json::from_str(&text).expect("a definition");
            way.conflict.first_meeting = first_meeting;
            way.conflict.policy = policy;
            way
        };
        let ways =
            [way(r#"{"Open":"Offer","Won":"Sold"}"#), way(r#"{"Offer":"Open","Sold":"Won"}"#)];
        let mappings = Self::mappings(&ways);
        Self { ways, mappings }
    }

    /// What happens to the fields in which this record's lead differs from this one: what is written
    /// there, what is written back, and what is left.
    fn meet(&self, body: &str, there: &Snapshot) -> [Vec<String>; 3] {
        self.meet_as(body, |_| {}, there)
    }

    /// The same for a record about which more is known.
    pub(super) fn meet_as(
        &self,
        body: &str,
        knows: impl Fn(&mut Work),
        there: &Snapshot,
    ) -> [Vec<String>; 3] {
        let merge = self.merge_as(body, knows, there);
        let listed = |changes: &[crate::change::Change]| {
            changes.iter().map(|change| format!("{}={}", change.to, change.value)).collect()
        };
        let left = merge.disputes.iter().filter(|dispute| dispute.ruling == Ruling::Left);
        [
            listed(&merge.to_destination),
            listed(&merge.to_source),
            left.map(|dispute| dispute.field.clone()).collect(),
        ]
    }

    pub(super) fn merge_as(
        &self,
        body: &str,
        knows: impl Fn(&mut Work),
        there: &Snapshot,
    ) -> Merge {
        let scene = scene(PLAIN);
        let context = Context {
            connector: &self.ways[0],
            leads: &self.mappings[0],
            opposite: Some(Opposite { connector: &self.ways[1], mapping: &self.mappings[1] }),
            ..scene.context()
        };
        let mut work = Work::new(read(body));
        knows(&mut work);
        work.map(&context);
        let case = work.lead_case(&context);
        merge(&case, context.opposite.unwrap(), there)
    }
}

pub(super) fn read(body: &str) -> payload::Item {
    payload::read(body.as_bytes(), None).expect(body).remove(0).expect("a lead")
}

pub(super) fn there(values: &[(&str, &str)]) -> Snapshot {
    let mut lead: Snapshot = values.iter().copied().collect();
    lead.put("ProspectID", "twin");
    lead.put("EmailAddress", "a@x.y");
    lead.put("ModifiedOn", "2026-01-01 00:00:05");
    lead
}

/// The city moved from Pune to Agra; the first name and the stage stayed.
pub(super) const MOVED: &str = r#"{
    "Before":{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"Asha","City":"Pune","Stage":"Open"},
    "After":{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"Asha","City":"Agra","Stage":"Open"},
    "Current":{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"Asha","City":"Agra","Stage":"Open",
        "ModifiedOn":"2026-01-01 00:00:09"}}"#;
/// The same, in blocks that contain only what changed.
const MOVED_ALONE: &str = r#"{
    "Before":{"ProspectID":"one","City":"Pune"},"After":{"ProspectID":"one","City":"Agra"},
    "Current":{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"Asha","City":"Agra","Stage":"Open",
        "ModifiedOn":"2026-01-01 00:00:09"}}"#;
/// The city was filled in; blocks leave out what is empty.
const FILLED: &str = r#"{
    "Before":{"ProspectID":"one","FirstName":"Asha"},"After":{"ProspectID":"one","FirstName":"Asha","City":"Agra"},
    "Current":{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"Asha","City":"Agra",
        "ModifiedOn":"2026-01-01 00:00:09"}}"#;
/// It does not say what changed.
pub(super) const UNTOLD: &str = r#"{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"Asha","City":"Agra",
    "Stage":"Open","ModifiedOn":"2026-01-01 00:00:09"}"#;
const NEW: &str = r#"{"Before":{},"After":{"ProspectID":"one","EmailAddress":"a@x.y","City":"Agra"},
    "Current":{"ProspectID":"one","EmailAddress":"a@x.y","City":"Agra",
        "ModifiedOn":"2026-01-01 00:00:09"}}"#;

#[test]
fn what_the_event_changed_is_synced_and_the_rest_is_left() {
    use FirstMeeting::{Changed, Destination, FillBlank, Newest, Source};
    const OTHER: [(&str, &str); 3] = [("FirstName", "A."), ("City", "Goa"), ("Stage", "Sold")];
    const BEFORE: [(&str, &str); 3] = [("FirstName", "A."), ("City", "Pune"), ("Stage", "Sold")];
    const BLANK: [(&str, &str); 1] = [("FirstName", "")];
    let newest = Policy::Newest;
    for (meeting, policy, body, held, written, back, left) in [
        // The other side has the old value: the change is written, and nothing else.
        (Changed, newest, MOVED, &BEFORE[..], "City=Agra", "", "FirstName Stage"),
        (Changed, newest, MOVED_ALONE, &BEFORE, "City=Agra", "", "FirstName Stage"),
        (Changed, Policy::Destination, MOVED, &BEFORE, "City=Agra", "", "FirstName Stage"),
        (Changed, Policy::FillBlank, MOVED, &BEFORE, "City=Agra", "", "FirstName Stage"),
        // It has something else: the policy decides about what changed.
        (Changed, newest, MOVED, &OTHER, "City=Agra", "", "FirstName Stage"),
        (Changed, Policy::Source, MOVED, &OTHER, "City=Agra", "", "FirstName Stage"),
        (Changed, Policy::Destination, MOVED, &OTHER, "", "City=Goa", "FirstName Stage"),
        (Changed, Policy::FillBlank, MOVED, &OTHER, "", "", "FirstName City Stage"),
        (Changed, Policy::Destination, FILLED, &OTHER, "", "City=Goa Stage=Won", "FirstName"),
        // What is empty there is filled, whether it changed or not.
        (Changed, newest, MOVED, &BLANK, "FirstName=Asha City=Agra Stage=Offer", "", ""),
        // What changed is unknown: the policy decides about everything.
        (Changed, newest, UNTOLD, &OTHER, "FirstName=Asha City=Agra Stage=Offer", "", ""),
        (Changed, Policy::Destination, UNTOLD, &OTHER, "", "FirstName=A. City=Goa Stage=Won", ""),
        (Changed, Policy::FillBlank, UNTOLD, &OTHER, "", "", "FirstName City Stage"),
        (Changed, newest, NEW, &OTHER, "City=Agra", "FirstName=A. Stage=Won", ""),
        // Whatever the event changed.
        (FillBlank, newest, MOVED, &BEFORE, "", "", "FirstName City Stage"),
        (FillBlank, newest, MOVED, &OTHER, "", "", "FirstName City Stage"),
        (FillBlank, newest, MOVED, &BLANK, "FirstName=Asha City=Agra Stage=Offer", "", ""),
        (Source, newest, MOVED, &OTHER, "FirstName=Asha City=Agra Stage=Offer", "", ""),
        (Destination, newest, MOVED, &OTHER, "", "FirstName=A. City=Goa Stage=Won", ""),
        (Newest, Policy::Review, MOVED, &OTHER, "FirstName=Asha City=Agra Stage=Offer", "", ""),
    ] {
        let found = Pair::new(meeting, policy).meet(body, &there(held));
        let found = found.map(|list| list.join(" "));
        assert_eq!(found, [written, back, left], "{meeting:?} {policy:?} {body} {held:?}");
    }
}

/// A value that can't be sent is left like any other, whichever side's record it is.
#[test]
fn a_value_that_cannot_be_sent_is_not_written_over() {
    use FirstMeeting::{Changed, Destination, FillBlank, Source};
    let there = there(&[("FirstName", "Asha"), ("City", "Pune"), ("Stage", "Odd")]);
    for (meeting, written, left) in [
        (Changed, "City=Agra", "Stage"),
        (FillBlank, "", "City Stage"),
        (Source, "City=Agra Stage=Offer", ""),
        (Destination, "", "Stage"),
    ] {
        let found = Pair::new(meeting, Policy::Newest).meet(MOVED, &there);
        let [to, _, kept] = found.map(|list| list.join(" "));
        assert_eq!([to.as_str(), &kept], [written, left], "{meeting:?}");
    }
}

/// Even if empty values are written, a field that the event emptied is not filled.
#[test]
fn what_the_event_emptied_is_not_filled() {
    const EMPTIED: &str = r#"{"Before":{"ProspectID":"one","City":"Pune"},
        "After":{"ProspectID":"one","City":""},
        "Current":{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"Asha","City":"",
            "Stage":"Open","ModifiedOn":"2026-01-01 00:00:09"}}"#;
    let there = there(&[("FirstName", "Asha"), ("City", "Pune"), ("Stage", "Offer")]);
    for blank in [Blank::Leave, Blank::Clear] {
        let mut pair = Pair::new(FirstMeeting::FillBlank, Policy::Newest);
        for way in &mut pair.ways {
            way.lead.blank = blank;
        }
        pair.mappings = Pair::mappings(&pair.ways);
        let [written, back, _] = pair.meet(EMPTIED, &there);
        assert!(written.is_empty() && back.is_empty(), "{blank:?} {written:?} {back:?}");
    }
}

/// If a reread lead shows something that the payload did not, another event did it, and that one
/// decides about it.
#[test]
fn what_was_changed_since_it_was_posted_is_left() {
    const READ: &str = r#"{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"Ashok",
        "City":"Agra","Stage":"Open","ModifiedOn":"2026-01-01 00:00:19"}"#;
    let there = there(&[("FirstName", "A."), ("City", "Pune"), ("Stage", "Offer")]);
    let pair = Pair::new(FirstMeeting::Changed, Policy::Destination);
    let knows = |work: &mut Work| work.subject_mut().read_again(Some(read(READ)));
    let found = pair.meet_as(MOVED, knows, &there).map(|list| list.join(" "));
    assert_eq!(found, ["City=Agra", "", "FirstName"]);
}

/// The other lead's time may be that of our own write, from an interrupted merge: then what the
/// event changed wins.
#[test]
fn our_own_write_is_not_newer_than_an_edit() {
    let mut there = there(&[("FirstName", "Asha"), ("City", "Goa"), ("Stage", "Offer")]);
    there.put("ModifiedOn", "2026-01-01 00:00:19");
    let pair = Pair::new(FirstMeeting::Changed, Policy::Newest);
    let linked = |has_written: bool, work: &mut Work| {
        let scene = scene(PLAIN);
        let context = scene.context();
        let (source, destination) = (context.source.id, context.destination.id);
        let mut link = Link::new(Entity::Lead, (source, "one"), (destination, "twin"));
        let end = link.end_mut(link.pair.side(destination));
        end.wrote = has_written.then_some(context.now);
        assert!(work.take_link(&link, source));
    };
    for (has_written, written, back) in [(true, "City=Agra", ""), (false, "", "City=Goa")] {
        let found = pair.meet_as(MOVED, |work| linked(has_written, work), &there);
        assert_eq!(found.map(|list| list.join(" ")), [written, back, ""], "{has_written}");
    }
}

/// An activity does not change its lead, and neither does reading the lead.
#[test]
fn what_is_no_event_changes_nothing_that_is_filled() {
    let activity = r#"{"ProspectActivityId":"act","RelatedProspectId":"one","ActivityEvent":"201",
        "Current":{"ProspectID":"one","City":"Agra"}}"#;
    let item = |body: &str| payload::read(body.as_bytes(), None).unwrap().remove(0).unwrap();
    assert_eq!(Work::new(item(activity)).subject().before, Before::Same);
    let mut work = Work::new(item(UNTOLD));
    assert_eq!(work.subject().before, Before::Untold);
    work.is_no_event();
    assert_eq!(work.subject().before, Before::Same);
    let Before::Was { before, .. } = Before::of(&item(MOVED_ALONE)) else { panic!("it says so") };
    assert_eq!((before.get("City"), before.get("FirstName")), (Some("Pune"), Some("Asha")));
    let Before::Was { before, .. } = Before::of(&item(FILLED)) else { panic!("it says so") };
    assert_eq!(before.get("City"), Some(""));
}

/// Of two changes that wait, what the earlier one changed is not in the later one's `Before`.
#[test]
fn no_change_gives_way_before_its_lead_has_met_the_other() {
    let scene = scene(PLAIN);
    let gives_way = |first_meeting, has_opposite: bool| {
        let pair = Pair::new(first_meeting, Policy::Newest);
        let opposite = Opposite { connector: &pair.ways[1], mapping: &pair.mappings[1] };
        let context = Context {
            connector: &pair.ways[0],
            opposite: has_opposite.then_some(opposite),
            ..scene.context()
        };
        let item = payload::read(MOVED.as_bytes(), None).unwrap().remove(0).unwrap();
        Work::new(item).may_give_way(&context)
    };
    assert!(!gives_way(FirstMeeting::Changed, true));
    assert!(gives_way(FirstMeeting::Changed, false));
    assert!(gives_way(FirstMeeting::Source, true));
}

/// Nothing of a lead that the opposite connector's filter excludes is written back, and its values do
/// not count as agreed.
#[test]
fn the_opposite_filter_holds_for_what_is_written_back() {
    let meet = |filter: &str, stage: &str| {
        let mut pair = Pair::new(FirstMeeting::Destination, Policy::Newest);
        let way = &mut pair.ways[1];
        way.filter = serde_json::from_str(filter).expect(filter);
        let fields = ["EmailAddress", "FirstName", "City", "Stage"];
        let fields = fields.map(|name| Field::plain(name, Kind::Text)).to_vec().into();
        let account = Catalogue { fields, ..Catalogue::default() };
        pair.mappings[1] = Mapping::new(way, &account, &account);
        pair.meet(MOVED, &there(&[("City", "Goa"), ("Stage", stage)])).map(|list| list.join(" "))
    };
    let sold = r#"{"all":[{"field":"Stage","equals":"Sold"}]}"#;
    let both = ["FirstName=Asha", "City=Goa Stage=Won", ""];
    assert_eq!(meet("{}", "Sold"), both);
    assert_eq!(meet(sold, "Sold"), both);
    assert_eq!(meet(sold, "Offer"), ["FirstName=Asha", "", ""]);
    let continues = sold.replace("{\"all", "{\"leaving\":\"continue\",\"all");
    assert_eq!(meet(&continues, "Offer"), ["FirstName=Asha", "", ""], "they are not linked yet");
}
