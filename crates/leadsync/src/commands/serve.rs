//! `leadsync serve`.

use crate::node::{self, Node};
use crate::settings::Settings;
use store::Base;

/// Runs the service until it is stopped.
pub async fn run(settings: &Settings) -> anyhow::Result<()> {
    let post = settings.post()?;
    let urls = (settings.public_url(), settings.hooks_url());
    let options = settings.of_node(post, urls.clone())?;
    let listener = node::listen(settings.listen, "--listen").await?;
    let hooks = match settings.hooks_listen {
        Some(address) => Some(node::listen(address, "--hooks-listen").await?),
        None => None,
    };
    let store = settings.open_to_serve().await?;
    let (public_url, hooks_url) = urls;
    store.note_base_url(Base::Links, &public_url).await?;
    store.note_base_url(Base::Webhooks, &hooks_url).await?;
    tracing::info!(listen = %settings.listen, public_url, "serving");
    if let Some(address) = settings.hooks_listen {
        tracing::info!(listen = %address, hooks_url, "accepting webhooks");
    }
    let mut node = Node::start((listener, hooks), store, options)?;
    let waited = node.wait().await;
    tracing::info!("ending: finishing what is under way");
    node.stop().await?;
    tracing::info!("ended");
    waited
}
