//! An emulated LeadSquared account over real HTTP.
