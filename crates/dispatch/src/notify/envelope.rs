//! Who gets a letter, and what each reader gets of it.

use std::collections::BTreeMap;

use plan::alert;
use plan::id::ConnectorId;
use store::{Alert, Configuration, Connector, ForAlert, NewMail};

use super::Desk;
use super::letter::Letter;

/// Somebody who wants to know about connectors.
pub(super) struct Reader {
    /// An email address; of a webhook, how it is shown.
    recipient: String,
    why: Why,
    /// The names of these connectors.
    pub(super) connectors: Vec<String>,
}

/// Why somebody gets a letter.
enum Why {
    /// The failure contact.
    Contact,
    /// An address that receives alerts.
    Alert { id: i64, is_webhook: bool },
}

impl Reader {
    /// An address that gets what is about these connectors.
    pub(super) fn of_alert(alert: &Alert, connectors: &[&Connector]) -> Self {
        let names = connectors.iter().map(|connector| connector.definition.name.clone());
        Self::new(alert, names.collect())
    }

    fn new(alert: &Alert, connectors: Vec<String>) -> Self {
        let why = Why::Alert { id: alert.id, is_webhook: alert.is_webhook };
        Self { recipient: alert.shown.clone(), why, connectors }
    }
}

/// Who wants to know about these connectors at once: each address once.
pub(super) fn readers(connectors: &[&Connector], alerts: &[Alert]) -> Vec<Reader> {
    let mut contacts: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for connector in connectors {
        let basic = &connector.definition.basic;
        if let Some(contact) = basic.notify.as_deref().filter(|_| basic.notifications) {
            contacts.entry(contact).or_default().push(connector.definition.name.clone());
        }
    }
    let is_contact =
        |address: &str| contacts.keys().any(|contact| contact.eq_ignore_ascii_case(address));
    let mut readers = Vec::new();
    let at_once = alerts.iter().filter(|alert| alert.immediate);
    for alert in at_once.filter(|alert| !is_contact(&alert.shown)) {
        let concern = connectors.iter().filter(|connector| alert.connectors.have(connector.id));
        let names: Vec<String> = concern.map(|one| one.definition.name.clone()).collect();
        if !names.is_empty() {
            readers.push(Reader::new(alert, names));
        }
    }
    let contact = |(recipient, connectors): (&str, Vec<String>)| Reader {
        recipient: recipient.to_owned(),
        why: Why::Contact,
        connectors,
    };
    contacts.into_iter().map(contact).chain(readers).collect()
}

/// The connector of this number.
pub(super) fn connector(configuration: &Configuration, id: ConnectorId) -> Option<&Connector> {
    configuration.connectors.iter().find(|connector| connector.id == id)
}

/// What the Message-IDs of a letter are made of.
pub(super) struct MessageId<'a> {
    /// What tells it from every other letter.
    pub(super) name: &'a str,
    /// The letter that it replies to.
    pub(super) thread: Option<&'a str>,
}

impl Desk {
    /// The letter as each of these readers gets it.
    pub(super) fn mails(
        &self,
        letter: &Letter,
        id: &MessageId<'_>,
        readers: &[Reader],
    ) -> Vec<NewMail> {
        let numbered = readers.iter().enumerate();
        numbered.map(|(number, reader)| self.mail(letter, id, (number, reader))).collect()
    }

    /// The letter as one of several readers gets it.
    pub(super) fn mail(
        &self,
        letter: &Letter,
        id: &MessageId<'_>,
        (number, reader): (usize, &Reader),
    ) -> NewMail {
        // What tells a reader from the others must be the same in every letter of a thread.
        let own = match &reader.why {
            Why::Contact if number == 0 => String::new(),
            Why::Contact => format!(".{number}"),
            Why::Alert { id, .. } => format!(".alert-{id}"),
        };
        let domain = self.options.post.domain();
        let message_id = |name: &str| format!("leadsync.{name}{own}@{domain}");
        let alert = match reader.why {
            Why::Contact => None,
            Why::Alert { id, .. } => Some(ForAlert {
                id,
                kind: letter.kind,
                connector: letter.connector.clone(),
                url: letter.url.clone(),
            }),
        };
        NewMail {
            message_id: message_id(id.name),
            thread: id.thread.map(message_id),
            recipient: reader.recipient.clone(),
            subject: letter.subject.clone(),
            body: self.body(letter, reader),
            private: false,
            alert,
        }
    }

    /// The text, and in an email why its reader gets it.
    fn body(&self, letter: &Letter, reader: &Reader) -> String {
        let (body, url) = (&letter.body, &self.options.public_url);
        let why = match reader.why {
            Why::Alert { is_webhook: true, .. } => return body.clone(),
            Why::Alert { is_webhook: false, .. } => {
                let what = match letter.kind {
                    alert::Kind::Digest => "digests",
                    _ => "alerts",
                };
                format!(
                    "You receive this email because {what} are sent to this address. Change this under \
                     Alerts: {url}/alerts"
                )
            }
            Why::Contact => {
                let names = reader.connectors.join(", ");
                let often = match letter.kind {
                    alert::Kind::Quota => ", at most once a day for an account,",
                    _ => "",
                };
                let place = match &letter.connector {
                    Some(name) => format!(": {url}/connectors/{name}/basic"),
                    None => " (basic.notify).".to_owned(),
                };
                format!(
                    "You receive this email{often} because you are the failure contact of {names}. \
                     Change this under Basic settings{place}"
                )
            }
        };
        format!("{body}\n-- \nleadsync at {url}. {why}\n")
    }
}
