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

    /// The same on a connection that may have ended.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
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
            let body = if head.contains("\r\ntransfer-encoding: chunked\r\n") {
                self.chunks().await.unwrap_or_else(|| panic!("a body broke off after {head}"))
            } else {
                while self.read.len() < length {
                    assert!(self.more().await, "a body broke off after {head}");
                }
                self.read.drain(..length).collect()
            };
            let body = String::from_utf8(body).unwrap();
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            Some(Answer { status, head, body })
        };
        tokio::time::timeout(PATIENCE, read).await.expect("an answer in time")
    }

    /// A body that comes in chunks; `None` if it breaks off.
    async fn chunks(&mut self) -> Option<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = self.read.windows(2).position(|two| two == b"\r\n") {
                    break at;
                }
                if !self.more().await {
                    return None;
                }
            };
            let line: Vec<u8> = self.read.drain(..end + 2).collect();
            let length = std::str::from_utf8(&line[..end]).unwrap();
            let length = usize::from_str_radix(length, 16).unwrap();
            while self.read.len() < length + 2 {
                if !self.more().await {
                    return None;
                }
            }
            body.extend(self.read.drain(..length));
            self.read.drain(..2);
            if length == 0 {
                return Some(body);
            }
        }
    }

    /// Everything that comes until the other side closes.
    pub async fn rest(&mut self) -> Vec<u8> {
        let read = async { while self.more().await {} };
        tokio::time::timeout(PATIENCE, read).await.expect("an end in time");
        std::mem::take(&mut self.read)
    }

    async fn more(&mut self) -> bool {
        self.stream.read_buf(&mut self.read).await.is_ok_and(|count| count > 0)
    }
}

pub fn post(path: &str, body: &str) -> String {
    let kind = "Content-Type: application/json";
    format!(
        "POST {path} HTTP/1.1\r\nHost: leadsync.example\r\n{kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: leadsync.example\r\n\r\n")
}
