//! Apply, and nothing is left to do; look, and nothing is touched.

use proptest::prelude::*;
use weave_core::apply::Mode;

use super::cases;
use super::generate::{history, op, reached};
use super::op::{Op, after_all};
use crate::support::fixture::docker;
use crate::support::memory_host::{MemoryHost, World};

/// Check, apply, check, apply: the second pair finds nothing to do, and the first agrees with itself.
fn four_runs(world: World, op: &Op) -> Result<(), TestCaseError> {
    let host = MemoryHost::new(world);
    let before = host.portrait();
    let check = op.run(&host, Mode::Check);
    let asked = host.asked();
    prop_assert!(asked.locks == 0 && asked.forward.is_empty() && asked.probes.is_empty(), "check touched: {asked:?}");
    prop_assert_eq!(&before, &host.portrait());
    let apply = op.run(&host, Mode::Apply);
    let (check, apply) = match (check, apply) {
        (Ok(check), Ok(apply)) => (check, apply),
        (Err(check), Err(apply)) => {
            prop_assert_eq!(check.report(), apply.report());
            prop_assert_eq!(&before, &host.portrait());
            return Ok(());
        }
        (check, apply) => return Err(TestCaseError::fail(format!("check {check:?}\napply {apply:?}"))),
    };
    prop_assert_eq!(&check.changes, &apply.changes);
    prop_assert_eq!(&check.steps, &apply.steps);
    prop_assert_eq!(&check.errors, &apply.errors);
    prop_assert_eq!(check.changed, apply.changed);
    prop_assert_eq!(apply.changed, !apply.steps.is_empty());
    prop_assert_eq!(apply.changed, !apply.changes.is_empty(), "steps {:?}, changes {:?}", apply.steps, apply.changes);
    prop_assert_eq!(before.foreign, host.portrait().foreign);
    for mode in [Mode::Check, Mode::Apply] {
        let again = op.run(&host, mode).map_err(|error| TestCaseError::fail(format!("again: {error:?}")))?;
        prop_assert!(!again.changed, "again: {:?} after {:?}", again.steps, apply.steps);
        prop_assert!(again.changes.is_empty());
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_second_run_has_nothing_to_do(history in history(), op in op()) {
        four_runs(reached(&history), &op)?;
    }
}

#[test]
fn a_whole_document_is_done_once() {
    let world = after_all(docker(), &[]);
    let op = Op::read(
        "apply {router: {}, peers: '192.0.2.2, host2 198.51.100.7', expose: [10.2.1.1/24],
        containers: {web: {ips: [10.2.1.4/24, fd00:1::4/64]}, db: {ip: 10.2.1.5/24}}}",
    );
    four_runs(world, &op).unwrap();
}
