//! Being asked to end: by Ctrl-C, by SIGTERM as Kubernetes sends it, or by a deadline of one's own.
//!
//! Who only reads ends at once. Who writes says so with [`hold`]: it begins nothing new, records how far it came, and gives the lease
//! back. Whoever asks twice, or waits longer than there is time, ends it where it stands; the next run puts that right as well.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    act::sink::{Asked, Halt},
    domain::fault::Exit,
};

use super::Failure;

/// Who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Interrupted,
    Terminated,
    Overdue,
}

/// For answers that are on their way when a signal comes. Kubernetes leaves 30 seconds.
const GRACE: Duration = Duration::from_secs(20);

/// The part of a deadline that is kept for coming to an end.
const RESERVE: std::ops::RangeInclusive<Duration> = Duration::from_millis(500)..=Duration::from_secs(15);

static SIGNAL: OnceLock<(Why, Instant)> = OnceLock::new();
static DEADLINE: OnceLock<Deadline> = OnceLock::new();
static LAST: OnceLock<Box<dyn Fn() + Send + Sync>> = OnceLock::new();
static HOLDING: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Deadline {
    /// From here on nothing new begins.
    soft: Instant,
    hard: Instant,
}

impl Deadline {
    fn after(length: Duration, now: Instant) -> Self {
        let reserve = (length / 5).clamp(*RESERVE.start(), *RESERVE.end());
        Self { soft: now + length.saturating_sub(reserve), hard: now + length }
    }
}

impl Why {
    pub(super) fn exit(self) -> Exit {
        match self {
            Self::Interrupted => Exit::Interrupted,
            Self::Terminated => Exit::Terminated,
            Self::Overdue => Exit::Overdue,
        }
    }

    /// Who reads is told this; nothing of it was changed.
    pub(super) fn failure(self) -> Failure {
        Failure::acted(self.exit(), format!("{}; nothing was changed", self.name()), self.remedy())
    }

    /// Who acts is told this: standard output says how far it came.
    pub(super) fn acted(self) -> Failure {
        Failure::acted(
            self.exit(),
            format!("{}, and ended at a safe place", self.name()),
            "nothing: the next run goes on",
        )
    }

    fn name(self) -> &'static str {
        match self {
            Self::Interrupted => "stopped by Ctrl-C",
            Self::Terminated => "stopped by SIGTERM",
            Self::Overdue => "out of time, as `--deadline` has it",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Interrupted | Self::Terminated => "start it again when you like",
            Self::Overdue => "give it longer, a smaller `--lookback`, or `--scope safety`",
        }
    }
}

/// Listens for signals from now on, in a thread of its own. As the first process of a container nothing would end us otherwise.
pub(super) fn listen() {
    // Without threads nothing else works either, and says so.
    let _ = thread::Builder::new().name("signals".to_owned()).spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let Some(why) = signal().await else { return };
            let _ = SIGNAL.set((why, Instant::now()));
            if HOLDING.load(Ordering::SeqCst) == 0 {
                end(why, "nothing was changed");
            }
            let _ = tokio::time::timeout(GRACE, signal()).await;
            end(why, "it did not come to its end; the next run puts right what was under way");
        });
    });
}

/// Gives this process so long, from now.
pub(super) fn within(length: Duration) {
    let deadline = *DEADLINE.get_or_init(|| Deadline::after(length, Instant::now()));
    let _ = thread::Builder::new().name("deadline".to_owned()).spawn(move || {
        thread::sleep(deadline.hard.saturating_duration_since(Instant::now()));
        end(Why::Overdue, "it did not come to its end; the next run puts right what was under way");
    });
}

/// What is to be done if somebody ends us while nobody holds on.
pub(super) fn before_the_end(what: impl Fn() + Send + Sync + 'static) {
    let _ = LAST.set(Box::new(what));
}

fn end(why: Why, and: &str) -> ! {
    if let Some(last) = LAST.get() {
        last();
    }
    Failure::acted(why.exit(), format!("{}; {and}", why.name()), why.remedy()).print();
    std::process::exit(i32::from(why.exit() as u8));
}

async fn signal() -> Option<Why> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).ok()?;
        let mut interrupt = signal(SignalKind::interrupt()).ok()?;
        tokio::select! {
            _ = terminate.recv() => Some(Why::Terminated),
            _ = interrupt.recv() => Some(Why::Interrupted),
        }
    }
    #[cfg(not(unix))]
    {
        tokio::signal::ctrl_c().await.ok().map(|()| Why::Interrupted)
    }
}

/// While it lives, a signal ends nothing: whoever holds it looks at [`asked`].
#[derive(Debug)]
pub(super) struct Held(());

pub(super) fn hold() -> Held {
    HOLDING.fetch_add(1, Ordering::SeqCst);
    Held(())
}

impl Drop for Held {
    fn drop(&mut self) {
        HOLDING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Who asked this process to end, if anybody did.
pub(super) fn asked() -> Option<Why> {
    when().map(|(why, _)| why)
}

fn when() -> Option<(Why, Instant)> {
    let signalled = SIGNAL.get().map(|(why, at)| (*why, *at + GRACE));
    let overdue = || DEADLINE.get().filter(|deadline| Instant::now() >= deadline.soft);
    signalled.or_else(|| overdue().map(|deadline| (Why::Overdue, deadline.hard)))
}

/// How long this process may still take, where somebody said so.
pub(super) fn left() -> Option<Duration> {
    when()
        .map(|(_, end)| end)
        .or(DEADLINE.get().map(|deadline| deadline.hard))
        .map(|end| end.saturating_duration_since(Instant::now()))
}

/// Waits until somebody asks.
pub(super) async fn wait() -> Why {
    loop {
        match asked() {
            Some(why) => return why,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// For what writes to sinks. A little is left after the last answer: it has to be recorded.
pub(super) fn halt() -> Halt {
    const RECORDING: Duration = Duration::from_millis(400);
    Halt(|| when().map(|(why, last)| Asked { why: why.name(), last: last.checked_sub(RECORDING).unwrap_or(last) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_deadline_is_kept_for_the_end() {
        let now = Instant::now();
        let kept = |ms: u64| {
            let deadline = Deadline::after(Duration::from_millis(ms), now);
            deadline.hard.duration_since(deadline.soft).as_millis()
        };
        assert_eq!([100, 1_000, 10_000, 60_000, 600_000].map(kept), [100, 500, 2_000, 12_000, 15_000]);
    }
}
