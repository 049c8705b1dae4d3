//! Sending mails.

use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use lettre::address::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use plan::problem::{Code, Problem};
use secrecy::{ExposeSecret, SecretString};
use store::ClaimedMail;
use url::{Host, Url};

/// How long the server may take for one command.
const COMMAND: Duration = Duration::from_secs(10);
/// The ports of mail submission without and with TLS from the start (RFC 6409, RFC 8314).
const SUBMISSION: u16 = 587;
const SUBMISSIONS: u16 = 465;
/// The Message-ID domain of mails that are only logged.
const NOWHERE: &str = "leadsync.invalid";

/// Who sends mails.
#[derive(Debug)]
pub enum Post {
    /// Nobody: they are only logged.
    Log,
    /// A mail server.
    Smtp(Box<Smtp>),
}

impl Post {
    /// The domain of Message-IDs.
    pub(super) fn domain(&self) -> &str {
        match self {
            Self::Log => NOWHERE,
            Self::Smtp(smtp) => smtp.from.email.domain(),
        }
    }
}

/// A mail server, and the sender's address.
#[derive(Debug)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// The server at `smtp://user:password@host:port` or `smtps://…`, user and password
    /// percent-encoded. `smtp` means STARTTLS: it is required, and the certificate is checked,
    /// unless the host is local (a loopback address or `localhost`), where it is used if offered.
    /// `from` is an address, or a name with an address in angle brackets.
    ///
    /// # Errors
    /// The [`Problem`] for a person, without the URL, which holds a password.
    pub fn new(url: &SecretString, from: &str) -> Result<Self, Problem> {
        let from = from.parse().map_err(|error| {
            bad(
                format!("The sender '{from}' is not a valid email address: {error}."),
                "Set LEADSYNC_MAIL_FROM to an email address, such as leadsync@example.com.",
            )
        })?;
        let url = Url::parse(url.expose_secret())
            .map_err(|error| bad_url(&format!("can't be read: {error}")))?;
        let Some(host) = url.host() else { return Err(bad_url("has no host")) };
        let here = match &host {
            Host::Domain(name) => *name == "localhost" || is_loopback(name),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        let name = host.to_string().trim_matches(['[', ']']).to_owned();
        let tls = TlsParameters::builder(name.clone())
            .dangerous_accept_invalid_certs(here)
            .dangerous_accept_invalid_hostnames(here)
            .build_rustls()
            .map_err(|error| bad_url(&format!("can't be used with TLS: {error}")))?;
        let (tls, port) = match url.scheme() {
            "smtps" => (Tls::Wrapper(tls), SUBMISSIONS),
            "smtp" if here => (Tls::Opportunistic(tls), SUBMISSION),
            "smtp" => (Tls::Required(tls), SUBMISSION),
            _ => return Err(bad_url("does not begin with smtp:// or smtps://")),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(name)
            .port(url.port().unwrap_or(port))
            .tls(tls)
            .timeout(Some(COMMAND));
        if !url.username().is_empty() {
            let user = plain(url.username())?;
            let password = plain(url.password().unwrap_or_default())?;
            builder = builder.credentials(Credentials::new(user, password));
        }
        Ok(Self { transport: builder.build(), from })
    }

    /// The mail as sent: the same at each try.
    pub(super) fn message(&self, claimed: &ClaimedMail) -> Result<Message, String> {
        let mail = &claimed.mail;
        let to: Address = mail.recipient.parse().map_err(|error| {
            format!("'{}' is not a valid email address: {error}", mail.recipient)
        })?;
        let age = Duration::from_millis(claimed.at.as_millisecond().max(0).cast_unsigned());
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject.clone())
            .date(UNIX_EPOCH + age)
            .message_id(Some(format!("<{}>", mail.message_id)))
            .header(ContentType::TEXT_PLAIN);
        if let Some(thread) = &mail.thread {
            let thread = format!("<{thread}>");
            message = message.in_reply_to(thread.clone()).references(thread);
        }
        let mut message = message.body(mail.body.clone()).map_err(|error| error.to_string())?;
        // Suppresses out-of-office replies (RFC 3834).
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Ok(message)
    }

    pub(super) async fn send(&self, message: Message) -> Result<(), String> {
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(told(&error)),
        }
    }
}

fn is_loopback(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn plain(encoded: &str) -> Result<String, Problem> {
    percent_encoding::percent_decode_str(encoded)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| bad_url("has a user or password that is not UTF-8 when decoded"))
}

/// The error with its causes, which lettre's own text omits.
pub(super) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

fn bad_url(what: &str) -> Problem {
    bad(
        format!("The mail server URL {what}."),
        "Set LEADSYNC_SMTP_URL to a URL such as smtps://user:password@smtp.example.com, with user \
         and password percent-encoded.",
    )
}

fn bad(message: String, advice: &str) -> Problem {
    Problem::new(Code::BadMailSettings, message, advice)
}
