//! `leadsync preview`.

use std::path::{Path, PathBuf};

use admin::preview::NotPreviewed;
use anyhow::Context;
use plan::id::RequestId;
use plan::mapping::Sent;
use plan::payload::Removal;
use plan::preview::RecordPreview;
use plan::work::{Plan, PlanKind};
use store::{Origin, Store};

use super::find;
use crate::settings::Settings;
use crate::{node, output};

/// Show what a webhook payload would do, without writing anything
#[derive(Debug, clap::Args)]
pub struct Preview {
    /// The connector's name
    name: String,
    /// File with the body of a webhook, or - for standard input
    #[arg(required_unless_present = "request")]
    file: Option<PathBuf>,
    /// A past request instead of a file, by its Request ID
    #[arg(long, value_name = "REQUEST_ID", conflicts_with = "file")]
    request: Option<RequestId>,
    /// The body's Content-Type
    #[arg(long, value_name = "TYPE", conflicts_with = "request")]
    content_type: Option<String>,
    /// What happened to the leads in the source, like ?event= of the webhook URL
    #[arg(long, value_parser = removal, conflicts_with = "request")]
    event: Option<Removal>,
}

impl Preview {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let store = settings.open().await?;
        let Payload { name, body, content_type, origin } = self.payload(store.as_ref()).await?;
        let configuration = store.configuration().await?;
        let connector = find(&configuration, &self.name)?;
        let records = admin::preview::preview(
            store.as_ref(),
            &node::Accounts,
            admin::preview::Previewed {
                configuration: &configuration,
                connector,
                now: node::now(),
            },
            admin::preview::Payload { body: &body, content_type: content_type.as_deref(), origin },
        );
        let records = records.await.map_err(|error| match error {
            NotPreviewed::Payload(problem) => anyhow::anyhow!("in {name}: {problem}"),
            error => error.into(),
        })?;
        if settings.json {
            return output::json(&records);
        }
        records.iter().try_for_each(show)
    }
}

fn removal(event: &str) -> Result<Removal, String> {
    match event {
        "deleted" => Ok(Removal::Deleted),
        "merged" => Ok(Removal::Merged),
        _ => Err("write deleted or merged".to_owned()),
    }
}

/// What to preview.
struct Payload {
    /// Where it comes from.
    name: String,
    body: Vec<u8>,
    content_type: Option<String>,
    origin: Origin,
}

impl Preview {
    async fn payload(&self, store: &dyn Store) -> anyhow::Result<Payload> {
        if let Some(id) = self.request {
            let delivery = store.delivery(id).await?;
            let delivery = delivery
                .with_context(|| format!("there is no request {id}: see `leadsync logs`"))?;
            return Ok(Payload {
                name: format!("request {id}"),
                body: delivery.body,
                origin: delivery.origin,
                content_type: delivery.content_type,
            });
        }
        let file = self.file.as_deref().unwrap_or(Path::new("-"));
        let body = if file.as_os_str() == "-" {
            let mut body = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin(), &mut body)?;
            body
        } else {
            std::fs::read(file).with_context(|| format!("{} can't be read", file.display()))?
        };
        let name = file.display().to_string();
        Ok(Payload {
            name,
            body,
            content_type: self.content_type.clone(),
            origin: self.event.into(),
        })
    }
}

fn show(record: &RecordPreview) -> anyhow::Result<()> {
    let id = record.source_id.as_deref().unwrap_or("without an ID");
    output::line(&format!("{} {id}: {}", record.entity, sentence(&record.plan)))?;
    let rows: Vec<[String; 4]> = record
        .fields
        .iter()
        .filter(|field| field.sent != Sent::Absent || field.default.is_some())
        .map(|field| {
            let sent = match &field.sent {
                Sent::Absent => String::new(),
                Sent::Blank => "(blank: not sent)".to_owned(),
                Sent::Clear => "(blank: cleared)".to_owned(),
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
        output::line(&format!("call to the {}: {}", call.account, call.operation.as_str()))?;
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

fn sentence(plan: &Plan) -> String {
    let problems = || plan.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let lead = plan.lead_id.as_ref().map(ToString::to_string).unwrap_or_default();
    match plan.kind {
        PlanKind::Refuse => format!("would fail. {}", problems()),
        PlanKind::Skip => format!("would be skipped. {}", problems()),
        PlanKind::Unchanged => {
            format!("no change. {}", plan.why.map_or("", |why| why.sentence()))
        }
        PlanKind::ReadSource | PlanKind::ReadActivity => {
            "would be read from the source first".to_owned()
        }
        PlanKind::ReadOther => format!("lead {lead} of the source would be read first"),
        PlanKind::Create => "would be created, as decided in the review".to_owned(),
        PlanKind::Review => format!("would be sent to review. {}", problems()),
        PlanKind::Look => "would be looked up in the destination first".to_owned(),
        PlanKind::Capture => {
            let key = plan.key.as_ref().map(|key| format!("{} is {}", key.field, key.value));
            format!("would be created, or updated where {}", key.unwrap_or_default())
        }
        PlanKind::Update => format!("would update lead {lead}"),
        PlanKind::UpdateSource => format!("would update lead {lead} of the source"),
        PlanKind::Adopt => {
            format!("would be linked to lead {lead}, which an earlier attempt created")
        }
        PlanKind::Freeze => format!("would be left unchanged. {}", problems()),
        PlanKind::LookActivity => {
            format!("would be looked for among the activities of lead {lead} first")
        }
        PlanKind::CreateActivity => format!("would be added to lead {lead}"),
        PlanKind::UpdateActivity => {
            let id = plan.activity_id.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("would update activity {id}")
        }
    }
}
