//! `/connectors/{name}/basic`: the basic settings.

use std::collections::BTreeMap;

use askama::Template;
use plan::connector::{Basic, Definition};
use plan::moment::DateOrder;
use plan::placeholder;
use plan::problem::Problem;
use plan::silence::MOST_HOURS;
use store::Account;

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
    secondary_keys: Vec<Choice>,
    users: Vec<Choice>,
    /// The way back, while it is set up in the same pass.
    back: Option<Back>,
}

/// What the way back has for itself.
struct Back {
    name: String,
    own: Own,
    time_zones: Vec<Choice>,
    users: Vec<Choice>,
    /// Why the users of the source could not be read.
    silent: Option<Problem>,
}

/// The basic settings that can't be concluded from those of the way there.
pub(in crate::console) struct Own {
    lead_source: Option<String>,
    time_zone: Option<String>,
    notify: Option<String>,
}

impl Own {
    fn of_form(form: &Form) -> Self {
        Self {
            lead_source: text(form, "back_lead_source"),
            time_zone: text(form, "back_time_zone"),
            notify: text(form, "back_notify"),
        }
    }

    fn of(basic: &Basic) -> Self {
        Self {
            lead_source: basic.lead_source.clone(),
            time_zone: basic.time_zone.clone(),
            notify: basic.notify.clone(),
        }
    }
}

/// A page without the settings of the way back does not send them.
fn has_back(form: &Form) -> bool {
    !form.text("back").is_empty()
}

impl Saves for BasicPage {
    const HERE: &'static str = "/basic";

    /// The settings, and those of the way back if they were sent.
    type Part = (Basic, Option<Own>);

    fn saved(definition: &Definition, _: BTreeMap<String, String>) -> Self::Part {
        (definition.basic.clone(), None)
    }

    fn sent(form: &Form, saved: &Definition) -> (Self::Part, Result<Wish, Refusal>) {
        let basic = of_form(form);
        let wanted = Definition { basic: basic.clone(), ..saved.clone() };
        let date_order = DATE_ORDERS.read_or_none(form, "date_order", "basic.date_order");
        let own = has_back(form).then(|| Own::of_form(form));
        let hours = silent_hours(form);
        ((basic, own), date_order.and(hours).map(|_| Wish::save(wanted)))
    }

    fn set_back(form: &Form, back: &mut Definition) {
        if !has_back(form) {
            return;
        }
        let Own { lead_source, time_zone, notify } = Own::of_form(form);
        back.basic.notifications = notify.is_some() && of_form(form).notifications;
        (back.basic.lead_source, back.basic.time_zone, back.basic.notify) =
            (lead_source, time_zone, notify);
    }

    async fn read(
        shared: &Shared,
        visitor: Visitor,
        Opened { configuration, connector, frame }: Opened,
        (basic, own): Self::Part,
        Stand { told, version, faults }: Stand,
    ) -> store::Result<Self> {
        let destination = configuration.account_of(connector.destination)?;
        let (catalogue, silent) = lists::catalogue(shared, destination).await?;
        let keys = |key: &str| lists::chosen(lists::search_keys(&catalogue), key);
        let back = match &frame.carried_to {
            Some((_, name)) => match configuration.connector(name) {
                Some(back) => {
                    let source = configuration.account_of(connector.source)?;
                    let own = own.unwrap_or_else(|| Own::of(&back.definition.basic));
                    Some(read_back(shared, name, source, own).await?)
                }
                None => None,
            },
            None => None,
        };
        Ok(Self {
            page: "Connectors",
            visitor,
            frame,
            told,
            version,
            date_orders: DATE_ORDERS.shown_or_none(basic.date_order),
            faults,
            silent,
            countries: lists::chosen(
                lists::countries(),
                Self::text(basic.default_country_code.as_ref()),
            ),
            time_zones: lists::chosen(lists::time_zones(), Self::text(basic.time_zone.as_ref())),
            search_keys: keys(&basic.search_by),
            secondary_keys: keys(Self::text(basic.secondary_search_by.as_ref())),
            users: lists::chosen(lists::named_users(&catalogue), Self::text(basic.notify.as_ref())),
            basic,
            back,
        })
    }
}

async fn read_back(shared: &Shared, name: &str, source: &Account, own: Own) -> store::Result<Back> {
    let (catalogue, silent) = lists::catalogue(shared, source).await?;
    let of = |setting: &Option<String>| setting.clone().unwrap_or_default();
    Ok(Back {
        name: name.to_owned(),
        time_zones: lists::chosen(lists::time_zones(), &of(&own.time_zone)),
        users: lists::chosen(lists::named_users(&catalogue), &of(&own.notify)),
        own,
        silent,
    })
}

impl BasicPage {
    /// The connector's own list of placeholders, one a line.
    fn placeholders(&self) -> String {
        self.basic.placeholders.as_deref().unwrap_or_default().join("\n")
    }

    /// After how many hours people are notified; empty: never.
    fn silent_hours(&self) -> String {
        match self.basic.silent_hours {
            0 => String::new(),
            hours => hours.to_string(),
        }
    }

    fn most_hours() -> u32 {
        MOST_HOURS
    }

    /// What counts as a placeholder where the list is empty.
    fn usual() -> &'static [&'static str] {
        &placeholder::DEFAULT
    }

    fn text(setting: Option<&String>) -> &str {
        setting.map_or("", String::as_str)
    }
}

fn text(form: &Form, name: &str) -> Option<String> {
    let text = form.text(name).trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The hours of a form; 0 if it names none.
fn silent_hours(form: &Form) -> Result<u32, Refusal> {
    let Some(given) = text(form, "silent_hours") else { return Ok(0) };
    given.parse().map_err(|_| {
        Refusal::wrong(
            "basic.silent_hours",
            format!(
                "'{given}' is not a whole number of hours; use 1 to {MOST_HOURS}, or leave it empty \
                 for no alert"
            ),
        )
    })
}

fn of_form(form: &Form) -> Basic {
    let text = |name: &str| text(form, name);
    Basic {
        lead_source: text("lead_source"),
        default_country_code: text("default_country_code"),
        time_zone: text("time_zone"),
        date_order: DATE_ORDERS.named(form.text("date_order")),
        search_by: text("search_by").unwrap_or_default(),
        secondary_search_by: text("secondary_search_by"),
        notify: text("notify"),
        notifications: text("notifications").is_some(),
        silent_hours: silent_hours(form).unwrap_or_default(),
        placeholders: text("placeholders").map(|text| {
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
        }),
    }
}
