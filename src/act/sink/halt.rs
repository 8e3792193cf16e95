//! A process that is to end begins nothing new, and waits for answers only so long.

use std::time::{Duration, Instant};

/// That the process is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// In words that follow "not begun: ".
    pub why: &'static str,
    /// After this nobody waits for an answer any more: what was sent is in doubt, and the next run finds out.
    pub last: Instant,
}

/// Asked before anything new begins.
#[derive(Debug, Clone, Copy)]
pub struct Halt(pub fn() -> Option<Asked>);

impl Default for Halt {
    fn default() -> Self {
        Self(|| None)
    }
}

impl Halt {
    /// Why nothing new may begin.
    #[must_use]
    pub fn why(self) -> Option<String> {
        (self.0)().map(|asked| format!("not begun: {}; the next run goes on", asked.why))
    }

    /// Ends when nobody waits for answers any more.
    pub(in crate::act) async fn over(self) {
        // Signals come to another thread; nothing here has to know of it within less than this.
        const LOOK: Duration = Duration::from_millis(50);
        while (self.0)().is_none_or(|asked| Instant::now() < asked.last) {
            tokio::time::sleep(LOOK).await;
        }
    }
}
