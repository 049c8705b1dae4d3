//! The program: settings, commands, start and stop.
fn main() {}
