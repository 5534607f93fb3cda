//! From a container's name or id to its process.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::client::Engine;
use super::failure::Failure;
use crate::ErrorKind;
use crate::observed::TargetProblem;
use crate::plan::container::HOLDS;

/// Lookups under way at once: enough to keep the engine busy, few enough not to crowd out its other callers.
pub(super) const AT_ONCE: usize = 16;

/// A running container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Full id.
    pub(crate) id: String,
    /// Name, without the leading slash of the API.
    pub(crate) name: String,
    /// Its first process, as this host counts them.
    pub(crate) pid: u32,
    /// When it was started; with the pid it tells a restarted container from the one that was found.
    pub(crate) started_at: String,
    /// Whether it was started in the host's network.
    pub(crate) host_network: bool,
    /// Whether process and start are those of the container that holds its namespace.
    pub(crate) held: bool,
}

impl Engine {
    /// Looks up containers by name, id, or beginning of an id, in the order of `names`.
    ///
    /// When the engine does not answer one question in time, those not yet asked are not asked.
    pub(crate) async fn find(&self, names: &[String]) -> Vec<Result<Found, TargetProblem>> {
        if let [name] = names {
            return vec![self.find_one(name).await.map_err(|(problem, _)| problem)];
        }
        let gate = Arc::new(Semaphore::new(AT_ONCE));
        let mut lookups = JoinSet::new();
        for (index, name) in names.iter().cloned().enumerate() {
            let (engine, gate) = (self.clone(), Arc::clone(&gate));
            lookups.spawn(async move {
                let Ok(_permit) = gate.acquire().await else {
                    return (index, Err(not_asked()));
                };
                let found = engine.find_one(&name).await.map_err(|(problem, late)| {
                    if late {
                        gate.close();
                    }
                    problem
                });
                (index, found)
            });
        }
        let mut found = vec![Err(not_asked()); names.len()];
        while let Some(done) = lookups.join_next().await {
            if let Ok((index, result)) = done {
                found[index] = result;
            }
        }
        found
    }

    /// One lookup; with a problem, whether it was that the engine kept silent.
    async fn find_one(&self, name: &str) -> Result<Found, (TargetProblem, bool)> {
        let Some(name) = spoken_name(name) else {
            return Err((TargetProblem::Missing, false));
        };
        match self.inspect(name).await {
            Ok(answer) => {
                let holder = match joined(&answer).and_then(spoken_name) {
                    Some(other) => self.inspect(other).await.ok().filter(|other| holds(other).is_some()),
                    None => None,
                };
                held(&answer, holder.as_ref()).map_err(|problem| (problem, false))
            }
            Err(Failure { status: Some(404), .. }) => Err((TargetProblem::Missing, false)),
            Err(Failure { error, .. }) => {
                let late = error.kind() == ErrorKind::Timeout;
                let hint = error.next_step().map(|hint| format!("; {hint}")).unwrap_or_default();
                Err((TargetProblem::Engine(format!("{error}{hint}")), late))
            }
        }
    }
}

impl Engine {
    /// Whatever else the engine says of it, in words that may be of the future, is no matter here.
    async fn inspect(&self, name: &str) -> Result<Value, Failure> {
        let what = format!("look at container {name}");
        let answer = self.read(&what, format!("/containers/{name}/json")).await?;
        match answer["Id"].is_string() {
            true => Ok(answer),
            false => Err(Failure { status: None, words: None, error: self.senseless(&what) }),
        }
    }
}

/// The id of the container whose namespace it joins.
fn joined(answer: &Value) -> Option<&str> {
    answer["HostConfig"]["NetworkMode"].as_str()?.strip_prefix("container:")
}

/// The name of the container whose namespace it holds.
fn holds(answer: &Value) -> Option<&str> {
    answer["Config"]["Labels"][HOLDS].as_str()
}

/// A container whose namespace weave holds with another is where that one is, also while it does not run itself; and
/// the other goes by its name.
fn held(answer: &Value, holder: Option<&Value>) -> Result<Found, TargetProblem> {
    let Some(Ok(holder)) = holder.map(running) else {
        let found = running(answer)?;
        return Ok(Found { name: holds(answer).map_or(found.name, str::to_owned), ..found });
    };
    let id = answer["Id"].as_str().map_or(holder.id, str::to_owned);
    Ok(Found { id, name: name(answer), held: true, ..holder })
}

fn name(answer: &Value) -> String {
    answer["Name"].as_str().unwrap_or_default().trim_start_matches('/').to_owned()
}

fn not_asked() -> TargetProblem {
    TargetProblem::Engine("the Docker engine was not asked, because it did not answer another question in time".into())
}

/// The name as it may stand in a URL: what the engine itself takes as a name or id. Others cannot exist.
pub(super) fn spoken_name(name: &str) -> Option<&str> {
    let name = name.strip_prefix('/').unwrap_or(name);
    let first = name.bytes().next()?;
    let rest_is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    (first.is_ascii_alphanumeric() && rest_is_plain).then_some(name)
}

/// A paused container has its namespace and counts as running; one between two starts has none.
fn running(answer: &Value) -> Result<Found, TargetProblem> {
    let state = &answer["State"];
    let word = state["Status"].as_str().unwrap_or_default();
    let runs = match word {
        "running" | "paused" => true,
        "" => state["Running"] == true && state["Restarting"] != true,
        _ => false,
    };
    if !runs {
        return Err(TargetProblem::NotRunning(if word.is_empty() { "stopped" } else { word }.to_owned()));
    }
    let pid = state["Pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid != 0);
    let (Some(pid), Some(id)) = (pid, answer["Id"].as_str().filter(|id| !id.is_empty())) else {
        return Err(TargetProblem::NotRunning(format!("{word}, without a process")));
    };
    Ok(Found {
        id: id.to_owned(),
        name: name(answer),
        pid,
        started_at: state["StartedAt"].as_str().unwrap_or_default().to_owned(),
        host_network: answer["HostConfig"]["NetworkMode"] == "host",
        held: false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(state: &Value) -> Value {
        json!({"Id": "f00d", "Name": "/web", "State": state, "HostConfig": {"NetworkMode": "host"}})
    }

    #[test]
    fn only_containers_with_a_namespace_are_found() {
        let found = |status: &str, pid: i64| running(&answer(&json!({"Status": status, "Pid": pid})));
        let web = Found {
            id: "f00d".into(),
            name: "web".into(),
            pid: 7,
            started_at: String::new(),
            host_network: true,
            held: false,
        };
        assert_eq!(found("running", 7), Ok(web.clone()));
        assert_eq!(found("paused", 7), Ok(web.clone()));
        // The last are words of Podman, and of nobody yet.
        for status in ["created", "restarting", "removing", "exited", "dead", "stopping", "stopped", "resting"] {
            assert_eq!(found(status, 0), Err(TargetProblem::NotRunning(status.into())));
            assert_eq!(found(status, 7), Err(TargetProblem::NotRunning(status.into())), "a pid that is left over");
        }
        assert_eq!(found("running", 0), Err(TargetProblem::NotRunning("running, without a process".into())));
        assert_eq!(found("running", -1), Err(TargetProblem::NotRunning("running, without a process".into())));
        assert_eq!(running(&answer(&json!({"Running": true, "Pid": 7}))), Ok(web));
        assert_eq!(running(&answer(&json!({}))), Err(TargetProblem::NotRunning("stopped".into())));
        assert_eq!(running(&Value::Null), Err(TargetProblem::NotRunning("stopped".into())));
    }

    #[test]
    fn a_held_container_is_where_its_holder_is() {
        let web = || {
            json!({"Id": "f00d", "Name": "/web", "State": {"Status": "exited"},
                "HostConfig": {"NetworkMode": "container:0f"}})
        };
        let net = |labels: Value, status: &str| {
            json!({"Id": "0f", "Name": "/web.weave-net", "Config": {"Labels": labels},
                "State": {"Status": status, "Pid": 9, "StartedAt": "now"}, "HostConfig": {"NetworkMode": "default"}})
        };
        assert_eq!(joined(&web()), Some("0f"));
        let holder = || net(json!({"weave.holds": "web"}), "running");
        assert_eq!(holds(&holder()), Some("web"));
        assert_eq!(holds(&net(json!({"weave.made": "1"}), "running")), None);
        assert_eq!(held(&holder(), None).map(|found| (found.name, found.id)), Ok(("web".into(), "0f".into())));
        let held_by = |status: &str| held(&web(), Some(&net(json!({}), status)));
        let found = Found {
            id: "f00d".into(),
            name: "web".into(),
            pid: 9,
            started_at: "now".into(),
            host_network: false,
            held: true,
        };
        assert_eq!(held_by("running"), Ok(found));
        assert_eq!(held_by("exited"), Err(TargetProblem::NotRunning("exited".into())));
        assert_eq!(held(&web(), None), Err(TargetProblem::NotRunning("exited".into())));
    }

    #[test]
    fn names_that_cannot_stand_in_a_url_cannot_exist() {
        for (given, spoken) in [
            ("web", Some("web")),
            ("/web", Some("web")),
            ("pg.example.com", Some("pg.example.com")),
            ("a_b-c.0", Some("a_b-c.0")),
            ("", None),
            ("/", None),
            ("..", None),
            ("../version", None),
            ("a/b", None),
            ("a?size=1", None),
            ("a b", None),
            ("a%2Fb", None),
            ("ü", None),
        ] {
            assert_eq!(spoken_name(given), spoken, "{given:?}");
        }
    }
}
