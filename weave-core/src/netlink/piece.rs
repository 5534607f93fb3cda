//! Messages as bytes, as many as go together.

use std::iter::Peekable;
use std::ops::Range;

use netlink_packet_core::NLM_F_ACK;

use super::Message;

/// Messages in one `sendmsg`: each is answered by a buffer of a few kilobytes at most, and all answers have to fit
/// the receive buffer at once.
pub(super) const CHUNK: usize = 64;

/// The same for messages that are answered by an acknowledgement alone, which takes under one kilobyte.
pub(super) const CHUNK_OF_ACKS: usize = 200;

/// Stays below the kernel's limit for one `sendmsg` (`net.core.wmem_default`).
const CHUNK_BYTES: usize = 64 << 10;

/// Where the flags stand in `struct nlmsghdr`.
const FLAGS: Range<usize> = 6..8;

/// Messages that go together in one `sendmsg`.
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) count: usize,
    /// Whether those before the last are answered only when they are refused.
    pub(super) only_last: bool,
}

impl Piece {
    /// Takes as many messages as stay below the limits; `None` when there are no more.
    ///
    /// They are made one after the other: a thousand at once would be memory that is touched for the first time.
    pub(super) fn of(
        messages: &mut Peekable<impl Iterator<Item = impl Wire>>,
        most: usize,
        only_last: bool,
    ) -> Option<Self> {
        let mut piece = Self { bytes: Vec::with_capacity(1 << 14), count: 0, only_last };
        let mut last = 0;
        while piece.count < most {
            let room = CHUNK_BYTES.saturating_sub(piece.bytes.len());
            let Some(message) = messages.next_if(|next| next.room() <= room || piece.count == 0) else {
                break;
            };
            last = piece.bytes.len();
            message.append(&mut piece.bytes);
            if only_last {
                piece.flags(last, |flags| flags & !NLM_F_ACK);
            }
            piece.count += 1;
        }
        if only_last {
            piece.flags(last, |flags| flags | NLM_F_ACK);
        }
        (piece.count > 0).then_some(piece)
    }

    /// Changes the flags of the message that begins at `start`.
    fn flags(&mut self, start: usize, change: impl FnOnce(u16) -> u16) {
        if let Some(flags) = self.bytes.get_mut(start..).and_then(|message| message.get_mut(FLAGS)) {
            let [a, b] = [flags[0], flags[1]];
            flags.copy_from_slice(&change(u16::from_ne_bytes([a, b])).to_ne_bytes());
        }
    }
}

/// What can be sent.
pub(crate) trait Wire {
    /// How many bytes it takes.
    fn room(&self) -> usize;

    /// Appends it as the kernel takes it.
    fn append(self, bytes: &mut Vec<u8>);
}

impl Wire for Message {
    fn room(&self) -> usize {
        self.buffer_len()
    }

    fn append(mut self, bytes: &mut Vec<u8>) {
        write(&mut self, bytes);
    }
}

/// A message that was made before, header and all, in whole words of four bytes.
impl Wire for Vec<u8> {
    fn room(&self) -> usize {
        self.len()
    }

    fn append(self, bytes: &mut Vec<u8>) {
        bytes.extend(self);
    }
}

/// Appends a message as the kernel takes it.
pub(super) fn write(message: &mut Message, bytes: &mut Vec<u8>) {
    message.finalize();
    let start = bytes.len();
    bytes.resize(start + message.buffer_len().next_multiple_of(4), 0);
    message.serialize(&mut bytes[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::encode;

    #[test]
    fn pieces_keep_the_order_and_the_limits() {
        let message = |index| encode::set_alias(index, &"x".repeat(200));
        let mut messages = (0..1000).map(message).peekable();
        let pieces: Vec<Piece> = std::iter::from_fn(|| Piece::of(&mut messages, CHUNK_OF_ACKS, true)).collect();
        assert!(pieces.iter().all(|piece| piece.count <= CHUNK_OF_ACKS && piece.bytes.len() <= CHUNK_BYTES));
        assert_eq!(pieces.iter().map(|piece| piece.count).sum::<usize>(), 1000);
        let mut all = Vec::new();
        (0..1000).for_each(|index| write(&mut message(index), &mut all));
        let length = all.len() / 1000;
        // The first message and the last one of the first piece.
        let (first, count) = (&pieces[0].bytes, pieces[0].count);
        let flags = |bytes: &[u8], at: usize| u16::from_ne_bytes([bytes[at * length + 6], bytes[at * length + 7]]);
        assert_eq!([flags(first, 0), flags(first, count - 1)].map(|flags| flags & NLM_F_ACK), [0, NLM_F_ACK]);
        let mut sent: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.iter().copied()).collect();
        for message in 0..1000 {
            sent[message * length + 6] |= NLM_F_ACK.to_ne_bytes()[0];
        }
        assert!(sent == all, "the messages in their order");
        assert!(Piece::of(&mut std::iter::empty::<Message>().peekable(), CHUNK, false).is_none());
        let long = encode::set_alias(1, &"x".repeat(65_520));
        assert!(Piece::of(&mut [long].into_iter().peekable(), CHUNK, false).is_some());
    }
}
