//! (being written)
pub struct Fault;
