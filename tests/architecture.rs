//! Promises about the code itself: the core is pure, the licences are known, the engine is the one that was pinned.

mod support;

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use support::root;

fn sources(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // Beside `tests.rs`, and compiled with it.
            if !path.ends_with("tests") {
                sources(&path, into);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            into.push(path);
        }
    }
}

#[test]
fn the_core_names_no_world() {
    // What a pure function of its arguments has no use for. Tests at the end of a file may read fixtures.
    const WORLD: &[&str] = &[
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::io",
        "SystemTime",
        "Instant::now",
        "Timestamp::now",
        "tokio",
        "reqwest",
        "duckdb::",
        "sqlx",
        "println!",
        "eprintln!",
        "thread_rng",
        "rand::rng",
    ];
    let mut problems = Vec::new();
    for folder in ["domain", "stats", "orient", "decide", "act/rollout"] {
        let mut files = Vec::new();
        sources(&root().join("src").join(folder), &mut files);
        assert!(!files.is_empty(), "src/{folder} has moved");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (number, line) in code.lines().enumerate() {
                let line = line.split("//").next().unwrap_or_default();
                for word in WORLD.iter().filter(|word| line.contains(**word)) {
                    problems.push(format!("{}:{}: `{word}`", file.display(), number + 1));
                }
            }
        }
    }
    assert!(problems.is_empty(), "the core must not touch the world:\n{}", problems.join("\n"));
}

#[test]
fn folders_use_only_what_lies_below_them() {
    let allowed: &[(&str, &[&str])] = &[
        ("domain", &["domain"]),
        ("stats", &["domain", "stats"]),
        ("orient", &["domain", "stats", "orient"]),
        ("decide", &["domain", "stats", "decide"]),
        ("observe", &["domain", "stats", "observe"]),
        ("http", &["domain", "http"]),
        ("governance", &["domain", "http", "governance"]),
        ("state", &["domain", "state"]),
        ("act", &["domain", "stats", "http", "state", "act"]),
        ("report", &["domain", "report"]),
        ("tell", &["domain", "http", "tell"]),
        // Everything else is done by another process.
        ("lambda", &["domain", "lambda"]),
    ];
    let mut problems = Vec::new();
    for (folder, may_use) in allowed {
        let mut files = Vec::new();
        sources(&root().join("src").join(folder), &mut files);
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let text: String =
                text.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect();
            for (other, _) in allowed.iter().chain([&("cli", &[][..])]) {
                let lists = text.split("use crate::{").skip(1).filter_map(|list| list.split("\n};").next());
                let listed = lists.into_iter().any(|list| list.contains(&format!("\n    {other}::")));
                let named = listed || text.contains(&format!("crate::{other}"));
                if named && !may_use.contains(other) {
                    problems.push(format!("{} uses {other}", file.display()));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_linked_duckdb_is_the_pinned_one() {
    // The crate's version encodes the library's: 1.10506.1 is the binding to 1.5.6.
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let pinned = manifest
        .lines()
        .find_map(|line| line.strip_prefix("duckdb = { version = \"=1."))
        .expect("duckdb is pinned in Cargo.toml");
    let code: u32 = pinned.split('.').next().unwrap().parse().unwrap();
    let expected = format!("v{}.{}.{}", code / 10_000, code / 100 % 100, code % 100);
    let engine = optimizer::observe::Engine::open(None).unwrap();
    assert_eq!(engine.library_version().unwrap(), expected);
}

#[test]
fn every_dependency_has_a_licence_we_accept() {
    const ACCEPTED: &[&str] = &[
        "0BSD",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "CDLA-Permissive-2.0",
        "ISC",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "Unicode-3.0",
        "Unlicense",
        "Zlib",
    ];
    // Offline, so only for this machine's kind: packages of other platforms were never fetched.
    let compiler = Command::new("rustc").arg("-vV").output().unwrap();
    let compiler = String::from_utf8(compiler.stdout).unwrap();
    let host = compiler.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform", host])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    let mut problems = BTreeSet::new();
    for package in packages {
        let name = format!("{} {}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        // Older crates write MIT/Apache-2.0 for "either".
        let Some(stated) = package["license"].as_str().map(|licence| licence.replace('/', " OR ")) else {
            problems.insert(format!("{name} states no licence"));
            continue;
        };
        let Ok(expression) = spdx::Expression::parse(&stated) else {
            problems.insert(format!("{name}: `{stated}` is no SPDX expression"));
            continue;
        };
        if !expression.evaluate(|requirement| ACCEPTED.contains(&requirement.to_string().as_str())) {
            problems.insert(format!("{name}: {stated}"));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}
