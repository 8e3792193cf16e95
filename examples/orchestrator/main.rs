//! An Orchestrator to try the optimizer against: `cargo run --example orchestrator -- --listen 127.0.0.1:8080`.
//!
//! Keeps the configurations of services, splits their traffic by weight, and misbehaves when told to:
//!
//! ```text
//! --listen ADDRESS     loopback only; port 0 takes a free one            [127.0.0.1:8080]
//! --store FILE         remember across restarts                          [memory only]
//! --token-file FILE    what callers must show (or ORCHESTRATOR_TOKEN)    [open]
//! --minute-ms N        how long a minute of a progression lasts          [60000]
//! --fault RULE         `stall`, or {"match": {"method": "PUT", "nth": 2, "times": 1}, "fault": {"status": {"code": 503}}};
//!                      may be repeated; `PUT /admin/faults` sets them while it runs
//! ```

mod peer;

use std::{env, error::Error, fs, net::SocketAddr, time::Duration};

use peer::{Rule, Settings, serve};
use tokio::net::TcpListener;

fn settings(mut words: impl Iterator<Item = String>) -> Result<(SocketAddr, Settings), Box<dyn Error>> {
    let mut listen: SocketAddr = "127.0.0.1:8080".parse()?;
    let mut settings = Settings { token: env::var("ORCHESTRATOR_TOKEN").ok(), ..Settings::default() };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value"));
        match word.as_str() {
            "--listen" => listen = value()?.parse()?,
            "--store" => settings.store = Some(value()?.into()),
            "--token-file" => settings.token = Some(fs::read_to_string(value()?)?.trim().to_owned()),
            "--minute-ms" => settings.minute = Duration::from_millis(value()?.parse()?),
            "--fault" => settings.faults.push(Rule::read(&value()?)?),
            _ => return Err(format!("`{word}` is not known").into()),
        }
    }
    if !listen.ip().is_loopback() {
        return Err(format!("`{listen}` is not on this machine: this server is for trying things out").into());
    }
    if settings.token.as_ref().is_some_and(String::is_empty) {
        return Err("the token is empty".into());
    }
    Ok((listen, settings))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (listen, settings) = settings(env::args().skip(1))?;
    let mut running = serve(TcpListener::bind(listen).await?, settings)?;
    // Standard output is for scripts, which have to learn the port.
    println!("http://{}", running.address);
    (&mut running.handle).await??;
    Ok(())
}
