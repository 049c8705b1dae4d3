//! Leads that both accounts had before the connectors were set up: each pair of them meets by the
//! webhook that comes first, by one that looks at them only, or long after the others.
//!
//! A life has two parts with a rest between them. In the first one, leads meet that somebody edits or
//! looks at; in the second one, they are linked, and the others may still meet.

mod checks;
mod expected;

use std::collections::BTreeMap;

use jiff::Timestamp;
use plan::id::LeadId;
use plan::metadata::{Catalogue, Field, FieldList, Kind};

use super::account::Account;
use super::chance::Chance;
use super::posts::Posts;
use super::protection::Protection;
use super::service::Service;
use super::world::{Life, Weather, World};
use super::{definition, plain};

/// The people; each has a lead in both accounts.
const PEOPLE: usize = 4;
/// What is edited.
const FIELDS: [&str; 3] = ["City", "mx_Hobby", "mx_Stage"];
/// The stages of the two accounts. The last one of each doesn't exist in the other account, and can't be sent.
const STAGES: [[&str; 3]; 2] = [["Open", "Won", "Odd"], ["Offer", "Sold", "Rare"]];
const PREFIXES: [&str; 2] = ["a", "b"];
const PARTS: usize = 2;

/// Which world it is.
#[derive(Clone, Copy, Debug)]
struct Terms {
    /// `first_meeting` of the connectors in each part of the life, by the side of their source.
    modes: [[&'static str; 2]; PARTS],
    policy: &'static str,
    posts: Posts,
    /// Whether an empty value empties the other side's.
    clears: bool,
    /// In which part a connector is disabled for a while.
    disabled: Option<(usize, usize)>,
    /// In which parts leads are looked at before their webhooks came.
    looks: [bool; PARTS],
    /// Whether people retry what went well.
    retries: bool,
}

impl Terms {
    fn by(chance: &mut Chance) -> Self {
        const MODES: [&str; 8] = [
            "changed",
            "changed",
            "changed",
            "changed",
            "fill_blank",
            "source",
            "destination",
            "newest",
        ];
        let mode = *chance.one(&MODES);
        let mut modes = [[mode; 2]; PARTS];
        match chance.below(5) {
            // The two connectors differ,
            0 => modes = [[mode, *chance.one(&MODES)]; PARTS],
            // or they are changed once some leads have met.
            1 => modes[1] = [*chance.one(&MODES); 2],
            _ => {}
        }
        Self {
            modes,
            policy: *chance.one(&["newest", "newest", "source", "destination", "fill_blank"]),
            posts: Posts::by(chance),
            clears: chance.of(400),
            disabled: chance.of(250).then(|| (chance.below(PARTS), chance.below(2))),
            looks: [(); PARTS].map(|()| chance.of(250)),
            retries: chance.of(400),
        }
    }
}

/// What a person gave a field, and in which part of the life.
struct Edit {
    side: usize,
    value: String,
    part: usize,
}

pub struct Meetings {
    world: World,
    terms: Terms,
    /// What people edit, and where leads begin.
    own: Chance,
    /// What the fields of people's leads held in the beginning, and between the two parts.
    first: BTreeMap<(usize, &'static str), [String; 2]>,
    middle: BTreeMap<(usize, &'static str), [String; 2]>,
    /// Whose leads had met between the two parts.
    had_met: [bool; PEOPLE],
    edits: BTreeMap<(usize, &'static str), Vec<Edit>>,
}

fn catalogue(side: usize) -> Catalogue {
    let options = STAGES[side].map(str::to_owned).to_vec();
    Catalogue::from(FieldList::from(vec![
        Field { unique: true, ..plain("EmailAddress", Kind::Email) },
        plain("City", Kind::Text),
        plain("mx_Hobby", Kind::Text),
        Field { options, ..plain("mx_Stage", Kind::Select) },
    ]))
}

fn settings(terms: &Terms, part: usize, from: usize) -> String {
    let [here, there] = [STAGES[from], STAGES[1 - from]];
    let stages = format!(r#"{{"{}":"{}","{}":"{}"}}"#, here[0], there[0], here[1], there[1]);
    format!(
        r#""conflict":{{"policy":"{policy}","first_meeting":"{mode}"}},
        "lead":{{"blank":"{blank}","unlisted_option":"leave_out","field":[
            {{"from":"EmailAddress","to":"EmailAddress"}},{{"from":"City","to":"City"}},
            {{"from":"mx_Hobby","to":"mx_Hobby"}},
            {{"from":"mx_Stage","to":"mx_Stage","values":{stages}}}]}}"#,
        policy = terms.policy,
        mode = terms.modes[part][from],
        blank = if terms.clears { "clear" } else { "leave" },
    )
}

fn lead(side: usize, person: usize) -> LeadId {
    LeadId::new(&format!("{}{}", PREFIXES[side], person + 1))
}

impl Meetings {
    pub fn new(seed: u64, weather: Weather, without: Option<Protection>) -> Self {
        let mut own = Chance(seed ^ 0x3ee7);
        let mut terms = Terms::by(&mut own);
        // One way, it is not kept what is about to be written: what a lost call wrote passes for an
        // edit later.
        terms.disabled = terms.disabled.filter(|_| weather.faults.lost_after == 0);
        let account = |side: usize| Account {
            catalogue: catalogue(side),
            prefix: PREFIXES[side],
            ..Account::default()
        };
        let definitions = [0, 1].map(|from| Some(definition(from, &settings(&terms, 0, from))));
        let accounts = [account(0), account(1)];
        let mut world = World::new((Chance(seed), weather), accounts, definitions, without)
            .posting(terms.posts);
        world.service.done = terms.retries.then(Vec::new);
        Self {
            world,
            terms,
            own,
            first: BTreeMap::new(),
            middle: BTreeMap::new(),
            had_met: [false; PEOPLE],
            edits: BTreeMap::new(),
        }
    }

    fn service(&self) -> &Service {
        &self.world.service
    }

    fn held(&self, side: usize, person: usize, field: &str) -> &str {
        self.world.accounts[side].leads[&lead(side, person)].get(field).unwrap_or_default()
    }

    fn all_held(&self) -> BTreeMap<(usize, &'static str), [String; 2]> {
        let cells = (0..PEOPLE).flat_map(|person| FIELDS.map(|field| (person, field)));
        let held = |(person, field)| [0, 1].map(|side| self.held(side, person, field).to_owned());
        cells.map(|cell| (cell, held(cell))).collect()
    }

    fn tell(&mut self, what: impl FnOnce(Timestamp) -> String) {
        let now = self.world.now;
        self.world.service.story.add(|| format!("{now} {}", what(now)));
    }

    /// The accounts as they are when the connectors are set up.
    fn begin(&mut self) {
        let terms = self.terms;
        self.tell(|_| format!("{terms:?}"));
        for person in 0..PEOPLE {
            // Alike, different, or empty on one side.
            let values: Vec<[String; 2]> = FIELDS
                .iter()
                .map(|field| {
                    let [mut here, mut there] = [0, 1].map(|side| match *field {
                        "mx_Stage" => (*self.own.one(&STAGES[side])).to_owned(),
                        _ => format!("Old of {side}"),
                    });
                    match self.own.below(5) {
                        0 | 1 if *field == "mx_Stage" => {
                            let at = self.own.below(2);
                            (here, there) = (STAGES[0][at].to_owned(), STAGES[1][at].to_owned());
                        }
                        0 | 1 => there.clone_from(&here),
                        2 => [&mut here, &mut there][self.own.below(2)].clear(),
                        _ => {}
                    }
                    [here, there]
                })
                .collect();
            let email = format!("p{person}@example.com");
            for side in [0, 1] {
                let mut fields = vec![("EmailAddress", email.as_str())];
                fields.extend(FIELDS.iter().zip(&values).map(|(to, of)| (*to, of[side].as_str())));
                let now = self.world.now;
                self.world.accounts[side].add(&fields, now).expect("there is none yet");
                self.tell(|_| format!("{} begins as {fields:?}", lead(side, person)));
            }
        }
        // No webhook reported it, nor what people did since.
        self.world.pass(100_000);
        let now = self.world.now;
        for (side, account) in self.world.accounts.iter_mut().enumerate() {
            for person in 0..PEOPLE {
                account.edit(&lead(side, person), &[], now);
            }
            account.happened.clear();
        }
        self.world.pass(100_000);
        self.first = self.all_held();
    }

    /// Somebody edits a lead of one of the accounts.
    fn person(&mut self, part: usize) {
        let person = self.own.below(PEOPLE);
        // Most people are known to one of the accounts better.
        let side = if self.own.of(750) { person % 2 } else { self.own.below(2) };
        let field = *self.own.one(&FIELDS);
        let value = match field {
            _ if self.own.of(150) => String::new(),
            "mx_Stage" => (*self.own.one(&STAGES[side])).to_owned(),
            _ => format!("New{}", self.own.below(100_000)),
        };
        if self.held(side, person, field) == value {
            return;
        }
        let (id, now) = (lead(side, person), self.world.now);
        self.world.accounts[side].edit(&id, &[(field, &value)], now);
        self.tell(|_| format!("{id} {field} = {value}"));
        self.edits.entry((person, field)).or_default().push(Edit { side, value, part });
    }

    fn live(&mut self, part: usize) -> Option<String> {
        const MOST_EDITS: usize = 10;
        let edits = self.own.below(MOST_EDITS);
        let disabled = self.terms.disabled.filter(|(at, _)| *at == part);
        for edit in 0..edits {
            if let Some((_, side)) = disabled.filter(|_| edit == edits / 3) {
                self.tell(|_| format!("from {side} is disabled"));
                self.world.service.disable(side);
            }
            self.person(part);
            self.world.send();
            let pause = *self.own.one(&[0, 1, 2, 7, 60, 600, 4_000]);
            self.world.pass(pause);
            if self.own.of(700) {
                self.world.work();
            }
            if self.terms.looks[part] && self.own.of(200) {
                self.tell(|_| "all are looked at".to_owned());
                self.world.sweep();
            }
            if self.terms.retries && self.own.of(300) {
                let World { service, now, .. } = &mut self.world;
                service.retry_one(&mut self.own, *now);
            }
        }
        self.world.service.enable_all();
        self.rest()
    }

    /// All that was sent is done.
    fn rest(&mut self) -> Option<String> {
        const ROUNDS: usize = 5;
        for _ in 0..ROUNDS {
            if !self.world.settle() {
                return Some("it does not come to rest".to_owned());
            }
            if self.service().failed.is_empty() {
                return None;
            }
            let now = self.world.now;
            self.world.service.retry_all(now);
        }
        Some(format!("it failed: {:?}", self.service().failed))
    }
}

impl Life for Meetings {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn wrong(&mut self) -> Option<String> {
        self.begin();
        if let Some(wrong) = self.live(0) {
            return Some(wrong);
        }
        self.middle = self.all_held();
        self.had_met = std::array::from_fn(|person| {
            self.service().link_of(0, lead(0, person).as_str()).is_some()
        });
        self.world.pass(20_000);
        for from in [0, 1] {
            let settings = settings(&self.terms, 1, from);
            self.world.service.set_up(from, definition(from, &settings));
        }
        self.tell(|_| "the second part".to_owned());
        let wrong = self.live(1).or_else(|| self.world.come_to_rest()).or_else(|| self.rest());
        wrong.or_else(|| self.check())
    }
}
