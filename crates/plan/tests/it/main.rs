//! What hostile payloads cost, measured.

mod hostile;
