//! `GET /metrics`: the router's own numbers, without those of the language it is written in.

use serde_json::Value;

/// Numbers by name, each with what it means and its kind.
pub(crate) fn metrics(report: &Value) -> String {
    let router = &report["Router"];
    let all = router["Connections"].as_array().map(Vec::as_slice).unwrap_or_default();
    let up = |encrypted: bool| {
        let counted =
            all.iter().filter(|one| one["State"] == "established" && (one["Attrs"]["encrypted"] == true) == encrypted);
        counted.count().to_string()
    };
    let connections = [
        (r#"weave_connections{encryption="",state="established",type="sleeve"}"#, up(false)),
        (r#"weave_connections{encryption="yes",state="established",type="sleeve"}"#, up(true)),
    ];
    let ended = router["TerminationCount"].to_string();
    let mut text = family(
        ("weave_connection_terminations_total", "Number of peer-to-peer connections terminated.", "counter"),
        &[("weave_connection_terminations_total", ended)],
    );
    text += &family(("weave_connections", "Number of peer-to-peer connections.", "gauge"), &connections);
    if let Some(ipam) = report.get("IPAM") {
        text += &allocation(ipam);
    }
    text
}

fn allocation(ipam: &Value) -> String {
    let zero = |name, help| family((name, help, "gauge"), &[(name, "0".to_owned())]);
    [
        zero("weave_ipam_pending_allocates", "Number of pending allocates."),
        zero("weave_ipam_pending_claims", "Number of pending claims."),
        zero("weave_ipam_unreachable_count", "Number of unreachable peers."),
        zero("weave_ipam_unreachable_percentage", "Percentage of IP addresses owned  by unreachable peers."),
        family(
            ("weave_ips", "Number of IP addresses.", "gauge"),
            &[(r#"weave_ips{state="local-used"}"#, ipam["ActiveIPs"].to_string())],
        ),
        family(
            ("weave_max_ips", "Size of IP address space used by allocator.", "gauge"),
            &[("weave_max_ips", ipam["RangeNumIPs"].to_string())],
        ),
    ]
    .concat()
}

fn family((name, help, kind): (&str, &str, &str), values: &[(&str, String)]) -> String {
    let values: String = values.iter().map(|(name, value)| format!("{name} {value}\n")).collect();
    format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{values}")
}
