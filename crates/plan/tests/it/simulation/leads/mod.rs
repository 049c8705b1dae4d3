//! Leads that flow both ways: people at work in both accounts, with live automations.

mod checks;

use std::collections::BTreeMap;

use jiff::Timestamp;
use plan::metadata::{Catalogue, Field, FieldList, Kind};
use plan::payload::Removal;

use super::account::{Account, Manners};
use super::chance::Chance;
use super::posts::Posts;
use super::protection::Protection;
use super::service::Service;
use super::world::{Life, Weather, World};
use super::{definition, plain};

/// The fields of a lead that are synced: the first says whose lead it is, and nobody changes it; the
/// second is the search key.
const FIELDS: [&str; 7] =
    ["mx_Person", "EmailAddress", "FirstName", "Phone", "mx_Stage", "City", "Notes"];
const STAGES: [&[&str]; 2] = [&["Open", "Won", "Lost"], &["Offer", "Sold"]];

/// A person's edit.
struct Edit {
    at: Timestamp,
    side: usize,
    value: String,
    /// Whether the field flows from this side then. One that does not gives way to what a row that is
    /// added later brings.
    flows: bool,
}

pub struct Leads {
    world: World,
    /// Leads that people deleted or merged: on which side, whose, and whether a webhook tells it.
    removed: Vec<(usize, String, bool)>,
    /// What people did, by person and field, in order.
    edits: BTreeMap<(String, &'static str), Vec<Edit>>,
    genuine: usize,
    /// Of mappings that change: the directions as they are now.
    ways: Option<[Way; 2]>,
    /// The times that they changed.
    changes: usize,
}

/// How the accounts of this kind of world treat values.
pub const KINDS: usize = 4;

fn manners(kind: usize) -> [Manners; 2] {
    let plain = Manners::default();
    match kind {
        0 => [Manners { is_silent: true, ..plain }, Manners { shouts: true, ..plain }],
        1 => [plain, Manners { capitals: true, cut: Some(30), ..plain }],
        // One automation that has its way.
        2 => [plain, Manners { wants: Some("Sold"), is_nameless: true, ..plain }],
        // Two at war.
        _ => [Manners { wants: Some("Open"), ..plain }, Manners { wants: Some("Sold"), ..plain }],
    }
}

fn catalogue(stages: &[&str]) -> Catalogue {
    let stage = Field {
        options: stages.iter().map(|&stage| stage.to_owned()).collect(),
        ..plain("mx_Stage", Kind::Select)
    };
    Catalogue::from(FieldList::from(vec![
        plain("mx_Person", Kind::Text),
        Field { unique: true, ..plain("EmailAddress", Kind::Email) },
        plain("FirstName", Kind::Text),
        plain("Phone", Kind::Phone),
        stage,
        plain("City", Kind::Text),
        plain("Notes", Kind::Text),
        plain("mx_Mark", Kind::Text),
    ]))
}

/// The settings of a direction.
#[derive(Clone, Copy, Debug)]
struct Way {
    from: usize,
    policy: &'static str,
    has_default: bool,
    knows_country: bool,
    flaws: Flaws,
}

/// What is wrong with a direction for a while.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each flaw is there or not")]
struct Flaws {
    /// Stages are translated to others.
    stages: bool,
    country: bool,
    /// The notes are not mapped.
    notes: bool,
    /// The destination lacks the option of a stage.
    option: bool,
}

impl Flaws {
    fn by(chance: &mut Chance) -> Self {
        let [stages, country, notes, option] = [(); 4].map(|()| chance.of(400));
        Self { stages, country, notes, option }
    }
}

/// Mappings that are not each other's inverse, by chance.
fn settings(way: &Way) -> String {
    let right =
        [r#"{"Open":"Offer","Won":"Sold","Lost":"Sold"}"#, r#"{"Offer":"Open","Sold":"Won"}"#];
    let wrong =
        [r#"{"Open":"Sold","Won":"Offer","Lost":"Offer"}"#, r#"{"Offer":"Lost","Sold":"Open"}"#];
    let stages = if way.flaws.stages { wrong } else { right }[way.from];
    let city = if way.has_default { r#","default":"Unknown""# } else { "" };
    let country = match (way.flaws.country, way.knows_country) {
        (true, _) => r#""default_country_code":"US","#,
        (false, true) => r#""default_country_code":"IN","#,
        (false, false) => "",
    };
    let notes = if way.flaws.notes { "" } else { r#",{"from":"Notes","to":"Notes"}"# };
    let policy = way.policy;
    format!(
        r#""basic":{{{country}"search_by":"EmailAddress"}},
        "conflict":{{"policy":"{policy}"}},
        "removed":{{"field":"mx_Mark"}},
        "lead":{{"bad_field":"leave_out","unlisted_option":"leave_out","field":[
            {{"from":"mx_Person","to":"mx_Person"}},
            {{"from":"EmailAddress","to":"EmailAddress"}},
            {{"from":"FirstName","to":"FirstName"}},
            {{"from":"Phone","to":"Phone"}},
            {{"from":"mx_Stage","to":"mx_Stage","values":{stages}}},
            {{"from":"City","to":"City"{city}}}{notes}]}}"#,
    )
}

impl Leads {
    pub fn new(seed: u64, weather: Weather, kind: usize, without: Option<Protection>) -> Self {
        let mut chance = Chance(seed);
        let policy = *chance.one(&["newest", "newest", "source", "destination", "fill_blank"]);
        let manners = manners(kind);
        let account = |side: usize| Account {
            catalogue: catalogue(STAGES[side]),
            manners: manners[side],
            prefix: ["a", "b"][side],
            ..Account::default()
        };
        let ways = Self::ways(&mut chance, policy);
        let definitions = [0, 1].map(|from| Some(definition(from, &settings(&ways[from]))));
        let accounts = [account(0), account(1)];
        Self {
            world: World::new((chance, weather), accounts, definitions, without)
                .posting(Posts::of(seed)),
            removed: Vec::new(),
            edits: BTreeMap::new(),
            genuine: 0,
            ways: None,
            changes: 0,
        }
    }

    /// The same, with mappings and options that are wrong at first, change in the middle of a life
    /// and are right in the end.
    pub fn remapped(seed: u64, weather: Weather, kind: usize, without: Option<Protection>) -> Self {
        let mut one = Self::new(seed, weather, kind, without);
        let policy = *one.world.chance.one(&["newest", "source", "destination", "fill_blank"]);
        one.ways = Some(Self::ways(&mut one.world.chance, policy));
        one.change(Flaws::by);
        one
    }

    fn ways(chance: &mut Chance, policy: &'static str) -> [Way; 2] {
        [0, 1].map(|from| {
            let [has_default, knows_country] = [chance.of(500), chance.of(500)];
            Way { from, policy, has_default, knows_country, flaws: Flaws::default() }
        })
    }

    /// The mappings and the options of the accounts get these flaws.
    fn change(&mut self, flaws: impl Fn(&mut Chance) -> Flaws) {
        let Some(ways) = &mut self.ways else { return };
        for way in ways.iter_mut() {
            way.flaws = flaws(&mut self.world.chance);
        }
        let World { accounts, service, now, .. } = &mut self.world;
        for way in ways {
            let stages = STAGES[1 - way.from];
            let stages = if way.flaws.option { &stages[1..] } else { stages };
            accounts[1 - way.from].catalogue = catalogue(stages);
            service.set_up(way.from, definition(way.from, &settings(way)));
            service.story.add(|| format!("{now} from {}: {:?}", way.from, way.flaws));
        }
        service.read_metadata(accounts);
        self.changes += 1;
    }

    fn service(&self) -> &Service {
        &self.world.service
    }

    fn is_removed(&self, person: &str) -> bool {
        self.removed.iter().any(|(_, gone, _)| gone == person)
    }

    /// Whether the person has a lead here that is tied to one there.
    fn is_linked(&self, side: usize, person: &str) -> bool {
        let id = self.world.accounts[side].by("mx_Person", person);
        id.is_some_and(|id| self.service().link_of(side, id.as_str()).is_some())
    }

    /// A person does something in one of the accounts.
    fn person(&mut self) {
        let chance = &mut self.world.chance;
        let side = chance.below(2);
        let person = format!("person{}", chance.below(3));
        let is_linked = self.is_linked(side, &person);
        if is_linked && self.world.chance.of(30) && !self.is_removed(&person) {
            return self.remove(side, person);
        }
        let chance = &mut self.world.chance;
        // Who is known by id may get another address; before, it would be somebody else.
        let first = if is_linked { 1 } else { 2 };
        let field = *chance.one(&FIELDS[first..]);
        // Where both sides change a stage while a wrong table makes the two seem alike, that can't be
        // told from an agreement: the stages stay apart once the table is right.
        if field == "mx_Stage" && side == 1 && self.ways.is_some() {
            return;
        }
        let value = match field {
            "EmailAddress" => format!("{person}.{}@example.com", chance.below(10_000)),
            "mx_Stage" => (*chance.one(STAGES[side])).to_owned(),
            "Phone" => {
                // Without a country, for which the settings have one, in a world where it changes.
                let code = if self.ways.is_some() && chance.of(500) { "" } else { "+91-" };
                format!("{code}98{:08}", chance.below(100_000_000))
            }
            "Notes" => format!("a note that is long enough to be cut: {}", chance.below(10_000)),
            _ => format!("V{}", chance.below(10_000)),
        };
        let now = self.world.now;
        let account = &mut self.world.accounts[side];
        if let Some(id) = account.by("mx_Person", &person) {
            if account.leads[&id].get(field) == Some(value.as_str()) {
                return;
            }
            account.edit(&id, &[(field, &value)], now);
        } else if self.removed.iter().any(|(_, gone, _)| *gone == person) {
            return;
        } else {
            let email = format!("{person}@example.com");
            let fields =
                [("mx_Person", person.as_str()), ("EmailAddress", &email), (field, &value)];
            account.add(&fields, now).expect("there is none yet");
        }
        self.world.service.story.add(|| format!("{now} side {side}: {person} {field} = {value}"));
        self.genuine += 1;
        let flows = self.ways.is_none_or(|ways| field != "Notes" || !ways[side].flaws.notes);
        let edit = Edit { at: now, side, value, flows };
        self.edits.entry((person, field)).or_default().push(edit);
    }

    /// A person deletes a lead, or merges it into one that is of no matter here.
    fn remove(&mut self, side: usize, person: String) {
        let account = &mut self.world.accounts[side];
        let Some(id) = account.by("mx_Person", &person) else { return };
        let lead = account.remove(&id).expect("it was found");
        let removal = *self.world.chance.one(&[Removal::Deleted, Removal::Merged]);
        let now = self.world.now;
        self.world.service.story.add(|| format!("{now} side {side}: {person} {removal:?}"));
        let is_told = self.world.post_removal(side, &lead, removal);
        self.removed.push((side, person, is_told));
    }
}

impl Life for Leads {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn wrong(&mut self) -> Option<String> {
        const EDITS: usize = 24;
        for edit in 0..EDITS {
            if edit % 5 == 4 {
                self.change(Flaws::by);
            }
            self.person();
            self.world.send();
            let pause = *self.world.chance.one(&[0, 1, 2, 7, 60, 600, 4_000]);
            self.world.pass(pause);
            if self.world.chance.of(800) {
                self.world.work();
            }
        }
        self.change(|_| Flaws::default());
        self.world.come_to_rest().or_else(|| self.check())
    }
}
