//! DO: runs a plan, keeps a journal, undoes backwards, looks again.
