//! Mails to one person about signing in.

use plan::permission::Role;
use store::{NewMail, Token};

use crate::Admin;

/// A mail to this person. `private`: its text is a secret, which is shown to nobody else.
///
/// # Errors
/// The system returns no random bytes.
pub fn letter(
    admin: &Admin,
    recipient: &str,
    (subject, body): (&str, String),
    private: bool,
) -> store::Result<NewMail> {
    let (_, host) = admin.public_url.split_once("://").unwrap_or_default();
    let id = Token::for_webhook()?;
    Ok(NewMail {
        message_id: format!(
            "leadsync.person.{}@{}",
            id.expose(),
            host.split(['/', ':']).next().unwrap_or_default()
        ),
        thread: None,
        recipient: recipient.to_owned(),
        subject: subject.to_owned(),
        body,
        private,
        alert: None,
    })
}

/// Tells a user what changed about their own account. A failure is only logged: the change is done.
pub(crate) async fn tell(admin: &Admin, recipient: &str, what: &str) {
    let body = format!(
        "{what}\n\nIf you did not do this, ask an administrator of leadsync for a new password: {}\n",
        admin.public_url
    );
    let told = match letter(admin, recipient, ("Your leadsync account was changed", body), false) {
        Ok(mail) => admin.store.queue_mail(&mail, admin.now()).await,
        Err(error) => Err(error),
    };
    if let Err(error) = told {
        tracing::error!(%error, "a user could not be told of a change of their account");
    }
}

/// The text of an invite.
pub(crate) fn invite(by: &str, role: Role, until: &str, link: &str) -> String {
    format!(
        "{by} invites you to leadsync, with the role {role}. Choose your password with this link. \
         The link works once and expires at {until}.\n\n{link}\n\n\
         If you did not expect this, ignore this email.\n"
    )
}
