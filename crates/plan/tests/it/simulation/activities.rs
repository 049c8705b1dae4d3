//! Activities: they are added and edited in both accounts, on leads of which the other account may
//! know nothing yet.

use jiff::SignedDuration;
use plan::activity;
use plan::change::Change;
use plan::id::ActivityId;
use plan::metadata::{ActivityType, Catalogue, Field, FieldList, Kind};

use super::account::{Account, Manners};
use super::chance::Chance;
use super::protection::Protection;
use super::world::{Life, Weather, World};
use super::{definition, plain};

/// The type's event code on each side, and its field's place.
const EVENTS: [u32; 2] = [201, 305];
const PLACES: [&str; 2] = ["mx_Custom_1", "mx_Custom_7"];

pub struct Activities {
    world: World,
    /// The activities that people added: side, id, and the last note and place.
    genuine: Vec<(usize, ActivityId, String, String)>,
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
                ..Manners::default()
            },
            ..Account::default()
        };
        let settings = r#""activity":{"enabled":true}"#;
        let definitions = [0, 1].map(|from| Some(definition(from, settings)));
        let accounts = [account(0), account(1)];
        let world = World::new((chance, weather), accounts, definitions, without);
        Self { world, genuine: Vec::new() }
    }

    /// A person adds an activity, or edits one that was added on the same side: there is no merge
    /// of one that is edited on both.
    fn person(&mut self) {
        let World { accounts, chance, now, service, .. } = &mut self.world;
        let (note, place) =
            (format!("note {}", chance.below(1_000_000)), format!("place {}", chance.below(9)));
        if !self.genuine.is_empty() && chance.of(500) {
            let which = chance.below(self.genuine.len());
            let (side, id, last_note, last_place) = &mut self.genuine[which];
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
        let failed = self.world.service.failed.first().map(|undone| format!("failed: {undone:?}"));
        let checks = [failed, self.doubles(), self.lost(), self.too_many()];
        checks.into_iter().flatten().next()
    }

    fn doubles(&self) -> Option<String> {
        let counts = [0, 1].map(|side| self.world.accounts[side].activities.len());
        let leads = [0, 1].map(|side| self.world.accounts[side].leads.len());
        let people = self.genuine.len();
        (counts != [people, people] || leads[0] != leads[1])
            .then(|| format!("{people} were added, and there are {counts:?} on {leads:?} leads"))
    }

    /// What was written last of each holds on both sides.
    fn lost(&self) -> Option<String> {
        for (side, id, note, place) in &self.genuine {
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
        // Its lead is looked for and made, and the activity looked for and added; what an account
        // does not say the id of is looked for besides.
        let nameless = self.world.accounts.iter().any(|account| account.manners.is_nameless);
        if most > if nameless { 6 } else { 4 } {
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
        for _ in 0..16 {
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
