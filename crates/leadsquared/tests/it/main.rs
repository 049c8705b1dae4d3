//! The client against a server that answers canned bodies, and against sockets that misbehave.

mod account;
mod operations;
mod record;
mod server;
mod transport;
mod verdict;
