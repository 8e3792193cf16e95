//! Places at which a run may be killed, so that tests can try every one of them.

/// Dies here if a test wants it: the n-th point that is reached, by `OPTIMIZER_TEST_KILL_AT=n`. Builds for production pass by.
pub fn point() {
    #[cfg(debug_assertions)]
    {
        use std::sync::{
            LazyLock,
            atomic::{AtomicU32, Ordering},
        };
        static WANTED: LazyLock<Option<u32>> =
            LazyLock::new(|| std::env::var("OPTIMIZER_TEST_KILL_AT").ok()?.parse().ok());
        static REACHED: AtomicU32 = AtomicU32::new(0);
        let reached = REACHED.fetch_add(1, Ordering::Relaxed) + 1;
        if *WANTED == Some(reached) {
            #[cfg(unix)]
            // Nothing is flushed, dropped or given back: the same as a machine that loses power under the process.
            let _ = std::process::Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
            std::process::abort();
        }
    }
}
