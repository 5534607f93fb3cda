//! Specs: what is read, and what is refused with which words.
