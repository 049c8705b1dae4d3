//! `leadsync retry`.

use plan::id::RequestId;
use plan::outcome::RetryWith;
use store::{Actor, Retry as Wish, Selection};

use super::logs::Filters;
use crate::settings::Settings;
use crate::{node, output};

/// Try records again, or take that back
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["requests", "failed"])))]
pub struct Retry {
    /// Requests to try again, by Request ID: what failed in each or, if nothing did, all of it
    #[arg(value_name = "REQUEST_ID")]
    requests: Vec<RequestId>,
    /// Try all failed requests again that the filters let through
    #[arg(long)]
    failed: bool,
    /// With the connector's settings of `now`, or of `then`, when the record was tried last
    #[arg(long, value_name = "WHEN", default_value = "now")]
    with: RetryWith,
    /// After the first hundred at most so many requests a minute, so that live changes have room
    /// beside them
    #[arg(long, value_name = "N", default_value_t = Wish::PER_MINUTE, value_parser = clap::value_parser!(u32).range(1..))]
    per_minute: u32,
    /// Take back retries that were asked for and have not begun
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
            (0, true) => "No request has a retry that has not begun.".to_owned(),
            (0, false) => "No request has a record to try again.".to_owned(),
            (1, true) => "1 request is not tried again.".to_owned(),
            (1, false) => "1 request is tried again.".to_owned(),
            (count, true) => format!("{count} requests are not tried again."),
            (count, false) => format!("{count} requests are tried again."),
        })
    }
}
