//! Ids: how they compare.

use std::borrow::Cow;

/// The form in which an id is looked up. LeadSquared's ids are GUIDs, which ignore case:
/// `ProspectID`, `ProspectActivityId`, `RelatedProspectId` and the ids of users and webhooks are
/// found whatever the case of the id that is given. No page of the documentation says so: it is
/// inferred from .NET and SQL Server, where GUIDs have no case. The account itself writes ids as it
/// created them.
pub(crate) fn key(id: &str) -> Cow<'_, str> {
    if id.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(id.to_ascii_lowercase())
    } else {
        Cow::Borrowed(id)
    }
}
