//! What the webhooks of an account posted of a test lead, and what that shows.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

/// The custom field of an activity that is filled for the test.
pub const ACTIVITY_FIELD: &str = "mx_Custom_1";

/// A post, as it came.
#[derive(Clone, Debug)]
pub struct Post {
    /// When it came.
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

/// The name of an answer, or why there is none.
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

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When the write that gave the test lead this first name was posted.
    pub fn shown(&self, first_name: &str) -> Option<Timestamp> {
        self.of_write(first_name).map(|entry| entry.at)
    }

    /// How long after a write its post came, by the name of an answer.
    pub fn delay(&self, first_name: &str, written_at: Timestamp) -> Answer {
        let shown = self.shown(first_name).ok_or_else(|| silent("the change"))?;
        let delay = shown.duration_since(written_at);
        Ok(match delay {
            delay if delay <= SignedDuration::from_secs(10) => "seconds",
            delay if delay <= SignedDuration::from_mins(1) => "a_minute",
            _ => "minutes",
        })
    }

    /// Whether the write of this first name was posted, where that of `control`, which is always
    /// posted, has been.
    pub fn fires(&self, first_name: &str, control: &str) -> Answer {
        match (self.shown(first_name), self.shown(control)) {
            (Some(_), _) => Ok("on"),
            (None, Some(_)) => Ok("off"),
            (None, None) => Err(silent("the change")),
        }
    }

    /// What the first post of a new lead with this first name holds as `Before`.
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

    /// Whether a change's blocks hold what did not change.
    pub fn compared(&self, control: &str) -> Answer {
        let after = self.change(control)?.block("After").ok_or_else(no_automation)?;
        Ok(if after.contains_key("EmailAddress") { "whole_lead" } else { "changed_only" })
    }

    /// Which blocks of a change hold custom fields, one of which it changed.
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
            None => Err("no activity with a field was posted".to_owned()),
        }
    }

    /// Leads as automations post them; native webhooks have other shapes.
    fn automations(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(|entry| !entry.is_activity() && entry.block("After").is_some())
    }

    fn of_write(&self, first_name: &str) -> Option<&Entry> {
        let mut leads = self.0.iter().filter(|entry| !entry.is_activity());
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
        first.ok_or_else(|| "no automation posted an activity of the test lead".to_owned())
    }
}

impl Entry {
    fn block(&self, name: &str) -> Option<&Map<String, Value>> {
        self.body.get(name)?.as_object()
    }

    fn is_activity(&self) -> bool {
        self.body.contains_key("ProspectActivityId")
    }

    /// `Current` may be newer than the change, so it is asked last.
    fn first_name(&self) -> Option<&str> {
        let blocks = [self.block("After"), Some(&self.body), self.block("Current")];
        blocks.into_iter().flatten().find_map(|block| block.get("FirstName"))?.as_str()
    }
}

fn silent(what: &str) -> String {
    format!("no webhook posted {what} to leadsync in time")
}

fn no_automation() -> String {
    "only native webhooks posted the change; an automation's post would show it".to_owned()
}
