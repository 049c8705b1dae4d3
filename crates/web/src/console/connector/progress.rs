//! How far the set-up of a connector is.

use std::collections::BTreeSet;

use plan::connector::{Definition, differences};
use store::{Connector, Filter, Page, Store};

/// The page with this setting, below that of the connector.
pub(super) fn page_of(at: &str) -> &'static str {
    match at.split(['.', '[']).next().unwrap_or_default() {
        "basic" => "/basic",
        "lead" if at.starts_with("lead.field") || at == "lead.automatic" => "/mapping",
        "activity" if at.contains(".field") => "/mapping/activities",
        "owner" => "/mapping/owners",
        "filter" => "/filter",
        _ => "/entities",
    }
}

/// Which of these steps are done, in their order: settings that differ from those of a new connector
/// were made, and a webhook URL is set up once something used it. Whoever did a step has accepted what
/// the steps before it propose.
pub(super) async fn done(
    store: &dyn Store,
    connector: &Connector,
    steps: &[&'static str],
) -> store::Result<BTreeSet<&'static str>> {
    let Definition { name, source, destination, .. } = &connector.definition;
    let new = Definition::new(name, source, destination);
    let made = differences(&new, &connector.definition);
    let pages: Vec<&str> = made.iter().map(|one| page_of(&one.setting)).collect();
    let is_used = connector.verified_at.is_some()
        || connector.wiring.is_some()
        || has_requests(store, name).await?;
    let is_made = |step: &&str| match *step {
        "/webhook" => is_used,
        step => pages.iter().any(|page| page.starts_with(step)),
    };
    let last = steps.iter().rposition(is_made);
    Ok(steps.iter().take(last.map_or(0, |last| last + 1)).copied().collect())
}

async fn has_requests(store: &dyn Store, name: &str) -> store::Result<bool> {
    let filter = Filter { connector: Some(name.to_owned()), ..Filter::default() };
    let (found, _) = store.request_lines(&filter, &Page { limit: 1, after: None }).await?;
    Ok(!found.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_on_a_page_of_the_connector() {
        for (at, page) in [
            ("basic.time_zone", "/basic"),
            ("lead.field[mx_City].default", "/mapping"),
            ("lead.behaviour", "/entities"),
            ("activity.type[201].field[1]", "/mapping/activities"),
            ("owner.fallback", "/mapping/owners"),
            ("filter.all[1]", "/filter"),
            ("while_disabled", "/entities"),
        ] {
            assert_eq!(page_of(at), page, "{at}");
        }
    }
}
