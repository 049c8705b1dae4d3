//! Bodies about leads that were deleted or merged.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Entry, Item, Removal, is_id, most_records, read, unreadable};
use crate::id::LeadId;
use crate::outcome::Entity;
use crate::problem::Problem;

/// Reads the body of a webhook about deleted or merged leads: every lead that it names, each of
/// which may or may not be gone.
///
/// What LeadSquared posts about these is unknown (`docs/leadsquared.md#payloads`). A guess: the lead as
/// in other webhooks, or ids under names that end in `ProspectId` or `LeadId`.
///
/// # Errors
/// As [`read`]; or it names no lead.
pub fn read_removals(
    body: &[u8],
    content_type: Option<&str>,
    removal: Removal,
) -> Result<Vec<Entry>, Problem> {
    let mut found: Vec<Entry> = Vec::new();
    let mut known: HashSet<LeadId> = HashSet::new();
    for entry in read(body, content_type)? {
        let item = match entry {
            Ok(item) => item,
            Err(problem) => {
                found.push(Err(problem));
                continue;
            }
        };
        let mut ids = Vec::new();
        named_leads(&item.body, &mut ids);
        for id in item.lead_id().into_iter().chain(ids.into_iter().map(LeadId::new)) {
            if !known.insert(id.clone()) {
                continue;
            }
            let is_own = item.lead_id().as_ref() == Some(&id) && item.entity == Entity::Lead;
            let one = if is_own {
                item.clone()
            } else {
                let state = std::iter::once(("ProspectID", id.as_str())).collect();
                Item::from_state(Entity::Lead, &state)
            };
            found.push(Ok(Item { removal: Some(removal), ..one }));
        }
    }
    if found.is_empty() {
        return Err(unreadable("The body names no deleted or merged lead."));
    }
    found.truncate(most_records(body.len()));
    Ok(found)
}

/// The ids of leads that are anywhere in a body.
fn named_leads<'a>(body: &'a Map<String, Value>, ids: &mut Vec<&'a str>) {
    for (name, value) in body {
        let name = name.to_ascii_lowercase();
        match value {
            Value::String(id)
                if (name.ends_with("prospectid") || name.ends_with("leadid"))
                    && is_id(id)
                    && !id.trim().is_empty() =>
            {
                ids.push(id);
            }
            Value::Object(map) => named_leads(map, ids),
            Value::Array(list) => {
                list.iter().filter_map(Value::as_object).for_each(|map| named_leads(map, ids));
            }
            _ => {}
        }
    }
}
