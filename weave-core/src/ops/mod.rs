//! The public verbs.
