//! Finding leads by criteria.

use super::Account;
use crate::lead::{Lead, instant};
use crate::metadata::{FieldNo, Kind};
use crate::refusal::Refusal;
use jiff::Timestamp;
use jiff::tz::Offset;
use std::cmp::Ordering;
use std::sync::Arc;

/// `SqlOperator` of `Leads.Get` (apidocs.leadsquared.com/search-by-lead-criteria).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Like,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(crate) fn of(text: &str) -> Result<Self, Refusal> {
        Ok(match text.trim().to_ascii_uppercase().as_str() {
            "=" | "" => Self::Equal,
            "<>" => Self::NotEqual,
            "LIKE" => Self::Like,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return Err(Refusal::input("SqlOperator")),
        })
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal | Self::Like => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// A column to sort by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sort {
    pub(crate) column: FieldNo,
    pub(crate) descending: bool,
}

/// A UTC time in the API's format.
pub(crate) fn utc(text: &str) -> Option<Timestamp> {
    Offset::UTC.to_timestamp(instant(text.trim())?).ok()
}

impl Account {
    /// The leads that match the condition; all leads if there is none.
    pub(crate) fn matching(
        &self,
        condition: Option<(FieldNo, Comparison, &str)>,
    ) -> Result<Vec<Arc<Lead>>, Refusal> {
        let Some((no, comparison, value)) = condition else {
            return Ok(self.ledger.leads().cloned().collect());
        };
        let field = self.setup.field(no);
        if field.unique && comparison == Comparison::Equal {
            let slot = self.ledger.holder(&self.setup, no, value);
            return Ok(slot.map(|slot| self.ledger.lead(slot).clone()).into_iter().collect());
        }
        if field.kind == Kind::Boolean && !matches!(value, "0" | "1" | "") {
            return Err(Refusal::data_type(&field.schema_name, field.kind, value));
        }
        let wanted_time = utc(value);
        let wanted = value.to_lowercase();
        let wanted_like = wanted.trim_matches('%').to_owned();
        let holds = |lead: &Lead| {
            if let (Some(at), Some(wanted)) = (lead.instant(field.role), wanted_time) {
                return comparison.holds(at.cmp(&wanted));
            }
            let text = lead.text(&self.setup, no).unwrap_or_default();
            if comparison == Comparison::Like {
                return text.to_lowercase().contains(&wanted_like);
            }
            let order = match (text.parse::<f64>(), value.parse::<f64>()) {
                (Ok(a), Ok(b)) if field.kind == Kind::Number => {
                    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
                }
                _ => text.to_lowercase().cmp(&wanted),
            };
            comparison.holds(order)
        };
        Ok(self.ledger.leads().filter(|lead| holds(lead)).cloned().collect())
    }

    /// Sorts leads. Ties may change their order from call to call, as in the live API.
    pub(crate) fn sort(&self, leads: &mut [Arc<Lead>], sort: Sort) {
        let field = self.setup.field(sort.column);
        if self.setup.switches.unstable_ties.is_on() && !leads.is_empty() {
            let turn = usize::try_from(self.chance.draw() >> 32).unwrap_or(0) % leads.len();
            leads.rotate_left(turn);
        }
        let place = |lead: &Arc<Lead>| {
            if let Some(at) = lead.instant(field.role) {
                // It sorts by what it shows: whole seconds.
                return Place::Time(at.as_second());
            }
            let text = lead.text(&self.setup, sort.column);
            if field.kind == Kind::Number {
                return Place::Number(text.and_then(|text| text.parse().ok()));
            }
            Place::Text(text.map(std::borrow::Cow::into_owned))
        };
        // Each sort key is computed once: a page of a hundred thousand leads sorts them all.
        let mut placed: Vec<(Place, Arc<Lead>)> =
            leads.iter().map(|lead| (place(lead), lead.clone())).collect();
        placed.sort_by(|(a, _), (b, _)| {
            let order = a.partial_cmp(b).unwrap_or(Ordering::Equal);
            if sort.descending { order.reverse() } else { order }
        });
        for (slot, (_, lead)) in leads.iter_mut().zip(placed) {
            *slot = lead;
        }
    }
}

/// A lead's sort key.
#[derive(PartialEq, PartialOrd)]
enum Place {
    Text(Option<String>),
    Number(Option<f64>),
    Time(i64),
}
