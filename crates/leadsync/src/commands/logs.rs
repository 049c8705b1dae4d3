//! `leadsync logs`.

use anyhow::bail;
use jiff::Timestamp;
use plan::id::RequestId;
use plan::outcome::{Entity, Event, JobStatus, SyncStatus};
use plan::period;
use plan::state::State;
use store::{
    AttemptItem, Cursor, Echoes, FailureGroup, Filter, Page, RecordItem, RequestItem, Store,
};

use super::find;
use crate::output::{Shown, Tone, painted, value};
use crate::settings::Settings;
use crate::{node, output};

/// List requests and their outcome, newest first
#[derive(Debug, clap::Args)]
pub struct Logs {
    /// Show this request in full: its records, attempts and API calls
    #[arg(value_name = "REQUEST_ID")]
    request: Option<RequestId>,
    #[command(flatten)]
    filters: Filters,
    /// Group failed records by cause, and say how to fix each
    #[arg(long, conflicts_with = "request")]
    failures: bool,
    /// Maximum number of requests
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..=200))]
    limit: u16,
    /// Continue after this Request ID
    #[arg(long, value_name = "REQUEST_ID")]
    cursor: Option<RequestId>,
}

/// Which requests.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Filters")]
pub struct Filters {
    /// Requests of this connector
    #[arg(long, value_name = "NAME")]
    connector: Option<String>,
    /// Received at this time or later: 2026-11-23, 2026-11-23T09:30:00Z, today, yesterday, 2h, 7d
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    from: Option<Timestamp>,
    /// Received before this time
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    to: Option<Timestamp>,
    /// queued, running, success or failure
    #[arg(long, value_name = "STATUS")]
    job_status: Option<JobStatus>,
    /// success or error
    #[arg(long, value_name = "STATUS")]
    sync_status: Option<SyncStatus>,
    /// In this state: failed, review, retrying, held, running, queued, synced, skipped or no_change
    #[arg(long)]
    state: Option<State>,
    /// With a record of this outcome: new, updated, unchanged, skipped or failed
    #[arg(long)]
    event: Option<Event>,
    /// With a record of this entity: lead or activity
    #[arg(long)]
    entity: Option<Entity>,
    /// With a record of this lead: an email, phone number, name or ID, or how one begins
    #[arg(long, value_name = "LEAD")]
    q: Option<String>,
    /// With a record that failed for this cause, as `logs --failures` lists it
    #[arg(long)]
    cause: Option<String>,
    /// Requests of this backfill, by number
    #[arg(long, value_name = "N")]
    backfill: Option<i64>,
}

fn read_time(text: &str) -> Result<Timestamp, String> {
    period::parse(text, node::now())
}

impl Filters {
    /// The store's filter. An unknown connector is an error, not an empty list.
    pub async fn filter(&self, store: &dyn Store) -> anyhow::Result<Filter> {
        if let Some(name) = &self.connector {
            find(&store.configuration().await?, name)?;
        }
        Ok(Filter {
            within: None,
            connector: self.connector.clone(),
            from: self.from,
            to: self.to,
            job_status: self.job_status,
            sync_status: self.sync_status,
            state: self.state,
            echoes: Echoes::Any,
            event: self.event,
            entity: self.entity,
            q: self.q.clone(),
            cause: self.cause.clone(),
            batch: None,
            backfill: self.backfill,
            ids: Vec::new(),
        })
    }
}

fn failures(settings: &Settings, groups: &[FailureGroup]) -> anyhow::Result<()> {
    if settings.json {
        return output::json(&groups);
    }
    if groups.is_empty() {
        return output::line("No failed records.");
    }
    for group in groups {
        let FailureGroup { cause, records, last_at, last_request, error, .. } = group;
        let records =
            if *records == 1 { "1 record".to_owned() } else { format!("{records} records") };
        let cause = value(cause);
        let cause_shown = painted(&cause, Tone::Bad);
        output::line(&format!(
            "{cause_shown}: {records}, most recently {last_request} at {}",
            output::time(*last_at)
        ))?;
        output::line(&format!("  {}", value(&error.message)))?;
        output::line(&format!("  {}", value(&error.advice)))?;
        output::line(&format!("  leadsync retry --failed --cause '{cause}'\n"))?;
    }
    Ok(())
}

impl Logs {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let store = settings.open().await?;
        let mut filter = self.filters.filter(store.as_ref()).await?;
        filter.ids.extend(self.request);
        if self.failures {
            return failures(settings, &store.failures(&filter).await?);
        }
        let page = Page { limit: self.limit.into(), after: self.cursor.map(Cursor) };
        let (items, next) = store.requests(&filter, &page).await?;
        if let Some(id) = self.request {
            let Some(item) = items.first() else {
                bail!("there is no request {id}: see `leadsync logs`");
            };
            return if settings.json { output::json(item) } else { story(item) };
        }
        if settings.json {
            return output::json(&items);
        }
        if items.is_empty() {
            return output::line("No matching requests.");
        }
        list(&items)?;
        if let Some(Cursor(id)) = next {
            output::line(&format!("For more, add --cursor {id}"))?;
        }
        Ok(())
    }
}

fn list(items: &[RequestItem]) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for item in items {
        let row = |record: Option<&RecordItem>| {
            let why = record.and_then(|record| record.error.as_ref());
            [
                output::time(item.received_at).into(),
                item.id.to_string().into(),
                item.connector.clone().into(),
                item.job_status.to_string().into(),
                record.map_or_else(Shown::default, |one| Shown::new(one.event, tone(one.event))),
                record.map_or_else(String::new, name).into(),
                why.map_or_else(String::new, |problem| problem.message.clone()).into(),
            ]
        };
        if item.records.is_empty() {
            rows.push(row(None));
        }
        rows.extend(item.records.iter().map(|record| row(Some(record))));
    }
    let heads = ["RECEIVED", "REQUEST", "CONNECTOR", "JOB", "EVENT", "LEAD", "REASON"];
    output::table(heads, &rows)
}

fn tone(event: Event) -> Tone {
    match event {
        Event::New | Event::Updated => Tone::Good,
        Event::Unchanged => Tone::Plain,
        Event::Skipped => Tone::Warning,
        Event::Failed => Tone::Bad,
    }
}

/// What a person recognises a record by, or else its ids.
fn name(record: &RecordItem) -> String {
    record.known_as.clone().unwrap_or_else(|| ids(record))
}

fn ids(record: &RecordItem) -> String {
    let id = record.source_id.as_deref().unwrap_or("?");
    match &record.destination_id {
        Some(destination) => format!("{id} → {destination}"),
        None => id.to_owned(),
    }
}

/// Everything about one request.
fn story(item: &RequestItem) -> anyhow::Result<()> {
    let finished = item
        .finished_at
        .map_or_else(|| "not finished".to_owned(), |at| format!("finished {}", output::time(at)));
    output::line(&format!(
        "request {} of {} ({}), received {}, {finished}: {}",
        item.id,
        item.connector,
        item.origin,
        output::time(item.received_at),
        item.job_status
    ))?;
    for record in &item.records {
        let known =
            record.known_as.as_ref().map_or_else(String::new, |name| format!("{} ", value(name)));
        let event = painted(record.event, tone(record.event));
        output::line(&format!("\n{} {known}({}): {event}", record.entity, value(&ids(record))))?;
        if let Some(problem) = &record.error {
            let (message, advice) = (value(&problem.message), value(&problem.advice));
            output::line(&format!("  {message}\n  Fix: {advice}"))?;
        }
        if let Some(at) = record.next_attempt_at {
            output::line(&format!("  next attempt at {}", output::time(at)))?;
        }
        if let Some(explanation) = &record.explanation {
            output::line(&format!(
                "  decision (connector version {}): {}",
                record.version,
                value(explanation.get())
            ))?;
        }
        for attempt in &record.attempts {
            show_attempt(attempt)?;
        }
    }
    Ok(())
}

fn show_attempt(attempt: &AttemptItem) -> anyhow::Result<()> {
    output::line(&format!(
        "  attempt {} at {}: {}",
        attempt.number,
        output::time(attempt.at),
        painted(attempt.event, tone(attempt.event))
    ))?;
    if let Some(problem) = &attempt.error {
        output::line(&format!("    {}", value(&problem.message)))?;
    }
    for call in &attempt.calls {
        let status = call.status.map_or("no answer".to_owned(), |status| status.to_string());
        let row = call.row.map_or(String::new(), |row| format!(", row {row}"));
        output::line(&format!(
            "    {} {} → {status} in {} ms{row}",
            call.method,
            value(&call.url),
            call.milliseconds
        ))?;
        for (what, text) in [("sent", &call.request), ("answered", &call.response)] {
            if !text.is_empty() {
                output::line(&format!("      {what}: {}", value(text)))?;
            }
        }
        if let Some(error) = &call.error {
            output::line(&format!("      {}", value(error)))?;
        }
    }
    Ok(())
}
