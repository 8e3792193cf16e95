//! An engine behind TLS.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use crate::{certificate::openssl, sail::free_port};

/// Calls itself localhost, by a certificate of an authority of its own, and passes on what it hears to the engine.
pub struct Encrypted {
    child: Child,
    pub port: u16,
}

impl Encrypted {
    pub fn start(folder: &Path, to: u16) -> Self {
        let port = free_port();
        let mut command = openssl(folder, &["s_server", "-accept", &format!("127.0.0.1:{port}"), "-quiet"]);
        command.args(["-alpn", "h2", "-cert", "leaf.pem", "-key", "leaf.key"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl is there");
        let (heard, said) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        let engine = TcpStream::connect(("127.0.0.1", to)).unwrap();
        let back = engine.try_clone().unwrap();
        pass(heard, engine);
        pass(back, said);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            thread::sleep(Duration::from_millis(20));
        }
        Self { child, port }
    }

    pub fn url(&self) -> String {
        format!("sc://localhost:{}/;use_ssl=true", self.port)
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Passes everything on, at once.
fn pass(mut from: impl Read + Send + 'static, mut to: impl Write + Send + 'static) {
    thread::spawn(move || {
        let mut buffer = [0; 16_384];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if to.write_all(&buffer[..read]).and_then(|()| to.flush()).is_err() {
                return;
            }
        }
    });
}
