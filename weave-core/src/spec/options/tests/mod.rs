//! Tables of values and lines.
