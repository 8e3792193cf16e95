//! Who acts: names for people who look at a lease or at the audit log.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::domain::format::visible;

/// Of a run: sorts by time, and is another one for every process.
pub(super) fn tick_id(now: Timestamp) -> String {
    let mut hash = Sha256::new();
    hash.update(std::process::id().to_le_bytes());
    hash.update(Timestamp::now().as_nanosecond().to_le_bytes());
    hash.update(machine());
    let digest = hash.finalize();
    format!("{}-{:02x}{:02x}", now.strftime("%Y%m%dT%H%M%SZ"), digest[0], digest[1])
}

/// Of a lease.
pub(super) fn holder(id: &str) -> String {
    format!("run {id}, process {} on {}", std::process::id(), machine())
}

/// Of somebody at a keyboard.
pub(super) fn person() -> String {
    visible(&format!("{}@{}", name(), machine()))
}

/// What they call themselves.
pub(super) fn name() -> String {
    let set = ["OPTIMIZER_ACTOR", "SUDO_USER", "USER", "LOGNAME"].iter().filter_map(|name| std::env::var(name).ok());
    set.map(|name| name.trim().to_owned()).find(|name| !name.is_empty()).unwrap_or_else(|| "somebody".to_owned())
}

fn machine() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = kernel.or_else(|| std::env::var("HOSTNAME").ok());
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "this machine".to_owned())
}
