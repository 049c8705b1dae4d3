//! Two-way sync, simulated: two accounts with live automations, people at work in both, webhooks
//! that come twice, late, out of order or never, calls whose answers are lost, and crashes; all by
//! chance that a seed repeats, without a clock, a network or a wait.
//!
//! `LEADSYNC_SEEDS=100000 cargo test --release -p plan --test it simulation` is the long run.

mod account;
mod activities;
mod chance;
mod engine;

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use plan::connector::Definition;
use plan::decide::{Change, Dispute, Ruling};
use plan::mapping::Mapping;
use plan::metadata::{Catalogue, Field, FieldList, Kind};
use plan::payload::Removal;
use plan::snapshot::Snapshot;
use plan::value;

use account::{Account, Manners};
use chance::Chance;
use engine::{Delivery, Direction, Engine, Faults, Outside, Protection, Story};

/// The fields of a lead that are synced: the first says whose lead it is, and nobody changes it; the
/// second is the search key.
pub const FIELDS: [&str; 7] =
    ["mx_Person", "EmailAddress", "FirstName", "Phone", "mx_Stage", "City", "Notes"];

/// How rough the world is.
#[derive(Clone, Copy, Debug)]
struct Weather {
    /// Webhooks that never come, in thousandths; those that come twice; those that come late.
    dropped: u64,
    doubled: u64,
    late: u64,
    faults: Faults,
    /// What the engine writes fires the account's automation as well.
    echoes: bool,
}

const CALM: Weather = Weather {
    dropped: 0,
    doubled: 0,
    late: 0,
    faults: Faults { lost_before: 0, lost_after: 0, crash: 0 },
    echoes: true,
};
const ROUGH: Weather = Weather {
    dropped: 30,
    doubled: 200,
    late: 150,
    faults: Faults { lost_before: 50, lost_after: 50, crash: 50 },
    echoes: true,
};
const BRUTAL: Weather = Weather {
    dropped: 150,
    doubled: 500,
    late: 500,
    faults: Faults { lost_before: 150, lost_after: 150, crash: 200 },
    echoes: true,
};

/// A person's edit: when, on which side, to what.
type Edit = (Timestamp, usize, String);

struct World {
    accounts: [Account; 2],
    engine: Engine,
    now: Timestamp,
    chance: Chance,
    weather: Weather,
    /// Webhooks on their way: when they come, and what they are.
    on_their_way: Vec<(Timestamp, Delivery)>,
    /// Leads that people deleted or merged: on which side, whose, and whether a webhook tells it.
    removed: Vec<(usize, String, bool)>,
    /// What people did, by person and field, in order.
    edits: BTreeMap<(String, &'static str), Vec<Edit>>,
    genuine: usize,
}

fn catalogue(stages: &[&str]) -> Catalogue {
    let field = |name: &str, kind| {
        let is_stage = name == "mx_Stage";
        let options = stages.iter().filter(|_| is_stage).map(|&stage| stage.to_owned()).collect();
        Field { options, ..plain(name, name, kind) }
    };
    Catalogue::from(FieldList::from(vec![
        field("mx_Person", Kind::Text),
        field("EmailAddress", Kind::Email),
        field("FirstName", Kind::Text),
        field("Phone", Kind::Phone),
        field("mx_Stage", Kind::Select),
        field("City", Kind::Text),
        field("Notes", Kind::Text),
    ]))
}

/// A field as accounts have them: the email address is unique.
fn plain(name: &str, display: &str, kind: Kind) -> Field {
    Field {
        schema_name: name.to_owned(),
        display_name: display.to_owned(),
        kind,
        max_length: None,
        options: Vec::new(),
        unique: name == "EmailAddress",
        mandatory: false,
        read_only: false,
    }
}

const STAGES: [&[&str]; 2] = [&["Open", "Won", "Lost"], &["Offer", "Sold"]];

/// The settings of a direction: mappings that are not each other's inverse, by chance.
fn settings(from: usize, chance: &mut Chance, policy: &str) -> String {
    let stages =
        [r#"{"Open":"Offer","Won":"Sold","Lost":"Sold"}"#, r#"{"Offer":"Open","Sold":"Won"}"#];
    let city = if chance.of(500) { r#","default":"Unknown""# } else { "" };
    let country = if chance.of(500) { r#""default_country_code":"IN","# } else { "" };
    format!(
        r#"{{"name":"c{from}","source":"{from}","destination":"{}",
        "basic":{{{country}"search_by":"EmailAddress"}},
        "conflict":{{"policy":"{policy}"}},
        "removed":{{"field":"mx_Mark"}},
        "lead":{{"field":[
            {{"from":"mx_Person","to":"mx_Person"}},
            {{"from":"EmailAddress","to":"EmailAddress"}},
            {{"from":"FirstName","to":"FirstName"}},
            {{"from":"Phone","to":"Phone"}},
            {{"from":"mx_Stage","to":"mx_Stage","values":{}}},
            {{"from":"City","to":"City"{city}}},
            {{"from":"Notes","to":"Notes"}}]}}}}"#,
        1 - from,
        stages[from],
    )
}

impl World {
    fn new(
        seed: u64,
        weather: Weather,
        without: Option<Protection>,
        manners: [Manners; 2],
    ) -> Self {
        let mut chance = Chance(seed);
        let policy = *chance.one(&["newest", "newest", "source", "destination", "fill_blank"]);
        let catalogues = [catalogue(STAGES[0]), catalogue(STAGES[1])];
        let directions = [0, 1].map(|from| {
            let settings = settings(from, &mut chance, policy);
            let definition: Definition = serde_json::from_str(&settings).expect("settings");
            let mapping = Mapping::new(&definition, &catalogues[from], &catalogues[1 - from]);
            Direction { definition, mapping }
        });
        let account = |number: usize| Account {
            manners: manners[number],
            prefix: ["a", "b"][number],
            ..Account::default()
        };
        Self {
            accounts: [account(0), account(1)],
            engine: Engine {
                directions,
                links: Vec::new(),
                gone: std::collections::BTreeSet::new(),
                queue: VecDeque::new(),
                without,
                disputes: Vec::new(),
                frozen: 0,
                reviews: 0,
                strangers: None,
                most_calls: [0, 0],
                story: Story::default(),
            },
            now: "2026-01-01T00:00:00Z".parse().unwrap(),
            chance,
            weather,
            on_their_way: Vec::new(),
            removed: Vec::new(),
            edits: BTreeMap::new(),
            genuine: 0,
        }
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    /// A person does something in one of the accounts.
    fn person(&mut self) {
        let side = self.chance.below(2);
        let person = format!("person{}", self.chance.below(3));
        let is_linked = self.is_linked(side, &person);
        if is_linked
            && self.chance.of(30)
            && self.removed.iter().all(|(_, gone, _)| *gone != person)
        {
            return self.remove(side, person);
        }
        // Who is known by id may get another address; before, it would be somebody else.
        let first = if is_linked { 1 } else { 2 };
        let field = *self.chance.one(&FIELDS[first..]);
        let value = match field {
            "EmailAddress" => format!("{person}.{}@example.com", self.chance.below(10_000)),
            "mx_Stage" => (*self.chance.one(STAGES[side])).to_owned(),
            "Phone" => format!("+91-98{:08}", self.chance.below(100_000_000)),
            "Notes" => {
                format!("a note that is long enough to be cut: {}", self.chance.below(10_000))
            }
            _ => format!("V{}", self.chance.below(10_000)),
        };
        let change = |to: &str, value: &str| Change::new(to, Kind::Text, value);
        let account = &mut self.accounts[side];
        let id = account.by_person(&person).map(str::to_owned);
        let held = id.as_ref().and_then(|id| account.leads[id].get(field));
        if held == Some(value.as_str()) {
            return;
        }
        if let Some(id) = id {
            account.update(&id, &[change(field, &value)], self.now, false);
        } else if self.removed.iter().any(|(_, gone, _)| *gone == person) {
            return;
        } else {
            let email = format!("{person}@example.com");
            let fields = [
                change("mx_Person", &person),
                change("EmailAddress", &email),
                change(field, &value),
            ];
            account.create(&fields, self.now, false).expect("there is none yet");
        }
        let now = self.now;
        self.engine.story.add(|| format!("{now} side {side}: {person} {field} = {value}"));
        self.genuine += 1;
        self.edits.entry((person, field)).or_default().push((self.now, side, value));
    }

    /// Whether the person has a lead here that is tied to one there.
    fn is_linked(&self, side: usize, person: &str) -> bool {
        let id = self.accounts[side].by_person(person);
        id.is_some_and(|id| {
            let mut links = self.engine.links.iter();
            links.any(|link| [&link.first, &link.second].iter().any(|end| end.id == id))
        })
    }

    /// A person deletes a lead, or merges it into one that is of no matter here.
    fn remove(&mut self, side: usize, person: String) {
        let account = &mut self.accounts[side];
        let Some(id) = account.by_person(&person).map(str::to_owned) else { return };
        let Some(lead) = account.leads.remove(&id) else { return };
        account.happened.retain(|happened| happened.lead != id);
        let removal = *self.chance.one(&[Removal::Deleted, Removal::Merged]);
        let now = self.now;
        self.engine.story.add(|| format!("{now} side {side}: {person} {removal:?}"));
        let is_told = !self.chance.of(self.weather.dropped);
        if is_told {
            let delivery = Delivery { from: side, lead, removal: Some(removal), doubtful: false };
            self.post(&delivery);
        }
        self.removed.push((side, person, is_told));
    }

    /// Webhooks are sent about what happened.
    fn send(&mut self) {
        for side in [0, 1] {
            for happened in std::mem::take(&mut self.accounts[side].happened) {
                if happened.by_engine && !self.weather.echoes {
                    continue;
                }
                if self.chance.of(self.weather.dropped) {
                    continue;
                }
                // What is posted is the state at the time of sending, not of coming.
                let lead = self.accounts[side].leads[&happened.lead].clone();
                self.post(&Delivery { from: side, lead, removal: None, doubtful: false });
            }
        }
    }

    /// A webhook goes on its way, once or more often.
    fn post(&mut self, delivery: &Delivery) {
        let times = 1 + usize::from(self.chance.of(self.weather.doubled));
        for _ in 0..times {
            let late = if self.chance.of(self.weather.late) { 3_600 } else { 3 };
            let wait = i64::try_from(self.chance.below(late * 1_000)).unwrap();
            let at = self.now + SignedDuration::from_millis(wait);
            self.on_their_way.push((at, delivery.clone()));
        }
    }

    /// What came by now is worked.
    fn work(&mut self) {
        let mut come: Vec<(Timestamp, Delivery)> = Vec::new();
        let now = self.now;
        self.on_their_way.retain(|(at, delivery)| {
            let comes = *at <= now;
            if comes {
                come.push((*at, delivery.clone()));
            }
            !comes
        });
        come.sort_by_key(|(at, _)| *at);
        self.engine.queue.extend(come.into_iter().map(|(_, delivery)| delivery));
        while let Some(delivery) = self.engine.queue.pop_front() {
            let lead = delivery.lead.get("ProspectID").unwrap_or_default();
            let now = self.now;
            self.engine.story.add(|| format!("{now} from {} about {lead}", delivery.from));
            let mut outside = Outside {
                accounts: &mut self.accounts,
                now: &mut self.now,
                faults: self.weather.faults,
                chance: &mut self.chance,
            };
            self.engine.work(delivery, &mut outside);
        }
    }

    /// Lets everything come to rest, and says whether it did.
    fn settle(&mut self) -> bool {
        const MOST_ROUNDS: usize = 400;
        for _ in 0..MOST_ROUNDS {
            self.send();
            if self.on_their_way.is_empty() && self.engine.queue.is_empty() {
                return true;
            }
            self.pass(30);
            if let Some(last) = self.on_their_way.iter().map(|(at, _)| *at).max()
                && self.engine.queue.is_empty()
                && self.chance.of(300)
            {
                self.now = self.now.max(last);
            }
            self.work();
        }
        false
    }

    /// Every lead of both sides is read once more, as a backfill does.
    fn sweep(&mut self) {
        for side in [0, 1] {
            let leads: Vec<Snapshot> = self.accounts[side].leads.values().cloned().collect();
            let deliveries = leads.into_iter().map(|lead| Delivery {
                from: side,
                lead,
                removal: None,
                doubtful: false,
            });
            self.engine.queue.extend(deliveries);
            self.work();
        }
    }

    fn run(&mut self) {
        const EDITS: usize = 24;
        for _ in 0..EDITS {
            self.person();
            self.send();
            let pause = *self.chance.one(&[0, 1, 2, 7, 60, 600, 4_000]);
            self.pass(pause);
            if self.chance.of(800) {
                self.work();
            }
        }
    }

    /// Runs to the end; what is wrong then, if anything.
    fn wrong(&mut self) -> Option<String> {
        self.run();
        for _ in 0..3 {
            if !self.settle() {
                return Some("it does not come to rest".to_owned());
            }
            self.pass(4_000);
            self.sweep();
        }
        if !self.settle() {
            return Some("it does not come to rest".to_owned());
        }
        if let Some(dispute) = &self.engine.strangers {
            return Some(format!("the two sides met before: {dispute:?}"));
        }
        let writes = self.accounts[0].writes + self.accounts[1].writes;
        let checks = [
            self.doubles(),
            self.unmarked(),
            self.disagreement(),
            self.lost(),
            self.phantoms(),
            self.too_many(writes),
        ];
        checks.into_iter().flatten().next()
    }

    /// Each person is one lead on each side.
    fn doubles(&self) -> Option<String> {
        for (side, account) in self.accounts.iter().enumerate() {
            let mut emails: Vec<&str> =
                account.leads.values().filter_map(|lead| lead.get("EmailAddress")).collect();
            emails.sort_unstable();
            let before = emails.len();
            emails.dedup();
            if emails.len() != before {
                return Some(format!("side {side} has a lead twice"));
            }
        }
        let people: std::collections::BTreeSet<&str> = self
            .accounts
            .iter()
            .flat_map(|account| account.leads.values())
            .filter_map(|lead| lead.get("mx_Person"))
            .collect();
        for person in people {
            let has = |account: &Account| {
                account.leads.values().filter(|lead| lead.get("mx_Person") == Some(person)).count()
            };
            let counts = [has(&self.accounts[0]), has(&self.accounts[1])];
            let gone = self.removed.iter().find(|(_, gone, _)| gone == person);
            let is_right = match gone {
                None => counts == [1, 1] && self.is_linked(0, person),
                Some((side, ..)) => counts[1 - side] == 1 && counts[*side] <= 1,
            };
            if !is_right {
                return Some(format!("{person} has {counts:?} leads"));
            }
        }
        None
    }

    /// A lead whose counterpart is gone is marked, if a webhook told it, and then not made again.
    fn unmarked(&self) -> Option<String> {
        for (side, person, is_told) in &self.removed {
            let there = &self.accounts[1 - side];
            let lead = there.by_person(person).map(|id| &there.leads[id])?;
            let is_marked = lead.filled("mx_Mark").is_some();
            let is_back = self.accounts[*side].by_person(person).is_some();
            if is_marked == is_back && (*is_told || is_marked) {
                return Some(format!("{person}, marked: {is_marked}, made again: {is_back}"));
            }
        }
        None
    }

    /// What either side holds, brought to the other, is what the other holds, or what it held when
    /// the two agreed.
    fn disagreement(&self) -> Option<String> {
        for link in &self.engine.links {
            let leads = (
                self.accounts[0].leads.get(&link.first.id),
                self.accounts[1].leads.get(&link.second.id),
            );
            let (Some(a), Some(b)) = leads else { continue };
            // Of two automations at war one always comes last.
            let is_war = self.accounts.iter().all(|account| account.manners.wants.is_some());
            for field in FIELDS[1..].iter().filter(|field| !(is_war && **field == "mx_Stage")) {
                let left =
                    [&link.first, &link.second].iter().any(|end| end.frozen.contains_key(*field))
                        || self.engine.is_left(&link.first.id, field)
                        || self.engine.is_left(&link.second.id, field);
                let agrees = [(0, a, b), (1, b, a)].iter().any(|(from, here, there)| {
                    let direction = &self.engine.directions[*from];
                    let item = plan::payload::Item::from_state(plan::outcome::Entity::Lead, here);
                    let mapped = direction.mapping.apply(&item);
                    let Some(sent) = mapped.get(field) else { return false };
                    let held = there.get(field).unwrap_or_default();
                    let reading = direction.mapping.reading();
                    match sent.sent.written() {
                        Some(sent) => {
                            value::holds(Kind::Text, sent, held, reading)
                                || (*field == "Phone"
                                    && value::same(Kind::Phone, sent, held, reading))
                                || sent.eq_ignore_ascii_case(held)
                                || (held.len() > 20 && sent.starts_with(held))
                        }
                        None => held.is_empty() || sent.default.as_deref() == Some(held),
                    }
                });
                if !agrees && !left {
                    return Some(format!(
                        "{field} of {} is {:?}, of {} {:?}",
                        link.first.id,
                        a.get(field),
                        link.second.id,
                        b.get(field)
                    ));
                }
            }
        }
        None
    }

    /// The last edit of a field holds, unless somebody edited it on the other side, or the record
    /// says who won.
    fn lost(&self) -> Option<String> {
        const RIVAL: SignedDuration = SignedDuration::from_secs(8_000);
        for ((person, field), edits) in &self.edits {
            // What was written of a lead that is gone is gone with it.
            if self.removed.iter().any(|(_, gone, _)| gone == person) {
                continue;
            }
            let Some((at, side, value)) = edits.last() else { continue };
            let has_rival = edits
                .iter()
                .any(|(other, there, _)| there != side && at.duration_since(*other) < RIVAL);
            let account = &self.accounts[*side];
            let Some(id) = account.by_person(person) else {
                return Some(format!("{person} is gone"));
            };
            let held = account.leads[id].get(field).unwrap_or_default();
            let manners = account.manners;
            let kept = held.eq_ignore_ascii_case(value)
                || (manners.cut.is_some() && value.starts_with(held))
                || manners.wants == Some(held);
            let other = &self.accounts[1 - *side];
            let disputed = self.engine.disputes.iter().any(|(lead, dispute)| {
                dispute.field == **field
                    && (Some(lead.as_str()) == account.by_person(person)
                        || Some(lead.as_str()) == other.by_person(person))
            });
            if !kept && !has_rival && !disputed && other.manners.wants.is_none() {
                return Some(format!("{person} {field} = {value} at {at} is lost: it is {held}"));
            }
        }
        None
    }

    /// Where accounts keep what they are sent, both sides changed a field only if people of both
    /// did: what we wrote ourselves is nobody's change.
    fn phantoms(&self) -> Option<String> {
        let is_plain = |account: &Account| {
            let Manners { capitals, cut, wants } = account.manners;
            !capitals && cut.is_none() && wants.is_none()
        };
        if !self.accounts.iter().all(is_plain) {
            return None;
        }
        let ruled = |dispute: &Dispute| dispute.ruling != Ruling::Left;
        let mut disputes = self.engine.disputes.iter().filter(|(_, dispute)| ruled(dispute));
        let phantom = disputes.find(|(id, dispute)| {
            let lead = self.accounts.iter().find_map(|account| account.leads.get(id));
            let person = lead.and_then(|lead| lead.get("mx_Person")).unwrap_or_default();
            // Of a lead that is gone nothing is known any more.
            if lead.is_none() || self.removed.iter().any(|(_, gone, _)| gone == person) {
                return false;
            }
            let field = FIELDS.iter().find(|field| **field == dispute.field);
            let edits = field.and_then(|field| self.edits.get(&(person.to_owned(), *field)));
            [0, 1].iter().any(|side| edits.into_iter().flatten().all(|(_, there, _)| there != side))
        });
        phantom
            .map(|(id, dispute)| format!("nobody but us changed both sides of {id}: {dispute:?}"))
    }

    /// Each edit costs at most one write a side, besides the creation of a lead on either side, and
    /// what automations make of it.
    fn too_many(&self, writes: usize) -> Option<String> {
        let automations = self.accounts.iter().any(|account| account.manners.wants.is_some());
        let repeats = if self.weather.faults.lost_after > 0 { 2 } else { 1 };
        // A lead that is gone unheard is made again, with all its fields, and one that is heard of
        // is marked.
        let removed = 6 * repeats * self.removed.len();
        // Two reads, and a write to each side; a lead that is matched first, or made again, is looked
        // for by its key, read, and made besides.
        let [linked, any] = self.engine.most_calls;
        if linked > 4 || any > 8 {
            return Some(format!("a delivery took {linked} calls, or {any}"));
        }
        let most = 2 * repeats * self.genuine + 6 + removed + if automations { 40 * 3 } else { 0 };
        (writes > most).then(|| format!("{writes} writes for {} edits", self.genuine))
    }
}

fn manners(kind: usize) -> [Manners; 2] {
    let plain = Manners::default();
    match kind {
        0 => [plain, plain],
        1 => [plain, Manners { capitals: true, cut: Some(30), ..plain }],
        // One automation that has its way.
        2 => [plain, Manners { wants: Some("Sold"), ..plain }],
        // Two at war.
        _ => [Manners { wants: Some("Open"), ..plain }, Manners { wants: Some("Sold"), ..plain }],
    }
}

fn seeds() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the long run by hand is longer than that of CI")]
    let said = std::env::var("LEADSYNC_SEEDS").ok();
    said.and_then(|text| text.parse().ok()).unwrap_or(1_000)
}

#[test]
fn two_accounts_end_equal_and_nothing_is_lost() {
    for (name, weather) in [("calm", CALM), ("rough", ROUGH), ("brutal", BRUTAL)] {
        for kind in 0..4 {
            for seed in 0..seeds() / 4 {
                let world = || World::new(seed, weather, None, manners(kind));
                if let Some(wrong) = world().wrong() {
                    let mut again = world();
                    again.engine.story = Story(Some(Vec::new()));
                    again.wrong();
                    let story = again.engine.story.text();
                    panic!("{name}, manners {kind}, seed {seed}: {wrong}\n{story}");
                }
            }
        }
    }
}

#[test]
fn each_protection_is_needed() {
    for (protection, kinds) in [
        (Protection::Base, 0..3),
        (Protection::Versions, 0..3),
        (Protection::Merge, 0..3),
        (Protection::Intent, 0..3),
        (Protection::Breaker, 3..4),
        (Protection::Graves, 0..3),
    ] {
        let fails = |seed: u64, kind: usize| {
            let run = || World::new(seed, BRUTAL, Some(protection), manners(kind)).wrong();
            std::panic::catch_unwind(run).map_or(true, |wrong| wrong.is_some())
        };
        let some_fails = (0..2_000).any(|seed| kinds.clone().any(|kind| fails(seed, kind)));
        assert!(some_fails, "without {protection:?} nothing fails: the checks do not see it");
    }
}
