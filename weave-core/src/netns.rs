//! Network namespaces, held by open file.
