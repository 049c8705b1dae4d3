//! `/connectors/{name}/check`: finds what will fail before it does; also the last step of the
//! set-up, which enables the connector.

use admin::settings::{label_of, lead_row};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use plan::check::{Finding, Severity};
use plan::connector::Definition;

use super::page;
use super::progress::page_of;
use super::{Frame, Opened, address, open};
use crate::Shared;
use crate::console::visitor::Visitor;

#[derive(Template)]
#[template(path = "connector_check.html")]
struct Check {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    /// The connector, and during the set-up of a pair also its way back.
    ways: Vec<Way>,
}

/// What was found about a connector.
struct Way {
    definition: Definition,
    findings: Vec<Finding>,
}

impl Check {
    fn has_errors(&self) -> bool {
        self.ways.iter().any(Way::has_errors)
    }
}

impl Way {
    fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// What this setting is called.
    fn label(&self, at: &str) -> String {
        label_of(&self.definition, at)
    }

    /// The page with this setting; of a mapping row, the row.
    fn page_of(&self, at: &str) -> String {
        if let Some(row) = lead_row(&self.definition, at) {
            let row: String = form_urlencoded::byte_serialize(row.as_bytes()).collect();
            return format!("{}/mapping?row={row}", address(&self.definition.name));
        }
        match at {
            "source" => format!("/accounts/{}", self.definition.source),
            "destination" => format!("/accounts/{}", self.definition.destination),
            _ => format!("{}{}", address(&self.definition.name), page_of(at)),
        }
    }
}

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> page::Shown {
    let opened = open(&shared, &visitor, &name, "/check").await?;
    let ways = ways(&shared, &opened).await?;
    let frame = opened.frame;
    let check = Check { page: "Connectors", visitor, frame, told: None, ways };
    Ok(page::page(StatusCode::OK, &check))
}

async fn ways(shared: &Shared, opened: &Opened) -> store::Result<Vec<Way>> {
    let Opened { configuration, connector, frame } = opened;
    let opposite = frame.opposite.as_ref().map(|(name, _)| name).filter(|_| frame.in_setup);
    let opposite = opposite.and_then(|name| configuration.connector(name));
    let mut ways = Vec::new();
    for connector in [connector].into_iter().chain(opposite.filter(|other| !other.enabled)) {
        let findings = admin::check::check(
            shared.store.as_ref(),
            shared.accounts.as_ref(),
            (configuration, connector),
            (shared.clock)(),
        );
        let definition = connector.definition.clone();
        ways.push(Way { definition, findings: findings.await? });
    }
    Ok(ways)
}
