//! Settings of the kernel that netlink does not carry.
