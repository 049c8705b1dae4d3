//! What the account's webhooks post to leadsync about the test lead.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use leadsquared::{ActivityField, ActivityWrite, Automations, LeadWrite};
use plan::metadata::{Field, Kind};
use plan::probe::{ACTIVITY_FIELD, By, Finding, Post, Posts, QUESTIONS};
use store::{Filter, Page, Store};

use super::reason;
use super::subject::{Answer, FIRST_NAME, SAMPLE, Subject, lead};
use super::writing::finding;
use crate::Clock;

/// How often to check for posts.
const LOOK: Duration = Duration::from_millis(500);
/// The new value of the custom field.
const CHANGED: &str = "leadsync test 2";
/// The shortest field that is tried, in characters.
const LONG_ENOUGH: u32 = 20;
/// The most pages of posts that are read.
const MOST_PAGES: usize = 5;

/// First names, one for each write to the test lead. Each probe uses different ones, because posts
/// of another may arrive late.
struct Names {
    capture: String,
    bulk: String,
    update: String,
}

/// What was written, and the posts that followed.
struct Heard {
    posts: Posts,
    names: Names,
    written_at: Timestamp,
    has_custom: bool,
}

impl Names {
    fn at(now: Timestamp) -> Self {
        let by = |what: &str| format!("{what} {}", now.as_millisecond());
        Self { capture: by("By capture"), bulk: by("By bulk"), update: by("By update") }
    }
}

/// Where the posts of the account's webhooks arrive, and how long to wait for them.
pub struct Listening<'a> {
    /// Where they arrive.
    pub posts: &'a dyn WebhookPosts,
    /// Notifies of their arrival.
    pub clock: Clock,
    /// How long to wait for the post of a change that every webhook for changed leads reports.
    pub patience: Duration,
    /// How much longer to wait for the other posts once that one arrived.
    pub settle: Duration,
}

/// Posts of an account's webhooks.
#[async_trait]
pub trait WebhookPosts: Send + Sync {
    /// Those that name this lead and arrived at this time or later.
    ///
    /// # Errors
    /// Why they can't be read, for a person.
    async fn naming(&self, lead: &str, since: Timestamp) -> Result<Vec<Post>, String>;
}

/// The posts that the service received and stored.
pub struct StoredPosts<'a> {
    /// Where they are.
    pub store: &'a dyn Store,
    /// The connectors that read from the account, by name.
    pub connectors: Vec<String>,
}

#[async_trait]
impl WebhookPosts for StoredPosts<'_> {
    async fn naming(&self, lead: &str, since: Timestamp) -> Result<Vec<Post>, String> {
        let filter = Filter {
            within: Some(self.connectors.clone()),
            from: Some(since),
            q: Some(lead.to_owned()),
            ..Filter::default()
        };
        // Reports are sent to others, so the error itself goes to the log only.
        let told = |error: store::Error| {
            tracing::error!(%error, "could not read the posts of a test lead");
            "could not read leadsync's own log".to_owned()
        };
        let mut page = Page { limit: Page::MOST, after: None };
        let mut posts = Vec::new();
        for _ in 0..MOST_PAGES {
            let (lines, next) = self.store.request_lines(&filter, &page).await.map_err(told)?;
            for line in lines {
                if let Some(delivery) = self.store.delivery(line.id).await.map_err(told)? {
                    posts.push(Post { received_at: delivery.received_at, body: delivery.body });
                }
            }
            page.after = next;
            if page.after.is_none() {
                return Ok(posts);
            }
        }
        Err("too many posts arrived during the probe".to_owned())
    }
}

impl Subject<'_> {
    /// Changes the test lead in the ways that webhooks may report, and reads what was posted since
    /// the lead was created.
    pub(super) async fn listen(&self, to: &Listening<'_>, since: Timestamp) -> Vec<Finding> {
        match self.posted(to, since).await {
            Ok(heard) => ask(&heard),
            Err(why) => asked_by_listening().map(|name| finding(name, Err(why.clone()))).collect(),
        }
    }

    async fn posted(&self, to: &Listening<'_>, since: Timestamp) -> Result<Heard, String> {
        let probe = self.probe;
        let names = Names::at((to.clock)());
        let told = |error: leadsquared::Error| reason(&error);
        let captured = lead(&[(FIRST_NAME, &names.capture)]).found_by("EmailAddress");
        self.remember(&probe.capture(&captured).await.result.map_err(told)?);
        let rows = [lead(&[(FIRST_NAME, &names.bulk)]).found_by("EmailAddress")];
        let bulk = probe.ask(|| probe.client.create_or_update_leads(&rows)).await;
        bulk.result.map_err(told)?;
        let fits = |field: &Field| {
            let is_long = field.max_length.is_none_or(|most| most >= LONG_ENOUGH);
            field.kind == Kind::Text && field.options.is_empty() && is_long
        };
        let custom = self.custom(fits).ok();
        let values = [(FIRST_NAME, names.update.as_str())].into_iter();
        let write = LeadWrite::new(values.chain(custom.map(|field| (field, CHANGED))));
        let written_at = Mutex::new(since);
        let call = || {
            *written_at.lock().unwrap_or_else(PoisonError::into_inner) = (to.clock)();
            probe.client.update_lead(&self.id, &write, Automations::Fire)
        };
        probe.ask(call).await.result.map_err(told)?;
        let written_at = *written_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.post_activities().await;

        let read = async || to.posts.naming(&self.id, since).await.map(|posts| Posts::read(&posts));
        let deadline = tokio::time::Instant::now() + to.patience;
        while read().await?.shown(&names.update).is_none() && tokio::time::Instant::now() < deadline
        {
            tokio::time::sleep(LOOK).await;
        }
        tokio::time::sleep(to.settle).await;
        Ok(Heard { posts: read().await?, names, written_at, has_custom: custom.is_some() })
    }

    /// An activity of each type that accepts one: which types an automation watches is unknown.
    async fn post_activities(&self) {
        let probe = self.probe;
        for event in self.activity_types().await.unwrap_or_default() {
            let with_field = ActivityWrite {
                event,
                note: Some(SAMPLE.into()),
                fields: vec![ActivityField::new(ACTIVITY_FIELD, SAMPLE)],
                ..ActivityWrite::default()
            };
            let bare = ActivityWrite { fields: Vec::new(), ..with_field.clone() };
            for write in [with_field, bare] {
                let call = || probe.client.create_activity(&self.id, &write);
                if probe.ask(call).await.result.is_ok() {
                    break;
                }
            }
        }
    }
}

fn ask(heard: &Heard) -> Vec<Finding> {
    let Heard { posts, names, written_at, has_custom } = heard;
    let answer = |name: &str| -> Answer {
        if posts.is_empty() {
            return Err("leadsync received and processed no JSON about the test lead from the \
                        account's webhooks"
                .to_owned());
        }
        match name {
            "webhook_delay" => posts.delay(&names.update, *written_at),
            "capture_update_fires" => posts.fires(&names.capture, &names.update),
            "bulk_fires" => posts.fires(&names.bulk, &names.update),
            "new_lead_before" => posts.new_lead_before(super::subject::CREATED),
            "compared" => posts.compared(&names.update),
            "custom_fields" if !has_custom => {
                Err("the account has no custom text field to test with".to_owned())
            }
            "custom_fields" => posts.custom_fields(&names.update),
            "empty_fields" => posts.empty_fields(&names.update),
            "activity_payload" => posts.activity_payload(),
            "activity_event_number" => posts.activity_event_number(),
            "activity_fields_in_current" => posts.activity_fields_in_current(),
            other => unreachable!("{other} is not asked by listening"),
        }
    };
    asked_by_listening().map(|name| finding(name, answer(name))).collect()
}

fn asked_by_listening() -> impl Iterator<Item = &'static str> {
    let asked = QUESTIONS.iter().filter(|question| question.by == By::Listening);
    asked.map(|question| question.name)
}
