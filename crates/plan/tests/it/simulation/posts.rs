//! How changes of leads are posted.

use plan::outcome::Entity;
use plan::payload::{self, Item};
use plan::snapshot::Snapshot;

use super::account::Changed;
use super::chance::Chance;

/// How a change of a lead is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posts {
    /// As the lead is, without a word of what changed.
    Flat,
    /// With the whole lead before and after the change, and as it is.
    Whole,
    /// With what changed before and after, and the lead as it is.
    Changed,
    /// With the lead before and after the change but for its custom fields, and as it is.
    Standard,
    /// With the lead before and after the change but for what is empty, and as it is.
    Filled,
}

impl Posts {
    /// Those of the world of a seed.
    pub fn of(seed: u64) -> Self {
        match seed % 3 {
            0 => Self::Flat,
            1 => Self::Whole,
            _ => Self::Changed,
        }
    }

    /// Any of them; most say what changed.
    pub fn by(chance: &mut Chance) -> Self {
        const ALL: [Posts; 8] = [
            Posts::Flat,
            Posts::Whole,
            Posts::Whole,
            Posts::Changed,
            Posts::Changed,
            Posts::Standard,
            Posts::Filled,
            Posts::Filled,
        ];
        *chance.one(&ALL)
    }

    /// Whether a post says how this field was changed.
    pub fn tells(self, field: &str) -> bool {
        match self {
            Self::Flat => false,
            Self::Standard => !is_custom(field),
            Self::Whole | Self::Changed | Self::Filled => true,
        }
    }

    pub fn of_lead(self, changed: &Changed, now: &Snapshot) -> Item {
        let Changed { before, after, .. } = changed;
        let only = |of: &Snapshot, is_shown: &dyn Fn(&str) -> bool| -> Snapshot {
            let fields = of.0.iter().filter(|(name, _)| is_shown(name));
            fields.map(|(name, value)| (name.as_str(), value.as_str())).collect()
        };
        let filled = |of: &Snapshot| only(of, &|name| of.filled(name).is_some());
        let (before, after, now) = match self {
            Self::Flat => return Item::from_state(Entity::Lead, now),
            Self::Whole => (before.clone(), after.clone(), now.clone()),
            Self::Changed => {
                let is_changed = |name: &str| before.get(name) != after.get(name);
                (only(before, &is_changed), only(after, &is_changed), now.clone())
            }
            Self::Standard => {
                let is_standard = |name: &str| !is_custom(name);
                (only(before, &is_standard), only(after, &is_standard), now.clone())
            }
            Self::Filled => (filled(before), filled(after), now.clone()),
        };
        let body = serde_json::json!({"Before": before, "After": after, "Current": now});
        payload::read(body.to_string().as_bytes(), None).expect("a lead").remove(0).unwrap()
    }
}

fn is_custom(field: &str) -> bool {
    field.starts_with("mx_")
}
