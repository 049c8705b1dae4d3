//! What the webhooks of an account posted about a test lead, and what that shows.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

/// The custom field of an activity that is filled for the test.
pub const ACTIVITY_FIELD: &str = "mx_Custom_1";

/// A post, as received.
#[derive(Clone, Debug)]
pub struct Post {
    /// When it arrived.
    pub received_at: Timestamp,
    /// Its body.
    pub body: Vec<u8>,
}

/// One lead or activity of a post.
struct Entry {
    at: Timestamp,
    body: Map<String, Value>,
    is_in_list: bool,
}

/// The posts of a test lead, the oldest first.
pub struct Posts(Vec<Entry>);

/// The name of an answer, or why the posts give none.
type Answer = Result<&'static str, String>;

impl Posts {
    /// Those of these posts that are JSON.
    pub fn read(posts: &[Post]) -> Self {
        let mut entries = Vec::new();
        for post in posts {
            let entry = |is_in_list| {
                move |value| match value {
                    Value::Object(body) => Some(Entry { at: post.received_at, body, is_in_list }),
                    _ => None,
                }
            };
            match serde_json::from_slice(&post.body) {
                Ok(Value::Array(list)) => entries.extend(list.into_iter().filter_map(entry(true))),
                Ok(one) => entries.extend(entry(false)(one)),
                Err(_) => {}
            }
        }
        entries.sort_by_key(|entry| entry.at);
        Self(entries)
    }

    /// Whether nothing was posted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When the write that gave the test lead this first name was posted: by an automation if any
    /// posted the lead, or else by a native webhook.
    pub fn shown(&self, first_name: &str) -> Option<Timestamp> {
        self.of_write(first_name).map(|entry| entry.at)
    }

    /// How long after a write its post arrived, as the name of an answer.
    pub fn delay(&self, first_name: &str, written_at: Timestamp) -> Answer {
        let shown = self.shown(first_name).ok_or_else(|| silent("the change"))?;
        let delay = shown.duration_since(written_at);
        Ok(match delay {
            delay if delay <= SignedDuration::from_secs(10) => "seconds",
            delay if delay <= SignedDuration::from_mins(1) => "a_minute",
            _ => "minutes",
        })
    }

    /// Whether the write of this first name was posted, given that the one of `control`, which
    /// always is, was.
    pub fn fires(&self, first_name: &str, control: &str) -> Answer {
        match (self.shown(first_name), self.shown(control)) {
            (Some(_), _) => Ok("on"),
            (None, Some(_)) => Ok("off"),
            (None, None) => Err(silent("the change")),
        }
    }

    /// What the first post of a new lead with this first name has as `Before`.
    pub fn new_lead_before(&self, first_name: &str) -> Answer {
        let news = self.automations().filter(|entry| entry.first_name() == Some(first_name));
        let mut answers = news.filter_map(|entry| match entry.body.get("Before") {
            None => Some("absent"),
            Some(Value::Null) => Some("null"),
            Some(Value::Object(before)) if before.is_empty() => Some("empty_object"),
            Some(_) => None,
        });
        answers.next().ok_or_else(|| silent("the new lead"))
    }

    /// Whether a change's blocks contain what did not change.
    pub fn compared(&self, control: &str) -> Answer {
        let after = self.change(control)?.block("After").ok_or_else(no_automation)?;
        Ok(if after.contains_key("EmailAddress") { "whole_lead" } else { "changed_only" })
    }

    /// Which blocks of a change contain custom fields, one of which it changed.
    pub fn custom_fields(&self, control: &str) -> Answer {
        let change = self.change(control)?;
        let has_custom = |name: &str| {
            change.block(name).is_some_and(|block| block.keys().any(|key| key.starts_with("mx_")))
        };
        Ok(match (has_custom("After"), has_custom("Current")) {
            (true, _) => "everywhere",
            (false, true) => "current_only",
            (false, false) => "nowhere",
        })
    }

    /// Whether `Current` holds fields without a value.
    pub fn empty_fields(&self, control: &str) -> Answer {
        let current = self.change(control)?.block("Current").ok_or_else(no_automation)?;
        let is_empty = |value: &Value| value.is_null() || value.as_str() == Some("");
        Ok(if current.values().any(is_empty) { "present" } else { "absent" })
    }

    /// Whether an automation posts an activity in a list.
    pub fn activity_payload(&self) -> Answer {
        Ok(if self.activity()?.is_in_list { "array" } else { "object" })
    }

    /// Whether an activity's type is a number.
    pub fn activity_event_number(&self) -> Answer {
        Ok(if self.activity()?.body.get("ActivityEvent").is_some_and(Value::is_number) {
            "on"
        } else {
            "off"
        })
    }

    /// Whether the fields of an activity are in `Current` too.
    pub fn activity_fields_in_current(&self) -> Answer {
        self.activity()?;
        let has_field = |entry: &&Entry, block: &str| {
            entry.block(block).is_some_and(|block| block.contains_key(ACTIVITY_FIELD))
        };
        let filled = |entry: &&Entry| has_field(entry, "Data") || has_field(entry, "Current");
        match self.activities().find(filled) {
            Some(entry) => Ok(if has_field(&entry, "Current") { "on" } else { "off" }),
            None => Err("no posted activity had a field".to_owned()),
        }
    }

    fn leads(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(|entry| !entry.is_activity())
    }

    /// Leads as automations post them; native webhooks have no `Current`.
    fn automations(&self) -> impl Iterator<Item = &Entry> {
        self.leads().filter(|entry| entry.is_of_automation())
    }

    fn of_write(&self, first_name: &str) -> Option<&Entry> {
        let by_automations = self.automations().next().is_some();
        let mut leads = self.leads().filter(|entry| entry.is_of_automation() == by_automations);
        leads.find(|entry| entry.first_name() == Some(first_name))
    }

    fn change(&self, first_name: &str) -> Result<&Entry, String> {
        match self.automations().find(|entry| entry.first_name() == Some(first_name)) {
            Some(entry) => Ok(entry),
            None if self.shown(first_name).is_some() => Err(no_automation()),
            None => Err(silent("the change")),
        }
    }

    /// Activities as automations post them; native webhooks have no `Current`.
    fn activities(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(|entry| entry.is_activity() && entry.block("Current").is_some())
    }

    fn activity(&self) -> Result<&Entry, String> {
        let first = self.activities().next();
        first.ok_or_else(|| "no automation posted an activity about the test lead".to_owned())
    }
}

impl Entry {
    fn block(&self, name: &str) -> Option<&Map<String, Value>> {
        self.body.get(name)?.as_object()
    }

    fn is_activity(&self) -> bool {
        self.body.contains_key("ProspectActivityId")
    }

    fn is_of_automation(&self) -> bool {
        self.block("After").is_some() && self.block("Current").is_some()
    }

    /// The first name after the change. `Current` is as of the time of sending, which may be after
    /// a later change, so it does not tell.
    fn first_name(&self) -> Option<&str> {
        self.block("After").unwrap_or(&self.body).get("FirstName")?.as_str()
    }
}

fn silent(what: &str) -> String {
    format!("no webhook posted {what} to leadsync in time")
}

fn no_automation() -> String {
    "only native webhooks posted the change; a post from an automation is needed".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posts(bodies: &[&str]) -> Posts {
        let post = |(at, body): (i64, &&str)| Post {
            received_at: Timestamp::from_second(at).unwrap(),
            body: body.as_bytes().to_vec(),
        };
        Posts::read(&(0..).zip(bodies).map(post).collect::<Vec<_>>())
    }

    #[test]
    fn a_late_post_of_an_earlier_write_is_not_taken_for_a_later_one() {
        let late = r#"{"Before":{"Phone":""},"After":{"Phone":"1"},
            "Current":{"FirstName":"By update","Phone":"1"}}"#;
        let posts = posts(&[late, "not JSON", r#"{"FirstName":"By update"}"#]);
        assert_eq!(posts.shown("By update"), None, "the native post is not like the automation's");
        assert!(posts.fires("By bulk", "By update").is_err());
        let of_a_change =
            r#"{"Before":{},"After":{"SourceCampaign":"x"},"Current":{"FirstName":"First"}}"#;
        assert!(self::posts(&[of_a_change]).new_lead_before("First").is_err());
    }

    #[test]
    fn native_posts_tell_what_fires() {
        let posts = posts(&[r#"[{"FirstName":"By bulk"}]"#, r#"{"FirstName":"By update"}"#]);
        assert_eq!(posts.fires("By bulk", "By update"), Ok("on"));
        assert_eq!(posts.fires("By capture", "By update"), Ok("off"));
        assert!(posts.compared("By update").unwrap_err().contains("native"));
    }
}
