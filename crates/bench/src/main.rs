//! The benchmark that anybody can run.
fn main() {}
