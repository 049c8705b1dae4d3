//! The emulated account over real HTTP.

mod activities;
mod automations;
mod client;
mod faults;
mod leads;
mod pages;
mod quota;
mod reads;
