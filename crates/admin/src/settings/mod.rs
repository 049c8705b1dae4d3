//! A connector's settings for people: the label of each, and a change in one line.

mod change;
mod label;
mod rows;
mod value;

pub use change::{Change, changes};
pub use label::{label, label_of, lead_row};
pub use value::{Names, field};
