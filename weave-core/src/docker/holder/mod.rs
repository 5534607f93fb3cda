//! The image of the containers that only hold a network namespace: one program that waits for ever, made here.
//!
//! It goes to the engine as `docker load` would send it. The same bytes make the same image each time, so that loading
//! it twice, or on the next host, makes no other one.

mod program;

use bollard::query_parameters::ImportImageOptions;
use futures_util::StreamExt;
use serde_json::json;
use sha2::{Digest, Sha256};
use tar::{Builder, Header};

use super::client::Engine;
use super::refusal;
use crate::{Error, ErrorKind, Result, names};

/// Whether there is a program for machines of this kind.
///
/// # Errors
/// `Unsupported` with the kinds that there are.
pub(crate) fn check(arch: &str) -> Result<()> {
    of(arch).map(drop)
}

/// The kinds of machines that there is a program for.
fn machines() -> String {
    program::MACHINES.iter().map(|machine| machine.name).collect::<Vec<_>>().join(", ")
}

/// The same for a program that is run on another host: what it is for does not matter to `before_start`.
///
/// # Errors
/// `Unsupported` with the kinds that there are.
pub(super) fn check_helper(what: &str, arch: &str) -> Result<()> {
    check(arch).map_err(|_| {
        let message =
            format!("{what}: it takes a helper there, and weave has none for {arch}; allowed: {}", machines());
        Error::new(ErrorKind::Unsupported, "migrate", message)
    })
}

fn of(arch: &str) -> Result<&'static program::Machine> {
    program::MACHINES.iter().find(|machine| machine.name == arch).ok_or_else(|| {
        let message = format!("`before_start` is not there for {arch}; allowed: {}, or after_start", machines());
        Error::new(ErrorKind::Unsupported, "attach", message)
    })
}

/// The image as `docker save` would write it.
///
/// # Errors
/// `Unsupported` for machines without a program.
fn archive(arch: &str) -> Result<Vec<u8>> {
    let machine = of(arch)?;
    let layer = tar(&[("wait", 0o755, &program::elf(machine))])?;
    let config = json!({
        "architecture": machine.docker,
        // The first process of a container takes no other signal.
        "config": {"Entrypoint": ["/wait"], "StopSignal": "SIGKILL"},
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", digest(&layer))]},
    });
    let config = config.to_string().into_bytes();
    let name = format!("{}.json", digest(&config));
    let manifest = json!([{"Config": &name, "RepoTags": [names::HOLDER_IMAGE], "Layers": ["layer.tar"]}]).to_string();
    tar(&[(&name, 0o644, &config), ("layer.tar", 0o644, &layer), ("manifest.json", 0o644, manifest.as_bytes())])
}

fn tar(files: &[(&str, u32, &[u8])]) -> Result<Vec<u8>> {
    let failed =
        |error| Error::new(ErrorKind::Docker, names::HOLDER_IMAGE, "its archive cannot be written").source(error);
    let mut tar = Builder::new(Vec::new());
    for (name, mode, contents) in files {
        let mut header = Header::new_ustar();
        header.set_mode(*mode);
        header.set_size(contents.len() as u64);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        tar.append_data(&mut header, name, *contents).map_err(failed)?;
    }
    tar.into_inner().map_err(failed)
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Engine {
    /// Gives the engine the image.
    ///
    /// # Errors
    /// In the engine's words.
    pub(super) async fn load_holder(&self) -> Result<()> {
        self.load_holder_for(std::env::consts::ARCH).await
    }

    /// The same for the engine of another host, whose machine may be of another kind.
    ///
    /// # Errors
    /// In the engine's words; `Unsupported` for machines without a program.
    pub(super) async fn load_holder_for(&self, arch: &str) -> Result<()> {
        let archive = bytes::Bytes::from(archive(arch)?);
        let what = format!("load {}", names::HOLDER_IMAGE);
        let order = |docker: bollard::Docker| {
            let body = bollard::body_full(archive.clone());
            async move {
                let mut told = docker.import_image(ImportImageOptions::default(), body, None);
                while let Some(line) = told.next().await {
                    line?;
                }
                Ok(())
            }
        };
        let loaded = self.order(Some(self.patience().work), &what, order).await;
        loaded.map_err(|failure| refusal::of(names::HOLDER_IMAGE, "load", failure))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_same_bytes_each_time() {
        for machine in program::MACHINES {
            assert_eq!(archive(machine.name).expect("an archive"), archive(machine.name).expect("an archive"));
        }
        let error = check_helper("copy /data", "mips").expect_err("no helper");
        assert!(error.message().starts_with("copy /data: ") && error.message().contains("mips"), "{error}");
        assert!(!error.message().contains("start"), "{error}");
        let error = check("mips").expect_err("no program");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains("mips") && error.message().contains("x86_64, aarch64"), "{error}");
    }

    #[test]
    fn the_archive_is_what_it_says() {
        let archive = archive("x86_64").expect("an archive");
        let mut files = std::collections::BTreeMap::new();
        for entry in tar::Archive::new(archive.as_slice()).entries().expect("a tar") {
            let mut entry = entry.expect("an entry");
            let name = entry.path().expect("a path").display().to_string();
            let mut contents = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut contents).expect("a file");
            files.insert(name, contents);
        }
        let manifest: Value = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
        let name = manifest[0]["Config"].as_str().expect("a name");
        assert_eq!(name, format!("{}.json", digest(&files[name])));
        let config: Value = serde_json::from_slice(&files[name]).expect("JSON");
        assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{}", digest(&files["layer.tar"])));
        assert_eq!(manifest[0]["RepoTags"][0], names::HOLDER_IMAGE);
    }
}
