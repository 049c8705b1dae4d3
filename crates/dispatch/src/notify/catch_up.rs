//! Notifying people that fewer leads agree than before, that changes need confirmation, and that a
//! sweep can't read what it needs.

use store::{CatchUpNews, CatchUpNotice};

use super::Desk;
use super::envelope::{self, MessageId};
use super::letter::{self, Letter};

impl Desk {
    /// Queues mails about sweeps and comparisons.
    pub(super) async fn notify_of_catch_up(&self) -> store::Result<()> {
        let all = self.store.catch_up_notices().await?;
        if all.is_empty() {
            return Ok(());
        }
        let (configuration, now) = (self.store.configuration().await?, self.now());
        let alerts = self.store.alerts().await?;
        for notice in all {
            let Some(connector) = envelope::connector(&configuration, notice.connector) else {
                continue;
            };
            let readers = envelope::readers(&[connector], &alerts);
            let mut mails = Vec::new();
            if !readers.is_empty() {
                let (definition, url) = (&connector.definition, &self.options.public_url);
                let letter = letter::about_catch_up(&configuration, definition, &notice.news, url);
                mails = self.of_catch_up(&notice, &letter, &readers);
            }
            self.store.notify_of_catch_up(&notice, mails, now).await?;
        }
        Ok(())
    }

    fn of_catch_up(
        &self,
        notice: &CatchUpNotice,
        letter: &Letter,
        readers: &[envelope::Reader],
    ) -> Vec<store::NewMail> {
        let kind = match notice.news {
            CatchUpNews::Held(_) | CatchUpNews::Failing(_) => "sweep",
            CatchUpNews::Arrived(_) => "mass-change",
            CatchUpNews::Fell { .. } | CatchUpNews::Gone(_) => "parity",
        };
        let (id, at) = (notice.connector.0, self.now().as_millisecond());
        let name = format!("{kind}.{id}.{at}");
        self.mails(letter, &MessageId { name: &name, thread: None }, readers)
    }
}
