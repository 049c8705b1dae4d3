//! One connection, byte by byte.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Nothing that is tested takes longer, unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Wire {
    pub async fn open(address: std::net::SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), read: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Says that nothing more will be sent.
    pub async fn close_own_side(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// The next answer; `None` if the connection ends before one begins.
    pub async fn answer(&mut self) -> Option<Answer> {
        let read = async {
            let end = loop {
                if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                    break at + 4;
                }
                if !self.more().await {
                    assert!(self.read.is_empty(), "an answer broke off: {:?}", self.read);
                    return None;
                }
            };
            let head = String::from_utf8(self.read.drain(..end).collect()).unwrap().to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            while self.read.len() < length {
                assert!(self.more().await, "a body broke off after {head}");
            }
            let body = String::from_utf8(self.read.drain(..length).collect()).unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            Some(Answer { status, head, body })
        };
        tokio::time::timeout(PATIENCE, read).await.expect("an answer in time")
    }

    async fn more(&mut self) -> bool {
        self.stream.read_buf(&mut self.read).await.is_ok_and(|count| count > 0)
    }
}

pub fn post(path: &str, body: &str) -> String {
    let kind = "Content-Type: application/json";
    format!(
        "POST {path} HTTP/1.1\r\nHost: t\r\n{kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: t\r\n\r\n")
}
