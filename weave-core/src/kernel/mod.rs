//! stub
pub mod preflight;
use crate::Result;
use crate::host::*;
use crate::observed::*;
use crate::plan::Step;
use std::net::IpAddr;
/// stub
pub struct Kernel;
impl Host for Kernel {
    type Guard = ();
    async fn lock(&self, _: &str) -> Result<()> {
        todo!()
    }
    async fn observe(&self, _: &Scope) -> Result<Observed> {
        todo!()
    }
    async fn execute(&self, _: &[Step], _: OnError) -> Vec<Outcome> {
        todo!()
    }
    async fn probe(&self, _: &str, _: &[IpAddr]) -> Result<Vec<Owner>> {
        todo!()
    }
}
