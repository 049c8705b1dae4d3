//! Automations, webhooks, fields, users and activity types.

use super::{AutomationId, Sandbox};
use crate::account::{Automation, Hook, LEAD_DELETE, LEAD_MERGE, Running};
use crate::id;
use crate::metadata::{ActivityType, Field, User};
use crate::serve::lock;
use crate::settings::Plan;
use crate::switches::Switches;

impl Sandbox {
    /// Publishes an automation.
    pub fn add_automation(&self, automation: Automation) -> AutomationId {
        self.with(|account| {
            let id = account.chance.guid();
            account.automations.push(Running::new(id.clone(), automation));
            AutomationId(id)
        })
    }

    /// Adds a native webhook that posts *Lead Delete* events to this URL.
    pub fn post_deletes_to(&self, url: &str) {
        self.add_native(LEAD_DELETE, url);
    }

    /// Adds a native webhook that posts *Lead Merge* events to this URL.
    pub fn post_merges_to(&self, url: &str) {
        self.add_native(LEAD_MERGE, url);
    }

    fn add_native(&self, event: u32, url: &str) {
        self.with(|account| {
            let id = account.chance.guid();
            let (description, url) = (String::new(), url.to_owned());
            let hook = Hook { id, description, url, event, ..Hook::default() };
            account.native.hooks.push(hook);
        });
    }

    /// Pauses or resumes an automation; `false` if it does not exist.
    pub fn set_automation_enabled(&self, id: &AutomationId, enabled: bool) -> bool {
        self.with(|account| {
            let running = account.automations.iter_mut().find(|running| running.id == id.0);
            running.map(|running| running.enabled = enabled).is_some()
        })
    }

    /// Removes an automation; `false` if it does not exist.
    pub fn remove_automation(&self, id: &AutomationId) -> bool {
        self.with(|account| {
            let before = account.automations.len();
            account.automations.retain(|running| running.id != id.0);
            account.automations.len() < before
        })
    }

    /// All automations: the id, the automation, whether it is enabled, and how many runs were
    /// prevented by the limit of runs per lead and day.
    pub fn automations(&self) -> Vec<(AutomationId, Automation, bool, u64)> {
        self.with(|account| {
            let one = |running: &Running| {
                let id = AutomationId(running.id.clone());
                (id, Automation::clone(&running.automation), running.enabled, running.cut_off)
            };
            account.automations.iter().map(one).collect()
        })
    }

    /// Adds a lead field, or replaces the one with the same name.
    pub fn put_field(&self, field: Field) {
        self.with(|account| {
            account.set_up(|setup| setup.put(field));
            let setup = account.setup.clone();
            account.ledger.reindex(&setup);
        });
    }

    /// Removes a custom lead field; `false` if there is none with that name.
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

    /// Adds a user, or replaces the one with the same id.
    pub fn put_user(&self, user: User) {
        self.with(|account| {
            account.set_up(|setup| {
                match setup.users.iter_mut().find(|have| id::key(&have.id) == id::key(&user.id)) {
                    Some(have) => *have = user,
                    None => setup.users.push(user),
                }
            });
        });
    }

    /// Adds an activity type, or replaces the one with the same code.
    pub fn put_activity_type(&self, kind: ActivityType) {
        self.with(|account| {
            account.set_up(|setup| {
                setup.types.retain(|have| have.code != kind.code);
                setup.types.push(kind);
            });
        });
    }

    /// Sets the switches.
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
}
