//! `leadsync retry`.

use plan::id::RequestId;
use plan::outcome::RetryWith;
use store::{Actor, Retry as Wish, Selection};

use super::logs::Filters;
use crate::settings::Settings;
use crate::{node, output};

/// Retry failed records, or cancel retries that have not started
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["requests", "failed"])))]
pub struct Retry {
    /// Requests to retry, by Request ID: the failed records of each or, if none failed, all of them
    #[arg(value_name = "REQUEST_ID")]
    requests: Vec<RequestId>,
    /// Retry all failed requests that match the filters
    #[arg(long)]
    failed: bool,
    /// Settings to use: `now` (current), or `then` (at the time of the last attempt)
    #[arg(long, value_name = "WHEN", default_value = "now")]
    with: RetryWith,
    /// Requests per minute after the first 100; live changes always go first
    #[arg(long, value_name = "N", default_value_t = Wish::PER_MINUTE, value_parser = clap::value_parser!(u32).range(1..))]
    per_minute: u32,
    /// Cancel retries that have not started
    #[arg(long)]
    cancel: bool,
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
        let (actor, now) = (Actor::command_line(), node::now());
        let count = if self.cancel {
            store.cancel_retries(&selection, &actor, now).await?
        } else {
            let per_minute = Some(self.per_minute);
            store
                .retry(&Wish { selection, with: self.with, per_minute }, &actor, now)
                .await?
                .requests
        };
        if settings.json {
            return output::json(&serde_json::json!({ "requests": count }));
        }
        output::line(&match (count, self.cancel) {
            (0, true) => "No pending retries.".to_owned(),
            (0, false) => "Nothing to retry.".to_owned(),
            (1, true) => "Cancelled the retry of 1 request.".to_owned(),
            (1, false) => "Retrying 1 request.".to_owned(),
            (count, true) => format!("Cancelled the retry of {count} requests."),
            (count, false) => format!("Retrying {count} requests."),
        })
    }
}
