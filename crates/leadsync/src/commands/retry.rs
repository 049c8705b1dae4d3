//! `leadsync retry`.

use plan::id::RequestId;
use store::{Actor, Selection};

use super::logs::Filters;
use crate::settings::Settings;
use crate::{node, output};

/// Try failed records again
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["requests", "failed"])))]
pub struct Retry {
    /// Requests to try again, by Request ID
    #[arg(value_name = "REQUEST_ID")]
    requests: Vec<RequestId>,
    /// Try all failed requests again that the filters let through
    #[arg(long)]
    failed: bool,
    #[command(flatten)]
    filters: Filters,
}

impl Retry {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let store = settings.open().await?;
        let selection = if self.failed {
            Selection::Failed(self.filters.filter(store.as_ref()).await?)
        } else {
            Selection::Requests(self.requests.clone())
        };
        let count = store.retry(&selection, &Actor::command_line(), node::now()).await?;
        if settings.json {
            return output::json(&serde_json::json!({ "requests": count }));
        }
        output::line(&match count {
            0 => "No request has a failed record to try again.".to_owned(),
            1 => "1 request is tried again.".to_owned(),
            count => format!("{count} requests are tried again."),
        })
    }
}
