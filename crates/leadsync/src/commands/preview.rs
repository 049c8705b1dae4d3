//! `leadsync preview`.

use std::path::PathBuf;

use anyhow::Context;
use plan::decide::Decision;
use plan::mapping::Sent;
use plan::preview::{Asked, RecordPreview};
use web::preview::NotPreviewed;

use crate::settings::Settings;
use crate::{node, output};

/// Show what a payload would do, without doing it
#[derive(Debug, clap::Args)]
pub struct Preview {
    /// The connector's name
    name: String,
    /// A file with a webhook's body, or - for standard input
    file: PathBuf,
    /// The body's Content-Type
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
}

impl Preview {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let body = if self.file.as_os_str() == "-" {
            let mut body = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin(), &mut body)?;
            body
        } else {
            std::fs::read(&self.file)
                .with_context(|| format!("{} can't be read", self.file.display()))?
        };
        let store = settings.open().await?;
        let configuration = store.configuration().await?;
        let connector = configuration.connector(&self.name).with_context(|| {
            format!("there is no connector {}: see `leadsync connector list`", self.name)
        })?;
        let records = web::preview::preview(
            store.as_ref(),
            &node::Accounts,
            (&configuration, connector),
            &body,
            self.content_type.as_deref(),
        );
        let records = records.await.map_err(|error| match error {
            NotPreviewed::Store(error) => error.into(),
            NotPreviewed::Account(problem) => anyhow::anyhow!("{problem}"),
            NotPreviewed::Payload(problem) => {
                anyhow::anyhow!("in {}: {problem}", self.file.display())
            }
        })?;
        if settings.json {
            return output::json(&records);
        }
        records.iter().try_for_each(show)
    }
}

fn show(record: &RecordPreview) -> anyhow::Result<()> {
    let id = record.source_id.as_deref().unwrap_or("without an id");
    output::line(&format!("{} {id}: {}", record.entity, sentence(&record.decision)))?;
    let rows: Vec<[String; 4]> = record
        .fields
        .iter()
        .filter(|field| field.sent != Sent::Absent || field.default.is_some())
        .map(|field| {
            let sent = match &field.sent {
                Sent::Absent => String::new(),
                Sent::Blank => "(blank: left alone)".to_owned(),
                Sent::Clear => "(blank: emptied)".to_owned(),
                Sent::Value(value) => value.clone(),
            };
            let default = field.default.as_ref().map(|value| format!("default {value}"));
            let remark = field.remark.clone();
            let notes: Vec<String> = default.into_iter().chain(remark).collect();
            let from = field.from.clone().unwrap_or_else(|| "(computed)".to_owned());
            [from, field.to.clone(), sent, notes.join("; ")]
        })
        .collect();
    if !rows.is_empty() {
        output::table(["FROM", "TO", "VALUE", "NOTE"], &rows)?;
    }
    for problem in &record.left_out {
        output::line(&format!("left out: {problem}"))?;
    }
    for call in &record.calls {
        let account = match call.account {
            Asked::Source => "source",
            Asked::Destination => "destination",
        };
        output::line(&format!("call to the {account}: {}", call.operation.as_str()))?;
        for change in &call.fields {
            let before = change.before.as_ref().map_or(String::new(), |b| format!(" (was {b:?})"));
            output::line(&format!("  {} = {:?}{before}", change.to, change.value))?;
        }
        if let Some(then) = call.then {
            output::line(&format!("  {then}"))?;
        }
    }
    output::line("")
}

fn sentence(decision: &Decision) -> String {
    match decision {
        Decision::Refuse { problems } => {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            format!("would fail. {}", problems.join(" "))
        }
        Decision::Skip { problem } => format!("would be skipped. {problem}"),
        Decision::Unchanged { why, .. } => format!("nothing to do. {}", why.sentence()),
        Decision::ReadSource { .. } => "would be read from the source first".to_owned(),
        Decision::Look { .. } => "would be looked up in the destination first".to_owned(),
        Decision::Capture { key, .. } => {
            format!("would be created, or updated where {} is {}", key.field, key.value)
        }
        Decision::Update { lead_id, .. } => format!("would update the lead {lead_id}"),
        Decision::LookActivity { lead_id, .. } => {
            format!("would be looked for among the activities of the lead {lead_id} first")
        }
        Decision::CreateActivity { lead_id, event, .. } => {
            format!("would be added to the lead {lead_id} as an activity of type {event}")
        }
        Decision::UpdateActivity { activity_id, .. } => {
            format!("would update the activity {activity_id}")
        }
    }
}
