//! An emulated LeadSquared account over real HTTP.
//!
//! It knows leads, activities, users, field metadata and webhooks of LeadSquared's API v2, with
//! its checks, quotas and refusals, and automations that post what happens to a URL. What it does
//! follows LeadSquared's documentation and what was seen live; where these disagree or are
//! silent, [`Switches`] choose. It shares no code with the client that is tested against it: a
//! shared mistake would go unseen.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use sandbox::{Automation, Sandbox, Settings, Trigger};
//!
//! let account = Sandbox::start(Settings::new("sales")).await?;
//! account.add_automation(Automation {
//!     name: "to patients".into(),
//!     trigger: Trigger::NewLead,
//!     url: "http://127.0.0.1:8080/hooks/…".into(),
//!     retries: 3,
//! });
//! account.create_lead(&[("FirstName", "Asha"), ("EmailAddress", "asha@example.com")]).unwrap();
//! account.idle().await;
//! # Ok(())
//! # }
//! ```
//!
//! Where things are: [`settings`] and [`switches`] say what an account is like; `metadata` has its
//! fields, users and activity types, and `lead` what a lead is; `account` holds its state and
//! rules without HTTP, and queues what is to be posted; `api` has the operations, `meter` the
//! quota, `fault` what goes wrong on demand; `serve` answers calls with these, `deliver` posts
//! what is queued; `handle` is for the process that started the account, `pages` shows it to
//! people, and `start` puts it all together. Each depends only on those before it.

mod account;
mod api;
mod chance;
mod client;
mod clock;
mod deliver;
mod fault;
mod handle;
mod id;
mod lead;
mod metadata;
mod meter;
mod pages;
mod refusal;
mod serve;
pub mod settings;
mod start;
pub mod switches;

pub use account::{Automation, Delivery, FieldChange, Trigger, Version, Who};
pub use fault::{Fault, Trouble};
pub use handle::{AutomationId, LeadFields, Sandbox};
pub use metadata::{ActivityType, Field, Kind, User};
pub use meter::CallCounts;
pub use refusal::Refusal;
pub use settings::{Plan, Quota, Settings};
pub use switches::Switches;
