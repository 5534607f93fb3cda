//! The same operations for callers without an async runtime.
