//! The stand-in for the classic router is what it stands for, as far as tests of weave rely on it.

mod endings;
mod exchange;
mod forwarding;
mod image;
mod misbehaviour;
mod recorded;
mod shape;
