//! The `optimizer` command. Everything is in the library; see [`optimizer::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    share_memory();
    optimizer::cli::main()
}

/// What the threads that read free, those that merge can use: by default the GNU C library gives nearly every thread memory of its
/// own, and half as much again is held.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn share_memory() {
    // SAFETY: a number for a setting that has one, before there is a second thread. Where it is refused, memory is held as before.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 2) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn share_memory() {}
