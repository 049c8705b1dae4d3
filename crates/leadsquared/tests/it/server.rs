//! The other side: a server with one canned answer, and a socket that does as it is told.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use leadsquared::{Account, Authentication, Client, Host, Keys, LeadWrite, Limits};
use tokio::net::{TcpListener, TcpStream};

pub const ACCESS: &str = "u$r00112233445566778899aabbccddeeff";
pub const ACCESS_ENCODED: &str = "u%24r00112233445566778899aabbccddeeff";
pub const SECRET: &str = "0123456789abcdef0123456789abcdef01234567";

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub uri: String,
    pub headers: HeaderMap,
    pub body: String,
}

/// A server on a free port that gives one answer to everything and remembers what it was asked.
pub struct Server {
    pub origin: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

#[derive(Clone)]
struct Canned {
    status: StatusCode,
    body: Arc<str>,
    location: bool,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub async fn answering(status: u16, body: impl Into<Arc<str>>) -> Self {
        let seen = Arc::default();
        let status = StatusCode::from_u16(status).expect("a status");
        let canned = Canned {
            status,
            body: body.into(),
            location: status.is_redirection(),
            seen: Arc::clone(&seen),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(answer).with_state(canned);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { origin, seen }
    }

    pub fn client(&self) -> Client {
        client(&self.origin, Limits::default())
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic while it was locked").clone()
    }

    /// The only request that came.
    pub fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "one call is one request: {seen:?}");
        seen.remove(0)
    }
}

async fn answer(State(canned): State<Canned>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1024 * 1024).await.expect("a whole request");
    canned.seen.lock().expect("no panic while it was locked").push(Seen {
        method: parts.method.to_string(),
        uri: parts.uri.to_string(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).expect("requests are UTF-8"),
    });
    let mut response = Response::builder().status(canned.status);
    if canned.location {
        response = response.header("location", "/elsewhere");
    }
    response.body(Body::from(canned.body.to_string())).expect("a response")
}

/// What a misbehaving socket does once it has the request.
#[derive(Clone, Copy)]
pub enum Then {
    /// Closes in the regular way.
    Close,
    /// Resets the connection.
    Reset,
    /// Says no more and keeps the connection.
    Hold,
}

/// A socket that reads a request ending in `]`, sends `answer`, and then does as told; with the
/// number of connections that it was given.
pub struct Misbehaving {
    pub origin: String,
    connections: Arc<AtomicUsize>,
}

impl Misbehaving {
    pub async fn answering(answer: &'static [u8], then: Then) -> Self {
        let connections = Arc::new(AtomicUsize::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                count.fetch_add(1, Ordering::SeqCst);
                read_request(&stream).await;
                write_all(&stream, answer).await;
                match then {
                    Then::Close => {}
                    Then::Reset => stream.set_zero_linger().expect("an open socket"),
                    Then::Hold => std::future::pending().await,
                }
            }
        });
        Self { origin, connections }
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn read_request(stream: &TcpStream) {
    let mut request = Vec::new();
    while request.last() != Some(&b']') {
        stream.readable().await.expect("an open socket");
        let mut piece = [0; 4096];
        match stream.try_read(&mut piece) {
            Ok(0) => panic!("the client closed after {:?}", String::from_utf8_lossy(&request)),
            Ok(read) => request.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("can't read the request: {error}"),
        }
    }
}

async fn write_all(stream: &TcpStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        stream.writable().await.expect("an open socket");
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("can't write the answer: {error}"),
        }
    }
}

pub fn account(origin: &str) -> Account {
    let host = Host::parse(origin).expect("a loopback address");
    Account::new(host, Keys::new(ACCESS.to_owned(), SECRET.to_owned()))
}

pub fn client(origin: &str, limits: Limits) -> Client {
    Client::new(account(origin), limits).expect("a client")
}

pub fn client_with_query(origin: &str) -> Client {
    let account = Account { authentication: Authentication::Query, ..account(origin) };
    Client::new(account, Limits::default()).expect("a client")
}

pub fn lead() -> LeadWrite<'static> {
    LeadWrite::new([("FirstName", "Asha"), ("EmailAddress", "asha@example.com")])
}
