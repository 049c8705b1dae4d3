//! Two accounts, the service between them, and the webhooks on their way.

use jiff::{SignedDuration, Timestamp};
use plan::connector::Definition;
use plan::outcome::Entity;
use plan::payload::{self, Item, Removal};
use plan::snapshot::Snapshot;

use super::account::{Account, Activity, Happened, written};
use super::chance::Chance;
use super::outside::{Faults, Outside, Trouble};
use super::posts::Posts;
use super::protection::Protection;
use super::service::{Delivery, Service};
use super::story::Story;

/// How rough the world is.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Webhooks that never come, in thousandths; those that come twice; those that come late.
    pub dropped: u64,
    pub doubled: u64,
    pub late: u64,
    pub faults: Faults,
}

pub const CALM: Weather = Weather {
    dropped: 0,
    doubled: 0,
    late: 0,
    faults: Faults { lost_before: 0, lost_after: 0, crash: 0 },
};
/// Every webhook comes, many of them late or twice.
pub const LATE: Weather = Weather {
    dropped: 0,
    doubled: 300,
    late: 400,
    faults: Faults { lost_before: 0, lost_after: 0, crash: 0 },
};
/// Every webhook comes, many of them late or twice, to a service that crashes and loses calls.
pub const HEAVY: Weather = Weather {
    dropped: 0,
    doubled: 300,
    late: 400,
    faults: Faults { lost_before: 80, lost_after: 80, crash: 50 },
};
pub const ROUGH: Weather = Weather {
    dropped: 30,
    doubled: 200,
    late: 150,
    faults: Faults { lost_before: 50, lost_after: 50, crash: 20 },
};
pub const BRUTAL: Weather = Weather {
    dropped: 150,
    doubled: 500,
    late: 500,
    faults: Faults { lost_before: 150, lost_after: 150, crash: 80 },
};
pub const WEATHERS: [(&str, Weather); 3] = [("calm", CALM), ("rough", ROUGH), ("brutal", BRUTAL)];

pub struct World {
    pub accounts: [Account; 2],
    pub service: Service,
    pub now: Timestamp,
    pub chance: Chance,
    pub weather: Weather,
    pub trouble: Option<Trouble>,
    posts: Posts,
    /// Webhooks on their way, each until it is due.
    on_their_way: Vec<Delivery>,
}

/// A world by its seed, which says in the end what is wrong with it.
pub trait Life {
    fn world(&mut self) -> &mut World;
    /// Runs to the end; what is wrong then, if anything.
    fn wrong(&mut self) -> Option<String>;
}

impl World {
    pub fn new(
        (chance, weather): (Chance, Weather),
        accounts: [Account; 2],
        definitions: [Option<Definition>; 2],
        without: Option<Protection>,
    ) -> Self {
        let mut service = Service::new(definitions, &accounts);
        service.without = without;
        Self {
            accounts,
            service,
            now: "2026-01-01T00:00:00Z".parse().expect("a time"),
            chance,
            weather,
            trouble: None,
            posts: Posts::Flat,
            on_their_way: Vec::new(),
        }
    }

    /// The same, whose changes of leads are posted so.
    pub fn posting(self, posts: Posts) -> Self {
        Self { posts, ..self }
    }

    pub fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    /// Webhooks are sent about what happened.
    pub fn send(&mut self) {
        for side in [0, 1] {
            for happened in std::mem::take(&mut self.accounts[side].happened) {
                if self.service.connectors[side].is_none() || self.chance.of(self.weather.dropped) {
                    continue;
                }
                // What is posted is the state at the time of sending, not of coming.
                if let Some(item) = self.shown(side, &happened) {
                    self.post(side, &item);
                }
            }
        }
    }

    fn shown(&self, side: usize, happened: &Happened) -> Option<Item> {
        let account = &self.accounts[side];
        match happened {
            Happened::Lead(changed) => {
                Some(self.posts.of_lead(changed, account.leads.get(&changed.id)?))
            }
            Happened::Activity(id) => {
                let activity = account.activities.get(id)?;
                Some(of_activity(id.as_str(), activity, account.leads.get(&activity.lead)))
            }
        }
    }

    /// A webhook goes on its way, once or more often.
    pub fn post(&mut self, side: usize, item: &Item) {
        let times = 1 + usize::from(self.chance.of(self.weather.doubled));
        for _ in 0..times {
            let late = if self.chance.of(self.weather.late) { 3_600 } else { 3 };
            let wait = i64::try_from(self.chance.below(late * 1_000)).expect("some seconds");
            let due = self.now + SignedDuration::from_millis(wait);
            self.on_their_way.push(Delivery::new(side, item.clone(), due));
        }
    }

    /// The webhook of a lead that a person deleted or merged, if it is sent.
    pub fn post_removal(&mut self, side: usize, lead: &Snapshot, removal: Removal) -> bool {
        let is_told =
            self.service.connectors[side].is_some() && !self.chance.of(self.weather.dropped);
        if is_told {
            let body = serde_json::to_vec(lead).expect("texts are JSON");
            let items = payload::read_removals(&body, None, removal).expect("it names a lead");
            for item in items {
                self.post(side, &item.expect("it can be read"));
            }
        }
        is_told
    }

    /// What came by now is worked.
    pub fn work(&mut self) {
        let now = self.now;
        let mut come: Vec<Delivery> =
            self.on_their_way.extract_if(.., |delivery| delivery.due <= now).collect();
        come.sort_by_key(|delivery| delivery.due);
        self.service.queue.extend(come);
        self.service.work(&mut Outside {
            accounts: &mut self.accounts,
            now: &mut self.now,
            faults: self.weather.faults,
            trouble: self.trouble,
            chance: &mut self.chance,
        });
    }

    /// Lets everything come to rest, and says whether it did.
    pub fn settle(&mut self) -> bool {
        const MOST_ROUNDS: usize = 600;
        for _ in 0..MOST_ROUNDS {
            self.send();
            if self.on_their_way.is_empty() && self.service.queue.is_empty() {
                return true;
            }
            self.pass(30);
            if let Some(next) = self.service.queue.front() {
                self.now = self.now.max(next.due);
            } else if let Some(last) = self.on_their_way.iter().map(|it| it.due).max()
                && self.chance.of(300)
            {
                self.now = self.now.max(last);
            }
            self.work();
        }
        false
    }

    /// Every lead and activity of both sides is seen once more, as a backfill does.
    pub fn sweep(&mut self) {
        for side in [0, 1] {
            if self.service.connectors[side].is_none() {
                continue;
            }
            let account = &self.accounts[side];
            let leads = account.leads.values();
            let leads = leads.map(|lead| Item::from_state(Entity::Lead, lead));
            let activities = account.activities.iter().map(|(id, activity)| {
                of_activity(id.as_str(), activity, account.leads.get(&activity.lead))
            });
            let items: Vec<Item> = leads.chain(activities).collect();
            let now = self.now;
            let seen = |item| Delivery { is_event: false, ..Delivery::new(side, item, now) };
            self.service.queue.extend(items.into_iter().map(seen));
            self.work();
        }
    }

    /// Comes to rest with everything seen; what is wrong if it does not.
    pub fn come_to_rest(&mut self) -> Option<String> {
        for _ in 0..3 {
            if !self.settle() {
                return Some("it does not come to rest".to_owned());
            }
            self.pass(4_000);
            self.sweep();
        }
        (!self.settle()).then(|| "it does not come to rest".to_owned())
    }
}

/// An activity as an automation posts it, with its lead.
fn of_activity(id: &str, activity: &Activity, lead: Option<&Snapshot>) -> Item {
    let body = serde_json::json!({
        "ProspectActivityId": id, "RelatedProspectId": activity.lead,
        "ActivityEvent": activity.event.to_string(), "CreatedOn": written(activity.at),
        "ModifiedOn": written(activity.modified), "Data": activity.values, "Current": lead,
    });
    payload::read(body.to_string().as_bytes(), None).expect("an activity").remove(0).unwrap()
}

/// Runs worlds of these seeds; the first that goes wrong is run once more and tells its story.
pub fn run<L: Life>(name: &str, seeds: u64, life: impl Fn(u64) -> L) -> super::coverage::Coverage {
    let mut coverage = super::coverage::Coverage::default();
    for seed in 0..seeds {
        let mut one = life(seed);
        if let Some(wrong) = one.wrong() {
            let mut again = life(seed);
            again.world().service.story = Story(Some(Vec::new()));
            again.wrong();
            let story = again.world().service.story.text();
            panic!("{name}, seed {seed}: {wrong}\n{story}");
        }
        coverage.absorb(std::mem::take(&mut one.world().service.coverage));
    }
    coverage
}
