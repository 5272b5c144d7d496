//! A folder with everything that a server and its clients read.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tacita_certs::{Authority, Signed, Validity};
use tacita_protocol::wire::{ClientTls, Identity, Pem, ServerTls};

use super::network::network;

/// The folder; it goes when this is dropped.
///
/// - `net.plan`, and the pictures under their names
/// - `ca.pem` signed `server.pem` (key `server.key`), for `localhost` and `127.0.0.1`
/// - `client-ca.pem` signed `client.pem` and `client-2.pem` (keys `client.key`, `client-2.key`)
/// - `other-ca.pem` signed `other.pem` (key `other.key`)
pub struct Files(tempfile::TempDir);

impl Files {
    pub fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        let network = network();
        files.put("net.plan", &network.plan.to_bytes().unwrap());
        for picture in &network.pictures {
            files.put(&picture.name, &picture.bytes);
        }
        let hosts = ["localhost", "127.0.0.1"];
        for (ca, name) in [("ca.pem", "server"), ("other-ca.pem", "other")] {
            files.pair(name, files.authority(ca, Validity::days(30)).server(&hosts).unwrap());
        }
        let clients = files.authority("client-ca.pem", Validity::days(30));
        for name in ["client", "client-2"] {
            files.pair(name, clients.client(name).unwrap());
        }
        files
    }

    /// Makes an authority; its certificate goes to `ca`.
    pub fn authority(&self, ca: &str, validity: Validity) -> Authority {
        let authority = Authority::new("an authority for tests", validity).unwrap();
        self.put(ca, authority.own.cert.as_bytes());
        authority
    }

    /// Writes a certificate and its key.
    pub fn pair(&self, name: &str, Signed { cert, key }: Signed) {
        self.put(&format!("{name}.pem"), cert.as_bytes());
        let file = format!("{name}.key");
        self.put(&file, key.as_bytes());
        std::fs::set_permissions(self.path(&file), PermissionsExt::from_mode(0o600)).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// The path of a picture.
    pub fn picture(&self, i: usize) -> PathBuf {
        self.path(&network().pictures[i].name)
    }

    /// A library client's settings; it shows its certificate if it is asked to.
    pub fn client_tls(&self) -> ClientTls {
        let ca = Pem::read(&self.path("ca.pem")).unwrap();
        let identity = Identity::read(&self.path("client.pem"), &self.path("client.key"));
        ClientTls::new(&ca, Some(&identity.unwrap())).unwrap()
    }

    /// A library server's settings.
    pub fn server_tls(&self) -> ServerTls {
        let identity = Identity::read(&self.path("server.pem"), &self.path("server.key"));
        ServerTls::new(&identity.unwrap(), None).unwrap()
    }
}
