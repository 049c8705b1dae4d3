//! `/overview`: the overview.

use axum::Json;
use axum::extract::State;
use plan::period;

use super::input::Params;
use super::refusal::Refusal;
use super::{Result, known_connector};
use crate::Shared;
use admin::health::Signs;
use admin::overview::{Overview, OverviewQuery, read};

/// The default beginning of the period.
const FROM: &str = "24h";

pub(crate) async fn show(
    State(shared): State<Shared>,
    mut params: Params,
) -> Result<Json<Overview>> {
    let now = (shared.clock)();
    let time = |text: &str| period::parse(text, now);
    let from = params.read("from", time)?.map_or_else(|| time(FROM), Ok);
    let from = from.map_err(|what| Refusal::wrong("from", what))?;
    let to = params.read("to", time)?.unwrap_or_else(|| OverviewQuery::up_to(now));
    let connector = params.text("connector");
    params.end()?;
    let configuration = shared.store.configuration().await?;
    let connector = match connector {
        Some(name) => {
            let known = known_connector(&configuration, &name);
            let unknown =
                |_| Refusal::wrong("connector", format!("the connector '{name}' does not exist"));
            Some(known.map_err(unknown)?.id)
        }
        None => None,
    };
    let asked = OverviewQuery { from, to, connector };
    let grid = asked.grid().map_err(|what| Refusal::wrong("from", what))?;
    let signs = Signs::read(&*shared.store, &configuration, now).await?;
    Ok(Json(read(&*shared.store, &configuration, &signs, &asked, &grid, now).await?))
}
