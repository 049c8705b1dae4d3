//! Activities, simulated: they are added and edited in both accounts, on leads of which the other
//! account may know nothing yet, and their webhooks come twice, late, out of order or never.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use plan::activity::{self, ActivityCase, ActivityMapping};
use plan::connector::Definition;
use plan::decide::{self, Case, Change, Decision, Known, Sought, Why};
use plan::link::{Link, Pair};
use plan::mapping::Mapping;
use plan::metadata::{ActivityType, Catalogue, FieldList, Kind};
use plan::operation::Operation;
use plan::payload::{self, Item};
use plan::snapshot::Snapshot;

use super::chance::Chance;
use super::engine::{Faults, Story, account_id};
use super::{BRUTAL, CALM, ROUGH, Weather, plain, seeds};

/// The type's event code on each side, and its field's place.
const EVENTS: [u32; 2] = [201, 305];
const PLACES: [&str; 2] = ["mx_Custom_1", "mx_Custom_7"];

/// A protection that is switched off, to see that the checks notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protection {
    /// The link of an activity, by which an echo and a duplicate are known.
    Link,
    /// After a lost answer the lead's activities are looked through.
    Looking,
    /// What may be older than our own write is read again.
    Reading,
    /// The order by the account's own times.
    Versions,
}

#[derive(Clone, Debug)]
struct Activity {
    lead: String,
    note: String,
    place: String,
    at: Timestamp,
    modified: Timestamp,
}

#[derive(Default)]
struct Account {
    prefix: &'static str,
    /// Email addresses by id.
    leads: BTreeMap<String, String>,
    activities: BTreeMap<String, Activity>,
    happened: Vec<String>,
    writes: usize,
}

impl Account {
    fn lead(&mut self, email: &str) -> String {
        let known = self.leads.iter().find(|(_, held)| *held == email).map(|(id, _)| id.clone());
        known.unwrap_or_else(|| {
            let id = format!("{}lead{}", self.prefix, self.leads.len());
            self.leads.insert(id.clone(), email.to_owned());
            id
        })
    }

    fn add(
        &mut self,
        lead: &str,
        note: &str,
        place: &str,
        at: Timestamp,
        now: Timestamp,
    ) -> String {
        let id = format!("{}act{}", self.prefix, self.activities.len());
        let (lead, note, place) = (lead.to_owned(), note.to_owned(), place.to_owned());
        self.activities
            .insert(id.clone(), Activity { lead, note, place, at, modified: second(now) });
        self.happened.push(id.clone());
        id
    }

    fn write(&mut self, id: &str, fields: &[Change], place: &str, now: Timestamp) {
        let activity = self.activities.get_mut(id).unwrap();
        for change in fields {
            match change.to.as_str() {
                activity::NOTE => activity.note.clone_from(&change.value),
                to if to == place => activity.place.clone_from(&change.value),
                _ => {}
            }
        }
        activity.modified = second(now);
        self.happened.push(id.to_owned());
    }
}

/// Accounts count in whole seconds.
fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap()
}

fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[derive(Clone)]
struct Delivery {
    from: usize,
    body: String,
    doubtful: bool,
}

struct World {
    accounts: [Account; 2],
    directions: [(Definition, Mapping, ActivityMapping); 2],
    links: Vec<Link>,
    queue: VecDeque<Delivery>,
    on_their_way: Vec<(Timestamp, Delivery)>,
    now: Timestamp,
    chance: Chance,
    weather: Weather,
    without: Option<Protection>,
    /// The calls of this attempt, and the most that one took.
    calls: usize,
    most_calls: usize,
    deliveries: usize,
    /// The activities that people added: side, id, and the last note and place.
    genuine: Vec<(usize, String, String, String)>,
    story: Story,
}

/// One attempt.
struct Pass {
    from: usize,
    item: Item,
    lead: Item,
    known: Known,
    lead_known: Known,
}

enum Step {
    On,
    Ended,
    Lost,
}

fn catalogue(side: usize) -> Catalogue {
    let own = vec![plain(PLACES[side], "Place", Kind::Text)];
    let kind = ActivityType {
        event: EVENTS[side],
        name: "Site Visit".to_owned(),
        fields: Some(own.into()),
    };
    let leads: FieldList = vec![plain("EmailAddress", "Email", Kind::Email)].into();
    Catalogue { fields: leads, users: Some(Vec::new()), activity_types: Some(vec![kind]) }
}

impl World {
    fn new(seed: u64, weather: Weather, without: Option<Protection>) -> Self {
        let catalogues = [catalogue(0), catalogue(1)];
        let direction = |from: usize| {
            let settings = format!(
                r#"{{"name":"c{from}","source":"{from}","destination":"{}","activity":{{"enabled":true}}}}"#,
                1 - from
            );
            let definition: Definition = serde_json::from_str(&settings).unwrap();
            let (here, there) = (&catalogues[from], &catalogues[1 - from]);
            let mapping = Mapping::new(&definition, here, there);
            let activities = ActivityMapping::new(&definition, here, there);
            (definition, mapping, activities)
        };
        let account = |prefix| Account { prefix, ..Account::default() };
        Self {
            accounts: [account("a"), account("b")],
            directions: [direction(0), direction(1)],
            links: Vec::new(),
            queue: VecDeque::new(),
            on_their_way: Vec::new(),
            now: "2026-01-01T00:00:00Z".parse().unwrap(),
            chance: Chance(seed),
            weather,
            without,
            calls: 0,
            most_calls: 0,
            deliveries: 0,
            genuine: Vec::new(),
            story: Story::default(),
        }
    }

    fn lacks(&self, protection: Protection) -> bool {
        self.without == Some(protection)
    }

    /// A person adds an activity, or edits one that was added on the same side: there is no merge
    /// of one that is edited on both.
    fn person(&mut self) {
        let number = self.genuine.len();
        let (note, place) = (
            format!("note {}", self.chance.below(1_000_000)),
            format!("place {}", self.chance.below(9)),
        );
        let now = self.now;
        if number > 0 && self.chance.of(500) {
            let which = self.chance.below(number);
            let (side, id, last_note, last_place) = &mut self.genuine[which];
            let kind = Kind::Text;
            let fields = [
                Change::new(activity::NOTE, kind, &note),
                Change::new(PLACES[*side], kind, &place),
            ];
            self.accounts[*side].write(id, &fields, PLACES[*side], now);
            (*last_note, *last_place) = (note.clone(), place);
            let (side, id) = (*side, id.clone());
            self.story.add(|| format!("{now} side {side}: {id} edited: {note}"));
            return;
        }
        let side = self.chance.below(2);
        let email = format!("person{}@example.com", self.chance.below(3));
        let account = &mut self.accounts[side];
        let lead = account.lead(&email);
        let id = account.add(&lead, &note, &place, second(now), now);
        self.story.add(|| format!("{now} side {side}: {id} added on {lead}: {note}"));
        self.genuine.push((side, id, note, place));
    }

    /// The webhook about an activity, as it is now.
    fn body(&self, side: usize, id: &str) -> String {
        let account = &self.accounts[side];
        let activity = &account.activities[id];
        serde_json::json!({
            "ProspectActivityId": id, "RelatedProspectId": activity.lead,
            "ActivityEvent": EVENTS[side].to_string(), "CreatedOn": written(activity.at),
            "ModifiedOn": written(activity.modified),
            "Data": { "Note": activity.note, PLACES[side]: activity.place },
            "Current": {
                "ProspectID": activity.lead, "EmailAddress": account.leads[&activity.lead],
            },
        })
        .to_string()
    }

    fn send(&mut self) {
        for side in [0, 1] {
            for id in std::mem::take(&mut self.accounts[side].happened) {
                if self.chance.of(self.weather.dropped) {
                    continue;
                }
                let times = 1 + usize::from(self.chance.of(self.weather.doubled));
                for _ in 0..times {
                    let late = if self.chance.of(self.weather.late) { 3_600 } else { 3 };
                    let wait = i64::try_from(self.chance.below(late * 1_000)).unwrap();
                    let at = self.now + SignedDuration::from_millis(wait);
                    let delivery =
                        Delivery { from: side, body: self.body(side, &id), doubtful: false };
                    self.on_their_way.push((at, delivery));
                }
            }
        }
    }

    fn work(&mut self) {
        let now = self.now;
        self.on_their_way.sort_by_key(|(at, _)| *at);
        let come = self.on_their_way.partition_point(|(at, _)| *at <= now);
        let come = self.on_their_way.drain(..come).map(|(_, delivery)| delivery);
        self.queue.extend(come);
        while let Some(delivery) = self.queue.pop_front() {
            self.deliveries += 1;
            self.attempt(delivery);
        }
    }

    fn attempt(&mut self, delivery: Delivery) {
        let item = payload::read(delivery.body.as_bytes(), None).unwrap().remove(0);
        let lead = item.lead().unwrap();
        let doubtful = delivery.doubtful && !self.lacks(Protection::Looking);
        let known = Known { doubtful, ..Known::default() };
        let mut pass = Pass { from: delivery.from, item, lead, lead_known: known.clone(), known };
        pass.known.fresh = self.lacks(Protection::Reading);
        self.calls = 0;
        let (now, id) = (self.now, pass.item.id().unwrap_or_default().to_owned());
        self.story.add(|| format!("{now} from {} about {id}", delivery.from));
        for _ in 0..16 {
            if self.chance.of(self.weather.faults.crash) {
                self.story.add(|| "  crash".to_owned());
                self.queue.push_front(delivery);
                return;
            }
            self.now += SignedDuration::from_millis(40);
            let decision = self.with(&pass, activity::decide);
            self.story.add(|| format!("  {decision:?}"));
            self.calls += usize::from(Operation::carrying_out(&decision).is_some());
            self.most_calls = self.most_calls.max(self.calls);
            match self.carry_out(&mut pass, decision) {
                Step::On => {}
                Step::Ended => return,
                Step::Lost => {
                    self.story.add(|| "  lost".to_owned());
                    self.queue.push_front(Delivery { doubtful: true, ..delivery });
                    return;
                }
            }
        }
        panic!("it does not come to an end:\n{}", self.story.text());
    }

    fn carry_out(&mut self, pass: &mut Pass, decision: Decision) -> Step {
        let (from, to, now) = (pass.from, 1 - pass.from, self.now);
        match decision {
            Decision::Unchanged { why, destination_id } => {
                if let Some(id) = destination_id.filter(|_| why != Why::Stale) {
                    self.settle(pass, &id, &[], None);
                }
                return Step::Ended;
            }
            Decision::ReadActivity { lead_id, event } => {
                let found: Vec<Snapshot> = self.shown(from);
                let id = pass.item.id().unwrap_or_default().to_owned();
                let read = activity::read(&id, &lead_id, event, &found);
                (pass.known.fresh, pass.known.source_gone) = (true, read.is_none());
                pass.item = read.unwrap_or_else(|| pass.item.clone());
            }
            Decision::Look { by: by @ Sought::Key(_) } => {
                let Sought::Key(key) = &by else { return Step::Ended };
                let found = self.accounts[to].leads.iter().find(|(_, email)| **email == key.value);
                let lead = found.map(|(id, email)| {
                    [("ProspectID", id.clone()), ("EmailAddress", email.clone())]
                        .into_iter()
                        .collect::<Snapshot>()
                });
                pass.lead_known.take_found(&by, lead.into_iter().collect());
            }
            Decision::Capture { key, .. } => {
                let Some(id) = self.call(|world| world.accounts[to].lead(&key.value)) else {
                    return Step::Lost;
                };
                pass.lead_known.lead_id = Some(id);
            }
            Decision::LookActivity { .. } => {
                let tied = |shown: &Snapshot| {
                    let id = shown.get("ProspectActivityId");
                    self.links.iter().any(|link| {
                        [&link.first, &link.second].iter().any(|end| Some(end.id.as_str()) == id)
                    })
                };
                pass.known.activities =
                    Some(self.shown(to).into_iter().filter(|shown| !tied(shown)).collect());
            }
            Decision::CreateActivity { lead_id, fields, .. } => {
                let value = |name: &str| {
                    let found = fields.iter().find(|change| change.to == name);
                    found.map(|change| change.value.clone()).unwrap_or_default()
                };
                let (note, place) = (value(activity::NOTE), value(PLACES[to]));
                let at = plan::moment::instant(&value(activity::TIME), &jiff::tz::TimeZone::UTC);
                let made = self.call(|world| {
                    world.accounts[to].writes += 1;
                    world.accounts[to].add(&lead_id, &note, &place, at.unwrap(), now)
                });
                let Some(id) = made else { return Step::Lost };
                self.settle(pass, &id, &fields, Some(now));
                return Step::Ended;
            }
            Decision::UpdateActivity { activity_id, fields, .. } => {
                let done = self.call(|world| {
                    world.accounts[to].writes += 1;
                    world.accounts[to].write(&activity_id, &fields, PLACES[to], now);
                });
                if done.is_none() {
                    return Step::Lost;
                }
                self.settle(pass, &activity_id, &fields, Some(now));
                return Step::Ended;
            }
            other => panic!("no decision about an activity: {other:?}\n{}", self.story.text()),
        }
        Step::On
    }

    /// Makes a call that writes; `None` if its answer is lost, before it took effect or after.
    fn call<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let Faults { lost_before, lost_after, .. } = self.weather.faults;
        if self.chance.of(lost_before) {
            return None;
        }
        let answer = write(self);
        (!self.chance.of(lost_after)).then_some(answer)
    }

    /// The activities of an account, as reads show them.
    fn shown(&self, side: usize) -> Vec<Snapshot> {
        let shown = |(id, one): (&String, &Activity)| {
            let values = [(PLACES[side].to_owned(), one.place.clone())];
            let times = (written(one.at), written(one.modified));
            activity::shown(id, Some(&one.note), (Some(&times.0), Some(&times.1)), values)
        };
        self.accounts[side].activities.iter().map(shown).collect()
    }

    fn settle(&mut self, pass: &Pass, id: &str, written: &[Change], at: Option<Timestamp>) {
        let link = self.with(pass, |case| decide::settle(&case.activity, id, written, at));
        let Some(link) = link else { return };
        self.links.retain(|old| old.first.id != link.first.id && old.second.id != link.second.id);
        self.links.push(link);
    }

    fn with<T>(&self, pass: &Pass, f: impl FnOnce(&ActivityCase<'_>) -> T) -> T {
        let (definition, mapping, activities) = &self.directions[pass.from];
        let kind = activities.of(&pass.item).unwrap();
        let (mapped, lead_mapped) = (kind.mapping.apply(&pass.item), mapping.apply(&pass.lead));
        let side = Pair::of(account_id(0), account_id(1)).side(account_id(pass.from));
        let id = pass.item.id().unwrap_or_default();
        let mut link = self.links.iter().find(|link| link.end(side).id == id).cloned();
        if self.lacks(Protection::Link) {
            link = None;
        }
        if let Some(link) = link.as_mut().filter(|_| self.lacks(Protection::Versions)) {
            (link.first.seen, link.second.seen) = (None, None);
            (link.first.wrote, link.second.wrote) = (None, None);
        }
        let case = Case {
            connector: definition,
            mapping: &kind.mapping,
            item: &pass.item,
            mapped: &mapped,
            source: account_id(pass.from),
            destination: account_id(1 - pass.from),
            link: link.as_ref(),
            known: &pass.known,
            opposite: None,
            now: self.now,
        };
        f(&ActivityCase {
            activity: case,
            lead: Case {
                mapping,
                item: &pass.lead,
                mapped: &lead_mapped,
                link: None,
                known: &pass.lead_known,
                ..case
            },
            event: kind.to,
        })
    }

    /// Runs to the end; what is wrong then, if anything.
    fn wrong(&mut self) -> Option<String> {
        const ROUNDS: usize = 400;
        for _ in 0..16 {
            self.person();
            self.send();
            let pause = *self.chance.one(&[0, 1, 2, 7, 60, 600, 4_000]);
            self.now += SignedDuration::from_secs(pause);
            if self.chance.of(800) {
                self.work();
            }
        }
        // What was lost on its way is found when the activity is seen once more.
        for _ in 0..2 {
            let mut rounds = 0;
            while !self.on_their_way.is_empty()
                || !self.accounts[0].happened.is_empty()
                || !self.accounts[1].happened.is_empty()
            {
                self.send();
                self.now += SignedDuration::from_secs(600);
                self.work();
                rounds += 1;
                if rounds > ROUNDS {
                    return Some("it does not come to rest".to_owned());
                }
            }
            self.now += SignedDuration::from_secs(4_000);
            for side in [0, 1] {
                let ids: Vec<String> = self.accounts[side].activities.keys().cloned().collect();
                for id in ids {
                    let body = self.body(side, &id);
                    self.queue.push_back(Delivery { from: side, body, doubtful: false });
                }
            }
            self.work();
        }
        let checks = [self.doubles(), self.lost(), self.too_many()];
        checks.into_iter().flatten().next()
    }

    fn doubles(&self) -> Option<String> {
        let counts = [0, 1].map(|side| self.accounts[side].activities.len());
        let leads = [0, 1].map(|side| self.accounts[side].leads.len());
        let people = self.genuine.len();
        (counts != [people, people] || leads[0] != leads[1])
            .then(|| format!("{people} were added, and there are {counts:?} on {leads:?} leads"))
    }

    /// What was written last of each holds on both sides.
    fn lost(&self) -> Option<String> {
        for (side, id, note, place) in &self.genuine {
            let pair = Pair::of(account_id(0), account_id(1));
            let own = pair.side(account_id(*side));
            let link = self.links.iter().find(|link| link.end(own).id == *id);
            let Some(link) = link else { return Some(format!("{id} is tied to none")) };
            let twin = &link.end(own.opposite()).id;
            for (side, id) in [(*side, id), (1 - side, twin)] {
                let held = &self.accounts[side].activities[id];
                if (&held.note, &held.place) != (note, place) {
                    return Some(format!("{id} of side {side} is {held:?}, not {note}, {place}"));
                }
            }
        }
        None
    }

    /// A delivery costs one write at most, and few calls.
    fn too_many(&self) -> Option<String> {
        let writes = self.accounts[0].writes + self.accounts[1].writes;
        let most = self.deliveries;
        // Its lead is looked for and made, and the activity looked for and added.
        if self.most_calls > 4 {
            return Some(format!("a delivery took {} calls", self.most_calls));
        }
        (writes > most).then(|| format!("{writes} writes for {} deliveries", self.deliveries))
    }
}

#[test]
fn each_activity_is_there_once_and_as_it_was_left() {
    for (name, weather) in [("calm", CALM), ("rough", ROUGH), ("brutal", BRUTAL)] {
        for seed in 0..seeds() / 2 {
            let world = || World::new(seed, weather, None);
            if let Some(wrong) = world().wrong() {
                let mut again = world();
                again.story = Story(Some(Vec::new()));
                again.wrong();
                panic!("{name}, seed {seed}: {wrong}\n{}", again.story.text());
            }
        }
    }
}

#[test]
fn each_protection_of_activities_is_needed() {
    for protection in
        [Protection::Link, Protection::Looking, Protection::Reading, Protection::Versions]
    {
        let fails = |seed: u64| {
            let run = || World::new(seed, BRUTAL, Some(protection)).wrong();
            std::panic::catch_unwind(run).map_or(true, |wrong| wrong.is_some())
        };
        let some_fails = (0..500).any(fails);
        assert!(some_fails, "without {protection:?} nothing fails: the checks do not see it");
    }
}
