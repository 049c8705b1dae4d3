//! The emulated account over real HTTP.

mod activities;
mod automations;
mod client;
mod clients;
mod faults;
mod ids;
mod leads;
mod pages;
mod quota;
mod reads;
