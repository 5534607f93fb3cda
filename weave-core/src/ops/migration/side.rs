//! One of the two hosts, and what its weave does.

use serde_json::{Value, json};

use crate::apply::Mode;
use crate::carry::{End, far_weave};
use crate::kernel::{Kernel, machine};
use crate::observed::{Container, ContainerScope};
use crate::ops::{announcement, attachment, host};
use crate::spec::{Announce, Attach, Cidr, List, from_value};
use crate::{Error, ErrorKind, Result};

/// One of the two hosts.
pub(super) struct Side<'a> {
    /// Its engine.
    pub(super) end: End,
    /// Its kernel, where it is this host.
    kernel: Option<&'a Kernel>,
    /// What it is called: its address, or the name of this host.
    pub(super) name: String,
    /// What helpers of the move are known by.
    pub(super) token: String,
}

impl<'a> Side<'a> {
    pub(super) fn here(kernel: &'a Kernel) -> Self {
        let name = machine().hostname;
        Self { end: End::here(kernel.engine()), kernel: Some(kernel), name, token: String::new() }
    }

    pub(super) fn there(end: End, address: &str) -> Self {
        Self { end, kernel: None, name: address.to_owned(), token: String::new() }
    }

    /// The container called `name`.
    pub(super) async fn container(&self, name: &str) -> Result<Option<Container>> {
        let scope = ContainerScope { names: vec![name.to_owned()], ..ContainerScope::default() };
        let mut seen = self.end.engine.look_at_containers(&scope).await?;
        Ok(seen.containers.remove(name))
    }

    /// The word of a command line for its engine.
    pub(super) fn docker(&self) -> String {
        match self.kernel {
            Some(_) => "docker".to_owned(),
            None => format!("docker -H {}", self.name),
        }
    }

    /// What its weave says of it: `weave status --json`.
    pub(super) async fn status(&self) -> Result<Value> {
        match self.kernel {
            Some(kernel) => {
                let status = host::status(kernel).await?;
                kernel.let_go();
                Ok(status.result.unwrap_or_default())
            }
            None => self.ask("status", &json!({})).await,
        }
    }

    /// `weave attach`.
    pub(super) async fn attach(&self, attach: &Attach) -> Result<()> {
        match self.kernel {
            Some(kernel) => attachment::attach(kernel, attach, Mode::Apply).await.map(drop),
            None => self.ask("attach", &json!(attach)).await.map(drop),
        }
    }

    /// `weave announce`: what it found out.
    pub(super) async fn announce(&self, container: Option<&str>, ips: &[Cidr]) -> Result<Value> {
        let container = container.map(str::parse).transpose()?;
        let announce = Announce { container, ips: List(ips.to_vec()) };
        match self.kernel {
            Some(kernel) => {
                Ok(announcement::announce(kernel, &announce, Mode::Apply).await?.result.unwrap_or_default())
            }
            None => self.ask("announce", &json!(announce)).await,
        }
    }

    async fn ask(&self, operation: &str, arguments: &Value) -> Result<Value> {
        let report = far_weave(&self.end, &self.token, operation, arguments, Mode::Apply).await?;
        Ok(report["result"].clone())
    }

    /// The interfaces of a container that runs.
    ///
    /// # Errors
    /// `Conflict` for one without addresses, which cannot be had elsewhere; when that host's weave cannot be asked.
    pub(super) async fn interfaces(&self, container: &Container) -> Result<Vec<Attach>> {
        let rows = super::interfaces::of(&self.status().await?, container).into_iter();
        let found: Vec<Attach> = rows.map(from_value).collect::<Result<_>>()?;
        match found.iter().find(|attach| attach.ips.is_empty()) {
            None => Ok(found),
            Some(bare) => {
                let message = format!("its interface {} has no address", bare.interface);
                let hint = format!("`weave attach` gives it one, `weave detach {}` removes it", container.name);
                Err(Error::new(ErrorKind::Conflict, &container.name, message).hint(hint))
            }
        }
    }
}
