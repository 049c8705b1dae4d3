//! Activities: they are added and edited in both accounts, on leads of which the other account may
//! know nothing yet.

use jiff::SignedDuration;
use plan::activity;
use plan::change::Change;
use plan::id::ActivityId;
use plan::metadata::{ActivityType, Catalogue, Field, FieldList, Kind};
use plan::problem::Code;

use super::account::{Account, Manners};
use super::chance::Chance;
use super::protection::Protection;
use super::service::{Backup, Undone};
use super::world::{Life, Weather, World};
use super::{definition, plain};

/// The type's event code on each side, and its field's place.
const EVENTS: [u32; 2] = [201, 305];
const PLACES: [&str; 2] = ["mx_Custom_1", "mx_Custom_7"];

pub struct Activities {
    world: World,
    /// The activities that people added: side, id, and the last note and place.
    genuine: Vec<(usize, ActivityId, String, String)>,
    /// What becomes of the links in the middle of it.
    fate: Fate,
}

/// What becomes of what is stored, in the middle of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Nothing.
    Kept,
    /// It is replaced by a backup that was made before.
    Restored,
    /// The connectors are removed, and made again.
    Forgotten,
}

fn catalogue(side: usize) -> Catalogue {
    let place = Field { display_name: "Place".to_owned(), ..plain(PLACES[side], Kind::Text) };
    let kind = ActivityType {
        event: EVENTS[side],
        name: "Site Visit".to_owned(),
        fields: Some(vec![place].into()),
    };
    let email = Field { unique: true, ..plain("EmailAddress", Kind::Email) };
    let leads: FieldList = vec![email].into();
    Catalogue { fields: leads, users: Some(Vec::new()), activity_types: Some(vec![kind]) }
}

/// What a person writes into an activity.
pub fn fields(place_field: &str, note: &str, place: &str) -> [Change; 2] {
    let change = |to: &str, value: &str| Change::new(to, Kind::Text, value);
    [change(activity::NOTE, note), change(place_field, place)]
}

impl Activities {
    pub fn new(seed: u64, weather: Weather, without: Option<Protection>) -> Self {
        let chance = Chance(seed);
        let account = |side: usize| Account {
            catalogue: catalogue(side),
            prefix: ["a", "b"][side],
            manners: Manners {
                is_nameless: seed % 5 == 1,
                is_silent: seed % 5 == 2,
                shouts: seed % 5 == 3 && side == 1,
                counts_rows: seed % 7 > 3,
                ..Manners::default()
            },
            ..Account::default()
        };
        let settings = r#""activity":{"enabled":true}"#;
        let definitions = [0, 1].map(|from| Some(definition(from, settings)));
        let accounts = [account(0), account(1)];
        let world = World::new((chance, weather), accounts, definitions, without);
        let fate = match seed / 5 % 3 {
            0 => Fate::Kept,
            1 => Fate::Restored,
            _ => Fate::Forgotten,
        };
        Self { world, genuine: Vec::new(), fate }
    }

    /// A person adds an activity, or edits one that was added on the same side: there is no merge
    /// of one that is edited on both.
    fn person(&mut self) {
        let World { accounts, chance, now, service, .. } = &mut self.world;
        let (note, place) =
            (format!("note {}", chance.below(1_000_000)), format!("place {}", chance.below(9)));
        // Two of one second on one lead can't be told apart by an edit; nor, once links are lost, can one
        // that was edited in the second of its making be told from another.
        *now += SignedDuration::from_secs(if self.fate == Fate::Kept { 1 } else { 3 });
        if !self.genuine.is_empty() && chance.of(500) {
            let which = chance.below(self.genuine.len());
            let (side, id, last_note, last_place) = &mut self.genuine[which];
            let place = if chance.of(700) { last_place.clone() } else { place };
            accounts[*side].edit_activity(id, &fields(PLACES[*side], &note, &place), *now);
            service.story.add(|| format!("{now} side {side}: {id} edited: {note}"));
            (*last_note, *last_place) = (note, place);
            return;
        }
        let side = chance.below(2);
        let email = format!("person{}@example.com", chance.below(3));
        let account = &mut accounts[side];
        let lead = account.by("EmailAddress", &email).unwrap_or_else(|| {
            let lead = account.add(&[("EmailAddress", &email)], *now).expect("there is none yet");
            // That it was added is nobody's news here: its activities bring it along.
            account.happened.pop();
            lead
        });
        let fields = fields(PLACES[side], &note, &place);
        let id = account.add_activity(&lead, EVENTS[side], &fields, *now);
        service.story.add(|| format!("{now} side {side}: {id} added on {lead}: {note}"));
        self.genuine.push((side, id, note, place));
    }

    fn check(&self) -> Option<String> {
        let mut failed = self.world.service.failed.iter();
        let failed = failed.find(|undone| !Self::is_allowed(undone));
        let failed = failed.map(|undone| format!("failed: {undone:?}"));
        let checks = [failed, self.doubles(), self.lost(), self.too_many()];
        checks.into_iter().flatten().next()
    }

    /// An activity may be left to a person that can't be told from others of its second.
    fn is_allowed(undone: &Undone) -> bool {
        undone.code == Code::ActivityUnclear
    }

    /// Whether this activity was left to a person.
    fn is_left(&self, id: &ActivityId) -> bool {
        let mut failed = self.world.service.failed.iter();
        failed.any(|undone| undone.delivery.item.activity_id().as_ref() == Some(id))
    }

    fn doubles(&self) -> Option<String> {
        let counts = [0, 1].map(|side| self.world.accounts[side].activities.len());
        let leads = [0, 1].map(|side| self.world.accounts[side].leads.len());
        let people = self.genuine.len();
        let left = self.genuine.iter().filter(|(_, id, ..)| self.is_left(id)).count();
        let is_right = |count: usize| (people - left..=people).contains(&count);
        (!counts.into_iter().all(is_right) || leads[0] != leads[1])
            .then(|| format!("{people} were added, and there are {counts:?} on {leads:?} leads"))
    }

    /// What was written last of each holds on both sides.
    ///
    /// Where links were lost, nothing tells an edit that came between from our own later write: which
    /// of the two stands is not said then.
    fn lost(&self) -> Option<String> {
        if self.fate != Fate::Kept {
            return None;
        }
        let certain = self.genuine.iter().filter(|(_, id, ..)| !self.is_left(id));
        for (side, id, note, place) in certain {
            let Some(twin) = self.world.service.twin_of(*side, id.as_str()) else {
                return Some(format!("{id} is tied to none"));
            };
            for (side, id) in [(*side, id), (1 - side, &ActivityId::new(twin))] {
                let held = &self.world.accounts[side].activities[id].values;
                let wanted = fields(PLACES[side], note, place);
                if wanted.iter().any(|change| held.get(&change.to) != Some(&change.value)) {
                    return Some(format!("{id} of side {side} is {held:?}, not {note}, {place}"));
                }
            }
        }
        None
    }

    /// An attempt costs one write at most, and few calls.
    fn too_many(&self) -> Option<String> {
        let writes: usize = self.world.accounts.iter().map(|account| account.writes).sum();
        let [.., most] = self.world.service.most_calls;
        // Its lead is looked for and made, the activity looked for, its neighbours in the source read
        // where one of its second is found, and it is added; what an account does not say the id of
        // is looked for besides.
        let nameless = self.world.accounts.iter().any(|account| account.manners.is_nameless);
        if most > if nameless { 7 } else { 5 } {
            return Some(format!("an activity took {most} calls"));
        }
        let attempts = self.world.service.attempts;
        (writes > attempts).then(|| format!("{writes} writes in {attempts} attempts"))
    }
}

impl Life for Activities {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn wrong(&mut self) -> Option<String> {
        let backed_up = self.world.chance.below(14);
        let lost = backed_up + 1 + self.world.chance.below(15 - backed_up);
        let mut backup = Backup::default();
        for round in 0..16 {
            if round == backed_up && self.fate == Fate::Restored {
                backup = self.world.service.backup();
            }
            if round == lost && self.fate != Fate::Kept {
                self.world.pass(90);
                let now = self.world.now;
                self.world.service.restore(std::mem::take(&mut backup), now);
            }
            self.person();
            self.world.send();
            let pause = *self.world.chance.one(&[0, 1, 2, 7, 60, 600, 4_000]);
            self.world.now += SignedDuration::from_secs(pause);
            if self.world.chance.of(800) {
                self.world.work();
            }
        }
        self.world.come_to_rest().or_else(|| self.check())
    }
}
