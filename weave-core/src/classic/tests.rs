//! The client against a server that plays what a real router answered, and against servers that are none.

mod recordings;
mod requests;
mod server;
mod strangers;
