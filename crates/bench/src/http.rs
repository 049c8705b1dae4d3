//! A minimal HTTP client, so that the client is not what is measured.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A kept-alive connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Sends a request; returns the status.
    pub async fn send(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(status) = complete(&self.buffer) {
                return Ok(status);
            }
        }
    }
}

impl Connection {
    /// The last response, with its headers.
    pub fn answer(&self) -> &str {
        std::str::from_utf8(&self.buffer).unwrap_or_default()
    }

    /// A header of the last response.
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.answer().split("\r\n\r\n").next()?;
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// The status, once the response is complete.
fn complete(answer: &[u8]) -> Option<u16> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    (body.len() >= length).then(|| head.split(' ').nth(1)?.parse().ok()).flatten()
}

/// A POST of a JSON body.
pub fn post(path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// What an automation posts for a new lead: some 2 KiB, a different lead for each number.
pub fn payload(number: usize, version: usize) -> String {
    let filler = "The family asked for a call in the evening about the treatment plan. ".repeat(5);
    let lead = serde_json::json!({
        "ProspectID": format!("00000000-0000-4000-8000-{number:012}"),
        "ProspectAutoId": number.to_string(),
        "FirstName": "Asha", "LastName": format!("Rao {version}"),
        "EmailAddress": format!("asha.rao.{number}@example.com"),
        "Phone": format!("+91-7{number:09}"),
        "ProspectStage": "Prospect", "Source": "Referral Sites", "mx_City": "Pune",
        "mx_State": "Maharashtra", "mx_Country": "India", "mx_Remarks": filler,
        "DoNotCall": "0", "DoNotEmail": "0", "Score": "0", "Company": null, "Fax": null,
        "ModifiedOn": format!("2026-01-01 {:02}:{:02}:{:02}.000", version / 3600 % 24, version / 60 % 60, version % 60),
    });
    serde_json::json!({ "Before": {}, "After": lead, "Current": lead }).to_string()
}
