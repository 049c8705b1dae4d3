//! Leads: `LeadManagement.svc`.

pub(crate) mod bulk;
pub(crate) mod lead;
pub(crate) mod metadata;
pub(crate) mod read;
pub(crate) mod write;
