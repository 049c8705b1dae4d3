//! The life of a record, from the webhook to its outcome, as one state machine: without IO, clock
//! or randomness.
//!
//! [`Work`] is what is known about a record so far. [`Work::next`] says what comes next: a [`Call`]
//! to an account, a review, or the end of the attempt. [`Work::answered`] handles what the account
//! returned, and returns [`Effect`]s. Its drivers (the dispatcher, a preview, the simulation) make
//! the calls, store the effects, and decide nothing:
//!
//! ```text
//!   new ──▶ next ──▶ Step::Call ──▶ sending ──▶ the account ──▶ answered ──┐
//!            ▲  │                                                          │
//!            │  ├─▶ Step::NeedsMetadata ──▶ read it ──┐                    │
//!            │  ├─▶ Step::Ask ──▶ a review; ended     │                    │
//!            │  └─▶ Step::End                         │                    │
//!            └────────────────────────────────────────┴── no Effect::End ◀─┘
//! ```
//!
//! Decisions are based on *state*: the source's state in the record, what the two sides had when
//! they last agreed (the link's base), and what was read from the destination. They are never based
//! on the mere arrival of a message, so a webhook that arrives twice, late, or as the echo of our
//! own write ends as unchanged (`docs/two-way.md#method`).
//!
//! | question | file |
//! |---|---|
//! | What is known about a record? | `record`, `known` |
//! | Which calls are there? | `call` |
//! | What is done about a lead, and in which order? | `lead`; one without a link: `unlinked`; a removed one: `removed` |
//! | Which lead of the destination does it match? | `matching`; which one holds a value of it: `holders` |
//! | What is written, field by field? | `change`; in a pair: `merge`, of values that are `cell`s, with `ruling` on who wins and `freezing` of loops, when first linked: `meeting`; against what was sent: `past` |
//! | What is done about an activity? | `activity` |
//! | Which page of a lead's activities is read next? | `pages` |
//! | What does a response mean? | `answered`, `written` |
//! | What do both sides have afterwards? | `settle`; where values came from: `given` |
//! | When does a newer change replace an older one? | `superseded` |
//! | What does the log say? | `explanation`, `logged` |
//! | Why is a lead left alone or refused, as text? | `problems` |

mod activity;
mod answered;
mod asked;
mod call;
mod case;
mod cell;
mod change;
mod decision;
mod explanation;
mod filtered;
mod freezing;
mod given;
mod holders;
mod known;
mod lead;
mod logged;
mod matching;
mod meeting;
mod merge;
mod next;
mod outcome;
mod pages;
mod past;
mod problems;
mod record;
mod removed;
mod ruling;
mod settle;
mod superseded;
mod unlinked;
mod written;

pub use activity::switched_off;
pub use call::{
    ActivityPage, ActivityUpdate, Answer, Call, Capture, LeadUpdate, NewActivity, NewLead,
    ReadActivities, ReadLead, Which,
};
pub use case::{Account, Context, Opposite};
pub use explanation::{By, Explanation, FieldChange, Origin, Plan, PlanKind, Remark, Why};
pub use next::{Next, Step};
pub use outcome::{Effect, Ending, Outcome};
pub use record::Work;

#[cfg(test)]
mod tests;
