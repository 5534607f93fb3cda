//! Netlink: messages are made and read by pure functions, one socket sends them.
