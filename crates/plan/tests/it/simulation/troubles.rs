//! An account that refuses for a while, in every way that there is; accounts whose fields are not as
//! the connector needs them, and settings that are wrong, until somebody puts them right.
//!
//! Whatever goes wrong meanwhile: once it is over, and what failed was tried again, every lead and
//! every activity is there once, as it was left.

use jiff::SignedDuration;
use plan::change::Change;
use plan::id::{ActivityId, LeadId};
use plan::metadata::{ActivityType, Catalogue, Field, FieldList, Kind};
use plan::payload::{self, Item, Removal};
use plan::problem::Code;
use plan::review::Ruling;

use super::account::{Account, Manners};
use super::activities::fields;
use super::chance::Chance;
use super::outside::{SHAPES, Shape, Trouble};
use super::protection::Protection;
use super::service::Noted;
use super::world::{Life, Weather, World};
use super::{definition, plain};

/// What is wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The account on this side fails in this way.
    Account(usize, Shape),
    /// The destination's field is not as it is needed.
    Metadata(Defect),
    /// The connector's settings are not right: these take their place.
    Settings(&'static str),
}

/// How the field `mx_Plan` of the destination is at first, or its type of activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    Missing,
    ReadOnly,
    Number,
    Short,
    NoOption,
    Date,
    /// What the account says is right, and what it takes is not, nor the reverse: it changed since
    /// it was asked.
    GoneSince,
    NumberSince,
    NoType,
    /// A field that must be filled, and is not.
    Mandatory,
}

const ROWS: &str = r#""field":[{"from":"EmailAddress","to":"EmailAddress"},
    {"from":"FirstName","to":"FirstName"},{"from":"mx_Plan","to":"mx_Plan"}]"#;
const EVENTS: [u32; 2] = [201, 305];
const PLACES: [&str; 2] = ["mx_Custom_1", "mx_Custom_7"];
const PLAN: &str = "Gold";

/// All that may be wrong, in both directions or one.
pub fn all() -> Vec<(Wrong, bool)> {
    let mut all = Vec::new();
    for is_pair in [false, true] {
        for shape in SHAPES {
            if !is_pair || shape != Shape::LosesThenRefuses {
                all.extend([0, 1].map(|side| (Wrong::Account(side, shape), is_pair)));
            }
        }
        all.extend(SETTINGS.map(|wrong| (Wrong::Settings(wrong), is_pair)));
        all.extend(DEFECTS.map(|defect| (Wrong::Metadata(defect), is_pair)));
    }
    all
}

/// Settings that leave leads or activities alone, or that are wrong.
const SETTINGS: [&str; 10] = [
    r#""lead":{"behaviour":"do_nothing"}"#,
    r#""lead":{"behaviour":"update_only"},"activity":{"enabled":true}"#,
    r#""lead":{"behaviour":"create_only"},"activity":{"enabled":true,"behaviour":"create_only"}"#,
    r#""lead":{},"activity":{"enabled":true,"behaviour":"update_only"}"#,
    r#""lead":{},"activity":{"enabled":false}"#,
    r#""lead":{},"activity":{"enabled":true,"type":[{"from":999,"to":305}]}"#,
    r#""basic":{"time_zone":"Mars/Base"},"lead":{}"#,
    r#""lead":{"field":[{"from":"EmailAddress","to":"EmailAddress"},{"compute":"{{ nope(","to":"FirstName"}]}"#,
    r#""basic":{"search_by":"FirstName"},"lead":{}"#,
    r#""basic":{"search_by":"mx_Nothing"},"lead":{}"#,
];

const DEFECTS: [Defect; 10] = [
    Defect::Missing,
    Defect::ReadOnly,
    Defect::Number,
    Defect::Short,
    Defect::NoOption,
    Defect::Date,
    Defect::GoneSince,
    Defect::NumberSince,
    Defect::NoType,
    Defect::Mandatory,
];

pub struct Troubles {
    world: World,
    wrong: Wrong,
    is_pair: bool,
    /// Activities that people added: side, id, note.
    activities: Vec<(usize, ActivityId, String)>,
    /// Leads that people added, or changed: side, id, name.
    leads: Vec<(usize, LeadId, String)>,
    /// Those that people deleted.
    removed: Vec<LeadId>,
}

fn catalogue(side: usize) -> Catalogue {
    let place = Field { display_name: "Place".to_owned(), ..plain(PLACES[side], Kind::Text) };
    let types = vec![ActivityType {
        event: EVENTS[side],
        name: "Site Visit".to_owned(),
        fields: Some(vec![place].into()),
    }];
    let leads: FieldList = vec![
        Field { unique: true, ..plain("EmailAddress", Kind::Email) },
        plain("FirstName", Kind::Text),
        plain("mx_Plan", Kind::Text),
        plain("mx_Must", Kind::Text),
        plain("mx_Mark", Kind::Text),
    ]
    .into();
    Catalogue { fields: leads, users: Some(Vec::new()), activity_types: Some(types) }
}

/// What an account with this defect has; what it says of itself when it is first asked is another
/// thing where it changed since.
fn with(defect: Defect) -> Catalogue {
    let mut catalogue = catalogue(1);
    let mut fields: Vec<Field> = catalogue.fields.clone().into();
    let plan = fields.iter().position(|field| field.schema_name == "mx_Plan").expect("it is there");
    let field = &mut fields[plan];
    match defect {
        Defect::Missing | Defect::GoneSince => drop(fields.remove(plan)),
        Defect::ReadOnly => field.read_only = true,
        Defect::Number | Defect::NumberSince => field.kind = Kind::Number,
        Defect::Short => field.max_length = Some(2),
        Defect::NoOption => {
            (field.kind, field.options) = (Kind::Select, vec!["Silver".to_owned()]);
        }
        Defect::Date => field.kind = Kind::Date,
        Defect::NoType => catalogue.activity_types = Some(Vec::new()),
        Defect::Mandatory => {
            let must = fields.iter_mut().find(|field| field.schema_name == "mx_Must");
            must.expect("it is there").mandatory = true;
        }
    }
    catalogue.fields = fields.into();
    catalogue
}

/// The settings that are right.
fn settings() -> String {
    format!(
        r#""lead":{{"unlisted_option":"refuse",{ROWS}}},"removed":{{"field":"mx_Mark"}},
        "activity":{{"enabled":true,"type":[{{"from":201,"to":305}}]}}"#
    )
}

fn back() -> String {
    settings().replace(r#"{"from":201,"to":305}"#, r#"{"from":305,"to":201}"#)
}

impl Troubles {
    pub fn new(
        seed: u64,
        weather: Weather,
        (wrong, is_pair): (Wrong, bool),
        without: Option<Protection>,
    ) -> Self {
        let account = |side: usize| Account {
            catalogue: catalogue(side),
            prefix: ["a", "b"][side],
            manners: Manners { is_silent: seed % 2 == 1, ..Manners::default() },
            ..Account::default()
        };
        let first = match wrong {
            Wrong::Settings(wrong) => {
                wrong.replace(r#""lead":{}"#, &format!(r#""lead":{{{ROWS}}}"#))
            }
            _ => settings(),
        };
        let definitions = [Some(definition(0, &first)), is_pair.then(|| definition(1, &back()))];
        let mut accounts = [account(0), account(1)];
        if let Wrong::Metadata(defect) = wrong
            && !matches!(defect, Defect::GoneSince | Defect::NumberSince)
        {
            accounts[1].catalogue = with(defect);
        }
        let mut world = World::new((Chance(seed), weather), accounts, definitions, without);
        match wrong {
            Wrong::Metadata(defect) => world.accounts[1].catalogue = with(defect),
            Wrong::Account(side, shape) => {
                // What was written unseen comes as an echo, and is a stranger's once its record was
                // given up: that takes longer than this.
                let hours = [1, 6, if is_pair { 3 } else { 30 }][world.chance.below(3)];
                // Some leads are linked by then.
                let since = world.now + SignedDuration::from_hours([0, 1][world.chance.below(2)]);
                let until = since + SignedDuration::from_hours(hours);
                world.trouble = Some(Trouble { side, shape, since, until });
            }
            Wrong::Settings(_) => {}
        }
        let (activities, leads, removed) = (Vec::new(), Vec::new(), Vec::new());
        Self { world, wrong, is_pair, activities, leads, removed }
    }

    /// A person adds or changes a lead, or adds an activity to it, or deletes it.
    fn person(&mut self) {
        let World { accounts, chance, now, service, .. } = &mut self.world;
        let side = if self.is_pair { chance.below(2) } else { 0 };
        let number = chance.below(4);
        let address = format!("{side}{number}@example.com");
        let name = format!("V{}", chance.below(10_000));
        let account = &mut accounts[side];
        let known = account.by("EmailAddress", &address);
        let lead = match known {
            Some(id) if chance.of(500) => id,
            Some(id) if chance.of(100) => {
                if self.leads.iter().all(|(_, other, _)| *other != id)
                    || service.link_of(side, id.as_str()).is_none()
                {
                    return;
                }
                let removal = *chance.one(&[Removal::Deleted, Removal::Merged]);
                let lead = account.remove(&id).expect("it was found");
                service.story.add(|| format!("{now} side {side}: {id} is gone"));
                self.leads.retain(|(_, other, _)| *other != id);
                self.removed.push(id);
                self.world.post_removal(side, &lead, removal);
                return;
            }
            Some(id) => {
                account.edit(&id, &[("FirstName", &name)], *now);
                service.story.add(|| format!("{now} side {side}: {id} is {name}"));
                self.leads.retain(|(_, other, _)| *other != id);
                self.leads.push((side, id, name));
                return;
            }
            None if self.removed.iter().any(|id| id.as_str().starts_with(["a", "b"][side])) => {
                return;
            }
            None => {
                let fields =
                    [("EmailAddress", address.as_str()), ("FirstName", &name), ("mx_Plan", PLAN)];
                // An account may want what people do not give it either.
                let Some(id) = account.add(&fields, *now) else { return };
                service.story.add(|| format!("{now} side {side}: {id} is added"));
                self.leads.push((side, id.clone(), name));
                id
            }
        };
        let note = format!("note {}", chance.below(1_000_000));
        let fields: [Change; 2] = fields(PLACES[side], &note, "here");
        let id = account.add_activity(&lead, EVENTS[side], &fields, *now);
        service.story.add(|| format!("{now} side {side}: {id} is added to {lead}"));
        self.activities.push((side, id, note));
    }

    /// What nobody can do anything with: it is posted now and then, and may fail.
    fn oddity(&mut self) {
        let body = *self.world.chance.one(&[
            r#"{"ProspectID":"odd","FirstName":"Nobody"}"#,
            r#"{"ProspectActivityId":"odd","RelatedProspectId":"odd"}"#,
            r#"{"ProspectActivityId":"odd","RelatedProspectId":"odd","ActivityEvent":"777"}"#,
            r#"{"ProspectActivityId":"odd","RelatedProspectId":"odd","ActivityEvent":"12000"}"#,
            r#"{"RelatedProspectId":"odd","ActivityEvent":"201"}"#,
            r#"{"ProspectActivityId":"odd","RelatedProspectId":"odd","ActivityEvent":"201","Current":{"ProspectID":"odd","FirstName":"Nobody"}}"#,
        ]);
        let item = payload::read(body.as_bytes(), None).expect("a record").remove(0).unwrap();
        self.world.post(0, &item);
        if self.world.chance.of(300) {
            let body = br#"{"ProspectID":"odd"}"#;
            let item = payload::read_removals(body, None, Removal::Deleted)
                .expect("one")
                .remove(0)
                .unwrap();
            self.world.post(0, &item);
        }
    }

    /// What was wrong is put right.
    fn mend(&mut self) {
        self.world.trouble = None;
        self.world.accounts[1].catalogue = catalogue(1);
        if matches!(self.wrong, Wrong::Settings(_)) {
            self.world.service.set_up(0, definition(0, &settings()));
        }
    }

    fn check(&self) -> Option<String> {
        let checks = [self.pending(), self.leads_agree(), self.activities_agree()];
        checks.into_iter().flatten().next()
    }

    fn pending(&self) -> Option<String> {
        let is_odd = |item: &Item| {
            item.lead_id().is_some_and(|id| id.as_str() == "odd" || self.removed.contains(&id))
        };
        let mut failed = self.world.service.failed.iter();
        let failed = failed.find(|it| !is_odd(&it.delivery.item) && it.code != Code::LeadGone);
        failed.map(|undone| format!("it failed: {undone:?}"))
    }

    fn leads_agree(&self) -> Option<String> {
        for (side, id, name) in &self.leads {
            let Some(twin) = self.world.service.twin_of(*side, id.as_str()) else {
                return Some(format!("{id} is tied to none"));
            };
            let there = &self.world.accounts[1 - side].leads;
            let Some(lead) = there.get(&LeadId::new(twin)) else {
                return Some(format!("{twin} is gone"));
            };
            // A lead that was made unseen by a record that was given up meets the next one as a
            // stranger's.
            let met = |noted: &Noted| {
                noted.dispute.ruling == Ruling::Left
                    && (noted.lead == *id || noted.lead.as_str() == twin)
            };
            // What a connector found that only creates stays until its next change.
            let only_creates =
                matches!(self.wrong, Wrong::Settings(it) if it.contains("create_only"));
            if only_creates || self.world.service.disputes.iter().any(met) {
                continue;
            }
            if lead.get("FirstName") != Some(name) || lead.get("mx_Plan") != Some(PLAN) {
                return Some(format!("{twin} of {id}, who is {name}, is {lead:?}"));
            }
        }
        let counts = [0, 1].map(|side| self.world.accounts[side].leads.len());
        let [here, there] = [0, 1].map(|side| {
            self.removed.iter().filter(|id| id.as_str().starts_with(["a", "b"][side])).count()
        });
        // The counterpart of one that is gone stays, or is made again with its next change.
        let is_right = counts[0] + here <= counts[1] + there + self.removed.len()
            && counts[1] + there <= counts[0] + here + self.removed.len();
        (!is_right).then(|| format!("there are {counts:?} leads"))
    }

    fn activities_agree(&self) -> Option<String> {
        let counts = [0, 1].map(|side| self.world.accounts[side].activities.len());
        let made = self.activities.len();
        let of_gone = self.activities.iter().filter(|(side, id, _)| {
            self.removed.contains(&self.world.accounts[*side].activities[id].lead)
        });
        let least = made - of_gone.count();
        let here = self.activities.iter().filter(|(side, ..)| *side == 0).count();
        let most = if self.is_pair { [made, made] } else { [here, made] };
        let least = if self.is_pair { [least, least] } else { [here, least] };
        let is_right = (0..2).all(|side| (least[side]..=most[side]).contains(&counts[side]));
        (!is_right).then(|| format!("{made} activities were added, and there are {counts:?}"))
    }
}

impl Life for Troubles {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn wrong(&mut self) -> Option<String> {
        const DEEDS: usize = 14;
        for deed in 0..DEEDS {
            self.person();
            if deed % 5 == 2 {
                self.oddity();
            }
            self.world.send();
            let pause = *self.world.chance.one(&[0, 1, 7, 60, 600, 4_000]);
            self.world.pass(pause);
            if self.world.chance.of(800) {
                self.world.work();
            }
        }
        self.world.settle();
        self.mend();
        for _ in 0..4 {
            let now = self.world.now;
            self.world.service.retry_all(now);
            if let Some(wrong) = self.world.come_to_rest() {
                return Some(wrong);
            }
        }
        self.check()
    }
}
