//! What the account's webhooks post of the test lead to leadsync.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use leadsquared::{ActivityField, ActivityWrite, Automations, LeadWrite};
use plan::metadata::Kind;
use plan::probe::{ACTIVITY_FIELD, By, Finding, Post, Posts, QUESTIONS};
use store::{Filter, Page, Store};

use super::reason;
use super::writing::{Answer, FIRST_NAME, SAMPLE, Subject, finding, lead};
use crate::Clock;

/// How often the posts are looked for.
const LOOK: Duration = Duration::from_millis(500);
/// First names, each of which one write gives to the test lead.
const BY_CAPTURE: &str = "By capture";
const BY_BULK: &str = "By bulk";
const BY_UPDATE: &str = "By update";
/// What the custom field is changed to.
const CHANGED: &str = "leadsync test 2";

/// Where the posts of the account's webhooks arrive, and how long they are waited for.
pub struct Listening<'a> {
    /// Where they arrive.
    pub posts: &'a dyn WebhookPosts,
    /// What tells when they do.
    pub clock: Clock,
    /// How long the post of a change is waited for that every webhook of changed leads posts.
    pub patience: Duration,
    /// How much longer the other posts are waited for once it came.
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
        let page = Page { limit: Page::MOST, after: None };
        let told = |error: store::Error| format!("leadsync's own log can't be read: {error}");
        let (lines, _) = self.store.request_lines(&filter, &page).await.map_err(told)?;
        let mut posts = Vec::with_capacity(lines.len());
        for line in lines {
            if let Some(delivery) = self.store.delivery(line.id).await.map_err(told)? {
                posts.push(Post { received_at: delivery.received_at, body: delivery.body });
            }
        }
        Ok(posts)
    }
}

impl Subject<'_> {
    /// Changes the test lead in the ways that webhooks may post, and reads what was posted since
    /// the lead was made.
    pub(super) async fn listen(&self, to: &Listening<'_>, since: Timestamp) -> Vec<Finding> {
        match self.posted(to, since).await {
            Ok((posts, written_at)) => ask(&posts, written_at),
            Err(why) => asked_by_listening().map(|name| finding(name, Err(why.clone()))).collect(),
        }
    }

    async fn posted(
        &self,
        to: &Listening<'_>,
        since: Timestamp,
    ) -> Result<(Posts, Timestamp), String> {
        let probe = self.probe;
        let told = |error: leadsquared::Error| reason(&error);
        let captured = lead(&[(FIRST_NAME, BY_CAPTURE)]).found_by("EmailAddress");
        self.remember(&probe.capture(&captured).await.result.map_err(told)?);
        let rows = [lead(&[(FIRST_NAME, BY_BULK)]).found_by("EmailAddress")];
        let bulk = probe.ask(|| probe.client.create_or_update_leads(&rows)).await;
        bulk.result.map_err(told)?;
        let custom = self.custom(|field| field.kind == Kind::Text && field.options.is_empty()).ok();
        let values = [(FIRST_NAME, BY_UPDATE)].into_iter();
        let write = LeadWrite::new(values.chain(custom.map(|field| (field, CHANGED))));
        let written_at = (to.clock)();
        let call = || probe.client.update_lead(&self.id, &write, Automations::Fire);
        probe.ask(call).await.result.map_err(told)?;
        self.post_activities().await;

        let deadline = tokio::time::Instant::now() + to.patience;
        loop {
            let posts = Posts::read(&to.posts.naming(&self.id, since).await?);
            if posts.shown(BY_UPDATE).is_some() {
                tokio::time::sleep(to.settle).await;
                return Ok((Posts::read(&to.posts.naming(&self.id, since).await?), written_at));
            }
            if tokio::time::Instant::now() >= deadline {
                return Ok((posts, written_at));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// An activity of each type that takes one: which types an automation watches is not known.
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

fn ask(posts: &Posts, written_at: Timestamp) -> Vec<Finding> {
    let answer = |name: &str| -> Answer {
        if posts.is_empty() {
            return Err("no webhook posted anything of the test lead to leadsync".to_owned());
        }
        match name {
            "webhook_delay" => posts.delay(BY_UPDATE, written_at),
            "capture_update_fires" => posts.fires(BY_CAPTURE, BY_UPDATE),
            "bulk_fires" => posts.fires(BY_BULK, BY_UPDATE),
            "new_lead_before" => posts.new_lead_before(super::writing::CREATED),
            "compared" => posts.compared(BY_UPDATE),
            "custom_fields" => posts.custom_fields(BY_UPDATE),
            "empty_fields" => posts.empty_fields(BY_UPDATE),
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
