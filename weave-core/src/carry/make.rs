//! Making the container on the target.

use serde_json::Value;

use super::End;
use super::recreation::{Recreation, is_nothing};
use crate::Result;
use crate::observed::{Container, ContainerScope};
use crate::plan::container::ContainerStep;

/// Makes the container, and connects it to the networks that the engine does not take with the request; with the
/// engine's own warnings.
///
/// # Errors
/// In the engine's words. What was made is removed again.
pub(crate) async fn make(to: &End, name: &str, recreation: &Recreation) -> Result<Vec<String>> {
    let (name, body, line) = (name.to_owned(), recreation.body.clone(), String::new());
    let create = ContainerStep::Create { name: name.clone(), platform: None, body, line };
    let mut warnings = to.engine.act(&create, &|_| {}).await?;
    for (network, endpoint) in &recreation.networks {
        if let Err(error) = to.engine.connect_to(&name, network, endpoint).await {
            // The first error is the one to tell.
            let _ = to.engine.act(&ContainerStep::Remove { name, volumes: true }, &|_| {}).await;
            return Err(error);
        }
    }
    let scope = ContainerScope { names: vec![name.clone()], ..ContainerScope::default() };
    let made = to.engine.look_at_containers(&scope).await?.containers.remove(&name).unwrap_or_default();
    warnings.extend(lost(&recreation.body, &made).into_iter().map(|field| {
        format!("container {name}: the engine of {} does not keep `{field}`, which it was told", to.name())
    }));
    Ok(warnings)
}

/// What the engine was told and does not show. An older one leaves out what it does not know without a word.
fn lost(body: &Value, made: &Container) -> Vec<String> {
    let of = |asked: &Value, shown: &Value| {
        let fields = asked.as_object().into_iter().flatten().filter(|(_, value)| !is_nothing(value));
        let gone = fields.filter(|(field, _)| is_nothing(&shown[field.as_str()])).map(|(field, _)| field.clone());
        gone.collect::<Vec<_>>()
    };
    let elsewhere = ["HostConfig", "NetworkingConfig"];
    let config = of(body, &made.config).into_iter().filter(|field| !elsewhere.contains(&field.as_str()));
    config.chain(of(&body["HostConfig"], &made.host_config)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_engine_does_not_keep_is_noticed() {
        let body = json!({
            "Image": "img:1", "Env": ["A=1"], "Entrypoint": [""], "Tty": false, "NetworkingConfig": {"EndpointsConfig": {}},
            "HostConfig": {"Memory": 5, "Annotations": {"a": "b"}, "CapAdd": ["NET_ADMIN"], "Init": false},
        });
        let made = Container {
            config: json!({"Image": "img:1", "Env": ["PATH=/bin", "A=1"], "Entrypoint": null}),
            host_config: json!({"Memory": 5, "CapAdd": ["CAP_NET_ADMIN"]}),
            ..Container::default()
        };
        assert_eq!(lost(&body, &made), ["Annotations"]);
    }
}
