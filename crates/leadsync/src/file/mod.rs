//! Configuration files, as `apply` reads them. `export` writes them by `admin::export`.

mod read;

pub use read::{AccountEntry, ConnectorEntry, Files};

use serde::Deserialize;

/// A secret in a file: the text itself, or where to find it.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum SecretSource {
    /// In the environment.
    Env {
        /// The variable.
        env: String,
    },
    /// In a file of its own.
    File {
        /// The file.
        file: std::path::PathBuf,
    },
    /// Here. It is never written back.
    Plain(String),
}

impl std::fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env { env } => write!(f, "env {env}"),
            Self::File { file } => write!(f, "file {}", file.display()),
            Self::Plain(_) => f.write_str("plain"),
        }
    }
}
