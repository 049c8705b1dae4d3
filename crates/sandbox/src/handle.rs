//! An account in the hands of the process that started it.

use crate::account::{
    Account, ActivityType, Automation, NewActivity, Pair, Refusal, Running, Stamp, Version, Who,
};
use crate::chance::Chance;
use crate::deliver::{Delivery, Postman, Queue};
use crate::fault::Fault;
use crate::metadata::{Field, Setup};
use crate::meter::{CallCounts, Meter};
use crate::native::Hook;
use crate::pages;
use crate::serve::{Ill, Shared, lock, serve};
use crate::settings::{Plan, Settings, User};
use crate::switches::Switches;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A lead's fields as reads show them; `None` is blank.
pub type LeadFields = BTreeMap<String, Option<String>>;

/// Names an automation of one account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AutomationId(pub(crate) Arc<str>);

/// An emulated account. Clones are handles on the same one; [`Sandbox::stop`] ends it.
#[derive(Clone)]
pub struct Sandbox {
    shared: Shared,
    address: SocketAddr,
    postman: Postman,
    server: Arc<tokio::sync::Mutex<Option<Listening>>>,
    stop: CancellationToken,
}

struct Listening {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Sandbox {} at {}", self.shared.name, self.url())
    }
}

impl Sandbox {
    /// Starts an account on 127.0.0.1. It must be called within a Tokio runtime.
    ///
    /// # Errors
    /// The port can't be had, or the HTTP client that posts can't be made.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port)).await?;
        let address = listener.local_addr()?;
        // Another part of the process may have chosen a provider: it is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(io::Error::other)?;
        let (queue, inboxes) = Queue::new(settings.delivery_workers, settings.delivery_log);
        let queue = Arc::new(queue);
        let chance = Arc::new(Chance::new(settings.seed));
        let setup = Setup::new(settings.fields, settings.users, settings.switches);
        let account = Account::new(
            setup,
            chance.clone(),
            settings.clock.clone(),
            queue.clone(),
            crate::native::Native::default(),
        );
        let ill = Ill { faults: Vec::new(), latency: Duration::ZERO, plan: settings.plan };
        let shared = Shared {
            name: settings.name.into(),
            access_key: settings.access_key.into(),
            secret_key: settings.secret_key.into(),
            account: Arc::new(Mutex::new(account)),
            meter: Arc::new(Mutex::new(Meter::default())),
            ill: Arc::new(Mutex::new(ill)),
            chance,
        };
        let stop = CancellationToken::new();
        let postman = Postman {
            account: shared.account.clone(),
            queue,
            client,
            clock: settings.clock,
            retry_delay: settings.retry_delay,
            stop: stop.clone(),
        };
        for inbox in inboxes {
            tokio::spawn(postman.clone().work(inbox));
        }
        let sandbox = Self { shared, address, postman, server: Arc::default(), stop };
        sandbox.accept(listener).await;
        Ok(sandbox)
    }

    async fn accept(&self, listener: TcpListener) {
        let stop = self.stop.child_token();
        let pages = pages::router(self.clone());
        let task = tokio::spawn(serve(listener, self.shared.clone(), pages, stop.clone()));
        *self.server.lock().await = Some(Listening { stop, task });
    }

    /// Stops listening on the port, with all connections cut, or listens on it again.
    ///
    /// # Errors
    /// Somebody else took the port meanwhile.
    pub async fn listen(&self, on: bool) -> io::Result<()> {
        let listening = self.server.lock().await.take();
        if let Some(listening) = listening {
            if on {
                *self.server.lock().await = Some(listening);
                return Ok(());
            }
            listening.stop.cancel();
            let _ = listening.task.await;
        } else if on {
            let listener = TcpListener::bind(self.address).await?;
            self.accept(listener).await;
        }
        Ok(())
    }

    /// Ends the account: nothing is answered or posted any more.
    pub async fn stop(&self) {
        self.stop.cancel();
        if let Some(listening) = self.server.lock().await.take() {
            let _ = listening.task.await;
        }
    }

    /// Waits until it was stopped.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// The API host: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The account's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The access key.
    pub fn access_key(&self) -> &str {
        &self.shared.access_key
    }

    /// The secret key.
    pub fn secret_key(&self) -> &str {
        &self.shared.secret_key
    }

    /// The account as a table of a leadsync configuration file, with a quota that is its plan's.
    pub fn configuration(&self) -> String {
        let quota = |calls: u32, bulk_calls: u32, per_seconds: u64, daily: u64| {
            format!(
                "quota = {{ calls = {calls}, bulk_calls = {bulk_calls}, \
                 per_seconds = {per_seconds}, daily = {daily} }}"
            )
        };
        let plan = match lock(&self.shared.ill).plan {
            Plan::Pro => "plan = \"pro\"".to_owned(),
            Plan::Super => "plan = \"super\"".to_owned(),
            Plan::Explicit(own) => {
                quota(own.calls, own.bulk_calls, own.window.as_secs().max(1), own.daily)
            }
            // More than anybody calls.
            Plan::Unlimited => quota(100_000, 100_000, 1, 4_000_000_000),
        };
        format!(
            "[[account]]\nname = \"{}\"\nhost = \"{}\"\naccess_key = '{}'\nsecret_key = '{}'\n{plan}\n",
            self.name(),
            self.url(),
            self.access_key(),
            self.secret_key(),
        )
    }

    fn with<T>(&self, work: impl FnOnce(&mut Account) -> T) -> T {
        work(&mut lock(&self.shared.account))
    }

    // ---- what people do in the CRM ------------------------------------------------------

    /// A person creates a lead; answers its id.
    ///
    /// # Errors
    /// What the account refuses.
    pub fn create_lead(&self, fields: &[(&str, &str)]) -> Result<String, Refusal> {
        self.with(|account| {
            let stamp = person(account);
            let row = account.row(&pairs(fields))?;
            let slot = account.create(&row, None, &stamp)?;
            Ok(account.ledger.lead(slot).id.to_string())
        })
    }

    /// A person edits a lead; says whether a value changed.
    ///
    /// # Errors
    /// What the account refuses.
    pub fn edit_lead(&self, id: &str, fields: &[(&str, &str)]) -> Result<bool, Refusal> {
        self.with(|account| {
            let stamp = person(account);
            let slot = account.ledger.slot(id).ok_or_else(Refusal::no_lead)?;
            let row = account.row(&pairs(fields))?;
            account.update(slot, &row, &stamp)
        })
    }

    /// A person merges a lead into another one.
    ///
    /// # Errors
    /// One of them does not exist, or they are one.
    pub fn merge_leads(&self, keep: &str, gone: &str) -> Result<(), Refusal> {
        self.with(|account| {
            let stamp = person(account);
            let slot = |id| account.ledger.slot(id).ok_or_else(Refusal::no_lead);
            let (keep, gone) = (slot(keep)?, slot(gone)?);
            if keep == gone {
                return Err(Refusal::no_lead());
            }
            account.merge(keep, gone, &stamp)
        })
    }

    /// A person deletes a lead.
    ///
    /// # Errors
    /// It does not exist.
    pub fn delete_lead(&self, id: &str) -> Result<(), Refusal> {
        self.with(|account| {
            let slot = account.ledger.slot(id).ok_or_else(Refusal::no_lead)?;
            account.delete(slot);
            Ok(())
        })
    }

    /// A person adds an activity to a lead; answers its id.
    ///
    /// # Errors
    /// What the account refuses.
    pub fn create_activity(
        &self,
        lead_id: &str,
        event: u32,
        note: &str,
        fields: &[(&str, &str)],
    ) -> Result<String, Refusal> {
        self.with(|account| {
            let stamp = person(account);
            let slot = account.ledger.slot(lead_id).ok_or_else(Refusal::no_lead)?;
            let fields = fields.iter().map(|&(name, value)| (name.into(), value.into())).collect();
            let new =
                NewActivity { note: note.to_owned(), ..NewActivity::of_fields(event, fields) };
            account.add_activity(slot, new, &stamp).map(|id| id.to_string())
        })
    }

    /// A person edits an activity.
    ///
    /// # Errors
    /// What the account refuses.
    pub fn edit_activity(
        &self,
        id: &str,
        note: Option<&str>,
        fields: &[(&str, &str)],
    ) -> Result<(), Refusal> {
        self.with(|account| {
            let stamp = person(account);
            let fields = fields.iter().map(|&(name, value)| (name.into(), value.into())).collect();
            account.update_activity(id, note, fields, &stamp)
        })
    }

    // ---- what is there ------------------------------------------------------------------

    /// A lead, flat, every field.
    pub fn lead(&self, id: &str) -> Option<LeadFields> {
        self.with(|account| Some(shown(account, account.ledger.slot(id)?)))
    }

    /// The ids of all leads, oldest first.
    pub fn leads(&self) -> Vec<String> {
        self.with(|account| account.ledger.leads().map(|lead| lead.id.to_string()).collect())
    }

    /// How many leads there are.
    pub fn lead_count(&self) -> usize {
        self.with(|account| account.ledger.len())
    }

    /// The ids of leads that have this value in this field, oldest first.
    pub fn find_leads(&self, field: &str, value: &str) -> Vec<String> {
        self.with(|account| {
            let Some(no) = account.setup.number(field) else { return Vec::new() };
            let setup = &account.setup;
            let has =
                |lead: &crate::lead::Lead| lead.text(setup, no).is_some_and(|text| text == value);
            account
                .ledger
                .leads()
                .filter(|lead| has(lead))
                .map(|lead| lead.id.to_string())
                .collect()
        })
    }

    /// The ids of leads in whose name, email or number this occurs, last changed first.
    pub(crate) fn search(&self, q: &str) -> Vec<String> {
        let q = q.to_lowercase();
        self.with(|account| {
            let known = &account.setup.known;
            let places = [known.names[0], known.names[1], known.email, known.phone, known.mobile];
            let has = |lead: &crate::lead::Lead| {
                let texts = places.iter().filter_map(|&no| lead.stored(no));
                let all: Vec<String> = texts.map(|text| text.to_lowercase()).collect();
                all.join(" ").contains(&q)
            };
            let mut found: Vec<_> = account.ledger.leads().filter(|lead| has(lead)).collect();
            found.sort_by_key(|lead| std::cmp::Reverse(lead.modified_on));
            found.into_iter().map(|lead| lead.id.to_string()).collect()
        })
    }

    /// The fields that people may write, in order.
    pub(crate) fn writable_fields(&self) -> Vec<Field> {
        self.with(|account| {
            let setup = &account.setup;
            let fields = setup.order.iter().map(|&no| setup.field(no));
            fields.filter(|field| field.is_writable()).cloned().collect()
        })
    }

    /// Who changed what in a lead, oldest first; empty for one that does not exist.
    pub fn history(&self, id: &str) -> Vec<Version> {
        self.with(|account| {
            let record = account.ledger.slot(id).and_then(|slot| account.ledger.record(slot));
            record.map(|record| record.history.clone()).unwrap_or_default()
        })
    }

    /// A lead's activities, oldest first: event code, note and fields.
    pub fn activities(&self, lead_id: &str) -> Vec<(u32, String, BTreeMap<String, String>)> {
        self.with(|account| {
            let Some(slot) = account.ledger.slot(lead_id) else { return Vec::new() };
            let own = |(name, value): (&Arc<str>, &Arc<str>)| (name.to_string(), value.to_string());
            account
                .activities
                .of_lead(slot)
                .map(|one| (one.event, one.note.clone(), one.fields.iter().map(own).collect()))
                .collect()
        })
    }

    // ---- set-up -------------------------------------------------------------------------

    /// Publishes an automation.
    pub fn add_automation(&self, automation: Automation) -> AutomationId {
        self.with(|account| {
            let id = account.chance.guid();
            account.automations.push(Running::new(id.clone(), automation));
            AutomationId(id)
        })
    }

    /// Makes a native webhook of the event *Lead Delete* post here.
    pub fn post_deletes_to(&self, url: &str) {
        self.add_native(crate::native::LEAD_DELETE, url);
    }

    /// Makes a native webhook of the event *Lead Merge* post here.
    pub fn post_merges_to(&self, url: &str) {
        self.add_native(crate::native::LEAD_MERGE, url);
    }

    fn add_native(&self, event: u32, url: &str) {
        self.with(|account| {
            let id = account.chance.guid();
            let (description, url) = (String::new(), url.to_owned());
            let hook = Hook { id, description, url, event, properties: None, status: 0 };
            account.native.hooks.push(hook);
        });
    }

    /// Pauses an automation, or lets it go on; `false` if there is none.
    pub fn set_automation_enabled(&self, id: &AutomationId, enabled: bool) -> bool {
        self.with(|account| {
            let running = account.automations.iter_mut().find(|running| running.id == id.0);
            running.map(|running| running.enabled = enabled).is_some()
        })
    }

    /// Removes an automation; `false` if there is none.
    pub fn remove_automation(&self, id: &AutomationId) -> bool {
        self.with(|account| {
            let before = account.automations.len();
            account.automations.retain(|running| running.id != id.0);
            account.automations.len() < before
        })
    }

    /// All automations: id, what it is, whether it is enabled, and how many runs the limit of
    /// runs for one lead in a day cut off.
    pub fn automations(&self) -> Vec<(AutomationId, Automation, bool, u64)> {
        self.with(|account| {
            let one = |running: &Running| {
                let id = AutomationId(running.id.clone());
                (id, Automation::clone(&running.automation), running.enabled, running.cut_off)
            };
            account.automations.iter().map(one).collect()
        })
    }

    /// Adds a lead field, or replaces the one of the same name.
    pub fn put_field(&self, field: Field) {
        self.with(|account| {
            account.set_up(|setup| setup.put(field));
            let setup = account.setup.clone();
            account.ledger.reindex(&setup);
        });
    }

    /// Removes a custom lead field; `false` if there is none of that name.
    pub fn remove_field(&self, schema_name: &str) -> bool {
        self.with(|account| account.set_up(|setup| setup.remove(schema_name)))
    }

    /// All users.
    pub fn users(&self) -> Vec<User> {
        self.with(|account| account.setup.users.clone())
    }

    /// The user with this email address.
    pub fn user(&self, email: &str) -> Option<User> {
        self.with(|account| account.setup.users.iter().find(|user| user.email == email).cloned())
    }

    /// Adds a user, or replaces the one of the same id.
    pub fn put_user(&self, user: User) {
        self.with(|account| {
            account.set_up(|setup| match setup.users.iter_mut().find(|have| have.id == user.id) {
                Some(have) => *have = user,
                None => setup.users.push(user),
            });
        });
    }

    /// Adds an activity type, or replaces the one of the same code.
    pub fn put_activity_type(&self, kind: ActivityType) {
        self.with(|account| {
            account.set_up(|setup| {
                setup.types.retain(|have| have.code != kind.code);
                setup.types.push(kind);
            });
        });
    }

    /// Chooses among the disputed behaviours.
    pub fn set_switches(&self, switches: Switches) {
        self.with(|account| {
            account.set_up(|setup| setup.switches = switches);
            let setup = account.setup.clone();
            account.ledger.reindex(&setup);
        });
    }

    /// Changes the quota.
    pub fn set_plan(&self, plan: Plan) {
        lock(&self.shared.ill).plan = plan;
    }

    // ---- what goes wrong ----------------------------------------------------------------

    /// Adds a fault.
    pub fn put_fault(&self, fault: Fault) {
        lock(&self.shared.ill).faults.push(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        lock(&self.shared.ill).faults.clear();
    }

    /// Makes every answer come so much later.
    pub fn set_latency(&self, latency: Duration) {
        lock(&self.shared.ill).latency = latency;
    }

    // ---- what was seen ------------------------------------------------------------------

    /// The calls since the start or the last reset.
    pub fn calls(&self) -> CallCounts {
        lock(&self.shared.meter).counts.clone()
    }

    /// Begins to count calls anew.
    pub fn reset_calls(&self) {
        lock(&self.shared.meter).reset();
    }

    /// The most recent posts that ended, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.postman.queue.deliveries()
    }

    /// How many posts are under way or wait.
    pub fn deliveries_pending(&self) -> usize {
        self.postman.queue.pending()
    }

    /// Waits until no post is under way or waits; a stopped account posts nothing any more.
    pub async fn idle(&self) {
        tokio::select! {
            () = self.postman.queue.idle() => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Posts a payload once more, as a retry after a lost answer does; answers the status.
    pub async fn deliver_again(&self, delivery: &Delivery) -> Option<u16> {
        self.postman.post(&delivery.url, delivery.payload.clone()).await
    }
}

fn pairs<'a>(fields: &'a [(&'a str, &'a str)]) -> Vec<Pair<'a>> {
    fields.iter().map(|&(name, value)| Pair::new(name, value)).collect()
}

/// The stamp of a person at work in the CRM: the last of the users.
fn person(account: &Account) -> Stamp {
    let user = account.setup.users.last().unwrap_or(&account.setup.users[0]);
    Stamp {
        at: (account.clock)(),
        who: Who::Person(user.name().into()),
        user: user.id.clone(),
        fires: true,
    }
}

fn shown(account: &Account, slot: u32) -> LeadFields {
    let setup = &account.setup;
    let lead = account.ledger.lead(slot);
    setup
        .order
        .iter()
        .map(|&no| {
            let value = lead.text(setup, no).map(std::borrow::Cow::into_owned);
            (setup.field(no).schema_name.to_string(), value)
        })
        .collect()
}
