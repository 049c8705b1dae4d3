//! A mail server of our own (RFC 5321 with STARTTLS, RFC 3207, and AUTH PLAIN, RFC 4954) that
//! keeps what it is given.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A mail as the server was given it.
#[derive(Clone, Debug)]
pub struct Received {
    pub from: String,
    pub to: String,
    /// The argument of AUTH PLAIN.
    pub credentials: Option<String>,
    pub encrypted: bool,
    pub text: String,
}

/// The running server. It takes mails until it is dropped.
pub struct Server {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// On this address, or on a free one (port 0).
    pub async fn start(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let kept = received.clone();
        let acceptor = acceptor();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let session = Session { received: kept.clone(), acceptor: acceptor.clone() };
                tokio::spawn(async move {
                    // A client that hangs up is its own affair.
                    let _ = session.run(stream).await;
                });
            }
        });
        Self { address, received, task }
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no panic").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// With a certificate that nobody signed.
fn acceptor() -> TlsAcceptor {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).expect("a key");
    let configuration = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .expect("the key is the certificate's");
    TlsAcceptor::from(Arc::new(configuration))
}

struct Session {
    received: Arc<Mutex<Vec<Received>>>,
    acceptor: TlsAcceptor,
}

impl Session {
    async fn run(self, stream: TcpStream) -> io::Result<()> {
        let mut plain = BufReader::new(stream);
        say(&mut plain, "220 mail.test ESMTP").await?;
        if self.talk(&mut plain, false).await? {
            let secret = self.acceptor.accept(plain.into_inner()).await?;
            self.talk(&mut BufReader::new(secret), true).await?;
        }
        Ok(())
    }

    /// Until the client quits, or wants to go on encrypted, which it answers.
    async fn talk<S>(&self, stream: &mut BufReader<S>, encrypted: bool) -> io::Result<bool>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut from, mut to, mut credentials) = (String::new(), String::new(), None);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(false);
            }
            let line = line.trim_end();
            let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
            let answer = match verb.to_ascii_uppercase().as_str() {
                "EHLO" if encrypted => "250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN",
                "EHLO" => "250-mail.test\r\n250-8BITMIME\r\n250 STARTTLS",
                "STARTTLS" if !encrypted => {
                    say(stream, "220 go ahead").await?;
                    return Ok(true);
                }
                "AUTH" if encrypted => {
                    credentials = rest.strip_prefix("PLAIN ").map(str::to_owned);
                    "235 welcome"
                }
                "MAIL" => {
                    from = address(rest);
                    "250 sender known"
                }
                "RCPT" => {
                    to = address(rest);
                    "250 recipient known"
                }
                "DATA" => {
                    say(stream, "354 end with a dot").await?;
                    let text = data(stream).await?;
                    let (from, to) = (std::mem::take(&mut from), std::mem::take(&mut to));
                    let credentials = credentials.clone();
                    let mail = Received { from, to, credentials, encrypted, text };
                    self.received.lock().expect("no panic").push(mail);
                    "250 kept"
                }
                "NOOP" | "RSET" => "250 fine",
                "QUIT" => {
                    say(stream, "221 bye").await?;
                    return Ok(false);
                }
                _ => "502 not here",
            };
            say(stream, answer).await?;
        }
    }
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, answer: &str) -> io::Result<()> {
    stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    stream.flush().await
}

/// The mail's text, with the dots that RFC 5321 doubles (4.5.2) as they were.
async fn data<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> io::Result<String> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

/// What is between the angle brackets.
fn address(text: &str) -> String {
    let inner = text.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or(text, |(address, _)| address).to_owned()
}
