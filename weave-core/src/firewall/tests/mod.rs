//! Tests of the packet filter: pure ones over listings, and ones with real rules and real packets in network namespaces
//! of their own. The latter need root, and fail without it.

mod accept;
mod chains;
mod direct;
mod input;
mod own;
mod space;
mod table;
