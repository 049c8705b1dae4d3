//! `leadsync serve`.

use crate::node::{self, Node};
use crate::settings::Settings;

/// Runs the service until it is stopped.
pub async fn run(settings: &Settings) -> anyhow::Result<()> {
    let post = settings.post()?;
    let listener = node::listen(settings.listen).await?;
    let store = settings.open_to_serve().await?;
    let public_url = settings.public_url();
    store.note_public_url(&public_url).await?;
    tracing::info!(listen = %settings.listen, public_url, "serving");
    let mut node = Node::start(listener, store, settings.of_node(post, public_url))?;
    let waited = node.wait().await;
    tracing::info!("ending: finishing what is under way");
    node.stop().await?;
    tracing::info!("ended");
    waited
}
