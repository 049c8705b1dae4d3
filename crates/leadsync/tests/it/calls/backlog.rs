//! Two accounts with live automations, and backlogs of changes for a node between them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::SignedDuration;
use plan::outcome::{Event, JobStatus};
use sandbox::switches::{EmptyFields, Toggle};
use sandbox::{Delivery, Field, Kind as FieldKind, LeadFields, Plan, Sandbox, Settings, Switches};
use store::{Change, Filter, Page, RequestLine};
use tokio::task::JoinSet;

use super::{CHANGES, Kind, Way};
use crate::rig::{Database, EVERY_TRIGGER, Node, put_account, start_account, until, wire};

/// How long a backlog may take, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often the test checks whether a backlog is processed: each check takes time from the work.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
/// How much time passes between one backlog and the next, so that no change is taken for one that
/// belongs to our own write just before. It is longer than an hour, so that the hourly reading of what was
/// modified comes before a backlog, and not at some moment of it.
const PAUSE: SignedDuration = SignedDuration::from_mins(70);
/// The connectors, from the source and back.
const FORTH: &str = "forth";
const BACK: &str = "back";
/// A field that only the source has.
const OWN: &str = "mx_Desk";
/// What the leads of this world get as their Lead Source, where it is set.
const LEAD_SOURCE: &str = "Referral Sites";
/// The fields that are synced. More of them make the same calls in more time.
const MAPPED: [&str; 6] = ["FirstName", "LastName", "EmailAddress", "Phone", "JobTitle", CUSTOM];
/// The only custom field that both have: fewer fields make the same calls in less time.
const CUSTOM: &str = "mx_City";
/// How many webhooks are posted again at a time.
const POSTED_AT_ONCE: usize = 16;
/// What reads metadata, and the account's leads into the directory. It depends on the time that passes and
/// on how many leads the account has, and not on the changes.
const METADATA: [&str; 5] = [
    "LeadsMetaData.Get",
    "Users.Get",
    "ActivityTypes.Get",
    "CustomActivity/GetActivitySetting",
    "Leads.Get",
];

/// What a backlog cost.
#[derive(Debug)]
pub struct Cost {
    pub kind: Kind,
    pub way: Way,
    /// Whether `basic.lead_source` is set.
    pub has_lead_source: bool,
    pub changes: u64,
    /// Calls by account and operation, without reads of metadata.
    pub calls: BTreeMap<String, u64>,
    pub metadata: u64,
    /// Webhooks of our own writes, which were processed too.
    pub echoes: u64,
}

impl Cost {
    pub fn total(&self) -> u64 {
        self.calls.values().sum()
    }
}

/// A node between two accounts.
struct World {
    node: Node,
    source: Sandbox,
    destination: Sandbox,
    way: Way,
    has_lead_source: bool,
    /// The ids in the source of leads that the other account does not have at first.
    linked: Vec<String>,
    /// Those of leads that both accounts have, and that are not linked.
    unlinked: Vec<String>,
    /// The activities that were added.
    activities: Vec<String>,
    /// The webhooks of changes of linked leads.
    posted: Vec<Delivery>,
}

/// Measures a backlog of each kind, one after the other.
pub async fn measure(way: Way, has_lead_source: bool) -> Vec<Cost> {
    let mut world = World::new(way, has_lead_source).await;
    let mut costs = Vec::new();
    for kind in Kind::ALL {
        costs.push(world.cost(kind).await);
    }
    world.ends_well().await;
    costs
}

fn email(kind: &str, number: usize) -> String {
    format!("{kind}.{number}@example.com")
}

/// Adds a lead, as people do.
fn add_lead(account: &Sandbox, kind: &str, number: usize) -> String {
    let email = email(kind, number);
    // A phone number is unique too.
    let phone = format!("+91-9{}{number:08}", if kind == "new" { 1 } else { 2 });
    let fields = [
        ("FirstName", "Asha"),
        ("LastName", &format!("Rao {number}")),
        ("EmailAddress", &email),
        ("Phone", &phone),
        ("JobTitle", "Nurse"),
        ("mx_City", "Pune"),
    ];
    account.create_lead(&fields).expect("a new lead")
}

impl World {
    async fn new(way: Way, has_lead_source: bool) -> Self {
        let node = Node::start(Database::Sqlite).await;
        let switches = Switches {
            // Live, bulk calls fired no automation. Here they do, because echoes count.
            bulk_fires: Toggle::On,
            // Bodies that are shorter make the same calls in less time.
            empty_fields: EmptyFields::Absent,
            ..Switches::default()
        };
        let account = async |name: &str| {
            let (plan, clock, delivery_log) = (Plan::Unlimited, node.clock(), CHANGES);
            let settings = Settings::new(name);
            let mut settings = Settings { plan, switches, clock, delivery_log, ..settings };
            settings.fields.retain(|field| {
                let name = field.schema_name();
                name == CUSTOM || !name.starts_with("mx_")
            });
            start_account(settings).await
        };
        let (source, destination) = (account("source").await, account("destination").await);
        source.put_field(Field::new(OWN, FieldKind::Text));
        let accounts = [&source, &destination].map(|one| put_account(one, Plan::Unlimited));
        node.change(accounts.into()).await;
        // Before any automation is there to post them.
        let mut unlinked = Vec::new();
        for number in 0..CHANGES {
            unlinked.push(add_lead(&source, "unlinked", number));
            add_lead(&destination, "unlinked", number);
        }
        let (linked, activities, posted) = (Vec::new(), Vec::new(), Vec::new());
        let world = Self {
            node,
            source,
            destination,
            way,
            has_lead_source,
            linked,
            unlinked,
            activities,
            posted,
        };
        world.connect(FORTH, &world.source, &world.destination).await;
        if way == Way::Pair {
            world.connect(BACK, &world.destination, &world.source).await;
        }
        world.enable(false).await;
        world
    }

    /// Adds a connector, and automations of its source that post to it.
    async fn connect(&self, name: &str, from: &Sandbox, to: &Sandbox) {
        let basic = if self.has_lead_source {
            serde_json::json!({ "lead_source": LEAD_SOURCE })
        } else {
            serde_json::json!({})
        };
        let definition = serde_json::json!({
            "name": name, "source": from.name(), "destination": to.name(),
            "basic": basic, "activity": { "enabled": true },
            // What they cost depends on the time that passes.
            "catch_up": { "sweep": false, "parity": false },
            // All leads are changed.
            "backfill": { "confirm_above": 100 },
            "lead": { "field": MAPPED.map(|name| serde_json::json!({ "from": name, "to": name })) },
        });
        let definition = serde_json::from_value(definition).expect("a connector");
        self.node.put_connector(definition).await;
        wire(from, &self.node.hook(name).await, &EVERY_TRIGGER, 5);
    }

    async fn enable(&self, enabled: bool) {
        let names = if self.way == Way::Pair { &[FORTH, BACK][..] } else { &[FORTH] };
        let changes = names.iter().map(|name| Change::SetEnabled { name: (*name).into(), enabled });
        self.node.change(changes.collect()).await;
    }

    /// Lets people make changes while the connectors are disabled, enables them, and counts the
    /// calls until nothing is left.
    async fn cost(&mut self, kind: Kind) -> Cost {
        self.node.advance(PAUSE);
        let began = self.node.now();
        let changes = self.change(kind).await;
        self.source.idle().await;
        let arrived = self.events(FORTH, began).await;
        assert_eq!(arrived.0, changes, "{kind:?}: the webhooks are stored");
        for account in [&self.source, &self.destination] {
            account.reset_calls();
        }
        self.enable(true).await;
        self.settled().await;
        self.enable(false).await;

        let (mut calls, mut metadata) = (BTreeMap::new(), 0);
        for account in [&self.source, &self.destination] {
            for (operation, count) in account.calls().by_operation {
                if METADATA.iter().any(|name| operation.ends_with(name)) {
                    metadata += count;
                } else {
                    let name = operation.replace("LeadManagement.svc/", "");
                    calls.insert(format!("{} `{name}`", account.name()), count);
                }
            }
        }
        if kind == Kind::Changed {
            self.posted = self.source.deliveries();
            self.posted.retain(|delivery| delivery.at >= began);
        }
        let (all, events) = self.events(FORTH, began).await;
        let ended = |event| events.get(&event).copied().unwrap_or_default();
        assert_eq!(ended(kind.ends_as()), changes, "{kind:?} {:?}: {events:?}", self.way);
        // In a pair what is written back to the source is posted again.
        let (mut echoes, unchanged) = (all - changes, ended(Event::Unchanged));
        if kind != Kind::Repeated {
            assert_eq!(unchanged, echoes, "{kind:?} {:?}: {events:?}", self.way);
        }
        if self.way == Way::Pair {
            let (all, events) = self.events(BACK, began).await;
            let unchanged = events.get(&Event::Unchanged).copied().unwrap_or_default();
            assert_eq!(unchanged, all, "the echoes of {kind:?} change nothing: {events:?}");
            echoes += all;
        }
        let (way, has_lead_source) = (self.way, self.has_lead_source);
        Cost { kind, way, has_lead_source, changes, calls, metadata, echoes }
    }

    /// What people do in the source; returns how many changes that makes.
    async fn change(&mut self, kind: Kind) -> u64 {
        let source = &self.source;
        let edit = |id: &String, field: &str, value: &str| {
            source.edit_lead(id, &[(field, value)]).expect("an edit");
        };
        let count = kind.changes(self.has_lead_source);
        match kind {
            Kind::New => {
                self.linked = (0..count).map(|number| add_lead(source, "new", number)).collect();
            }
            Kind::Unlinked => {
                self.unlinked[..count].iter().for_each(|id| edit(id, "JobTitle", "Surgeon"));
            }
            Kind::Changed => {
                self.linked[..count].iter().for_each(|id| edit(id, "JobTitle", "Doctor"));
            }
            Kind::Repeated => {
                // One half was posted before, the other half changed only what is not synced.
                let half = count / 2;
                self.linked[half..count].iter().for_each(|id| edit(id, OWN, "7"));
                let again: BTreeSet<&String> = self.linked[..half].iter().collect();
                self.posted.retain(|delivery| again.contains(&delivery.lead_id));
                post_again(source, &self.posted).await;
            }
            Kind::ActivityNew => {
                let fields = [("mx_Custom_1", "Green Acres"), ("Status", "Active")];
                let add = |id: &String| source.create_activity(id, 201, "came early", &fields);
                let leads = self.linked[..count].iter();
                self.activities = leads.map(|id| add(id).expect("an activity")).collect();
            }
            Kind::ActivityChanged => {
                for id in &self.activities[..count] {
                    let fields = [("Status", "Completed")];
                    source.edit_activity(id, Some("came late"), &fields).expect("an edit");
                }
            }
        }
        u64::try_from(count).expect("a number of changes")
    }

    /// How many requests a connector received since then, and with records of which events.
    async fn events(&self, connector: &str, from: jiff::Timestamp) -> (u64, BTreeMap<Event, u64>) {
        let (connector, from) = (Some(connector.to_owned()), Some(from));
        let filter = Filter { connector, from, ..Filter::default() };
        let counts = self.node.store.count_requests(&filter).await.expect("counts");
        assert!(!counts.all.more, "they are counted to the end");
        let events = counts.events.into_iter().map(|(event, count)| (event, count.requests));
        (counts.all.requests, events.filter(|(_, count)| *count > 0).collect())
    }

    /// Waits until nothing is being posted or processed. Retries are waited for with the clock
    /// moved.
    async fn settled(&self) {
        until(PATIENCE, || async {
            tokio::time::sleep(BETWEEN_LOOKS).await;
            // A look misses a webhook that arrives during it, which the next one sees.
            for _ in 0..2 {
                let (posts, open) = self.left().await;
                if posts == 0 && open.is_empty() {
                    continue;
                }
                if posts == 0 && open.iter().all(waits) {
                    self.node.advance(SignedDuration::from_mins(1));
                }
                return Err((posts, open));
            }
            Ok(())
        })
        .await;
    }

    /// How many webhooks are on their way, and the newest requests that are not finished.
    async fn left(&self) -> (usize, Vec<RequestLine>) {
        self.source.idle().await;
        self.destination.idle().await;
        let mut open = Vec::new();
        for status in [JobStatus::Queued, JobStatus::Running] {
            let filter = Filter { job_status: Some(status), ..Filter::default() };
            let page = Page { limit: 5, after: None };
            open.extend(self.node.store.request_lines(&filter, &page).await.expect("the log").0);
        }
        (self.source.deliveries_pending() + self.destination.deliveries_pending(), open)
    }

    /// Both accounts have the same leads, each once, and the same activities.
    async fn ends_well(self) {
        let (here, twins) = (leads(&self.source), leads(&self.destination));
        assert_eq!((here.len(), twins.len()), (2 * CHANGES, 2 * CHANGES), "{:?}", self.way);
        let (mut titles, mut activities) = (BTreeMap::new(), 0);
        for (email, (id, lead)) in &here {
            let (twin_id, twin) = &twins[email];
            for field in MAPPED {
                assert_eq!(lead[field], twin[field], "{field} of {email}");
            }
            *titles.entry(twin["JobTitle"].clone().unwrap_or_default()).or_insert(0) += 1;
            let is_made = email.starts_with("new");
            let lead_source = Some(LEAD_SOURCE).filter(|_| is_made && self.has_lead_source);
            assert_eq!(twin["Source"].as_deref(), lead_source, "{email}");
            let there = visits(&self.destination, twin_id);
            assert_eq!(there, visits(&self.source, id), "{email}");
            assert!(there.iter().all(|(note, _)| note == "came late"), "{there:?}");
            activities += there.len();
        }
        let count = |kind: Kind| kind.changes(self.has_lead_source);
        let mut expected = BTreeMap::from([
            ("Doctor".to_owned(), count(Kind::Changed)),
            ("Surgeon".to_owned(), count(Kind::Unlinked)),
        ]);
        let others = count(Kind::New) - count(Kind::Changed);
        if others > 0 {
            expected.insert("Nurse".to_owned(), others);
        }
        assert_eq!((titles, activities), (expected, count(Kind::ActivityNew)), "{:?}", self.way);
        self.source.stop().await;
        self.destination.stop().await;
        self.node.stop().await;
    }
}

/// The notes and fields of a lead's activities, but for those that the account itself may add.
fn visits(account: &Sandbox, lead: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut all = account.activities(lead);
    all.retain(|(event, ..)| *event == 201);
    all.into_iter().map(|(_, note, fields)| (note, fields)).collect()
}

/// Whether a request has a record that is tried again later.
fn waits(request: &RequestLine) -> bool {
    request.records.iter().any(|record| record.next_attempt_at.is_some())
}

/// All leads of an account, with their ids, by their email addresses.
fn leads(account: &Sandbox) -> BTreeMap<String, (String, LeadFields)> {
    let mut leads = BTreeMap::new();
    for id in account.leads() {
        let lead = account.lead(&id).expect("it was listed");
        let email = lead["EmailAddress"].clone().expect("every lead has one");
        let other = leads.insert(email, (id, lead));
        assert!(other.is_none(), "twice: {other:?}");
    }
    leads
}

/// Posts webhooks once more.
async fn post_again(account: &Sandbox, deliveries: &[Delivery]) {
    let mut posting = JoinSet::new();
    for part in deliveries.chunks(deliveries.len().div_ceil(POSTED_AT_ONCE)) {
        let (account, part) = (account.clone(), part.to_vec());
        posting.spawn(async move {
            for delivery in part {
                assert_eq!(account.deliver_again(&delivery).await, Some(200));
            }
        });
    }
    posting.join_all().await;
}
