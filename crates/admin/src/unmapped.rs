//! Which values of recent requests the destination's dropdowns don't list and no row translates.

use std::collections::BTreeMap;

use plan::activity::ActivityMapping;
use plan::connector::Definition;
use plan::mapping::Mapping;
use plan::metadata::Catalogue;
use plan::outcome::Entity;
use plan::payload::Item;
use store::Store;

use crate::recent;

/// How many requests are examined.
const EXAMINED: usize = 60;
/// The most values that are counted for a field: a free text mapped to a dropdown has any number.
const MOST_VALUES: usize = 30;

/// A value without an option in the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmapped {
    /// The value as the source sends it.
    pub value: String,
    /// In how many of the records examined.
    pub count: usize,
}

/// The unmapped values of a connector's recent requests under these settings, failed requests first,
/// by the destination's field; the most frequent first. `activity` is the event code of the type
/// whose mapping is meant, or none for leads. No account is called.
///
/// # Errors
/// The store failed.
pub async fn unmapped(
    store: &dyn Store,
    definition: &Definition,
    (source, destination): (&Catalogue, &Catalogue),
    activity: Option<u32>,
) -> store::Result<BTreeMap<String, Vec<Unmapped>>> {
    let leads = Mapping::new(definition, source, destination);
    let activities = ActivityMapping::new(definition, source, destination);
    let of = |item: Item| -> Vec<(String, String)> {
        match (activity, item.entity()) {
            (None, Entity::Lead) => values(&leads, &item),
            (None, Entity::Activity) => {
                item.lead().map(|lead| values(&leads, &lead)).unwrap_or_default()
            }
            (Some(code), Entity::Activity) if item.event() == Some(code) => {
                let kind = activities.of(&item);
                kind.map(|kind| values(&kind.mapping, &item)).unwrap_or_default()
            }
            (Some(_), _) => Vec::new(),
        }
    };
    let mut counts: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for line in recent::failed_first(store, &definition.name, EXAMINED).await? {
        let Some(delivery) = store.delivery(line.id).await? else { continue };
        // A lead that is gone is not mapped.
        if delivery.origin.removal().is_some() {
            continue;
        }
        let entries = delivery.origin.read(&delivery.body, delivery.content_type.as_deref());
        let Ok(entries) = entries else { continue };
        for (to, value) in entries.into_iter().flatten().flat_map(&of) {
            let values = counts.entry(to).or_default();
            if values.len() < MOST_VALUES || values.contains_key(&value) {
                *values.entry(value).or_default() += 1;
            }
        }
    }
    let sorted = counts.into_iter().map(|(to, values)| {
        let values = values.into_iter().map(|(value, count)| Unmapped { value, count });
        let mut values: Vec<Unmapped> = values.collect();
        values.sort_by(|one, other| other.count.cmp(&one.count).then(one.value.cmp(&other.value)));
        (to, values)
    });
    Ok(sorted.collect())
}

/// The unmapped values of a record, each with the destination's field.
fn values(mapping: &Mapping, item: &Item) -> Vec<(String, String)> {
    let of = |to: &str| {
        let values = mapping.unlisted(item, to).into_iter();
        values.map(|value| (to.to_owned(), value)).collect::<Vec<_>>()
    };
    mapping.dropdowns().flat_map(of).collect()
}
