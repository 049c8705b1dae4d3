//! `/connectors/{name}/basic`: the basic settings.

use std::collections::BTreeMap;

use askama::Template;
use plan::connector::{Basic, Definition};
use plan::moment::DateOrder;
use plan::placeholder;
use plan::problem::Problem;

use super::entities::{OneOf, Shown};
use super::page::{Choice, Faults};
use super::saving::{Saves, Stand, Wish};
use super::{Frame, Opened, lists};
use crate::Shared;
use crate::api::Refusal;
use crate::console::form::Form;
use crate::console::visitor::Visitor;

const DATE_ORDERS: OneOf<DateOrder> = OneOf {
    all: &[
        (DateOrder::DayFirst, "day_first", "Day first: 03/04/2026 is 3 April", ""),
        (DateOrder::MonthFirst, "month_first", "Month first: 03/04/2026 is March 4", ""),
    ],
};

#[derive(Template)]
#[template(path = "connector_basic.html")]
pub(in crate::console) struct BasicPage {
    page: &'static str,
    visitor: Visitor,
    frame: Frame,
    told: Option<&'static str>,
    version: String,
    basic: Basic,
    faults: Faults,
    /// Why the fields and users of the destination could not be read.
    silent: Option<Problem>,
    countries: Vec<Choice>,
    time_zones: Vec<Choice>,
    date_orders: Vec<Shown>,
    search_keys: Vec<Choice>,
    users: Vec<Choice>,
}

impl Saves for BasicPage {
    const HERE: &'static str = "/basic";

    type Part = Basic;

    fn saved(definition: &Definition, _: BTreeMap<String, String>) -> Basic {
        definition.basic.clone()
    }

    fn sent(form: &Form, saved: &Definition) -> (Basic, Result<Wish, Refusal>) {
        let basic = of_form(form);
        let wanted = Definition { basic: basic.clone(), ..saved.clone() };
        let date_order = DATE_ORDERS.read_or_none(form, "date_order", "basic.date_order");
        (basic, date_order.map(|_| Wish::save(wanted)))
    }

    async fn read(
        shared: &Shared,
        visitor: Visitor,
        Opened { configuration, connector, frame }: Opened,
        basic: Basic,
        Stand { told, version, faults }: Stand,
    ) -> store::Result<Self> {
        let destination = configuration.account_of(connector.destination)?;
        let (catalogue, silent) = lists::catalogue(shared, destination).await?;
        Ok(Self {
            page: "Connectors",
            visitor,
            frame,
            told,
            version,
            date_orders: DATE_ORDERS.shown_or_none(basic.date_order),
            basic,
            faults,
            silent,
            countries: lists::countries(),
            time_zones: lists::time_zones(),
            search_keys: lists::search_keys(&catalogue),
            users: lists::users(&catalogue),
        })
    }
}

impl BasicPage {
    /// The connector's own list of placeholders, one a line.
    fn placeholders(&self) -> String {
        self.basic.placeholders.as_deref().unwrap_or_default().join("\n")
    }

    /// What counts as a placeholder where the list is empty.
    fn usual() -> &'static [&'static str] {
        &placeholder::DEFAULT
    }

    fn text(setting: Option<&String>) -> &str {
        setting.map_or("", String::as_str)
    }
}

fn of_form(form: &Form) -> Basic {
    let text = |name: &str| {
        let text = form.text(name).trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    Basic {
        lead_source: text("lead_source"),
        default_country_code: text("default_country_code"),
        time_zone: text("time_zone"),
        date_order: DATE_ORDERS.named(form.text("date_order")),
        search_by: text("search_by").unwrap_or_default(),
        secondary_search_by: text("secondary_search_by"),
        notify: text("notify"),
        notifications: text("notifications").is_some(),
        placeholders: text("placeholders").map(|text| {
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
        }),
    }
}
