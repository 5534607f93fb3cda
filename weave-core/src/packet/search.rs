//! The course of a probe: asking, collecting, asking again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::socket::{self, PacketSocket};
use super::{Claim, Wire, foreign_claim};
use crate::Result;
use crate::spec::Mac;

/// How often each question is put.
const ROUNDS: u32 = 3;

/// Frames taken from one socket before the clock is looked at again.
const BATCH: usize = 512;

/// How long answers that have come in time may still be read.
const OVERTIME: Duration = Duration::from_millis(20);

/// Who has any of these addresses?
pub(super) struct Search {
    wire: Wire,
    /// Without repetitions, in the order they were asked for.
    addresses: Vec<IpAddr>,
    /// Where an address stands in `addresses`, and who claims it.
    claims: HashMap<IpAddr, Vec<Mac>>,
    unanswered: usize,
}

impl Search {
    pub(super) fn new(wire: Wire, addresses: &[IpAddr]) -> Self {
        let mut claims = HashMap::with_capacity(addresses.len());
        let mut once = addresses.to_vec();
        once.retain(|address| claims.insert(*address, Vec::new()).is_none());
        Self { wire, unanswered: once.len(), addresses: once, claims }
    }

    /// Asks at the start, after a third and after two thirds of `wait`; ends with it, or when all are answered.
    pub(super) fn run(mut self, wait: Duration) -> Result<Vec<Claim>> {
        let start = Instant::now();
        for round in 1..=ROUNDS {
            self.ask(start + wait)?;
            self.collect(start + wait * round / ROUNDS)?;
        }
        let Self { addresses, claims, .. } = self;
        let owned = |address: IpAddr| claims[&address].iter().map(move |mac| (address, *mac));
        Ok(addresses.into_iter().flat_map(owned).collect())
    }

    fn ask(&self, until: Instant) -> Result<()> {
        let unanswered = self.addresses.iter().filter(|address| self.claims[address].is_empty());
        unanswered.into_iter().try_for_each(|address| self.wire.probe(*address, until))
    }

    fn collect(&mut self, until: Instant) -> Result<()> {
        let mut buffer = [0; 1600];
        while self.unanswered > 0 {
            let mut frames = 0;
            let mut claims = Vec::new();
            for socket in self.wire.sockets() {
                frames += read(socket, self.wire.mac, &mut buffer, &mut claims)?;
            }
            claims.into_iter().for_each(|claim| self.note(claim));
            // What waits already is read even if asking took all the time.
            let now = Instant::now();
            if (frames == 0 && now >= until) || now >= until + OVERTIME {
                break;
            }
            if frames == 0 {
                socket::wait(self.wire.sockets(), until)?;
            }
        }
        Ok(())
    }

    fn note(&mut self, (address, mac): Claim) {
        let Some(macs) = self.claims.get_mut(&address) else { return };
        self.unanswered -= usize::from(macs.is_empty());
        if !macs.contains(&mac) {
            macs.push(mac);
        }
    }
}

/// Takes what is waiting, at most a batch, so that a flood cannot hold the search past its end; says how much it was.
fn read(socket: &PacketSocket, own: Mac, buffer: &mut [u8], claims: &mut Vec<Claim>) -> Result<usize> {
    for frames in 0..BATCH {
        let Some(frame) = socket.receive(buffer)? else { return Ok(frames) };
        claims.extend(foreign_claim(own, frame));
    }
    Ok(BATCH)
}
