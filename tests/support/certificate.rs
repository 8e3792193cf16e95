//! Keys and certificates of a test's own, by openssl.

use std::{path::Path, process::Command};

pub fn openssl(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(arguments);
    command
}

/// A key, and a certificate of it.
pub fn certificate(folder: &Path, name: &str, more: &[&str]) {
    let (key, file) = (format!("{name}.key"), format!("{name}.pem"));
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    let made = openssl(folder, &["req", "-x509", "-keyout", &key, "-out", &file]).args(curve).args(more).output();
    let made = made.expect("openssl is there");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// An authority, `ca.pem`, and what it says of localhost, `leaf.pem`.
pub fn of_localhost(folder: &Path) {
    certificate(folder, "ca", &["-subj", "/CN=test authority", "-addext", "basicConstraints=critical,CA:TRUE"]);
    let mut leaf = vec!["-CA", "ca.pem", "-CAkey", "ca.key", "-subj", "/CN=localhost"];
    leaf.extend(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]);
    certificate(folder, "leaf", &leaf);
}
