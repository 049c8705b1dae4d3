//! Two leads that both accounts had before they were linked meet.

use super::*;
use crate::connector::{Blank, FirstMeeting, Policy};
use crate::id::LeadId;
use crate::operation::Operation;
use crate::outcome::Party;
use crate::review::{Choice, Reason, Ruling, StandingReview, State};
use crate::work::call::{ReadLead, Which};
use crate::work::case::Opposite;
use crate::work::known::Before;
use crate::work::merge::{Merge, merge};
use crate::work::next::Next;
use crate::work::outcome::Effect;

/// A pair whose leads have a first name, a city and a note that a mapping translates.
struct Pair {
    ways: [Definition; 2],
    mappings: [Mapping; 2],
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

    fn new(first_meeting: FirstMeeting, policy: Policy) -> Self {
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

    /// What becomes of the fields in which this record's lead differs from this one: what is written
    /// there, what is written back, and what is left.
    fn meet(&self, body: &str, there: &Snapshot) -> [Vec<String>; 3] {
        self.meet_as(body, |_| {}, there)
    }

    /// The same, of a record of which more is known.
    fn meet_as(&self, body: &str, knows: impl Fn(&mut Work), there: &Snapshot) -> [Vec<String>; 3] {
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

    fn merge_as(&self, body: &str, knows: impl Fn(&mut Work), there: &Snapshot) -> Merge {
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

fn read(body: &str) -> payload::Item {
    payload::read(body.as_bytes(), None).expect(body).remove(0).expect("a lead")
}

fn there(values: &[(&str, &str)]) -> Snapshot {
    let mut lead: Snapshot = values.iter().copied().collect();
    lead.put("ProspectID", "twin");
    lead.put("EmailAddress", "a@x.y");
    lead.put("ModifiedOn", "2026-01-01 00:00:05");
    lead
}

/// The city moved from Pune to Agra; the first name and the stage stayed.
const MOVED: &str = r#"{
    "Before":{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"Asha","City":"Pune","Stage":"Open"},
    "After":{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"Asha","City":"Agra","Stage":"Open"},
    "Current":{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"Asha","City":"Agra","Stage":"Open",
        "ModifiedOn":"2026-01-01 00:00:09"}}"#;
/// The same, in blocks that hold what changed alone.
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
const UNTOLD: &str = r#"{"ProspectID":"one","EmailAddress":"a@x.y","FirstName":"Asha","City":"Agra",
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
        // The other side holds what was there before: the change is written, and nothing else.
        (Changed, newest, MOVED, &BEFORE[..], "City=Agra", "", "FirstName Stage"),
        (Changed, newest, MOVED_ALONE, &BEFORE, "City=Agra", "", "FirstName Stage"),
        (Changed, Policy::Destination, MOVED, &BEFORE, "City=Agra", "", "FirstName Stage"),
        (Changed, Policy::FillBlank, MOVED, &BEFORE, "City=Agra", "", "FirstName Stage"),
        // It holds something else: the policy decides about what changed.
        (Changed, newest, MOVED, &OTHER, "City=Agra", "", "FirstName Stage"),
        (Changed, Policy::Source, MOVED, &OTHER, "City=Agra", "", "FirstName Stage"),
        (Changed, Policy::Destination, MOVED, &OTHER, "", "City=Goa", "FirstName Stage"),
        (Changed, Policy::FillBlank, MOVED, &OTHER, "", "", "FirstName City Stage"),
        (Changed, Policy::Destination, FILLED, &OTHER, "", "City=Goa Stage=Won", "FirstName"),
        // What is empty there is filled, whether it changed or not.
        (Changed, newest, MOVED, &BLANK, "FirstName=Asha City=Agra Stage=Offer", "", ""),
        // What changed is not known: the policy decides about everything.
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

/// Where an empty value is written, too, a field that the event emptied is not filled.
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

/// What the lead shows when it is read again, and did not when its event was posted, another event
/// did: that one decides about it.
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

/// The other lead's time may be that of our own write, of a meeting that was interrupted: then what
/// the event changed wins.
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

/// The link of two that met while their cities differed, and were left so.
fn met(there: &Snapshot) -> Link {
    let mut link = Link::new(Entity::Lead, (SOURCE, "one"), (DESTINATION, "twin"));
    for (account, state) in [(SOURCE, read(MOVED).state()), (DESTINATION, there.clone())] {
        let end = link.end_mut(link.pair.side(account));
        (end.base, end.left) = (state, ["City".to_owned()].into());
        for field in ["EmailAddress", "FirstName", "City", "Stage"] {
            end.note_own(field);
        }
    }
    link
}

/// An edit from before the two met, whose webhook came after, is listed where it does not win.
#[test]
fn what_a_late_event_changed_is_disputed() {
    let there = there(&[("FirstName", "Asha"), ("City", "Goa"), ("Stage", "Offer")]);
    let linked = |work: &mut Work| assert!(work.take_link(&met(&there), SOURCE));
    for (policy, ruling) in [(Policy::FillBlank, Ruling::Left), (Policy::Review, Ruling::Waits)] {
        let pair = Pair::new(FirstMeeting::Changed, policy);
        let merge = pair.merge_as(MOVED, linked, &there);
        let disputes = merge.disputes.iter().map(|it| (it.field.as_str(), it.ruling));
        assert_eq!(disputes.collect::<Vec<_>>(), [("City", ruling)]);
        assert!(merge.to_destination.is_empty() && merge.to_source.is_empty());
    }
}

/// A late edit is no more than another one where the other side's value can't be sent.
#[test]
fn a_late_edit_is_not_written_over_what_cannot_be_sent() {
    let moved = MOVED.replacen("\"Stage\":\"Open\"", "\"Stage\":\"Won\"", 1);
    let there = there(&[("FirstName", "Asha"), ("City", "Agra"), ("Stage", "Odd")]);
    let mut link = met(&there);
    for end in [&mut link.first, &mut link.second] {
        end.left = ["Stage".to_owned()].into();
    }
    for (policy, written, left) in [
        (Policy::Newest, "Stage=Offer", ""),
        (Policy::Source, "Stage=Offer", ""),
        (Policy::Destination, "", "Stage"),
        (Policy::FillBlank, "", "Stage"),
        (Policy::Review, "", "Stage"),
    ] {
        let pair = Pair::new(FirstMeeting::Changed, policy);
        let linked = |work: &mut Work| assert!(work.take_link(&link, SOURCE));
        let found = pair.meet_as(&moved, linked, &there).map(|list| list.join(" "));
        assert_eq!(found, [written, "", left], "{policy:?}");
    }
}

/// What is written to a field that was left is listed, whichever side changed it since: what it is
/// written over may have been edited before the two met.
#[test]
fn what_is_written_over_a_field_that_was_left_is_listed() {
    let pair = Pair::new(FirstMeeting::Changed, Policy::Newest);
    let before = there(&[("FirstName", "Asha"), ("City", "Goa"), ("Stage", "Offer")]);
    let linked = |work: &mut Work| {
        assert!(work.take_link(&met(&before), SOURCE));
        work.is_no_event();
    };
    let mut edited = before.clone();
    edited.put("City", "Diu");
    let here = UNTOLD.replace("Agra", "Ajmer");
    for (body, there, ruling) in
        [(UNTOLD, &edited, Ruling::Destination), (&here, &before, Ruling::Source)]
    {
        let merge = pair.merge_as(body, linked, there);
        let disputes = merge.disputes.iter().map(|it| (it.field.as_str(), it.ruling));
        assert_eq!(disputes.collect::<Vec<_>>(), [("City", ruling)], "{body}");
    }
}

/// What was settled by a write stays listed beside what is left.
#[test]
fn what_was_decided_before_a_write_stays_listed() {
    let pair = Pair::new(FirstMeeting::Changed, Policy::Source);
    let there = there(&[("FirstName", "A."), ("City", "Goa"), ("Stage", "Offer")]);
    let scene = scene(PLAIN);
    let context = Context {
        connector: &pair.ways[0],
        leads: &pair.mappings[0],
        opposite: Some(Opposite { connector: &pair.ways[1], mapping: &pair.mappings[1] }),
        ..scene.context()
    };
    let mut work = Work::new(read(MOVED));
    let link = Link::new(Entity::Lead, (SOURCE, "one"), (DESTINATION, "twin"));
    assert!(work.take_link(&link, SOURCE));
    let now = at("2026-01-01T00:01:00Z");
    while let Step::Call(call) = work.next(&context).step {
        let answer = match &call {
            Call::ReadLead(ReadLead { which: Which::Own, .. }) => {
                Answer::Leads(vec![read(MOVED).state()])
            }
            Call::ReadLead(_) => Answer::Leads(vec![there.clone()]),
            _ => Answer::Written { id: None, is_created: None },
        };
        work.answered(&context, &call, Operation::LeadById, answer, now);
    }
    let disputes = work.explanation().expect("it was decided").disputes;
    let disputes = disputes.iter().map(|it| (it.field.as_str(), it.ruling));
    let listed: Vec<_> = disputes.collect();
    assert_eq!(listed, [("City", Ruling::Source), ("FirstName", Ruling::Left)]);
}

/// No record of either side settles the question about a late edit, until a person decides it or the
/// two hold the same.
#[test]
fn a_late_edit_waits_for_a_person_whatever_comes_after_it() {
    let pair = Pair::new(FirstMeeting::Changed, Policy::Review);
    let here = read(MOVED).state();
    let there = there(&[("FirstName", "Asha"), ("City", "Goa"), ("Stage", "Offer")]);
    let body = |state: &Snapshot| serde_json::to_string(state).expect("texts are JSON");
    let older = body(&here).replace("00:00:09", "00:00:02");
    // What a record comes to, which is the source's or the other side's, and the link after it.
    let comes_to =
        |json: &str, link: &Link, of: usize, choice: Option<Choice>, states: [&Snapshot; 2]| {
            let scene = scene(PLAIN);
            let mut context = Context {
                connector: &pair.ways[of],
                leads: &pair.mappings[of],
                opposite: Some(Opposite {
                    connector: &pair.ways[1 - of],
                    mapping: &pair.mappings[1 - of],
                }),
                ..scene.context()
            };
            if of == 1 {
                std::mem::swap(&mut context.source, &mut context.destination);
            }
            let mut work = Work::new(read(json));
            assert!(work.take_link(link, context.source.id));
            let asked = StandingReview {
                id: 7,
                source: SOURCE,
                source_id: LeadId::new("one"),
                destination_id: Some(LeadId::new("twin")),
                reason: Reason::Conflict,
                state: if choice.is_none() { State::Open } else { State::Decided },
                choice,
            };
            work.take_review(&asked, context.source.id);
            let mut link = link.clone();
            loop {
                let Next { effects, step } = work.next(&context);
                for effect in effects {
                    let Effect::Link(kept) = effect else { panic!("{effect:?}") };
                    link = *kept;
                }
                let Step::Call(call) = &step else { return (work, step, link) };
                let Call::ReadLead(ReadLead { which, .. }) = call else {
                    return (work, step, link);
                };
                let shown = if *which == Which::Own { states[of] } else { states[1 - of] };
                let answer = Answer::Leads(vec![shown.clone()]);
                let now = at("2026-01-01T00:01:00Z");
                work.answered(&context, call, Operation::LeadById, answer, now);
            }
        };
    let differing = [&here, &there];
    let is_asked = |step: &Step| {
        let Step::Ask(review) = step else { return false };
        review.disputes.iter().map(|it| it.field.as_str()).collect::<Vec<_>>() == ["City"]
    };
    let (_, step, asked) = comes_to(MOVED, &met(&there), 0, None, differing);
    assert!(is_asked(&step), "{step:?}");
    for end in [&asked.first, &asked.second] {
        assert!(end.left.is_empty() && end.disputed.contains("City"), "{end:?}");
    }
    for (json, of) in [(MOVED, 0), (&older, 0), (&body(&there), 1)] {
        let (_, step, link) = comes_to(json, &asked, of, None, differing);
        assert!(is_asked(&step) && link == asked, "{json}: {step:?}");
        for (choice, party, city) in [
            (Choice::Source, Party::Destination, "Agra"),
            (Choice::Destination, Party::Source, "Goa"),
        ] {
            let (_, step, _) = comes_to(json, &asked, of, Some(choice), differing);
            let Call::UpdateLead(update) = call(step) else { panic!("{json}") };
            let is_there = (update.party == Party::Destination) == (of == 0);
            assert_eq!(is_there, party == Party::Destination, "{json}");
            assert_eq!(names(&update.fields), [("City", city)], "{json}");
        }
        // Somebody put it right in one of the accounts.
        let mut right = there.clone();
        right.put("City", "Agra");
        let json = if of == 0 { json } else { &body(&right) };
        let (work, step, link) = comes_to(json, &asked, of, None, [&here, &right]);
        assert_eq!(work.solved_by(&ended(step)), [7]);
        assert!(link.first.disputed.is_empty() && link.second.disputed.is_empty(), "{link:?}");
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

/// Nothing of a lead that the opposite connector's filter leaves out is written back, and what it holds
/// is not taken for agreed.
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
