//! The parts of a connector's definition.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::moment::DateOrder;

/// The basic settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// What new leads get as their *Lead Source*.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_source: Option<String>,
    /// The country of phone numbers without a country code: ISO 3166 (`IN`) or a calling code
    /// (`+91`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_country_code: Option<String>,
    /// The zone of the source's date-times, an IANA name. If omitted, they are UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Whether the day or the month comes first in dates like `03/04/2026`. If omitted, it is as in
    /// the country of [`Basic::default_country_code`]; without a country such dates can't be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_order: Option<DateOrder>,
    /// Values that count as empty, such as `null` or `@{*}`, in place of
    /// [`placeholder::DEFAULT`](crate::placeholder::DEFAULT).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholders: Option<Vec<String>>,
    /// The destination's field by which a lead is matched.
    #[serde(default = "email")]
    pub search_by: String,
    /// The field to try if the first one does not find the lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secondary_search_by: Option<String>,
    /// The email address of the destination's user who is notified of failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<String>,
    /// Whether that user is notified.
    #[serde(default)]
    pub notifications: bool,
    /// After how many hours without a webhook people are notified; 0: never ([`crate::silence`]).
    #[serde(default, skip_serializing_if = "is_default")]
    pub silent_hours: u32,
}

fn email() -> String {
    "EmailAddress".to_owned()
}

impl Default for Basic {
    fn default() -> Self {
        Self {
            lead_source: None,
            default_country_code: None,
            time_zone: None,
            date_order: None,
            placeholders: None,
            search_by: email(),
            secondary_search_by: None,
            notify: None,
            notifications: false,
            silent_hours: 0,
        }
    }
}

/// Who of the destination account's users may use the connector; administrators always may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// *Based on Role*: users with one of these roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// *Advanced (User Level)*: users with this boolean field set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_field: Option<String>,
}

/// The *Sync Behaviour* of leads or activities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// *Capture (Create and Update existing) Record*.
    #[default]
    CreateAndUpdate,
    /// *Create only new record*.
    CreateOnly,
    /// *Update only existing record*.
    UpdateOnly,
    /// *Do Nothing*: for leads only.
    DoNothing,
}

impl Behaviour {
    /// The name in the configuration file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateAndUpdate => "create_and_update",
            Self::CreateOnly => "create_only",
            Self::UpdateOnly => "update_only",
            Self::DoNothing => "do_nothing",
        }
    }
}

/// What happens to leads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeadRules {
    /// Whether leads are created, updated, both or neither.
    #[serde(default)]
    pub behaviour: Behaviour,
    /// Whether the destination's automations should see what is written.
    ///
    /// LeadSquared hides updates by API from its automations unless asked not to
    /// (AD/update-a-lead), and always hides bulk calls; so with this on, every lead costs a call of
    /// its own.
    #[serde(default)]
    pub trigger_automations: bool,
    /// What an empty field of the source does to the destination's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub blank: Blank,
    /// What a value that the destination's field can't hold does to the record.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bad_field: BadField,
    /// What happens to a value that is not among the options of the destination's dropdown.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unlisted_option: UnlistedOption,
    /// Whether the mapping follows the fields of both accounts, with `fields` as overrides: a row
    /// replaces the automatic row of the same destination field, removes it if it is off, or is
    /// added. Without it, `fields` are the whole mapping.
    #[serde(default, skip_serializing_if = "is_default")]
    pub automatic: bool,
    /// The rows of the mapping, or its overrides; empty means the automatic mapping.
    #[serde(default, rename = "field", skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldRow>,
}

/// One row of a mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldRow {
    /// Where in the payload the value is: `Current.FirstName`, or `FirstName`, which is looked up
    /// in `Current`, in `After` and in the flat lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// A template over the payload, in place of `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute: Option<String>,
    /// The destination's field, by schema name.
    pub to: String,
    /// The value of the field if the source sent nothing and the destination has nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether the row is enabled.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// Translations of the source's values; others stay as they are.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// What an empty value does to this field, overriding the connector's `blank`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blank: Option<Blank>,
    /// Who wins for this field, overriding the connector's policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<Policy>,
}

/// What happens to a field of the destination when the source's is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blank {
    /// It keeps its value.
    #[default]
    Leave,
    /// It is emptied. That writing an empty value does so is inferred: no page says it.
    Clear,
}

/// What happens to a record with a value that the destination's field can't hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadField {
    /// The record fails, naming every such field.
    #[default]
    Refuse,
    /// The field is left out, and the record says so.
    LeaveOut,
}

/// What happens to a value that is not among the options of the destination's dropdown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnlistedOption {
    /// It is sent unchanged, and the record says so. LeadSquared stores such values (live, two
    /// authors), although nobody can choose or filter by them in its UI.
    #[default]
    Send,
    /// The record fails.
    Refuse,
    /// The field is left out, and the record says so.
    LeaveOut,
}

/// Which user of the destination becomes the owner for a user of the source.
///
/// Users are matched by email address, unless `users` says otherwise; one without a counterpart is
/// replaced by `fallback`, or the owner is left as the destination has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owners {
    /// Email addresses of the source's users, and those of their counterparts in the destination.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub users: BTreeMap<String, String>,
    /// The email address of the destination's user for everybody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
}

/// What happens to requests that arrive while the connector is disabled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhileDisabled {
    /// They are kept, and processed once it is enabled again.
    #[default]
    Keep,
    /// They are dropped: the log shows them as skipped.
    Drop,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_yes(value: &bool) -> bool {
    *value
}

/// Whether a setting has its default value.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Who wins when both sides changed a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The later change, by the accounts' own modification times.
    #[default]
    Newest,
    /// The source.
    Source,
    /// The destination.
    Destination,
    /// The source, but only if the destination has nothing.
    FillBlank,
    /// A person decides.
    Review,
}

/// Who wins if an opposite connector exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// For every field without a policy of its own.
    #[serde(default)]
    pub policy: Policy,
    /// For leads that both accounts had before they were linked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub first_meeting: FirstMeeting,
}

/// Who wins if two existing leads are linked and a field differs. A field that is empty on one side
/// is filled from the other in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstMeeting {
    /// What the event changed is synced as for linked leads: written if the other side has the value
    /// from before the event, and decided by the policy if it has another one. What the event did
    /// not change is left. If the payload does not say what changed, the policy decides.
    #[default]
    Changed,
    /// Neither: differences are left.
    FillBlank,
    /// The source.
    Source,
    /// The destination.
    Destination,
    /// The lead that was changed later, by the accounts' own modification times.
    Newest,
}

/// What happens to a lead whose match in the destination is ambiguous.
///
/// It becomes a review, unless there is a rule here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Several leads of the destination have the lead's search key.
    #[serde(default, skip_serializing_if = "is_default")]
    pub several: Several,
    /// The lead's two search keys find different leads.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keys_disagree: KeysDisagree,
    /// The lead that was found is linked to another lead of the source.
    #[serde(default, skip_serializing_if = "is_default")]
    pub linked: Linked,
}

/// Whether changes that no webhook reports are found and synced, and the two accounts are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatchUp {
    /// Whether modified leads are read at an interval, and those that no webhook reported are synced.
    /// `None`: if an opposite connector is enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<bool>,
    /// Whether both accounts are read once a day to see which linked leads differ. `None`: if an
    /// opposite connector is enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parity: Option<bool>,
}

/// The rule if several leads match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Several {
    /// A person decides.
    #[default]
    Review,
    /// The one that was changed last.
    Newest,
    /// The one that was created first.
    Oldest,
    /// It is left alone.
    Skip,
}

/// The rule if the two search keys match different leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeysDisagree {
    /// A person decides.
    #[default]
    Review,
    /// The one with its primary search key.
    Primary,
    /// The one with its secondary search key.
    Secondary,
    /// It is left alone.
    Skip,
}

/// What happens to a lead whose match is linked to another lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Linked {
    /// A person decides.
    #[default]
    Review,
    /// It takes over the match.
    Relink,
    /// It is left alone.
    Skip,
}

/// How the destination's lead is marked when its counterpart in the source was deleted, or merged
/// into another one. It is never deleted itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    /// The destination's field by schema name.
    pub field: String,
    /// Its value if the lead was deleted.
    #[serde(default = "deleted")]
    pub deleted: String,
    /// Its value if the lead was merged into another one.
    #[serde(default = "merged")]
    pub merged: String,
}

impl Removed {
    /// The initial state of a form: no field yet, and the usual values.
    pub fn nowhere() -> Self {
        Self { field: String::new(), deleted: deleted(), merged: merged() }
    }
}

fn deleted() -> String {
    "Deleted".to_owned()
}

fn merged() -> String {
    "Merged".to_owned()
}

/// What a backfill or a sweep may do without confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackfillRules {
    /// A backfill that would change more than this percentage of the destination's leads starts only
    /// after confirmation; leads that it creates do not count. So does a sweep that found changes of
    /// more than this percentage of the linked leads.
    #[serde(default = "twenty")]
    pub confirm_above: u32,
}

impl Default for BackfillRules {
    fn default() -> Self {
        Self { confirm_above: twenty() }
    }
}

fn twenty() -> u32 {
    20
}

/// What happens to activities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityRules {
    /// Whether activities are synced.
    #[serde(default)]
    pub enabled: bool,
    /// Whether activities are created, updated or both.
    #[serde(default)]
    pub behaviour: Behaviour,
    /// What happens to an activity whose payload has no id.
    #[serde(default, skip_serializing_if = "is_default")]
    pub without_id: WithoutId,
    /// Which types map to which; empty means each type that both accounts have, by name.
    #[serde(default, rename = "type", skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<ActivityType>,
}

/// What happens to an activity whose payload has no id, so that a repeated webhook can't be recognised
/// by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithoutId {
    /// It fails: a webhook sent twice would add it twice.
    #[default]
    Refuse,
    /// It is identified by its lead, type, time and fields: two that agree in all of these are the
    /// same activity.
    Sync,
}

/// One activity type of the source and what it maps to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityType {
    /// The event code in the source.
    pub from: u32,
    /// The event code in the destination.
    pub to: u32,
    /// Whether the mapping follows the fields of both types, with `fields` as overrides, as for
    /// leads.
    #[serde(default, skip_serializing_if = "is_default")]
    pub automatic: bool,
    /// The mapping of its fields, or its overrides; empty means the automatic mapping: each field
    /// that both types have, by display name and kind.
    #[serde(default, rename = "field", skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldRow>,
}
