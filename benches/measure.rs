//! How things are measured: contenders in turns, so that whatever else the machine does meets all of them.

use std::time::{Duration, Instant};

use crate::raw::Result;

/// One of those that are compared. It says itself how long it took: getting ready and cleaning up do not count.
pub(crate) struct Contender<'a> {
    rounds: usize,
    turn: Box<dyn FnMut() -> Result<Duration> + 'a>,
}

impl<'a> Contender<'a> {
    /// One that takes part in every round.
    pub(crate) fn new(turn: impl FnMut() -> Result<Duration> + 'a) -> Self {
        Self { rounds: usize::MAX, turn: Box::new(turn) }
    }

    /// One that takes part in the first rounds only, because it takes long.
    pub(crate) fn seldom(rounds: usize, turn: impl FnMut() -> Result<Duration> + 'a) -> Self {
        Self { rounds, turn: Box::new(turn) }
    }
}

/// The median time of each contender over `rounds`, in which they take turns, forwards and backwards.
pub(crate) fn medians<const N: usize>(rounds: usize, mut contenders: [Contender<'_>; N]) -> Result<[Duration; N]> {
    let mut times: [Vec<Duration>; N] = std::array::from_fn(|_| Vec::new());
    for round in 0..rounds {
        let mut order: Vec<usize> = (0..N).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let contender = &mut contenders[index];
            if round < contender.rounds {
                times[index].push((contender.turn)()?);
            }
        }
    }
    Ok(times.map(|mut times| median(&mut times)))
}

/// The middle value; of an even number the lower one.
pub(crate) fn median<T: PartialOrd + Copy + Default>(values: &mut [T]) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// How long `job` takes, and what came of it.
pub(crate) fn time<T>(job: impl FnOnce() -> Result<T>) -> Result<(Duration, T)> {
    let start = Instant::now();
    let done = job()?;
    Ok((start.elapsed(), done))
}
