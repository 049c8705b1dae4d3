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
//! The rooms: [`settings`] and [`switches`] say what an account is like; `account` holds its
//! state and rules without HTTP; `api` its operations; `meter` its quota; `fault` what goes
//! wrong on demand; `deliver` posts what automations send; `pages` shows it to people.

mod account;
mod api;
mod chance;
mod deliver;
mod fault;
mod handle;
mod lead;
mod metadata;
mod meter;
mod native;
mod pages;
mod serve;
pub mod settings;
pub mod switches;

pub use account::{ActivityType, Automation, FieldChange, Refusal, Trigger, Version, Who};
pub use deliver::Delivery;
pub use fault::{Fault, Trouble};
pub use handle::{AutomationId, LeadFields, Sandbox};
pub use metadata::{Field, Kind};
pub use meter::CallCounts;
pub use settings::{Plan, Quota, Settings, User};
pub use switches::Switches;
