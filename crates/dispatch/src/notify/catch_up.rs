//! Notifying people that fewer leads agree than before, that changes need confirmation, and that a
//! sweep can't read what it needs.

use store::{CatchUpNews, CatchUpNotice, NewMail};

use super::Desk;
use super::letter::{self, Letter};

impl Desk {
    /// Queues mails about sweeps and comparisons.
    pub(super) async fn notify_of_catch_up(&self) -> store::Result<()> {
        let all = self.store.catch_up_notices().await?;
        if all.is_empty() {
            return Ok(());
        }
        let (configuration, now) = (self.store.configuration().await?, self.now());
        for notice in all {
            let found = configuration.connectors.iter().find(|one| one.id == notice.connector);
            let Some(connector) = found else { continue };
            let basic = &connector.definition.basic;
            let mails = match basic.notify.as_deref().filter(|_| basic.notifications) {
                Some(recipient) => {
                    let definition = &connector.definition;
                    let public_url = &self.options.public_url;
                    let letter = letter::about_catch_up(
                        &configuration,
                        definition,
                        &notice.news,
                        public_url,
                    );
                    vec![self.of_catch_up(&notice, letter, recipient)]
                }
                None => Vec::new(),
            };
            self.store.notify_of_catch_up(&notice, mails, now).await?;
        }
        Ok(())
    }

    fn of_catch_up(&self, notice: &CatchUpNotice, letter: Letter, recipient: &str) -> NewMail {
        let kind = match notice.news {
            CatchUpNews::Held(_) | CatchUpNews::Failing(_) => "sweep",
            CatchUpNews::Arrived(_) => "mass-change",
            CatchUpNews::Fell { .. } | CatchUpNews::Gone(_) => "parity",
        };
        let (id, at) = (notice.connector.0, self.now().as_millisecond());
        NewMail {
            message_id: format!("leadsync.{kind}.{id}.{at}@{}", self.options.post.domain()),
            thread: None,
            recipient: recipient.to_owned(),
            subject: letter.subject,
            body: letter.body,
            private: false,
        }
    }
}
