//! The one place that talks to the kernel. Blocking: the kernel answers within the call, so a reactor has nothing to
//! wait for, and a thread that has entered a namespace has none.

use std::io;

use netlink_sys::protocols::NETLINK_ROUTE;
use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::TimeVal;

use super::decode::{Reply, ReplyKind, replies};
use super::{Message, Refusal};

/// Messages in one `sendmsg`: each is answered by a buffer of a few kilobytes at most, and all answers have to fit
/// the receive buffer at once.
const CHUNK: usize = 64;

/// The same for messages that are answered by an acknowledgement alone, which takes under one kilobyte.
const CHUNK_OF_ACKS: usize = 200;

/// Stays below the kernel's limit for one `sendmsg` (`net.core.wmem_default`).
const CHUNK_BYTES: usize = 64 << 10;

/// The kernel fills at most 32 KiB of a dump at a time.
const RECEIVE: usize = 64 << 10;

/// How often a dump that changed under our eyes is read again (`NLM_F_DUMP_INTR`).
const TRIES: usize = 10;

/// Every answer is there when `send` returns; should one be lost, an error is better than waiting for ever.
const PATIENCE_SECONDS: i64 = 10;

/// A netlink socket of the namespace in which it was opened.
pub(crate) struct Socket {
    socket: netlink_sys::Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    /// A socket of the calling thread's namespace.
    pub(crate) fn open() -> io::Result<Self> {
        let socket = netlink_sys::Socket::new(NETLINK_ROUTE)?;
        // Comforts of newer kernels (4.12, 4.20): words with an error, short acknowledgements, filtered dumps.
        let _ = socket.set_ext_ack(true);
        let _ = socket.set_cap_ack(true);
        let _ = socket.set_netlink_get_strict_chk(true);
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(PATIENCE_SECONDS, 0))?;
        Ok(Self { socket, sequence: 0, buffer: vec![0; RECEIVE] })
    }

    /// Asks for everything there is of a kind; `decode` appends what one answer holds and passes over what it cannot
    /// read.
    pub(crate) fn dump<T>(
        &mut self,
        request: Message,
        mut decode: impl FnMut(&[u8], &mut Vec<T>),
    ) -> Result<Vec<T>, Refusal> {
        let mut found = Vec::new();
        for _ in 0..TRIES {
            found.clear();
            let first = self.send(std::slice::from_mut(&mut request.clone()))?;
            match self.read_dump(first, |payload| decode(payload, &mut found)) {
                Ok(()) => {
                    // A container has few of each kind, and there are many containers.
                    found.shrink_to_fit();
                    return Ok(found);
                }
                Err(refusal) if matches!(refusal.errno, libc::EINTR | libc::ENOBUFS) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Err(Refusal::new(libc::EINTR))
    }

    /// Sends messages that change something, many at once; one answer for each, in their order.
    ///
    /// The kernel goes on behind a message that it refuses.
    pub(crate) fn batch(&mut self, mut messages: Vec<Message>) -> Vec<Result<(), Refusal>> {
        let mut answers = Vec::with_capacity(messages.len());
        for chunk in chunks(&mut messages, CHUNK_OF_ACKS) {
            answers.extend(self.exchange(chunk, |_| ()).into_iter().map(|answer| answer.map(drop)));
        }
        answers
    }

    /// Sends one message that changes something.
    pub(crate) fn send_one(&mut self, message: Message) -> Result<(), Refusal> {
        self.batch(vec![message]).pop().unwrap_or_else(|| Err(Refusal::new(libc::EIO)))
    }

    /// Sends questions that have one answer each, many at once. `None` is an answer that `decode` could not read.
    pub(crate) fn ask<T>(
        &mut self,
        mut questions: Vec<Message>,
        decode: impl Fn(&[u8]) -> Option<T>,
    ) -> Vec<Result<Option<T>, Refusal>> {
        let mut answers = Vec::with_capacity(questions.len());
        for chunk in chunks(&mut questions, CHUNK) {
            let chunk = self.exchange(chunk, &decode);
            answers.extend(chunk.into_iter().map(|answer| answer.map(Option::flatten)));
        }
        answers
    }

    /// Numbers, writes and sends the messages in one call; the number of the first.
    fn send(&mut self, messages: &mut [Message]) -> Result<u32, Refusal> {
        let first = self.sequence.wrapping_add(1);
        let mut bytes = Vec::with_capacity(messages.len() * 128);
        for message in messages {
            self.sequence = self.sequence.wrapping_add(1);
            message.header.sequence_number = self.sequence;
            message.finalize();
            let start = bytes.len();
            bytes.resize(start + message.buffer_len().next_multiple_of(4), 0);
            message.serialize(&mut bytes[start..]);
        }
        self.socket.send(&bytes, 0)?;
        Ok(first)
    }

    fn receive(&mut self) -> Result<usize, Refusal> {
        loop {
            let mut room = &mut self.buffer[..];
            match self.socket.recv(&mut room, libc::MSG_TRUNC) {
                // One message larger than the buffer: it is lost, and the next try has room for it.
                Ok(length) if length > self.buffer.len() => {
                    self.buffer.resize(length.next_power_of_two(), 0);
                    return Err(Refusal::new(libc::ENOBUFS));
                }
                Ok(length) => return Ok(length),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn read_dump(&mut self, sequence: u32, mut each: impl FnMut(&[u8])) -> Result<(), Refusal> {
        let mut disturbed = false;
        loop {
            let length = self.receive()?;
            for reply in replies(&self.buffer[..length]).filter(|reply| reply.sequence == sequence) {
                disturbed |= reply.is_disturbed();
                match reply.kind {
                    ReplyKind::Data(payload) => each(payload),
                    ReplyKind::Refused(refusal) => return Err(refusal),
                    ReplyKind::Done if disturbed => return Err(Refusal::new(libc::EINTR)),
                    ReplyKind::Done => return Ok(()),
                }
            }
        }
    }

    /// Sends `messages` and collects an answer for each: what `decode` made of data, or `None` for an acknowledgement.
    fn exchange<T>(
        &mut self,
        messages: &mut [Message],
        decode: impl Fn(&[u8]) -> T,
    ) -> Vec<Result<Option<T>, Refusal>> {
        let mut answers: Vec<Option<Result<Option<T>, Refusal>>> = messages.iter().map(|_| None).collect();
        let lost = self.collect(messages, &mut answers, decode).err();
        let lost = lost.unwrap_or_else(|| Refusal::new(libc::EIO));
        answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(lost.clone()))).collect()
    }

    fn collect<T>(
        &mut self,
        messages: &mut [Message],
        answers: &mut [Option<Result<Option<T>, Refusal>>],
        decode: impl Fn(&[u8]) -> T,
    ) -> Result<(), Refusal> {
        let first = self.send(messages)?;
        let mut open = answers.len();
        while open > 0 {
            let length = self.receive()?;
            for Reply { sequence, kind, .. } in replies(&self.buffer[..length]) {
                // Answers to a message that was given up carry an older number.
                let Some(slot @ None) = answers.get_mut(sequence.wrapping_sub(first) as usize) else { continue };
                *slot = Some(match kind {
                    ReplyKind::Data(payload) => Ok(Some(decode(payload))),
                    ReplyKind::Refused(refusal) => Err(refusal),
                    ReplyKind::Done => Ok(None),
                });
                open -= 1;
            }
        }
        Ok(())
    }
}

/// Cuts `messages` so that each piece stays below the limits of one `sendmsg`.
fn chunks(messages: &mut [Message], count: usize) -> impl Iterator<Item = &mut [Message]> {
    let mut rest = messages;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let taken = rest
            .iter()
            .take(count)
            .take_while(|message| {
                bytes += message.buffer_len();
                bytes <= CHUNK_BYTES
            })
            .count();
        if rest.is_empty() {
            return None;
        }
        let (chunk, behind) = std::mem::take(&mut rest).split_at_mut(taken.max(1));
        rest = behind;
        Some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::encode;

    #[test]
    fn pieces_keep_the_order_and_the_limits() {
        let message = |index| encode::set_alias(index, &"x".repeat(200));
        let mut messages: Vec<Message> = (0..1000).map(message).collect();
        let expected = messages.clone();
        let pieces: Vec<Vec<Message>> = chunks(&mut messages, CHUNK_OF_ACKS).map(|piece| piece.to_vec()).collect();
        assert!(pieces.iter().all(|piece| piece.len() <= CHUNK_OF_ACKS));
        assert_eq!(pieces.concat(), expected);
        assert_eq!(chunks(&mut [], CHUNK).count(), 0);
    }

    #[test]
    fn all_answers_to_a_piece_fit_the_smallest_receive_buffer() {
        let mut socket = Socket::open().expect("a socket");
        // The kernel doubles it: 208 KiB, `net.core.rmem_default` of a plain kernel.
        socket.socket.set_rx_buf_sz(104_u32 << 10).expect("a size");
        let gone = socket.batch((0..1000).map(|_| encode::set_up("weave-test-gone", true)).collect());
        let refused = |refusal: &Refusal| matches!(refusal.errno, libc::ENODEV | libc::EPERM);
        assert!(gone.iter().all(|answer| answer.as_ref().is_err_and(refused)), "{gone:?}");
        let ways = socket.ask((0..1000).map(|_| encode::route_to([127, 0, 0, 1].into())).collect(), |_| Some(()));
        assert!(ways.iter().all(|answer| *answer == Ok(Some(()))), "{ways:?}");
        let links = socket.ask((0..1000).map(|_| encode::link_by_name("lo")).collect(), |_| Some(()));
        assert!(links.iter().all(|answer| *answer == Ok(Some(()))));
    }
}
