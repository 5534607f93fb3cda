//! The `weave` command: argument parsing and printing.
