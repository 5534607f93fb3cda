//! The answers to requests: which path does what, and what is said of what cannot be done.

use std::net::TcpStream;

use serde::Serialize as _;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

use crate::http::{Request, Response};
use crate::ipam::{self, Patience, cidr};
use crate::metrics::metrics;
use crate::report::report;
use crate::router::Router;
use crate::status;

/// What may be asked at an address: the control port answers everything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Control,
    Status,
    Metrics,
}

/// The answer to a request.
pub(crate) fn answer(router: &Router, scope: Scope, request: &Request, caller: &TcpStream) -> Response {
    let path: Vec<_> = request.path.trim_start_matches('/').split('/').collect();
    let found = match (scope, path.as_slice()) {
        (_, ["metrics"]) => only("GET", request, || Response::metrics(metrics(&report(router)))),
        (Scope::Control | Scope::Status, ["report"]) => only("GET", request, || whole(router, request)),
        (Scope::Control | Scope::Status, ["status", rest @ ..]) => part(router, rest, request),
        (Scope::Control, ["connect"]) => only("POST", request, || connect(router, request)),
        (Scope::Control, ["forget"]) => only("POST", request, || {
            router.forget(&request.all("peer"));
            Response::text(String::new())
        }),
        (Scope::Control, path) => allocation(router, path, request, caller),
        _ => None,
    };
    found.unwrap_or_else(|| Response::error(404, "404 page not found"))
}

/// A path that is there for one method only.
fn only(method: &str, request: &Request, answer: impl FnOnce() -> Response) -> Option<Response> {
    Some(if request.method == method { answer() } else { Response::empty(405) })
}

fn whole(router: &Router, request: &Request) -> Response {
    if request.header("accept") != Some("application/json") {
        // The real router runs a template of Go here.
        return Response::error(400, "error: must supply one format parameter");
    }
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b"    "));
    match report(router).serialize(&mut serializer) {
        Ok(()) => Response::json(escaped(&String::from_utf8_lossy(&bytes))),
        Err(why) => Response::error(500, &why.to_string()),
    }
}

/// Go writes JSON that can be put into HTML. None of these is outside a text.
fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn part(router: &Router, path: &[&str], request: &Request) -> Option<Response> {
    let text: fn(&Value) -> Option<String> = match path {
        [] => |report| Some(status::status(report)),
        ["connections"] => |report| Some(status::connections(report)),
        ["peers"] => |report| Some(status::peers(report)),
        ["targets"] => |report| Some(status::targets(report)),
        ["ipam"] => status::ipam,
        // Names are never served here.
        ["dns"] => |_| None,
        _ => return None,
    };
    only("GET", request, || match text(&report(router)) {
        Some(text) => Response::text(text),
        None => Response::error(500, "error during template execution"),
    })
}

fn connect(router: &Router, request: &Request) -> Response {
    let replace = request.all("replace").first().is_some_and(|value| value == "true");
    let refused = router.connect(&request.all("peer"), replace);
    if refused.is_empty() { Response::text(String::new()) } else { Response::error(400, &refused.join("\n")) }
}

/// Everything about addresses; None where none are allocated.
fn allocation(router: &Router, path: &[&str], request: &Request, caller: &TcpStream) -> Option<Response> {
    let default = router.with_ipam(|ipam| ipam.default_subnet)?;
    let look = |id: &str, subnet| {
        let held = router.with_ipam(|ipam| ipam.lookup(id, subnet)).unwrap_or_default();
        Response::text(held.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    };
    let gone = || hung_up(caller);
    let allocate = |id: &str, subnet| match ipam::allocate(router, id, subnet, &gone) {
        Ok(cidr) => Response::text(kept(router, cidr.to_string())),
        Err(why) => Response::error(400, &why),
    };
    let done = |result: Result<(), String>| match result {
        Ok(()) => kept(router, Response::empty(204)),
        Err(why) => Response::error(400, &why),
    };
    let bad = |why: String| Response::error(400, &why);
    Some(match (request.method.as_str(), path) {
        ("GET", ["ip"]) => Response::json(router.with_ipam(|ipam| format!("{}\n", ipam.all()))?),
        ("GET", ["ipinfo", "defaultsubnet"]) => Response::text(default.to_string()),
        // Nothing tracks ranges here.
        ("GET", ["ipinfo", "tracker"]) => Response::text("\n".to_owned()),
        ("GET", ["ring"]) => Response::text(String::new()),
        ("GET", ["ip", id]) => look(id, default),
        ("GET", ["ip", id, ip, length]) => {
            cidr::subnet(&format!("{ip}/{length}")).map_or_else(bad, |subnet| look(id, subnet))
        }
        ("POST", ["ip", id]) => allocate(id, default),
        ("POST", ["ip", id, ip, length]) => {
            cidr::subnet(&format!("{ip}/{length}")).map_or_else(bad, |subnet| allocate(id, subnet))
        }
        ("PUT", ["ip", id, ip, length]) => {
            let at_once = request.all("noErrorOnUnknown").first().is_some_and(|value| value == "true");
            let patience = if at_once { Patience::None } else { Patience::Until(&gone) };
            let claimed = cidr::parse(&format!("{ip}/{length}")).map(|cidr| ipam::claim(router, id, cidr, &patience));
            claimed.map_or_else(bad, done)
        }
        ("DELETE", ["ip", id]) => done(ipam::release(router, id, None)),
        ("DELETE", ["ip", id, ip]) => {
            cidr::address(ip).map_or_else(bad, |ip| done(ipam::release(router, id, Some(ip))))
        }
        (
            _,
            ["ip"] | ["ip", _] | ["ip", _, _] | ["ip", _, _, _] | ["ring"] | ["ipinfo", "defaultsubnet" | "tracker"],
        ) => Response::empty(405),
        _ => return None,
    })
}

/// Writes down a change before it is told.
fn kept<T>(router: &Router, answer: T) -> T {
    router.keep();
    answer
}

/// Whether the caller does not wait any more.
fn hung_up(caller: &TcpStream) -> bool {
    let mut byte = [0];
    let peeked = caller.set_nonblocking(true).and_then(|()| caller.peek(&mut byte));
    let restored = caller.set_nonblocking(false).is_ok();
    !restored || peeked.is_ok_and(|size| size == 0)
}
