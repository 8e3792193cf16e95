//! What the documentation tells people to type is typed: blocks of terminals run and print what they show, and every other command
//! line is one that the program takes.
//!
//! A ```` ```console ```` block runs in the world named before it (`<!-- world: canary -->`, see `worlds.rs`), else beside `testdata/` and
//! `policies/`. `...` stands for any lines and `[..]` for any characters of a line. With `UPDATE_DOCS=1` the test writes what is printed
//! into the blocks that differ; put the elisions in again.

#![cfg(unix)]

mod fences;
mod links;
#[path = "../peer_world/mod.rs"]
mod peer_world;
#[path = "../support/mod.rs"]
mod support;
mod worlds;

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Mutex,
    thread,
};

use fences::{Fence, commands_in_prose, fences, steps};
use snapbox::{Assert, IntoData as _};
use support::root;

/// `README.md` and its like, and all of `docs/`.
fn pages() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for folder in [root(), root().join("docs")] {
        let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let pages = files.into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "md"));
        // What was, is no advice.
        let pages = pages.filter(|file| !file.ends_with("CHANGELOG.md"));
        found.extend(pages.map(|file| (file.clone(), fs::read_to_string(&file).unwrap())));
    }
    found
}

#[test]
fn terminals_show_what_is_printed() {
    let pages = pages();
    let mut by_world: BTreeMap<&str, Vec<(&PathBuf, Fence<'_>)>> = BTreeMap::new();
    for (file, text) in &pages {
        for fence in fences(text).into_iter().filter(|fence| fence.language == "console") {
            by_world.entry(fence.world.unwrap_or("repository")).or_default().push((file, fence));
        }
    }
    assert!(by_world.values().map(Vec::len).sum::<usize>() > 20, "the runbook is gone");
    let waiting = Mutex::new(by_world.into_iter());
    let (wrong, printed) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let at_a_time = thread::available_parallelism().map_or(2, usize::from).min(8);
    thread::scope(|scope| {
        for _ in 0..at_a_time {
            scope.spawn(|| {
                while let Some((world, blocks)) = { waiting.lock().unwrap().next() } {
                    for (file, line, body, problems) in all(world, blocks) {
                        if !problems.is_empty() {
                            printed.lock().unwrap().push((file, line, body));
                            wrong.lock().unwrap().extend(problems);
                        }
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        update(printed.into_inner().unwrap());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Of each block: where it is, how it would look, and what is wrong with it.
fn all(world: &str, blocks: Vec<(&PathBuf, Fence<'_>)>) -> Vec<(PathBuf, usize, String, Vec<String>)> {
    let mut place = worlds::make(world);
    let mut came = Vec::new();
    for (index, (file, fence)) in blocks.into_iter().enumerate() {
        if index > 0 && !place.set_back() {
            place = worlds::make(world);
        }
        let (mut body, mut problems) = (String::new(), Vec::new());
        for step in steps(fence.body) {
            let run = place.run(&step.command);
            let code = run.code.unwrap_or(-1);
            let printed = settled(&run.stdout);
            let at = format!("{}:{}: `{}`", file.display(), fence.line, step.command);
            if code != step.code {
                problems.push(format!("{at} ends with {code}, not {}:\n{printed}", step.code));
            }
            if let Err(differs) = Assert::new().try_eq(Some(&at), printed.clone().into_data(), step.output.into_data())
            {
                problems.push(differs.to_string());
            }
            body += &format!("$ {}\n", step.command.replace('\n', "\n> "));
            if code != 0 {
                body += &format!("? {code}\n");
            }
            body += &printed;
        }
        came.push((file.clone(), fence.line, body, problems));
    }
    came
}

/// Ids of runs end in four digits that are others each time.
fn settled(text: &str) -> String {
    let mut settled = text.to_owned();
    for (at, _) in text.match_indices("Z-") {
        let id = at.checked_sub(15).and_then(|start| text.get(start..at + 6));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
        if id.is_some_and(|id| digits(&id[..8]) && &id[8..9] == "T" && digits(&id[9..15]) && digits(&id[17..])) {
            settled.replace_range(at + 2..at + 6, "7a1e");
        }
    }
    settled
}

fn update(mut blocks: Vec<(PathBuf, usize, String)>) {
    // From the end, so that lines keep their numbers.
    blocks.sort_by(|a, b| (&b.0, b.1).cmp(&(&a.0, a.1)));
    for (file, line, body) in blocks {
        let text = fs::read_to_string(&file).unwrap();
        let found = fences(&text).into_iter().find(|fence| fence.line == line).expect("the block is there");
        let start = found.body.as_ptr() as usize - text.as_ptr() as usize;
        let end = start + found.body.len();
        fs::write(&file, format!("{}{body}{}", &text[..start], &text[end..])).unwrap();
    }
}

/// Words of every command of ours that a script would run, as a shell understands it. Nothing else that it names is run.
fn commands(script: &str) -> Vec<Vec<String>> {
    const STUBS: &str = r#"
        PATH=
        command_not_found_handle() { return 0; }
        optimizer() { printf '%s\0' optimizer "$@" $'\1' >&3; }
    "#;
    let folder = tempfile::tempdir().unwrap();
    let heard = folder.path().join("heard");
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-c", &format!("exec 3>>\"$0\"\n{STUBS}\n{script}")]).arg(&heard);
    bash.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).env_clear();
    let output = bash.output().expect("bash is there");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(!complaint.contains("syntax error"), "{complaint} in\n{script}");
    let heard = String::from_utf8(fs::read(&heard).unwrap()).unwrap();
    let commands = heard.split_terminator("\u{1}\0");
    commands.map(|words| words.split_terminator('\0').map(str::to_owned).collect()).collect()
}

#[test]
fn every_command_line_is_one_that_the_program_takes() {
    let (mut count, mut wrong) = (0, Vec::new());
    for (file, text) in pages() {
        let shown = file.strip_prefix(root()).unwrap().display();
        for fence in fences(&text).into_iter().filter(|fence| ["sh", "bash"].contains(&fence.language)) {
            let commands = commands(fence.body);
            let lines = fence.body.lines().filter(|line| line.trim_start().starts_with("optimizer ")).count();
            assert!(commands.len() >= lines, "{shown}:{}: {} of {lines} were understood", fence.line, commands.len());
            count += commands.len();
            for words in commands {
                if let Err(why) = optimizer::cli::takes(&words) {
                    wrong.push(format!("{shown}:{}: {words:?}: {why}", fence.line));
                }
            }
        }
        for span in commands_in_prose(&text) {
            // Sentences name commands without all that they need; what stands there has to be right.
            for words in commands(&format!("{span} --help")) {
                if let Err(why) = optimizer::cli::takes(&words) {
                    wrong.push(format!("{shown}: `{span}`: {why}"));
                }
            }
        }
    }
    assert!(count > 80, "only {count} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn links_lead_somewhere() {
    let (mut count, mut wrong) = (0, Vec::new());
    for (file, text) in pages() {
        for link in links::links(&text) {
            count += 1;
            let folder = file.parent().expect("a page is in a folder");
            wrong.extend(links::broken(folder, &text, link).map(|why| format!("{}: {why}", file.display())));
        }
    }
    assert!(count > 100, "only {count} links were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_shell_is_needed_to_understand_a_shell() {
    let words = |script: &str| commands(script).into_iter().map(|words| words.join(" ")).collect::<Vec<_>>();
    assert_eq!(words("zcat x | optimizer plan --from -   # why"), ["optimizer plan --from -"]);
    assert_eq!(
        words("A=b optimizer run --reason 'a b' \\\n  --yes && optimizer status"),
        ["optimizer run --reason a b --yes", "optimizer status"]
    );
    for wrong in ["run --no-such-flag", "runs", "stop --yes", "run --scope wide"] {
        let words = [vec!["optimizer"], wrong.split(' ').collect()].concat();
        assert!(optimizer::cli::takes(&words).is_err(), "{wrong}");
    }
}
