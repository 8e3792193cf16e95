//! A token reaches the Orchestrator and nobody else: not a log, not a plan, not the store, not an error.

mod peer_world;
mod support;

use std::fs;

use peer_world::peer::{Rule, Settings};
use support::{
    canary::{GOOD, World},
    optimizer,
};

const TOKEN: &str = "tok-5ecre7-c0ffee";

#[test]
fn a_token_is_nowhere_but_where_it_belongs() {
    let whole = |fault: &str| vec![Rule::read(fault).unwrap()];
    let mut said = String::new();
    for (faults, codes) in [
        (Vec::new(), vec![0]),
        (whole(r#"{"fault": {"status": {"code": 401}}}"#), vec![0, 5]),
        (whole(r#"{"fault": {"status": {"code": 500}}}"#), vec![0, 5]),
        (whole("down"), vec![0, 5]),
    ] {
        for by_file in [false, true] {
            let settings = Settings { token: Some(TOKEN.to_owned()), faults: faults.clone(), ..Settings::default() };
            let (world, _peer) = peer_world::world(GOOD, settings);
            let file = world.folder.path().join("token");
            for arguments in
                [&["run", "--from", "log.csv"][..], &["status"], &["history"], &["run", "--from", "log.csv"]]
            {
                let mut command = optimizer(world.folder.path());
                command.args(arguments).env("OPTIMIZER_LOG", "trace");
                command.env("OPTIMIZER_STATE", &world.state).env("OPTIMIZER_SINK", &world.sink);
                command.env("OPTIMIZER_NOW", world.now.to_string());
                if by_file {
                    fs::write(&file, TOKEN).unwrap();
                    command.env("OPTIMIZER_SINK_TOKEN_FILE", &file);
                } else {
                    command.env("OPTIMIZER_SINK_TOKEN", TOKEN);
                }
                let run = support::Run::from(command.output().unwrap());
                assert!(codes.contains(&run.code.unwrap()), "{arguments:?} {run:?}");
                said += &(run.stdout + &run.stderr);
            }
            if by_file {
                fs::remove_file(file).unwrap();
            }
            for (path, bytes) in world.files() {
                assert!(!bytes.windows(TOKEN.len()).any(|part| part == TOKEN.as_bytes()), "{}", path.display());
            }
        }
    }
    assert!(!said.contains(TOKEN), "{said}");
    assert!(said.contains("began"), "one of them wrote: {said}");
}

#[test]
fn what_is_unsafe_is_refused_before_anything_is_read() {
    let world = World::new(GOOD);
    for (sink, says) in [
        ("http://orchestrator.example", "encrypted connection"),
        ("https://me:pass@orchestrator.example", "password"),
        ("ftp://orchestrator.example", "address"),
        ("file:", "names no folder"),
        ("file:nowhere", "nowhere"),
    ] {
        let run = world.command(&["run", "--from", "nowhere.csv", "--sink", sink]);
        assert_eq!(run.code, Some(2), "{sink} {}", run.stderr);
        assert!(run.stderr.to_lowercase().contains(says), "{sink} {}", run.stderr);
        assert!(!run.stderr.contains("pass@"), "{}", run.stderr);
    }
    fs::write(world.folder.path().join("two"), "two words").unwrap();
    for (file, says) in
        [("two", "the token for the Orchestrator is empty, or"), ("none", "cannot read the token for the Orchestrator")]
    {
        let sink = ["--sink", "https://orchestrator.example", "--sink-token-file", file];
        let run = world.command(&[&["run", "--from", "nowhere.csv"][..], &sink].concat());
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        assert!(run.stderr.contains(says) && !run.stderr.contains("words"), "{}", run.stderr);
    }
}
