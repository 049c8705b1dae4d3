//! The internet between accounts and the service: webhooks are lost, doubled and delayed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::rig::{Chance, Webhooks};

/// Passes webhooks on to the service.
pub struct Relay {
    /// Where accounts post to, followed by the number of the connector.
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    webhooks: Webhooks,
    chance: Mutex<Chance>,
    /// The webhook URLs of the connectors 0 and 1.
    hooks: [String; 2],
    /// Whether webhooks are lost, doubled and delayed.
    rough: AtomicBool,
    under_way: AtomicUsize,
    posts: AtomicUsize,
    lost: AtomicUsize,
    acknowledged: AtomicUsize,
}

impl Relay {
    pub async fn start(hooks: [String; 2], seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let shared = Arc::new(Shared {
            webhooks: Webhooks::new(),
            chance: Mutex::new(Chance(seed)),
            hooks,
            rough: AtomicBool::new(true),
            under_way: AtomicUsize::new(0),
            posts: AtomicUsize::new(0),
            lost: AtomicUsize::new(0),
            acknowledged: AtomicUsize::new(0),
        });
        let taken = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(take(connection, Arc::clone(&taken)));
            }
        });
        Self { url, shared }
    }

    /// From now on every webhook is passed on once and at once.
    pub fn calm(&self) {
        self.shared.rough.store(false, Ordering::SeqCst);
    }

    /// How many webhooks are being passed on.
    pub fn under_way(&self) -> usize {
        self.shared.under_way.load(Ordering::SeqCst)
    }

    /// How many webhooks the service has acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.shared.acknowledged.load(Ordering::SeqCst)
    }

    /// How many webhooks came, and how many of them were lost.
    pub fn counts(&self) -> (usize, usize) {
        (self.shared.posts.load(Ordering::SeqCst), self.shared.lost.load(Ordering::SeqCst))
    }
}

impl Shared {
    fn chance(&self, limit: u64) -> u64 {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).below(limit)
    }
}

/// Receives a webhook, acknowledges it, and passes it on.
async fn take(mut connection: TcpStream, shared: Arc<Shared>) {
    let Some((path, body)) = read(&mut connection).await else { return };
    shared.posts.fetch_add(1, Ordering::SeqCst);
    let rough = shared.rough.load(Ordering::SeqCst);
    let times = match shared.chance(100) {
        0..3 if rough => 0,
        3..20 if rough => 2,
        _ => 1,
    };
    if times == 0 {
        shared.lost.fetch_add(1, Ordering::SeqCst);
    }
    shared.under_way.fetch_add(times, Ordering::SeqCst);
    let number = usize::from(path.starts_with("/1"));
    for _ in 0..times {
        let (shared, body) = (Arc::clone(&shared), body.clone());
        // Some are delayed for so long that others overtake them.
        let wait = if rough && shared.chance(5) == 0 { shared.chance(1_500) } else { 0 };
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            shared.webhooks.post(&shared.hooks[number], &body).await;
            shared.acknowledged.fetch_add(1, Ordering::SeqCst);
            shared.under_way.fetch_sub(1, Ordering::SeqCst);
        });
    }
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let _ = connection.write_all(answer.as_bytes()).await;
}

/// A request's path and body; accounts send a Content-Length (RFC 9112, 6.2).
async fn read(connection: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 8_192];
        let count = connection.read(&mut part).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&part[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        if bytes.len() >= end + 4 + length {
            let path = head.split_whitespace().nth(1)?.to_owned();
            return Some((path, bytes[end + 4..end + 4 + length].to_vec()));
        }
    }
}
