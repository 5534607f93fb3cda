//! What a container shall be. (To be replaced by the comparison's own.)

use crate::observed::{Container, Image};
use crate::spec::Settings;
use crate::spec::run::{OnChange, Pull, RunState};
use serde_json::Value;
use std::collections::BTreeSet;

/// a
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// a
    pub name: String,
    /// a
    pub image: String,
    /// a
    pub pull: Pull,
    /// a
    pub state: RunState,
    /// a
    pub on_change: OnChange,
    /// a
    pub platform: Option<String>,
    /// a
    pub needs: BTreeSet<String>,
    body: Value,
}
impl Wish {
    /// a
    pub fn new(_run: &Settings, _body: Value, _nothing: &Value) -> Self {
        todo!()
    }
    /// a
    pub fn request(&self) -> Value {
        self.body.clone()
    }
    /// a
    pub fn line(&self, _name: &str) -> String {
        String::new()
    }
}
/// a
pub struct Difference {
    /// a
    pub option: String,
    /// a
    pub before: Value,
    /// a
    pub after: Value,
}
/// a
pub struct Update {
    /// a
    pub after: Value,
    /// a
    pub before: Value,
}
/// a
pub fn compare(_w: &Wish, _c: &Container, _i: Option<&Image>) -> Vec<Difference> {
    Vec::new()
}
/// a
pub fn in_place(_d: &[Difference], _w: &Wish, _c: &Container) -> Option<Update> {
    None
}
/// a
pub fn carried(b: Value, _w: &Wish, _c: &Container) -> Value {
    b
}
