//! An emulated LeadSquared account over real HTTP.
//!
//! It has the leads, activities, users, field metadata and webhooks of LeadSquared's API v2, with
//! its validation, quotas and errors, and automations that post events to a URL. Its behaviour
//! follows LeadSquared's documentation and live observations; where these disagree or are silent,
//! [`Switches`] decide. It shares no code with the client that is tested against it: a
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
//! Where things are, from the ground up: [`switches`] has what the evidence leaves open;
//! `metadata` an account's fields, users and activity types; [`settings`] what an account is
//! started with; `lead` what a lead is. `account` holds the state and the rules, without HTTP, and
//! queues posts; `deliver` delivers them. `api` has the operations, `meter` the quota, `fault` what
//! goes wrong on demand; `serve` answers calls with these. `handle` is what the process that
//! started an account can do with it, `pages` what people see of it, and `start` puts everything
//! together. No file imports one that imports it.

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
