//! The process that does the work, and its end.

use std::{
    pin::pin,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use tokio::{
    process::Command,
    time::{Instant, sleep_until},
};

use super::{
    commands::RUN_NAME,
    event::Order,
    pipes::{Document, handed_on},
    setup::Setup,
    time::Times,
};

/// How it ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub status: ExitStatus,
    pub document: Document,
    pub said: Vec<u8>,
    pub stopped: Stopped,
}

/// What the time made necessary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    No,
    Asked,
    Killed,
}

/// Does what was ordered, in a process that is over when this returns.
pub(super) async fn done(order: &Order, setup: &Setup, times: Times) -> std::io::Result<Ended> {
    let began = Instant::now();
    // Who is killed leaves what was fetched behind, and the next event finds the same /tmp.
    let scratch = tempfile::Builder::new().prefix("optimizer-").tempdir()?;
    let mut command = Command::new(&setup.program);
    command.args(&order.words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // It is to work, not to ask for events.
    command.env_remove("AWS_LAMBDA_RUNTIME_API").env("TMPDIR", scratch.path());
    if let Some(limit) = &setup.memory_limit {
        command.env("OPTIMIZER_MEMORY_LIMIT", limit);
    }
    if order.command.name == RUN_NAME {
        command.env("OPTIMIZER_DEADLINE", in_seconds(times.allowance));
    }
    let mut child = command.spawn()?;
    let process = child.id();
    let (out, err) = (child.stdout.take().expect("is piped"), child.stderr.take().expect("is piped"));
    let mut end = pin!(async {
        let (document, said, status) = tokio::join!(Document::taken(out), handed_on(err), child.wait());
        std::io::Result::Ok((document?, said?, status?))
    });
    let mut stopped = Stopped::No;
    let (document, said, status) = loop {
        let next = match stopped {
            Stopped::No => times.ask,
            Stopped::Asked => times.kill,
            Stopped::Killed => break end.await?,
        };
        tokio::select! {
            biased;
            ended = &mut end => break ended?,
            () = sleep_until(began + next) => {
                let (signal, now) = match stopped {
                    Stopped::No => (libc::SIGTERM, Stopped::Asked),
                    _ => (libc::SIGKILL, Stopped::Killed),
                };
                send(process, signal);
                stopped = now;
            }
        }
    };
    Ok(Ended { status, document, said, stopped })
}

/// As flags and variables take it.
pub(super) fn in_seconds(span: Duration) -> String {
    format!("{}s", span.as_secs())
}

/// Nobody waited for it yet, so the number is still its own.
fn send(process: Option<u32>, signal: libc::c_int) {
    let Some(process) = process.and_then(|number| libc::pid_t::try_from(number).ok()) else { return };
    // SAFETY: plain numbers; where the process is gone, an error comes back.
    unsafe { libc::kill(process, signal) };
}
