//! Emulated accounts, and how leadsync gets to know them.

use plan::quota::Quota;
use sandbox::{Automation, Plan, Sandbox, Settings, Trigger};
use secrecy::SecretString;
use store::{AccountPlan, Change, Keys};

/// The triggers of automations that post leads.
pub const LEAD_TRIGGERS: [Trigger; 2] = [Trigger::NewLead, Trigger::LeadUpdate(Vec::new())];

/// The triggers of automations that post leads and activities.
pub const EVERY_TRIGGER: [Trigger; 4] = [
    Trigger::NewLead,
    Trigger::LeadUpdate(Vec::new()),
    Trigger::NewActivity(Vec::new()),
    Trigger::ActivityUpdate(Vec::new()),
];

/// The settings of an account whose quota is never used up.
pub fn unlimited(name: &str) -> Settings {
    Settings { plan: Plan::Unlimited, ..Settings::new(name) }
}

pub async fn start_account(settings: Settings) -> Sandbox {
    Sandbox::start(settings).await.expect("an account on a free port")
}

/// Publishes an automation for each trigger that posts to this URL.
pub fn wire(account: &Sandbox, url: &str, triggers: &[Trigger], retries: u32) {
    for trigger in triggers {
        let (name, trigger, url) = (trigger.to_string(), trigger.clone(), url.to_owned());
        account.add_automation(Automation { name, trigger, url, retries });
    }
}

/// What makes an account known to leadsync.
pub fn put_account(account: &Sandbox, plan: Plan) -> Change {
    let plan = match plan {
        Plan::Pro => AccountPlan::Pro,
        Plan::Super => AccountPlan::Super,
        Plan::Explicit(own) => AccountPlan::Quota(Quota {
            calls: own.calls,
            bulk_calls: own.bulk_calls,
            per_seconds: u32::try_from(own.window.as_secs()).expect("a short window"),
            daily: u32::try_from(own.daily).expect("a quota of our days"),
            leave: 0,
        }),
        // More than any test calls.
        Plan::Unlimited => AccountPlan::Quota(Quota {
            calls: 100_000,
            bulk_calls: 100_000,
            per_seconds: 1,
            daily: 4_000_000_000,
            leave: 0,
        }),
    };
    let keys = Keys {
        access: SecretString::from(account.access_key()),
        secret: SecretString::from(account.secret_key()),
    };
    Change::PutAccount { name: account.name().to_owned(), host: account.url(), keys, plan }
}
