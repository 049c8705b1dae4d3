//! The API operations of an account that leadsync uses.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::identity::Key;
use crate::quota::Draw;

/// One kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Reads the account's lead fields.
    LeadFields,
    /// Reads the account's users.
    Users,
    /// Reads the account's activity types.
    ActivityTypes,
    /// Reads the fields of one activity type.
    ActivityForm,
    /// Reads a lead by its id.
    LeadById,
    /// Reads many leads by their ids.
    LeadsByIds,
    /// Finds leads by email.
    LeadsByEmail,
    /// Finds leads by phone or mobile number, which share one call (AD/get-lead-by-phone).
    LeadsByPhone,
    /// Finds leads by any other field.
    Leads,
    /// Creates a lead, or updates the one with the key.
    Capture,
    /// Updates a lead.
    Update,
    /// Many captures at once.
    BulkCapture,
    /// Creates many leads, and never updates one.
    BulkCreate,
    /// Many updates at once.
    BulkUpdate,
    /// Reads the activities of a lead.
    ActivitiesOfLead,
    /// Reads the activities of one type that were modified in a window.
    ActivitiesByEvent,
    /// Adds an activity to a lead.
    CreateActivity,
    /// Updates an activity.
    UpdateActivity,
    /// Adds many activities at once.
    BulkCreateActivities,
    /// Updates many activities at once.
    BulkUpdateActivities,
}

impl Operation {
    /// The call that finds a lead by a key.
    pub fn finding(key: &Key) -> Self {
        match key.field.as_str() {
            "EmailAddress" => Self::LeadsByEmail,
            "Phone" | "Mobile" => Self::LeadsByPhone,
            _ => Self::Leads,
        }
    }

    /// Its name in LeadSquared's API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LeadFields => "LeadsMetaData.Get",
            Self::LeadById => "Leads.GetById",
            Self::LeadsByIds => "Leads/Retrieve/ByIds",
            Self::LeadsByEmail => "Leads.GetByEmailaddress",
            Self::LeadsByPhone => "RetrieveLeadByPhoneNumber",
            Self::Leads => "Leads.Get",
            Self::Capture => "Lead.Capture",
            Self::Update => "Lead.Update",
            Self::BulkCapture => "Lead/Bulk/CreateOrUpdate",
            Self::BulkCreate => "Lead/Bulk/Create",
            Self::BulkUpdate => "Lead/Bulk/UpdateV2",
            Self::Users => "Users.Get",
            Self::ActivityTypes => "ActivityTypes.Get",
            Self::ActivityForm => "CustomActivity/GetActivitySetting",
            Self::ActivitiesOfLead => "ProspectActivity.svc/Retrieve",
            Self::ActivitiesByEvent => "CustomActivity/RetrieveByActivityEvent",
            Self::CreateActivity => "ProspectActivity.svc/Create",
            Self::UpdateActivity => "CustomActivity/Update",
            Self::BulkCreateActivities => "Bulk/CustomActivity/Add/ByLeadId",
            Self::BulkUpdateActivities => "Bulk/CustomActivity/Update",
        }
    }

    /// Whether it is a bulk call, for whose items there are single calls.
    pub fn is_for_many(self) -> bool {
        FOR_MANY.contains(&self)
    }

    /// Whether it writes, so that it must not be repeated blindly.
    pub fn writes(self) -> bool {
        match self {
            Self::LeadFields
            | Self::LeadById
            | Self::LeadsByIds
            | Self::LeadsByEmail
            | Self::LeadsByPhone
            | Self::Leads
            | Self::Users
            | Self::ActivityTypes
            | Self::ActivityForm
            | Self::ActivitiesOfLead
            | Self::ActivitiesByEvent => false,
            Self::Capture
            | Self::Update
            | Self::BulkCapture
            | Self::BulkCreate
            | Self::BulkUpdate
            | Self::CreateActivity
            | Self::UpdateActivity
            | Self::BulkCreateActivities
            | Self::BulkUpdateActivities => true,
        }
    }

    /// Which of the account's buckets it uses.
    pub fn draw(self) -> Draw {
        match self {
            Self::BulkCapture
            | Self::BulkCreate
            | Self::BulkUpdate
            | Self::BulkCreateActivities
            | Self::BulkUpdateActivities => Draw::Bulk,
            _ => Draw::Single,
        }
    }
}

/// The bulk calls.
const FOR_MANY: [Operation; 6] = [
    Operation::LeadsByIds,
    Operation::BulkCapture,
    Operation::BulkCreate,
    Operation::BulkUpdate,
    Operation::BulkCreateActivities,
    Operation::BulkUpdateActivities,
];

/// Only bulk calls are read back.
impl<'de> Deserialize<'de> for Operation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let named = FOR_MANY.into_iter().find(|operation| operation.as_str() == name);
        named.ok_or_else(|| serde::de::Error::custom(format!("{name} is not a bulk operation")))
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
