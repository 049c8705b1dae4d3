//! Native webhooks, as `Webhook.svc` keeps them.

use std::sync::Arc;

/// A native webhook.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hook {
    pub(crate) id: Arc<str>,
    pub(crate) description: String,
    pub(crate) url: String,
    /// `WebhookEvent`: 3 lead create, 6 lead update, 2 activity create, 15 activity update.
    pub(crate) event: u32,
    pub(crate) properties: Option<String>,
    /// The type of activity whose events are posted, if one is named.
    pub(crate) activity_event: Option<u32>,
    /// `CustomHeaders`: names and values.
    pub(crate) headers: Vec<(String, String)>,
    /// The posts in a row that were given up.
    pub(crate) failures: u32,
    /// 0 enabled, 1 disabled by a person, 2 disabled because posts failed.
    pub(crate) status: u8,
}

/// All native webhooks of an account.
#[derive(Default)]
pub(crate) struct Native {
    pub(crate) hooks: Vec<Hook>,
}

/// After this many posts in a row that were given up, a webhook is disabled (client code).
const MOST_FAILURES: u32 = 10;
/// `StatusCode` of a webhook that was disabled because posts failed.
const DISABLED_BY_FAILURES: u8 = 2;

impl Native {
    /// A post of a webhook was accepted, or given up.
    pub(crate) fn posted(&mut self, id: &str, succeeded: bool) {
        let Some(hook) = self.hooks.iter_mut().find(|hook| &*hook.id == id) else { return };
        hook.failures = if succeeded { 0 } else { hook.failures + 1 };
        if hook.failures >= MOST_FAILURES {
            hook.status = DISABLED_BY_FAILURES;
        }
    }
}
