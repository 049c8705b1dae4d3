//! The account itself, without HTTP: leads, activities, users and automations under one lock.

mod act;
mod activity;
mod automation;
mod capture;
mod fire;
mod history;
mod hook;
mod ledger;
mod native;
mod queue;
mod row;
mod search;
mod write;

pub(crate) use activity::{Activity, NewActivity};
pub use automation::{Automation, Trigger};
pub(crate) use automation::{RUNS_A_DAY, Running};
pub(crate) use capture::{Captured, UpdateBehavior};
pub use history::{FieldChange, Version, Who};
pub(crate) use hook::Hook;
pub(crate) use ledger::Slot;
pub(crate) use native::{LEAD_DELETE, LEAD_MERGE};
pub use queue::Delivery;
pub(crate) use queue::{Job, Queue, Source};
pub(crate) use row::{Pair, Row};
pub(crate) use search::{Comparison, Sort, utc};
pub(crate) use write::{Lost, Stamp};

use crate::chance::Chance;
use crate::clock::Clock;
use crate::metadata::Setup;
use activity::Activities;
use hook::Native;
use ledger::Ledger;
use std::collections::HashSet;
use std::sync::Arc;

/// The state of an account.
pub(crate) struct Account {
    pub(crate) setup: Arc<Setup>,
    pub(crate) ledger: Ledger,
    pub(crate) activities: Activities,
    pub(crate) automations: Vec<Running>,
    pub(crate) native: Native,
    /// The ids of anonymous website visitors, who are not leads yet.
    pub(crate) visitors: HashSet<Arc<str>>,
    pub(crate) chance: Arc<Chance>,
    pub(crate) clock: Clock,
    pub(crate) queue: Arc<Queue>,
    /// The API host that the account is on.
    pub(crate) api_host: String,
    pub(crate) extras: Extras,
}

/// What an account has besides leads and activities, as far as public clients use it.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    pub(crate) lists: Vec<List>,
    pub(crate) products: Vec<Product>,
}

/// A static list of leads.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The ids of its leads.
    pub(crate) members: Vec<String>,
}

/// A product.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) sku: String,
}

impl Account {
    pub(crate) fn new(setup: Setup, chance: Arc<Chance>, clock: Clock, queue: Arc<Queue>) -> Self {
        Self {
            setup: Arc::new(setup),
            ledger: Ledger::default(),
            activities: Activities::default(),
            automations: Vec::new(),
            native: Native::default(),
            visitors: HashSet::new(),
            chance,
            clock,
            queue,
            api_host: String::new(),
            extras: Extras::default(),
        }
    }

    /// Changes the setup from now on; responses being written keep the old one.
    pub(crate) fn set_up<T>(&mut self, change: impl FnOnce(&mut Setup) -> T) -> T {
        change(Arc::make_mut(&mut self.setup))
    }
}
