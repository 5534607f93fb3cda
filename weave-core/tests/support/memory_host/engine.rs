//! The Docker engine: containers, images and volumes, with its rules for names, links and what goes with what.

mod acts;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use weave_core::observed::{self, Bond, ContainerScope, Containers, Image};
use weave_core::plan::container::{HOLDS, ROUTES, is_ours};
use weave_core::{Error, ErrorKind, Result};

/// The variable whose value is the code with which a container ends right after its start.
const EXIT: &str = "EXIT=";

/// The variable whose value it says when it starts.
const SAYS: &str = "SAYS=";

/// A container of the engine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Made {
    pub(crate) container: observed::Container,
    /// Volumes that `docker rm -v` removes: those that nobody named.
    pub(crate) nameless: BTreeSet<String>,
    /// Aliases of links, and the ids of the containers that they lead to.
    links: BTreeMap<String, String>,
}

/// Everything that the engine keeps.
#[derive(Debug, Clone, Default)]
pub(crate) struct Engine {
    pub(crate) containers: BTreeMap<String, Made>,
    pub(crate) images: BTreeMap<String, Image>,
    /// Images that only the registry has.
    pub(crate) registry: BTreeMap<String, Image>,
    /// Volumes, and the containers that wrote into them.
    pub(crate) volumes: BTreeMap<String, BTreeSet<String>>,
    /// The last names of containers that are gone, by their ids: links to them are still told.
    gone: BTreeMap<String, String>,
    /// Settings that `docker update` takes and that this kernel cannot do.
    pub(crate) inert: BTreeSet<&'static str>,
    /// Whether it says that it is Podman.
    pub(crate) podman: bool,
    /// How many ids were given out.
    given: u64,
}

impl Engine {
    fn next(&mut self) -> u64 {
        self.given += 1;
        self.given
    }

    fn id(&mut self) -> String {
        format!("{:064x}", 0xc0_0000 + self.next())
    }

    fn known(&mut self, name: &str) -> Result<&mut Made> {
        self.containers.get_mut(name).ok_or_else(|| Error::new(ErrorKind::NotFound, name, "no such container"))
    }

    fn by_id(&self, id: &str) -> Option<&Made> {
        self.containers.values().find(|made| made.container.id == id)
    }

    fn free(&self, name: &str) -> Result<()> {
        if self.containers.contains_key(name) {
            return Err(Error::new(ErrorKind::Conflict, name, "the name is already in use by a container"));
        }
        Ok(())
    }

    /// `docker inspect`: links are told with the names that the containers have by now, or had
    /// when they went.
    fn inspect(&self, made: &Made) -> observed::Container {
        let mut container = made.container.clone();
        let links = made.links.iter().filter_map(|(alias, id)| {
            let target = self.by_id(id).map(|made| &made.container.name).or_else(|| self.gone.get(id))?;
            Some(Value::from(format!("/{target}:/{}/{alias}", container.name)))
        });
        let links: Vec<Value> = links.collect();
        if let Value::Object(host) = &mut container.host_config {
            host.insert("Links".to_owned(), if links.is_empty() { Value::Null } else { links.into() });
        }
        container
    }

    fn look(&self, scope: &ContainerScope) -> Containers {
        let named = |name: &str| {
            let bare = name.strip_suffix(".weave-new").or_else(|| name.strip_suffix(".weave-old")).unwrap_or(name);
            scope.names.iter().any(|other| other == bare || other == name)
        };
        let holds =
            |made: &Made| made.container.label(HOLDS).is_some_and(|held| scope.names.iter().any(|name| name == held));
        let seen = self.containers.iter();
        let holder = |made: &Made| scope.holders && made.container.label(HOLDS).is_some();
        let router = |made: &Made| scope.routers && made.container.label(ROUTES).is_some();
        let wanted =
            |made: &Made| holds(made) || router(made) || holder(made) || scope.ours && is_ours(&made.container);
        let seen = seen.filter(|(name, made)| named(name) || wanted(made));
        let images = scope.images.iter().filter_map(|name| Some((name.clone(), self.images.get(name)?.clone())));
        let newest = |name: &String| {
            let image = self.registry.get(name).or_else(|| self.images.get(name))?;
            image.digests.first()?.split_once('@').map(|(_, digest)| digest.to_owned())
        };
        let latest = scope.latest.iter().map(|name| (name.clone(), newest(name).ok_or_else(|| "unknown".to_owned())));
        Containers {
            containers: seen.map(|(name, made)| (name.clone(), self.inspect(made))).collect(),
            images: images.collect(),
            api_minor: Some(51),
            podman: self.podman,
            latest: latest.collect(),
            logs: scope.logs.iter().filter_map(|name| Some((name.clone(), self.said(name)?))).collect(),
            bonds: if scope.bonds { self.bonds() } else { Vec::new() },
            moves: std::collections::BTreeSet::new(),
        }
    }

    fn said(&self, name: &str) -> Option<Vec<String>> {
        let container = &self.containers.get(name)?.container;
        let said = variable(container, SAYS);
        Some(said.into_iter().flat_map(|said| said.lines().map(str::to_owned).collect::<Vec<_>>()).collect())
    }

    fn bonds(&self) -> Vec<Bond> {
        let links = self.containers.iter().flat_map(|(name, made)| {
            made.links.values().filter_map(|id| {
                let to = self.by_id(id)?.container.name.clone();
                Some(Bond { container: name.clone(), option: "link", to })
            })
        });
        links.collect()
    }

    fn pull(&mut self, image: &str) -> Result<()> {
        let found = self.registry.get(image).or_else(|| self.images.get(image)).cloned();
        let found = found.ok_or_else(|| Error::new(ErrorKind::NotFound, image, "manifest unknown"))?;
        self.images.insert(image.to_owned(), found);
        Ok(())
    }

    fn create(&mut self, name: &str, body: &Value) -> Result<()> {
        self.free(name)?;
        let reference = body["Image"].as_str().unwrap_or_default();
        let image = self.images.get(reference).cloned();
        let image = image.ok_or_else(|| Error::new(ErrorKind::NotFound, reference, "no such image"))?;
        let links = self.linked(name, &body["HostConfig"]["Links"])?;
        let mut config = body.as_object().cloned().unwrap_or_default();
        let host_config = config.remove("HostConfig").unwrap_or_default();
        let mut networking = config.remove("NetworkingConfig").unwrap_or_default();
        let endpoints = networking["EndpointsConfig"].take();
        let container = observed::Container {
            id: self.id(),
            name: name.to_owned(),
            image_id: image.id.clone(),
            networks: if endpoints.is_object() { endpoints } else { json!({"bridge": {}}) },
            config: Value::Object(config),
            host_config,
            ..observed::Container::default()
        };
        let mut made = Made { container, links, ..Made::default() };
        self.joins(&mut made)?;
        self.mount(&mut made, &image);
        self.containers.insert(name.to_owned(), made);
        Ok(())
    }

    /// Keeps the id of the container whose namespace one joins, which must be there.
    fn joins(&self, made: &mut Made) -> Result<()> {
        let mode = made.container.host_config["NetworkMode"].as_str().unwrap_or_default();
        let Some(other) = mode.strip_prefix("container:") else { return Ok(()) };
        let found = self.containers.get(other).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, &made.container.name, format!("no such container: {other}"))
        })?;
        made.container.host_config["NetworkMode"] = format!("container:{}", found.container.id).into();
        made.container.networks = json!({});
        Ok(())
    }

    /// The container whose namespace the one called `name` joins.
    pub(crate) fn joined(&self, name: &str) -> Option<Result<&Made>> {
        let mode = self.containers.get(name)?.container.host_config["NetworkMode"].as_str()?;
        let id = mode.strip_prefix("container:")?;
        let dead =
            || Error::new(ErrorKind::Docker, name, format!("cannot join network of a non running container: {id}"));
        Some(self.by_id(id).filter(|made| made.container.runs()).ok_or_else(dead))
    }

    /// The ids behind links, which must be there.
    fn linked(&mut self, name: &str, links: &Value) -> Result<BTreeMap<String, String>> {
        let links = links.as_array().into_iter().flatten().filter_map(Value::as_str);
        let link = |link: &str| {
            let (target, alias) = link.split_once(':').unwrap_or((link, link));
            let target = self.containers.get(target).ok_or_else(|| {
                Error::new(ErrorKind::NotFound, name, format!("could not get container for {target}"))
            })?;
            Ok((alias.to_owned(), target.container.id.clone()))
        };
        links.map(link).collect()
    }

    /// Makes what is mounted: what is said first, then nameless volumes where nothing else is.
    fn mount(&mut self, made: &mut Made, image: &Image) {
        let mut mounts: BTreeMap<String, Value> = BTreeMap::new();
        let host = made.container.host_config.clone();
        for bind in host["Binds"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mut parts = bind.splitn(3, ':');
            let (source, target) = (parts.next().unwrap(), parts.next().unwrap());
            let writable = parts.next() != Some("ro");
            let mount = if source.starts_with('/') {
                json!({"Type": "bind", "Source": source, "Destination": target, "RW": writable})
            } else {
                self.volumes.entry(source.to_owned()).or_default();
                json!({"Type": "volume", "Name": source, "Destination": target, "RW": writable})
            };
            mounts.insert(target.to_owned(), mount);
        }
        let keys = |value: &Value| value.as_object().into_iter().flatten().map(|(path, _)| path.clone()).collect();
        // The client writes a list, as the older API has it.
        let listed = |value: &Value| {
            let items = value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
            items.collect::<Vec<String>>()
        };
        let asked = &made.container.config["Volumes"];
        let mut places: Vec<String> = if asked.is_array() { listed(asked) } else { keys(asked) };
        places.extend(keys(&image.config["Volumes"]) as Vec<String>);
        let volumes: Map<String, Value> = places.iter().map(|place| (place.clone(), json!({}))).collect();
        if let (Value::Object(config), false) = (&mut made.container.config, volumes.is_empty()) {
            config.insert("Volumes".to_owned(), Value::Object(volumes));
        }
        for place in places {
            if mounts.contains_key(&place) {
                continue;
            }
            let name = self.id();
            self.volumes.entry(name.clone()).or_default();
            made.nameless.insert(name.clone());
            mounts.insert(place.clone(), json!({"Type": "volume", "Name": name, "Destination": place, "RW": true}));
        }
        made.container.mounts = mounts.into_values().collect();
    }

    fn update(&mut self, name: &str, after: &Value) -> Result<()> {
        let mut changed = self.known(name)?.container.host_config.clone();
        for (setting, value) in after.as_object().into_iter().flatten() {
            let said = match value {
                Value::Number(number) => number.as_f64() != Some(0.0),
                Value::String(text) => !text.is_empty(),
                Value::Object(policy) => policy.get("Name").is_some_and(|name| name != ""),
                _ => false,
            };
            if said && !self.inert.contains(setting.as_str()) {
                changed[setting.as_str()] = value.clone();
            }
        }
        let number = |setting: &str| changed[setting].as_i64().unwrap_or_default();
        if number("MemorySwap") > 0 && number("Memory") > number("MemorySwap") {
            return Err(Error::new(ErrorKind::Docker, name, "memory limit should be smaller than memoryswap limit"));
        }
        self.known(name)?.container.host_config = changed;
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        self.known(from)?;
        self.free(to)?;
        if let Some(mut made) = self.containers.remove(from) {
            to.clone_into(&mut made.container.name);
            self.containers.insert(to.to_owned(), made);
        }
        Ok(())
    }

    /// Volumes of a mount, by name.
    pub(crate) fn volumes_of(container: &observed::Container) -> BTreeSet<String> {
        let mounts = container.mounts.as_array().into_iter().flatten();
        mounts.filter_map(|mount| mount["Name"].as_str().map(str::to_owned)).collect()
    }

    fn drop_volume(&mut self, volume: &str) {
        let used = self.containers.values().any(|other| Self::volumes_of(&other.container).contains(volume));
        if !used {
            self.volumes.remove(volume);
        }
    }

    fn forget(&mut self, name: &str, volumes: bool) {
        let Some(made) = self.containers.remove(name) else { return };
        self.gone.insert(made.container.id.clone(), name.to_owned());
        for volume in made.nameless.into_iter().filter(|_| volumes) {
            let used = self.containers.values().any(|other| Self::volumes_of(&other.container).contains(&volume));
            if !used {
                self.volumes.remove(&volume);
            }
        }
    }
}

/// What a container has behind `name` among its variables.
fn variable(container: &observed::Container, name: &str) -> Option<String> {
    let variables = container.config["Env"].as_array()?.iter().filter_map(Value::as_str);
    variables.filter_map(|variable| variable.strip_prefix(name)).next().map(str::to_owned)
}
