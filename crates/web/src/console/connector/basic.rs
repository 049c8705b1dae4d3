//! `/connectors/{name}/basic`: the basic settings.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use plan::connector::{Basic, Definition};
use plan::moment::DateOrder;
use plan::placeholder;
use plan::problem::Problem;

use super::entities::{OneOf, Shown};
use super::page::{self, Choice, Faults, told};
use super::{Frame, Opened, lists, open, save};
use crate::Shared;
use crate::console::form::Form;
use crate::console::visitor::Visitor;

const HERE: &str = "/basic";

const DATE_ORDERS: OneOf<DateOrder> = OneOf {
    all: &[
        (DateOrder::DayFirst, "day_first", "Day first: 03/04/2026 is 3 April", ""),
        (DateOrder::MonthFirst, "month_first", "Month first: 03/04/2026 is March 4", ""),
    ],
};

#[derive(Template)]
#[template(path = "connector_basic.html")]
struct Settings {
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

impl Settings {
    async fn read(
        shared: &Shared,
        visitor: Visitor,
        Opened { configuration, connector, frame }: Opened,
    ) -> store::Result<Self> {
        let destination = configuration.account_of(connector.destination)?;
        let (catalogue, silent) = lists::catalogue(shared, destination).await?;
        let basic = connector.definition.basic;
        Ok(Self {
            page: "Connectors",
            visitor,
            frame,
            told: None,
            version: connector.version.to_string(),
            date_orders: DATE_ORDERS.shown_or_none(basic.date_order),
            basic,
            faults: Faults::default(),
            silent,
            countries: lists::countries(),
            time_zones: lists::time_zones(),
            search_keys: lists::search_keys(&catalogue),
            users: lists::users(&catalogue),
        })
    }

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

pub(in crate::console) async fn show(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(given): Query<BTreeMap<String, String>>,
) -> Response {
    let opened = match open(&shared, &visitor, &name, HERE).await {
        Ok(opened) => opened,
        Err(response) => return response,
    };
    match Settings::read(&shared, visitor, opened).await {
        Ok(settings) => page::page(StatusCode::OK, &Settings { told: told(&given), ..settings }),
        Err(error) => page::unavailable(&error),
    }
}

pub(in crate::console) async fn put(
    State(shared): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    form: Form,
) -> Response {
    let opened = match open(&shared, &visitor, &name, HERE).await {
        Ok(opened) => opened,
        Err(response) => return response,
    };
    let basic = of_form(&form);
    let definition = Definition { basic: basic.clone(), ..opened.connector.definition.clone() };
    let version = form.text("version");
    let refusal = match DATE_ORDERS.read_or_none(&form, "date_order", "basic.date_order") {
        Ok(_) => match save(&shared, &visitor, &definition, version, &opened.frame, HERE).await {
            Ok(response) => return response,
            Err(refusal) => refusal,
        },
        Err(refusal) => refusal,
    };
    match Settings::read(&shared, visitor, opened).await {
        Ok(settings) => {
            let faults = Faults::of(&refusal);
            let version = version.to_owned();
            let date_orders = DATE_ORDERS.shown_or_none(basic.date_order);
            let settings = Settings { version, basic, faults, date_orders, ..settings };
            page::page(refusal.status(), &settings)
        }
        Err(error) => page::unavailable(&error),
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
