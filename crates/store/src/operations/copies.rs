//! Backups, and what the store knows about its own past.

use std::path::PathBuf;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Backend, count_up, directory, marks};
use crate::backup::{Draft, sealed};
use crate::copies::{Backup, BackupWish, Copies};
use crate::error::Result;

#[async_trait]
impl Copies for Backend {
    async fn back_up(&self, wish: BackupWish) -> Result<Backup> {
        let BackupWish { file, force, now, key_file } = wish;
        let in_use: Vec<PathBuf> = self.files().into_iter().chain(key_file).collect();
        let draft = Draft::begin(&file, force, &in_use)?;
        self.copy_to(draft.path()).await?;
        let backup = sealed(draft, now, self.cipher.fingerprint()).await?;
        self.write(move |connection| {
            Box::pin(async move { marks::put_time(connection, marks::BACKED_UP, now).await })
        })
        .await?;
        Ok(backup)
    }

    async fn backed_up_at(&self) -> Result<Option<Timestamp>> {
        marks::find_time(&mut *self.begin_read().await?, marks::BACKED_UP).await
    }

    async fn note_restored(&self, at: Timestamp) -> Result<()> {
        self.write(move |connection| {
            Box::pin(async move {
                // Running nodes read the configuration again.
                count_up(connection, "configuration").await?;
                // A current lease holder holds one from the replaced store.
                sqlx::query("UPDATE lease SET holder = '', expires = 0")
                    .execute(&mut *connection)
                    .await?;
                directory::forget_all(connection).await?;
                marks::put_time(connection, marks::RESTORED, at).await
            })
        })
        .await
    }
}
