//! Ways to a host's engine from another host: TLS, and ssh.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use super::command::{PATIENCE, wait_until};
use super::host::Host;

fn openssl(directory: &Path, line: &str) {
    let mut command = Command::new("openssl");
    let done = command.args(line.split(' ')).current_dir(directory).output().expect("openssl");
    assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
}

/// An authority, and a certificate of it for the address `name`; in files as docker has them.
pub(crate) fn certificates(directory: &Path, name: &str) {
    fs::create_dir_all(directory).expect("a directory");
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(directory, &format!("req -x509 {key} -keyout ca-key.pem -out ca.pem -subj /CN=ca -days 2"));
    signed(directory, directory, name);
}

/// One more certificate of the authority in `ca`.
pub(crate) fn signed(ca: &Path, directory: &Path, name: &str) {
    fs::create_dir_all(directory).expect("a directory");
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(directory, &format!("req {key} -keyout key.pem -out cert.csr -subj /CN={name}"));
    fs::write(directory.join("names"), format!("subjectAltName=IP:{name}\n")).expect("a file");
    let ca = ca.display();
    let by = format!("-CA {ca}/ca.pem -CAkey {ca}/ca-key.pem -CAcreateserial -days 2");
    openssl(directory, &format!("x509 -req -in cert.csr {by} -out cert.pem -extfile names"));
}

/// Options of dockerd with which it listens at `v4`, to those that have a certificate.
pub(crate) fn over_tls(v4: Ipv4Addr, directory: &Path) -> Vec<String> {
    let file = |name: &str| directory.join(name).display().to_string();
    vec![
        format!("--host=tcp://{v4}:2376"),
        "--tlsverify".to_owned(),
        format!("--tlscacert={}", file("ca.pem")),
        format!("--tlscert={}", file("cert.pem")),
        format!("--tlskey={}", file("key.pem")),
    ]
}

/// A server of ssh in a lab host, with keys of its own; ended when it is dropped.
pub(crate) struct Sshd {
    child: Child,
    directory: PathBuf,
}

impl Sshd {
    /// Starts one that keeps all it needs in `directory`, and its log: `sshd.log`.
    pub(crate) fn start(host: &Host, directory: &Path) -> Self {
        fs::create_dir_all("/run/sshd").expect("the directory that sshd wants to be empty");
        fs::create_dir_all(directory).expect("a directory");
        for name in ["host", "id"] {
            let path = directory.join(name).display().to_string();
            let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &path]).status();
            assert!(made.expect("ssh-keygen").success());
        }
        let at = directory.display();
        let config = format!(
            "HostKey {at}/host\nAuthorizedKeysFile {at}/id.pub\nStrictModes no\nUsePAM no\nPidFile none\n\
             PermitRootLogin yes\nPasswordAuthentication no\nLogLevel VERBOSE\nSetEnv DOCKER_HOST={}\n",
            host.docker_host()
        );
        fs::write(directory.join("sshd_config"), config).expect("a file");
        let log = format!("{at}/sshd.log");
        let mut command = host.command("/usr/sbin/sshd");
        let child = command.args(["-D", "-f", &format!("{at}/sshd_config"), "-E", &log]).spawn().expect("sshd");
        let sshd = Self { child, directory: directory.to_owned() };
        assert!(wait_until(PATIENCE, || host.sh("ss -lnt | grep -q :22").ok()), "sshd does not listen");
        sshd
    }

    /// What a client's `known_hosts` says of it.
    pub(crate) fn known(&self, v4: Ipv4Addr) -> String {
        format!("{v4} {}", fs::read_to_string(self.directory.join("host.pub")).expect("a key"))
    }

    /// Gives a client the key that opens it; `home` is the client's `.ssh`.
    pub(crate) fn admit(&self, home: &Path) {
        let key = home.join("id_ed25519");
        fs::copy(self.directory.join("id"), &key).expect("a key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("its mode");
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
