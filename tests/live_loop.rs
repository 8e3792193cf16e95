//! `make loop` as a test: on real requests, the real program promotes one canary, takes one back, and hears a pause.

#[path = "../examples/live_loop/main.rs"]
#[allow(dead_code, reason = "the example has a `main` of its own")]
mod live_loop;

#[test]
fn the_live_loop_shows_a_promotion_a_rollback_and_a_pause() {
    assert!(live_loop::tell().expect("every command ends well"));
}
