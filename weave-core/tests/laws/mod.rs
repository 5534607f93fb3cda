//! Laws that hold for every operation in every state.

mod generate;
mod idempotence;
mod op;

use proptest::test_runner::Config;

/// Many cases, quickly; failures are kept out of the source tree.
fn cases(count: u32) -> Config {
    Config { cases: count, failure_persistence: None, ..Config::default() }
}
