//! IS: the router in a container, as the engine has it and as it answers.

use std::time::Duration;

use super::{Kernel, job, listeners};
use crate::Result;
use crate::classic::Control;
use crate::observed::{Classic, ContainerScope, Observed, Scope};

/// How long one answer of the router may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

impl Kernel {
    /// Adds it to what was seen of the links. Where there is none and none is asked for, nobody is asked.
    pub(super) async fn look_at_classic(&self, scope: &Scope, observed: &mut Observed) -> Result<()> {
        let mark = observed.router_port().map(|(_, mark)| mark);
        let mut wanted = scope.containers.clone();
        wanted.names.extend(mark.iter().filter(|_| scope.router).map(|mark| mark.container.clone()));
        if wanted != ContainerScope::default() {
            let seen = Box::pin(self.engine.look_at_containers(&wanted)).await;
            // Where nobody named it, what the engine does not tell is not missed: the kernel has its port.
            let named = scope.containers != ContainerScope::default();
            observed.containers = if named { seen? } else { seen.unwrap_or_default() };
        }
        let own = mark.as_ref().filter(|_| scope.listeners);
        if own.is_some() || !scope.ports.is_empty() {
            let named = own.and_then(|mark| observed.containers.containers.get(&mark.container));
            let router = named.map(|container| container.pid).filter(|pid| *pid > 0);
            let ports =
                own.iter().flat_map(|mark| [mark.port, mark.control]).chain(scope.ports.iter().copied()).collect();
            let look = job::start(&self.host, move || Ok(listeners::look(&ports, router)))?;
            observed.listeners = look.wait().await?;
        }
        if let Some(mark) = mark.filter(|_| scope.router || !scope.targets.is_empty()) {
            let control = Control::new(mark.control, PATIENCE);
            observed.classic = Some(job::start(&self.host, move || Ok(ask(control)))?.wait().await?);
        }
        Ok(())
    }
}

fn ask(control: Control) -> Classic {
    // Books that cannot be read are not taken for none: who attached then would take somebody's address.
    match control.report().and_then(|report| Ok((report, control.owned()?))) {
        Ok((report, owned)) => Classic { report: Ok(report), owned },
        Err(error) => Classic { report: Err(error.message().to_owned()), owned: None },
    }
}
