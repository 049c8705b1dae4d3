//! `leadsync backup`.

use std::path::PathBuf;
use std::time::Instant;

use store::BackupWish;

use crate::settings::Settings;
use crate::{node, output};

/// Back up the database to a file, while the service runs
#[derive(Debug, clap::Args)]
pub struct Backup {
    /// The file to write
    file: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

impl Backup {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let store = settings.open().await?;
        let (began, now) = (Instant::now(), node::now());
        let key_file = settings.secret_key_file.clone();
        let wish = BackupWish { file: self.file.clone(), force: self.force, now, key_file };
        let done = store.back_up(wish).await?;
        let took = began.elapsed();
        if settings.json {
            return output::json(&serde_json::json!({
                "file": self.file,
                "made_at": now,
                "bytes": done.bytes,
                "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "requests": done.requests,
                "links": done.links,
                "key_fingerprint": done.key_fingerprint,
            }));
        }
        output::line(&format!(
            "{}: {}, {} requests and {} links, in {:.1} s",
            self.file.display(),
            size(done.bytes),
            done.requests,
            done.links,
            took.as_secs_f64()
        ))?;
        output::line(&format!(
            "The backup does not contain the key file: keep a copy of it elsewhere. Its fingerprint is {}.",
            done.key_fingerprint
        ))
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes.div_ceil(1_024)),
        _ => format!("{} MiB", bytes.div_ceil(1_048_576)),
    }
}
