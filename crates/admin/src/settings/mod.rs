//! A connector's settings for people: what each is called, and what a change means in one line.

mod change;
mod label;
mod rows;
mod value;

pub use change::{Change, changes};
pub use label::{label, label_of, lead_row};
pub use value::{Names, field};
