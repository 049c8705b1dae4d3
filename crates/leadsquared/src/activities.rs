//! Activities: `ProspectActivity.svc`.

pub(crate) mod bulk;
pub(crate) mod read;
pub(crate) mod types;
pub(crate) mod write;
