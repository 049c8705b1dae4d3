//! Native webhooks, as `Webhook.svc` keeps them.

use std::sync::Arc;

/// A native webhook.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) id: Arc<str>,
    pub(crate) description: String,
    pub(crate) url: String,
    /// `WebhookEvent`: 3 lead create, 6 lead update, 2 activity create, 15 activity update.
    pub(crate) event: u32,
    pub(crate) properties: Option<String>,
    /// 0 enabled, 1 disabled by hand, 2 disabled because posts failed.
    pub(crate) status: u8,
}

/// All native webhooks of an account.
#[derive(Default)]
pub(crate) struct Native {
    pub(crate) hooks: Vec<Hook>,
}
