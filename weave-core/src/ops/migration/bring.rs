//! Bringing what the container is made of: its image, its volumes, one like it, its files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use super::act::Run;
use crate::Result;
use crate::carry::{self, FileKind, Pass};
use crate::host::Host;
use crate::plan::migration::{MIGRATES, Restart};
use crate::progress::Progress;

impl<'a> Run<'a> {
    pub(super) async fn carry_image(&mut self) -> Result<()> {
        self.prepare().await?;
        let Some(source) = &self.source else { return Ok(()) };
        let told = self.teller(format!("image {}", source.config["Image"].as_str().unwrap_or_default()));
        let carried = carry::image(&self.from.end, &self.to.end, source, &*told);
        let carried = self.kernel.cancel().or(&self.spec.name, carried).await?;
        self.bytes += carried.bytes;
        self.image_was_there = Some(carried.was_there);
        self.warnings.extend(carried.warnings);
        if let Some(prepared) = &mut self.prepared {
            prepared.image = carried.image;
        }
        Ok(())
    }

    /// Makes volumes that are not there, and tells which need no copying.
    pub(super) async fn make_volumes(&mut self) -> Result<BTreeSet<String>> {
        let mut but = BTreeSet::new();
        self.learn().await?;
        for volume in self.named_volumes()? {
            if !self.spec.volumes && self.to.end.engine.volume(&volume).await?.is_some() {
                continue;
            }
            let made = carry::create_volume(&self.from.end, &self.to.end, &self.token(), &volume).await?;
            if !made.copied {
                but.insert(volume);
            }
        }
        Ok(but)
    }

    pub(super) async fn make_target(&mut self) -> Result<()> {
        self.learn().await?;
        let Some(source) = &self.ends.source else { return Ok(()) };
        let mut recreation = self.recreation()?;
        if !recreation.body["Labels"].is_object() {
            recreation.body["Labels"] = json!({});
        }
        recreation.body["Labels"][MIGRATES] = source.journal(&self.ends.id).text().into();
        recreation.body["HostConfig"]["RestartPolicy"] = json!(Restart::no());
        self.has_free_places().await?;
        // A run that goes on after a kill has to know that they were free.
        recreation.body["Labels"][carry::TAKES] = json!(self.places).to_string().into();
        self.make_places().await?;
        self.tell_of_system_places();
        let warnings = carry::make(&self.to.end, &self.spec.name, &recreation).await?;
        self.warnings.extend(warnings);
        Ok(())
    }

    pub(super) async fn copy(&mut self, pass: Pass) -> Result<()> {
        if pass == Pass::Last {
            self.keeps_what_it_wrote().await?;
        }
        self.has_free_places().await?;
        let but = self.make_volumes().await?;
        let binds = self.binds().await?;
        let (Some(source), Some(target)) = (&self.source, &self.target) else { return Ok(()) };
        let mut passages = carry::passages(source, target, &but, &binds);
        if !self.spec.volumes {
            passages.retain(|passage| !matches!(passage.from, carry::Place::Volume(_)));
        }
        let token = self.token();
        for passage in passages {
            let told = self.teller(format!("{} of {}", passage.target, self.spec.name));
            let copy = carry::copy(&self.from.end, &self.to.end, &token, &passage, pass, &*told);
            let sent = self.unless_given_up(copy).await?;
            self.bytes += sent;
            self.copied.insert(passage.target);
        }
        Ok(())
    }

    /// The host's own paths that are copied, with what they are.
    pub(super) async fn binds(&self) -> Result<BTreeMap<String, FileKind>> {
        if !self.spec.binds {
            return Ok(BTreeMap::new());
        }
        let mut paths = self.bound();
        paths.retain(|path| !carry::is_system(path));
        carry::kinds(&self.from.end, &self.token(), &paths).await
    }

    /// Those of the system are used as they are.
    fn tell_of_system_places(&mut self) {
        let own = self.bound().into_iter().filter(|path| self.spec.binds && carry::is_system(path));
        let on = |path| format!("{path} is the system's own and is not copied: that of {} is used", self.to.name);
        self.warnings.extend(own.map(on).collect::<Vec<_>>());
    }

    /// Paths of the host that the source has.
    fn bound(&self) -> Vec<String> {
        let mounts = self.source.as_ref().and_then(|source| source.mounts.as_array()).into_iter().flatten();
        let binds = mounts.filter(|mount| mount["Type"] == "bind");
        let paths: BTreeSet<String> = binds.filter_map(|mount| mount["Source"].as_str()).map(str::to_owned).collect();
        paths.into_iter().collect()
    }

    fn teller(&self, what: String) -> Arc<dyn Fn(u64) + Send + Sync + 'a> {
        let kernel = self.kernel;
        Arc::new(move |bytes| kernel.tell(&Progress::Carry { what: what.clone(), bytes }))
    }
}
