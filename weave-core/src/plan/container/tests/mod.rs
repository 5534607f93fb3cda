//! Tables and laws. What real engines make of each option is tested in `tests/lab/containers`.

mod differences;
mod engine;
mod in_place;
mod laws;
mod spelling;
mod table;
mod volumes;
