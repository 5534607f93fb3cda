//! The packet filter: weave's own nftables table, and its one accept in a chain of others.
