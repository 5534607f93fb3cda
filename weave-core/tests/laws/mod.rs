//! Laws that hold for every operation in every state.

mod bounds;
mod classic;
mod containers;
mod failure;
mod generate;
mod idempotence;
pub(crate) mod op;
mod probe;

use proptest::test_runner::Config;

/// Many cases, quickly; `WEAVE_TEST_CASES=20` takes twenty times as many. Failures are kept out of the source tree.
pub(crate) fn cases(count: u32) -> Config {
    let factor = std::env::var("WEAVE_TEST_CASES").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    Config { cases: count * factor, failure_persistence: None, ..Config::default() }
}
