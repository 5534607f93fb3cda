//! The one place that talks to the kernel. Blocking: the kernel answers within the call, so a reactor has nothing to
//! wait for, and a thread that has entered a namespace has none.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use netlink_sys::protocols::NETLINK_ROUTE;
use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::TimeVal;

use super::decode::{Reply, ReplyKind, replies};
use super::piece::{CHUNK, CHUNK_OF_ACKS, Piece, Wire, write};
use super::spare::{self, Open};
use super::{Message, Refusal};
use crate::observed::NetnsId;

/// The kernel fills no more of a dump at a time.
const RECEIVE: usize = 32 << 10;

/// `struct nlmsghdr`: length, type, flags, sequence number, port.
const HEADER: usize = 16;

/// Where the sequence number stands in it.
const SEQUENCE: Range<usize> = 8..12;

/// How often a dump that changed under our eyes is read again (`NLM_F_DUMP_INTR`).
const TRIES: usize = 10;

/// Every answer is there when `send` returns; should one be lost, an error is better than waiting for ever.
const PATIENCE_SECONDS: i64 = 10;

/// A netlink socket of the namespace in which it was opened.
pub(crate) struct Socket {
    socket: Arc<netlink_sys::Socket>,
    sequence: u32,
    buffer: Vec<u8>,
    /// Its namespace, while another may go on with it.
    home: Option<NetnsId>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        spare::keep_buffer(std::mem::take(&mut self.buffer));
        if let Some(home) = self.home {
            spare::keep(Open { home, socket: Arc::clone(&self.socket), sequence: self.sequence });
        }
    }
}

impl Socket {
    /// A socket of the calling thread's namespace.
    pub(crate) fn open() -> io::Result<Self> {
        let home = spare::home();
        if let Some(Open { socket, sequence, .. }) = home.and_then(spare::take) {
            return Ok(Self { socket, sequence, buffer: buffer(), home });
        }
        let mut new = Self::open_for(NETLINK_ROUTE)?;
        new.home = home;
        Ok(new)
    }

    /// The same for another part of the kernel than links, addresses and routes.
    pub(crate) fn open_for(protocol: isize) -> io::Result<Self> {
        let socket = netlink_sys::Socket::new(protocol)?;
        // Comforts of newer kernels (4.12, 4.20): words with an error, short acknowledgements, filtered dumps.
        let _ = socket.set_ext_ack(true);
        let _ = socket.set_cap_ack(true);
        let _ = socket.set_netlink_get_strict_chk(true);
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(PATIENCE_SECONDS, 0))?;
        Ok(Self { socket: Arc::new(socket), sequence: 0, buffer: buffer(), home: None })
    }

    /// Asks for everything there is of a kind; `decode` appends what one answer holds and passes over what it cannot
    /// read.
    pub(crate) fn dump<T>(
        &mut self,
        request: Message,
        decode: impl FnMut(&[u8], &mut Vec<T>),
    ) -> Result<Vec<T>, Refusal> {
        self.dump_up_to(request, usize::MAX, decode)
    }

    /// The same, no further than to the first answer behind `most` things. A socket that stopped early is of no more
    /// use: the kernel is not done with it.
    pub(crate) fn dump_up_to<T>(
        &mut self,
        mut request: Message,
        most: usize,
        decode: impl FnMut(&[u8], &mut Vec<T>),
    ) -> Result<Vec<T>, Refusal> {
        let mut bytes = Vec::new();
        write(&mut request, &mut bytes);
        self.dump_bytes(&bytes, most, decode)
    }

    /// The same for a message that was made elsewhere, header and all.
    pub(crate) fn dump_bytes<T>(
        &mut self,
        request: &[u8],
        most: usize,
        mut decode: impl FnMut(&[u8], &mut Vec<T>),
    ) -> Result<Vec<T>, Refusal> {
        let mut found = Vec::new();
        for _ in 0..TRIES {
            found.clear();
            // Whoever does not read to the end leaves a socket that nobody can go on with.
            let home = self.home.take();
            let first = self.send(request.to_vec())?;
            let mut whole = true;
            let each = |payload: &[u8]| {
                decode(payload, &mut found);
                whole = found.len() <= most;
                whole
            };
            match self.read_dump(first, each) {
                Ok(()) => {
                    self.home = home.filter(|_| whole);
                    // A container has few of each kind, and there are many containers.
                    found.shrink_to_fit();
                    return Ok(found);
                }
                Err(refusal) if matches!(refusal.errno, libc::EINTR | libc::ENOBUFS) => self.home = home,
                Err(refusal) => return Err(refusal),
            }
        }
        Err(Refusal::new(libc::EINTR))
    }

    /// Sends messages that change something, many at once; one answer for each, in their order.
    ///
    /// The kernel goes on behind a message that it refuses.
    pub(crate) fn batch<W: Wire>(&mut self, messages: impl IntoIterator<Item = W>) -> Vec<Result<(), Refusal>> {
        let mut answers = Vec::new();
        // The kernel tells every no, in the order of the messages: a yes to the last one is one to all without.
        let mut messages = messages.into_iter().peekable();
        while let Some(piece) = Piece::of(&mut messages, CHUNK_OF_ACKS, true) {
            answers.extend(self.exchange(piece, |_| ()).into_iter().map(|answer| answer.map(drop)));
        }
        answers
    }

    /// Sends one message that changes something.
    pub(crate) fn send_one(&mut self, message: Message) -> Result<(), Refusal> {
        self.batch([message]).pop().unwrap_or_else(|| Err(Refusal::new(libc::EIO)))
    }

    /// Sends questions that have one answer each, many at once. `None` is an answer that `decode` could not read.
    pub(crate) fn ask<T>(
        &mut self,
        questions: impl IntoIterator<Item = Message>,
        decode: impl Fn(&[u8]) -> Option<T>,
    ) -> Vec<Result<Option<T>, Refusal>> {
        let mut answers = Vec::new();
        let mut questions = questions.into_iter().peekable();
        while let Some(piece) = Piece::of(&mut questions, CHUNK, false) {
            let piece = self.exchange(piece, &decode);
            answers.extend(piece.into_iter().map(|answer| answer.map(Option::flatten)));
        }
        answers
    }

    /// Numbers the messages and sends them in one call; the number of the first.
    fn send(&mut self, mut messages: Vec<u8>) -> Result<u32, Refusal> {
        let first = self.sequence.wrapping_add(1);
        let mut rest = messages.as_mut_slice();
        while let Some((header, _)) = rest.split_first_chunk_mut::<HEADER>() {
            self.sequence = self.sequence.wrapping_add(1);
            let [a, b, c, d, ..] = *header;
            header[SEQUENCE].copy_from_slice(&self.sequence.to_ne_bytes());
            let length = u32::from_ne_bytes([a, b, c, d]) as usize;
            rest = rest.get_mut(length.max(HEADER).next_multiple_of(4)..).unwrap_or_default();
        }
        self.socket.send(&messages, 0)?;
        Ok(first)
    }

    fn receive(&mut self) -> Result<usize, Refusal> {
        loop {
            self.buffer.clear();
            match self.socket.recv(&mut self.buffer, libc::MSG_TRUNC) {
                // One message larger than the buffer: it is lost, and the next try has room for it.
                Ok(length) if length > self.buffer.len() => {
                    self.buffer.reserve(length.next_power_of_two());
                    return Err(Refusal::new(libc::ENOBUFS));
                }
                Ok(length) => return Ok(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads until the end, or until `each` has enough.
    fn read_dump(&mut self, sequence: u32, mut each: impl FnMut(&[u8]) -> bool) -> Result<(), Refusal> {
        let mut disturbed = false;
        loop {
            let length = self.receive()?;
            for reply in replies(&self.buffer[..length]).filter(|reply| reply.sequence == sequence) {
                disturbed |= reply.is_disturbed();
                match reply.kind {
                    ReplyKind::Data(payload) if each(payload) => {}
                    ReplyKind::Data(_) => return Ok(()),
                    ReplyKind::Refused(refusal) => return Err(refusal),
                    ReplyKind::Done if disturbed => return Err(Refusal::new(libc::EINTR)),
                    ReplyKind::Done => return Ok(()),
                }
            }
        }
    }

    /// Sends messages and collects an answer for each: what `decode` made of data, or `None` for an acknowledgement.
    fn exchange<T>(&mut self, piece: Piece, decode: impl Fn(&[u8]) -> T) -> Vec<Result<Option<T>, Refusal>> {
        let mut answers: Vec<Option<Result<Option<T>, Refusal>>> = (0..piece.count).map(|_| None).collect();
        let lost = self.collect(piece, &mut answers, decode).err();
        let told = |answer: Option<Result<Option<T>, Refusal>>| match (answer, &lost) {
            (Some(answer), _) => answer,
            (None, Some(lost)) => Err(lost.clone()),
            (None, None) => Ok(None),
        };
        answers.into_iter().map(told).collect()
    }

    fn collect<T>(
        &mut self,
        piece: Piece,
        answers: &mut [Option<Result<Option<T>, Refusal>>],
        decode: impl Fn(&[u8]) -> T,
    ) -> Result<(), Refusal> {
        let first = self.send(piece.bytes)?;
        let mut open = piece.count;
        while open > 0 {
            let length = self.receive()?;
            for Reply { sequence, kind, .. } in replies(&self.buffer[..length]) {
                let number = sequence.wrapping_sub(first) as usize;
                // Answers to a message that was given up carry an older number.
                let Some(slot @ None) = answers.get_mut(number) else { continue };
                *slot = Some(match kind {
                    ReplyKind::Data(payload) => Ok(Some(decode(payload))),
                    ReplyKind::Refused(refusal) => Err(refusal),
                    ReplyKind::Done => Ok(None),
                });
                open = if piece.only_last && number + 1 == piece.count { 0 } else { open - 1 };
            }
        }
        Ok(())
    }
}

fn buffer() -> Vec<u8> {
    let mut buffer = spare::buffer();
    buffer.clear();
    buffer.reserve(RECEIVE);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::encode;

    #[test]
    fn those_that_are_refused_are_told_apart_from_those_that_are_not() {
        let mut socket = Socket::open().expect("a socket");
        // Nothing is to be done for a link that is up already.
        let names = ["lo", "weave-test-gone", "lo", "weave-test-gone"];
        let questions = (0..1000).map(|number| encode::link_by_name(names[number % 4]));
        let answers: Vec<bool> = socket.ask(questions, |_| Some(())).iter().map(Result::is_ok).collect();
        assert!(answers.chunks(2).all(|pair| pair == [true, false]), "{answers:?}");
    }

    #[test]
    fn all_answers_to_a_piece_fit_the_smallest_receive_buffer() {
        let mut socket = Socket::open().expect("a socket");
        // The kernel doubles it: 208 KiB, `net.core.rmem_default` of a plain kernel.
        socket.socket.set_rx_buf_sz(104_u32 << 10).expect("a size");
        let gone = socket.batch((0..1000).map(|_| encode::set_up("weave-test-gone", true)));
        let refused = |refusal: &Refusal| matches!(refusal.errno, libc::ENODEV | libc::EPERM);
        assert!(gone.iter().all(|answer| answer.as_ref().is_err_and(refused)), "{gone:?}");
        let ways = socket.ask((0..1000).map(|_| encode::route_to([127, 0, 0, 1].into())), |_| Some(()));
        assert!(ways.iter().all(|answer| *answer == Ok(Some(()))), "{ways:?}");
        let links = socket.ask((0..1000).map(|_| encode::link_by_name("lo")), |_| Some(()));
        assert!(links.iter().all(|answer| *answer == Ok(Some(()))));
    }
}
