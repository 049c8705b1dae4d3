//! `leadsync key`.

use store::Actor;

use crate::settings::Settings;
use crate::{node, output};

/// Replace the encryption key
#[derive(Debug, clap::Subcommand)]
pub enum Key {
    /// Encrypt everything with a new key; all services must be stopped
    ///
    /// The new key takes the place of the key file. The old one is kept under a name with its fingerprint:
    /// backups made before need it, so move it to them. Several nodes each need the new file.
    Rotate,
}

impl Key {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let Self::Rotate = self;
        let store = settings.open_alone().await?;
        let file = settings.secret_key_file.as_deref();
        let rotated = store.rotate_key(file, &Actor::command_line(), node::now()).await?;
        if settings.json {
            return output::json(&serde_json::json!({
                "key_file": rotated.file,
                "old_key_file": rotated.old_file,
                "fingerprint": rotated.fingerprint,
            }));
        }
        output::line(&format!(
            "Everything is encrypted with the new key in {} (fingerprint {}).\n\
             The old key is in {}. Backups made before need it: move it to them, away from here.",
            rotated.file.display(),
            rotated.fingerprint,
            rotated.old_file.display()
        ))
    }
}
