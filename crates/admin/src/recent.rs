//! The requests on which settings are tried: those that failed first.

use plan::outcome::SyncStatus;
use store::{Filter, Page, RequestLine, Store};

/// The share of failed requests in a sample, in per cent; the rest is filled with the newest ones.
const FAILED: usize = 75;

/// At most `limit` requests of this connector: failed ones first, then the newest of the others.
///
/// # Errors
/// The store failed.
pub async fn failed_first(
    store: &dyn Store,
    connector: &str,
    limit: usize,
) -> store::Result<Vec<RequestLine>> {
    let filter = Filter { connector: Some(connector.to_owned()), ..Filter::default() };
    let (newest, _) = store.request_lines(&filter, &Page { limit, after: None }).await?;
    let failed = Filter { sync_status: Some(SyncStatus::Error), ..filter };
    let (failed, _) = store.request_lines(&failed, &Page { limit, after: None }).await?;
    let others = |failed: &[RequestLine]| -> Vec<RequestLine> {
        let is_other = |line: &&RequestLine| !failed.iter().any(|other| other.id == line.id);
        newest.iter().filter(is_other).cloned().collect()
    };
    // If nearly everything fails, the sample still shows what the newest payloads look like.
    let room = limit.saturating_sub(others(&failed).len()).max((limit * FAILED).div_ceil(100));
    let mut lines: Vec<RequestLine> = failed.into_iter().take(room).collect();
    let rest = others(&lines);
    lines.extend(rest);
    lines.truncate(limit);
    Ok(lines)
}
