//! Writing one lead.

use std::borrow::Cow;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{Client, Done, Reply, Written, call::Call};

/// One value of a lead: `{"Attribute":"<schema name>","Value":"<text>"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The schema name. If the account does not have it, the whole write is refused with
    /// `MXUnknownAttributeException` (live).
    pub name: Cow<'a, str>,
    /// The value as text: instants in UTC by [`crate::to_wire`], booleans `"1"` or `"0"` (live). An
    /// empty value clears the field (inferred).
    pub value: Cow<'a, str>,
    /// The parts of a custom field set, by schema name; empty for every other field.
    pub fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Attribute<'a> {
    /// A value.
    pub fn new(name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        Self { name: name.into(), value: value.into(), fields: Vec::new() }
    }

    /// A custom field set: an empty value and `Fields` (documented, `AD/create-leads-in-bulk`).
    pub fn field_set(
        name: impl Into<Cow<'a, str>>,
        fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    ) -> Self {
        Self { name: name.into(), value: Cow::Borrowed(""), fields }
    }
}

impl Serialize for Attribute<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let length = if self.fields.is_empty() { 2 } else { 3 };
        let mut attribute = serializer.serialize_struct("Attribute", length)?;
        attribute.serialize_field("Attribute", &self.name)?;
        attribute.serialize_field("Value", &self.value)?;
        if !self.fields.is_empty() {
            attribute.serialize_field("Fields", &Parts(&self.fields))?;
        }
        attribute.end()
    }
}

#[derive(Serialize)]
struct Pair<'a> {
    #[serde(rename = "Attribute")]
    name: &'a str,
    #[serde(rename = "Value")]
    value: &'a str,
}

struct Parts<'a>(&'a [(Cow<'a, str>, Cow<'a, str>)]);

impl Serialize for Parts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(name, value)| Pair { name, value }))
    }
}

/// What to write to a lead. Only the attributes sent are changed (documented, `AD/update-a-lead`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadWrite<'a> {
    /// The values.
    pub attributes: Vec<Attribute<'a>>,
    /// The field to find the lead by, sent as the attribute `SearchBy`: `EmailAddress`, `Phone` or
    /// another unique field (documented, `AD/capture-lead`), or `ProspectId`, in this spelling
    /// (live, for opportunities). Ignored by `Lead.Capture` when ProspectID, EmailAddress and Phone
    /// are all sent too (documented). Uniqueness still applies: a write to a lead found by email is
    /// refused when another lead has the phone number (client code).
    pub search_by: Option<Cow<'a, str>>,
}

impl<'a> LeadWrite<'a> {
    /// Values without a `SearchBy`.
    pub fn new<N, V>(values: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<Cow<'a, str>>,
        V: Into<Cow<'a, str>>,
    {
        let attributes =
            values.into_iter().map(|(name, value)| Attribute::new(name, value)).collect();
        Self { attributes, search_by: None }
    }

    /// The same values, to a lead found by this field.
    #[must_use]
    pub fn found_by(mut self, field: impl Into<Cow<'a, str>>) -> Self {
        self.search_by = Some(field.into());
        self
    }
}

impl Serialize for LeadWrite<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Entry<'a> {
            Attribute(&'a Attribute<'a>),
            SearchBy(Pair<'a>),
        }

        let search_by = self.search_by.as_deref();
        let search_by = search_by.map(|value| Entry::SearchBy(Pair { name: "SearchBy", value }));
        serializer.collect_seq(self.attributes.iter().map(Entry::Attribute).chain(search_by))
    }
}

/// `LeadUpdateBehavior`: what `Lead.Capture` does to a lead that exists (documented,
/// `AD/capture-lead`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpdateBehaviour {
    /// Update every value sent: the parameter is left out.
    #[default]
    UpdateAll,
    /// Leave the lead alone.
    DoNotUpdate,
    /// Fill only what is empty.
    UpdateOnlyEmptyFields,
    /// Update all but unique fields.
    DoNotUpdateUniqueFields,
}

impl UpdateBehaviour {
    fn parameter(self) -> Option<&'static str> {
        match self {
            Self::UpdateAll => None,
            Self::DoNotUpdate => Some("DoNotUpdate"),
            Self::UpdateOnlyEmptyFields => Some("UpdateOnlyEmptyFields"),
            Self::DoNotUpdateUniqueFields => Some("DoNotUpdateUniqueFields"),
        }
    }
}

/// `postUpdatedLead`: whether an update fires the account's automations, webhooks and rules
/// (documented, `AD/update-a-lead`). Creates fire them anyway (inferred).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Automations {
    /// They are not fired: LeadSquared's default, which prevents most echoes.
    #[default]
    Quiet,
    /// They are fired.
    Fire,
}

impl Automations {
    fn parameter(self) -> &'static str {
        match self {
            Self::Quiet => "false",
            Self::Fire => "true",
        }
    }
}

impl Client {
    /// `Lead.Capture`: creates a lead, or updates the one that matches (documented,
    /// `AD/capture-lead`).
    ///
    /// Without `SearchBy` it matches by ProspectID, then EmailAddress, then Phone; but a ProspectID
    /// that matches with another EmailAddress creates a **new** lead. A repeated capture leaves the
    /// lead's Source as it is. Whether its updates fire automations is not known.
    ///
    /// Returns `Id`, `RelatedId` and `IsCreated` (client code), or any subset.
    pub async fn capture_lead(
        &self,
        lead: &LeadWrite<'_>,
        behaviour: UpdateBehaviour,
    ) -> Reply<Written> {
        let call = Call::write("LeadManagement.svc/Lead.Capture", lead);
        self.send(match behaviour.parameter() {
            Some(behaviour) => call.query("LeadUpdateBehavior", behaviour),
            None => call,
        })
        .await
    }

    /// `Lead.Create`: creates a lead, with at least one of FirstName, LastName, EmailAddress and
    /// Phone (documented, `AD/create-a-lead`). A duplicate is refused with
    /// `MXDuplicateEntryException`. Returns `Id`.
    pub async fn create_lead(&self, lead: &LeadWrite<'_>) -> Reply<Written> {
        self.send(Call::write("LeadManagement.svc/Lead.Create", lead)).await
    }

    /// `Lead.Update`: updates the lead with this ProspectID (documented, `AD/update-a-lead`).
    ///
    /// Returns `AffectedRows`. An unknown id is refused with `MXInvalidEntityException`, "Lead does
    /// not exist in the system" (client code).
    pub async fn update_lead(
        &self,
        lead_id: &str,
        lead: &LeadWrite<'_>,
        automations: Automations,
    ) -> Reply<Written> {
        let call = Call::write("LeadManagement.svc/Lead.Update", lead)
            .query("leadId", lead_id)
            .query("postUpdatedLead", automations.parameter());
        self.send(call).await
    }

    /// `Lead.CreateOrUpdate`: creates a lead or updates the one found by `SearchBy`, else by email
    /// and phone (documented, `AD/create-or-update`); in practice by email alone, and a phone
    /// number of another lead is refused with `MXDuplicateEntryException` (client code). Returns
    /// `Id` and `AffectedRows`.
    pub async fn create_or_update_lead(
        &self,
        lead: &LeadWrite<'_>,
        automations: Automations,
    ) -> Reply<Written> {
        let call = Call::write("LeadManagement.svc/Lead.CreateOrUpdate", lead)
            .query("postUpdatedLead", automations.parameter());
        self.send(call).await
    }

    /// `Lead/Delete/ById`: deletes a lead permanently (documented, `AD/lead-delete`). Refused
    /// unless LeadSquared's support has enabled it for the account.
    pub async fn delete_lead(&self, lead_id: &str) -> Reply<Done> {
        let call =
            Call::get_that_writes("LeadManagement.svc/Lead/Delete/ById").query("leadId", lead_id);
        self.send(call).await
    }

    /// `Lead.Convert`: turns an anonymous visitor into a lead (client code). Returns
    /// `AffectedRows`.
    pub async fn convert_lead(
        &self,
        visitor_id: &str,
        lead: &LeadWrite<'_>,
        automations: Automations,
    ) -> Reply<Written> {
        let call = Call::write("LeadManagement.svc/Lead.Convert", lead)
            .query("leadId", visitor_id)
            .query("postUpdatedLead", automations.parameter());
        self.send(call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_is_a_list_of_attributes_with_search_by_last() {
        let mut lead =
            LeadWrite::new([("FirstName", "Asha"), ("Phone", "+91-1")]).found_by("Phone");
        lead.attributes.push(Attribute::field_set(
            "mx_KYC",
            vec![("Status".into(), "Pending".into()), ("mx_CustomObject_1".into(), "x".into())],
        ));
        assert_eq!(
            serde_json::to_string(&lead).expect("JSON"),
            r#"[{"Attribute":"FirstName","Value":"Asha"},{"Attribute":"Phone","Value":"+91-1"},{"Attribute":"mx_KYC","Value":"","Fields":[{"Attribute":"Status","Value":"Pending"},{"Attribute":"mx_CustomObject_1","Value":"x"}]},{"Attribute":"SearchBy","Value":"Phone"}]"#
        );
    }
}
