//! Packets that weave sends itself: address probes and announcements.
