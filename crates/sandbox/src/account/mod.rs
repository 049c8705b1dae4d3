//! The account itself, without HTTP: leads, activities, users and automations under one lock.

mod activity;
mod capture;
mod fire;
mod history;
mod ledger;
mod refusal;
mod row;
mod search;
mod write;

pub use activity::ActivityType;
pub(crate) use activity::{Activity, NewActivity};
pub(crate) use capture::{Captured, UpdateBehavior};
pub use fire::{Automation, Trigger};
pub(crate) use fire::{Event, RUNS_A_DAY, Running};
pub use history::{FieldChange, Version, Who};
pub(crate) use ledger::{Ledger, Slot};
pub use refusal::Refusal;
pub(crate) use row::{Pair, Row};
pub(crate) use search::{Comparison, Sort, utc};
pub(crate) use write::Stamp;

use crate::chance::Chance;
use crate::deliver::Queue;
use crate::metadata::Setup;
use crate::native::Native;
use crate::settings::Clock;
use std::collections::HashSet;
use std::sync::Arc;

/// Everything that an account holds.
pub(crate) struct Account {
    pub(crate) setup: Arc<Setup>,
    pub(crate) ledger: Ledger,
    pub(crate) activities: activity::Activities,
    pub(crate) automations: Vec<Running>,
    pub(crate) native: Native,
    /// Anonymous visitors of the website: ids that are not leads yet.
    pub(crate) visitors: HashSet<Arc<str>>,
    pub(crate) chance: Arc<Chance>,
    pub(crate) clock: Clock,
    pub(crate) queue: Arc<Queue>,
}

impl Account {
    pub(crate) fn new(
        setup: Setup,
        chance: Arc<Chance>,
        clock: Clock,
        queue: Arc<Queue>,
        native: Native,
    ) -> Self {
        Self {
            setup: Arc::new(setup),
            ledger: Ledger::default(),
            activities: activity::Activities::default(),
            automations: Vec::new(),
            native,
            visitors: HashSet::new(),
            chance,
            clock,
            queue,
        }
    }

    /// Changes the set-up for all that comes after; answers under way keep the old one.
    pub(crate) fn set_up<T>(&mut self, change: impl FnOnce(&mut Setup) -> T) -> T {
        change(Arc::make_mut(&mut self.setup))
    }
}
