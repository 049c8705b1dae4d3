//! leadsync as a whole: its commands, the service, and what they make of two accounts.

mod api;
mod apply;
mod architecture;
mod backfill;
mod backup;
mod bodies;
mod calls;
mod catch_up;
mod check;
mod citations;
mod connector;
mod docs;
mod help;
mod kill;
mod load;
mod logs;
mod probe;
mod quota;
mod rig;
mod scenarios;
mod settings;
mod traffic;
mod two_way;
mod user;
mod values;
mod wiring;
