//! What is counted, in the words of Prometheus.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::said::Said;
use crate::Result;
use crate::watch::{Counters, Event, Meter, Work};

type Labels = Vec<(&'static str, String)>;
type Count = Counter<u64, AtomicU64>;

/// How long a convergence takes: from a look at an empty host to a thousand containers and their images.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0];

/// All that is counted.
#[derive(Clone)]
pub(super) struct Metrics(Arc<Inner>);

struct Inner {
    meter: Meter,
    registry: Registry,
    convergences: Family<Labels, Count>,
    seconds: Histogram,
    drift: Family<Labels, Count>,
    engine: Gauge,
    problems: Gauge,
}

impl Metrics {
    pub(super) fn new(meter: Meter) -> Self {
        let mut registry = Registry::with_prefix("weave");
        let (convergences, drift) = (Family::default(), Family::default());
        let (engine, problems) = (Gauge::default(), Gauge::default());
        let seconds = Histogram::new(SECONDS);
        registry.register(
            "convergences",
            "Looks at the host, by what came of them: unchanged, changed, partly (some containers could not be served), \
             failed",
            convergences.clone(),
        );
        registry.register("convergence_seconds", "How long they took", seconds.clone());
        registry.register("drift", "What had been changed by others and was put right, by subject", drift.clone());
        registry.register("engine_connected", "Whether the Docker engine answers", engine.clone());
        registry.register("problems", "How many things cannot be done at the moment", problems.clone());
        Self(Arc::new(Inner { meter, registry, convergences, seconds, drift, engine, problems }))
    }

    /// Takes note of an event, and of what stands in the way after it.
    pub(super) fn count(&self, event: &Event, standing: &Said) {
        let Inner { convergences, seconds, drift, engine, problems, .. } = &*self.0;
        problems.set(i64::try_from(standing.count()).unwrap_or(i64::MAX));
        let (took, result) = match event {
            Event::Converged { work, took, settled, report, again } => {
                if *settled && *work == Work::Network {
                    for change in &report.changes {
                        let subject = change.subject.split('.').next().unwrap_or_default();
                        drift.get_or_create(&vec![("subject", subject.to_owned())]).inc();
                    }
                }
                let result = match (again, report.changed) {
                    (Some(_), _) => "partly",
                    (None, true) => "changed",
                    (None, false) => "unchanged",
                };
                (took, result)
            }
            Event::Failed { took, .. } => (took, "failed"),
            Event::Engine { away } => {
                engine.set(i64::from(away.is_none()));
                return;
            }
            Event::Read { .. } => return,
        };
        seconds.observe(took.as_secs_f64());
        convergences.get_or_create(&vec![("result", result.to_owned())]).inc();
    }

    /// All of it as text; what the ports have carried is read now.
    ///
    /// # Errors
    /// As the kernel says.
    pub(super) async fn text(&self) -> Result<String> {
        let ports = ports(&self.0.meter.read().await?);
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = encode_registry(&mut text, &self.0.registry)
            .and_then(|()| encode_registry(&mut text, &ports))
            .and_then(|()| encode_eof(&mut text));
        Ok(text)
    }
}

fn ports(counters: &Counters) -> Registry {
    let mut registry = Registry::with_prefix("weave");
    for (name, help, count) in
        [("peers", "Peers", counters.peers), ("attachments", "Interfaces of containers", counters.attachments)]
    {
        let gauge: Gauge = Gauge::default();
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    }
    for (way, direction) in ["receive", "transmit"].into_iter().enumerate() {
        for what in ["bytes", "packets", "dropped"] {
            let family: Family<Labels, Count> = Family::default();
            for port in &counters.ports {
                let value = match what {
                    "bytes" => port.bytes,
                    "packets" => port.packets,
                    _ => port.dropped,
                };
                let labels = vec![
                    ("port", port.name.clone()),
                    ("container", port.container.clone()),
                    ("interface", port.interface.clone()),
                ];
                family.get_or_create(&labels).inc_by(value[way]);
            }
            let help = format!("{what} that ports of the bridge {direction}, as the host sees it");
            registry.register(format!("port_{direction}_{what}"), help, family);
        }
    }
    registry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Port;

    #[test]
    fn ports_are_told_by_link_container_and_interface() {
        let mut port = Port::default();
        (port.name, port.container, port.interface) = ("vethwe1".into(), "we\"b".into(), "ethwe".into());
        (port.bytes, port.packets, port.dropped) = ([1, 2], [3, 4], [5, 6]);
        let mut counters = Counters::default();
        (counters.ports, counters.peers, counters.attachments) = (vec![port], 2, 1);
        let mut text = String::new();
        encode_registry(&mut text, &ports(&counters)).expect("text");
        let labels = r#"{port="vethwe1",container="we\"b",interface="ethwe"}"#;
        for line in [
            "weave_peers 2".to_owned(),
            "weave_attachments 1".to_owned(),
            format!("weave_port_receive_bytes_total{labels} 1"),
            format!("weave_port_transmit_bytes_total{labels} 2"),
            format!("weave_port_receive_packets_total{labels} 3"),
            format!("weave_port_transmit_dropped_total{labels} 6"),
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
