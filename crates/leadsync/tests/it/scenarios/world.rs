//! Two accounts with live automations, and a node between them.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use plan::outcome::Event;
use sandbox::switches::CaptureAnswer;
use sandbox::{Field, Kind, Plan, Sandbox, Settings, Switches};
use store::{Change, Filter, Page, RecordItem, RequestItem};

use crate::rig::{EVERY_TRIGGER, Node, SOON, put_account, start_account, until, wire};

/// Two accounts with these switches, and connectors between them.
pub struct World {
    pub node: Arc<Node>,
    pub here: Sandbox,
    pub there: Sandbox,
    pub switches: Switches,
    /// The connector from here to there.
    pub name: String,
    number: i64,
}

/// Where a scenario takes place.
#[derive(Clone)]
pub struct Place {
    pub node: Arc<Node>,
    pub switches: Switches,
}

impl Place {
    /// A world with a connector from here to there that has these settings: JSON members.
    pub async fn world(&self, settings: &str) -> World {
        self.world_with_plan(settings, Plan::Unlimited).await
    }

    /// The same with a quota in the destination.
    pub async fn world_with_plan(&self, settings: &str, plan: Plan) -> World {
        let Self { node, switches } = self.clone();
        let number = node.number();
        let account = async |side: &str, plan: Plan| {
            let name = format!("{side}-{number}");
            let retry_delay = Duration::from_millis(50);
            start_account(Settings { plan, switches, retry_delay, ..Settings::new(&name) }).await
        };
        let (here, there) = (account("here", Plan::Unlimited).await, account("there", plan).await);
        // Fields with the same display name, put before leadsync reads the accounts' metadata.
        there.put_field(Field::new("mx_Town", Kind::Text).display("Native Town"));
        here.put_field(Field::new("mx_Village", Kind::Text).display("native town"));
        let accounts = vec![put_account(&here, Plan::Unlimited), put_account(&there, plan)];
        node.change(accounts).await;
        let name = format!("to-there-{number}");
        let world = World { node, here, there, switches, name, number };
        world.connect(&world.name, (&world.here, &world.there), settings).await;
        world
    }
}

impl World {
    fn back_name(&self) -> String {
        format!("to-here-{}", self.number)
    }

    /// Also the opposite connector.
    pub async fn connect_back(&self, settings: &str) {
        self.connect(&self.back_name(), (&self.there, &self.here), settings).await;
    }

    /// Adds a connector, and automations of its source that post to it.
    async fn connect(&self, name: &str, (from, to): (&Sandbox, &Sandbox), settings: &str) {
        self.put(name, (from, to), settings).await;
        wire(from, &self.node.hook(name).await, &EVERY_TRIGGER, 5);
    }

    async fn put(&self, name: &str, (from, to): (&Sandbox, &Sandbox), settings: &str) {
        let more = if settings.is_empty() { String::new() } else { format!(",{settings}") };
        let (from, to) = (from.name(), to.name());
        let json = format!(r#"{{"name":"{name}","source":"{from}","destination":"{to}"{more}}}"#);
        self.node.put_connector(serde_json::from_str(&json).expect(&json)).await;
    }

    /// Gives the connector from here to there other settings.
    pub async fn configure(&self, settings: &str) {
        self.put(&self.name, (&self.here, &self.there), settings).await;
    }

    /// Enables or disables the connector from here to there.
    pub async fn enable(&self, enabled: bool) {
        self.node.change(vec![Change::SetEnabled { name: self.name.clone(), enabled }]).await;
    }

    /// A person adds a lead here.
    pub fn lead(&self, fields: &[(&str, &str)]) -> String {
        self.here.create_lead(fields).expect("a new lead")
    }

    /// A person edits a lead here.
    pub fn edit(&self, id: &str, fields: &[(&str, &str)]) {
        self.here.edit_lead(id, fields).expect("an edit");
    }

    /// The requests of the connector from here to there, oldest first.
    pub async fn log(&self) -> Vec<RequestItem> {
        self.find(Filter { connector: Some(self.name.clone()), ..Filter::default() }).await
    }

    async fn find(&self, filter: Filter) -> Vec<RequestItem> {
        let page = Page { limit: Page::MOST, after: None };
        let mut items = self.node.store.requests(&filter, &page).await.expect("the log").0;
        items.reverse();
        items
    }

    /// The records of the connector from here to there, oldest first.
    pub async fn records(&self) -> Vec<RecordItem> {
        self.log().await.into_iter().flat_map(|item| item.records).collect()
    }

    /// How they ended.
    pub async fn events(&self) -> Vec<Event> {
        self.records().await.iter().map(|record| record.event).collect()
    }

    /// Whether answers to captures say if the lead is new. Where they don't, leadsync assumes that
    /// it is.
    pub fn tells_what_was_created(&self) -> bool {
        self.switches.capture_answer != CaptureAnswer::IdOnly
    }

    /// Waits until nothing is being posted or processed. Retries are waited for as well, with the
    /// clock moved.
    pub async fn settled(&self) {
        self.until_quiet(true).await;
    }

    /// Waits until nothing is being posted or processed, except what waits for a retry.
    pub async fn worked(&self) {
        self.until_quiet(false).await;
    }

    async fn until_quiet(&self, with_retries: bool) {
        until(SOON, || async {
            self.here.idle().await;
            self.there.idle().await;
            let mut open = Vec::new();
            for connector in [self.name.clone(), self.back_name()] {
                let connector = Some(connector);
                open.extend(self.find(Filter { connector, ..Filter::default() }).await);
            }
            open.retain(|item| item.finished_at.is_none());
            let waits = |item: &RequestItem| {
                let mut records = item.records.iter();
                records.any(|record| record.next_attempt_at.is_some())
            };
            let waiting = open.iter().any(waits);
            let posted = self.here.deliveries_pending() + self.there.deliveries_pending();
            if posted == 0 && (open.is_empty() || (waiting && !with_retries)) {
                return Ok(());
            }
            if waiting {
                self.node.advance(SignedDuration::from_mins(1));
            }
            Err((posted, open))
        })
        .await;
    }

    /// A field of the lead there that has this email address.
    pub fn there(&self, email: &str, field: &str) -> Option<String> {
        let found = self.there.find_leads("EmailAddress", email);
        assert_eq!(found.len(), 1, "leads with {email}");
        self.there.lead(&found[0]).expect("a lead").remove(field).flatten()
    }

    /// Stops the accounts, and removes them and their connectors from the node. Nothing may be
    /// left in flight.
    pub async fn end(self) {
        assert_eq!((self.here.deliveries_pending(), self.there.deliveries_pending()), (0, 0));
        self.node.is_at_rest().await;
        let configuration = self.node.store.configuration().await.expect("the configuration");
        let own = [self.name.clone(), self.back_name()];
        let connectors = own.into_iter().filter(|name| configuration.connector(name).is_some());
        let connectors = connectors.map(|name| Change::RemoveConnector { name });
        let accounts = [&self.here, &self.there]
            .map(|account| Change::RemoveAccount { name: account.name().to_owned() });
        self.node.change(connectors.chain(accounts).collect()).await;
        self.here.stop().await;
        self.there.stop().await;
    }
}
