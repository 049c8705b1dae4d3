//! A client for LeadSquared's public API.
