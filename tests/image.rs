//! The Dockerfile, by its words, where no container engine is at hand: what it copies exists, and the image runs as nobody.

use std::{fs, path::Path};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Instructions with continued lines joined, comments left out, as keyword and the rest.
fn instructions() -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join("Dockerfile")).unwrap().replace("\\\n", " ");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.map(|line| line.split_once(' ').unwrap()).map(|(word, rest)| (word.to_owned(), rest.to_owned())).collect()
}

/// What follows the last FROM: the image itself.
fn last_stage() -> Vec<(String, String)> {
    let all = instructions();
    let start = all.iter().rposition(|(word, _)| word == "FROM").unwrap();
    all[start..].to_vec()
}

fn copies(of: &[(String, String)]) -> Vec<Vec<&str>> {
    of.iter().filter(|(word, _)| word == "COPY").map(|(_, rest)| rest.split_whitespace().collect()).collect()
}

/// Files and folders of the repository that go into a stage.
fn copied() -> Vec<String> {
    let all = instructions();
    let own = copies(&all).into_iter().filter(|words| !words[0].starts_with("--"));
    own.flat_map(|words| words[..words.len() - 1].iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).collect()
}

#[test]
fn what_it_copies_exists_and_is_sent() {
    let ignored = fs::read_to_string(root().join(".dockerignore")).unwrap();
    let sent: Vec<_> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    assert!(ignored.lines().any(|line| line == "*"), "everything that is not named stays here");
    for name in copied() {
        assert!(root().join(&name).exists(), "{name}");
        assert!(sent.iter().any(|kept| Path::new(&name).starts_with(kept)), "{name} is not sent");
    }
    for kept in sent {
        assert!(copied().iter().any(|name| Path::new(name).starts_with(kept)), "{kept} is sent for nothing");
    }
    let all = instructions();
    let stages: Vec<_> =
        all.iter().filter(|(word, _)| word == "FROM").filter_map(|(_, rest)| rest.split_once(" AS ")).collect();
    for words in copies(&all) {
        if let Some(stage) = words[0].strip_prefix("--from=") {
            assert!(stages.iter().any(|(_, name)| *name == stage), "no stage {stage}");
        }
    }
}

/// The compiler reads more than sources: queries, migrations and policies are put into the binary.
#[test]
fn what_the_compiler_reads_is_copied() {
    let copied = copied();
    let mut folders = vec![root().join("src")];
    let mut found = 0;
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            for name in text.split("include_str!(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let Ok(read) = folder.join(name).canonicalize() else { continue };
                found += 1;
                let own = read.strip_prefix(root().canonicalize().unwrap()).unwrap().to_owned();
                let tests = path.ends_with("tests.rs") || own.starts_with("testdata");
                assert!(
                    tests || copied.iter().any(|name| own.starts_with(name)),
                    "{} of {}",
                    own.display(),
                    path.display()
                );
            }
        }
    }
    assert!(found > 20, "{found}");
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let benches = manifest.contains("[[bench]]");
    assert_eq!(
        benches,
        copied.iter().any(|name| name == "benches"),
        "Cargo wants every target that the manifest names"
    );
}

#[test]
fn the_image_has_no_shell_and_nobody_runs_it() {
    let stage = last_stage();
    let of = |word: &str| -> Vec<&str> {
        stage.iter().filter(|(found, _)| found == word).map(|(_, rest)| rest.as_str()).collect()
    };
    assert!(of("FROM")[0].contains("distroless/cc-debian12:nonroot"), "{stage:?}");
    assert!(of("RUN").is_empty(), "a shell is needed for that");
    assert_eq!(of("USER"), ["65532:65532"], "by number: Kubernetes cannot look names up for runAsNonRoot");
    assert_eq!(of("ENTRYPOINT"), ["[\"/opt/optimizer/optimizer\"]"], "without a shell in between");
    assert!(copies(&stage).contains(&vec!["--from=build", "/image/", "/opt/optimizer/"]));
    // The tree is the one that tests/dist.rs runs.
    let all = instructions();
    let made = all.iter().find(|(word, rest)| {
        word == "RUN" && rest.starts_with("scripts/dist target/release/optimizer /duckdb/libduckdb.so")
    });
    assert!(made.is_some_and(|(_, rest)| rest.contains("mv /dist/optimizer-*-linux-*/ /image")), "{all:?}");
    // Built on the Debian it runs on.
    assert!(all.iter().any(|(word, rest)| word == "FROM" && rest.ends_with("bookworm AS build")));
}

#[test]
fn versions_are_named_and_secrets_are_not() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let rust = manifest.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    let all = instructions();
    for (word, rest) in &all {
        assert!(
            ["FROM", "WORKDIR", "COPY", "RUN", "ENV", "ARG", "USER", "ENTRYPOINT"].contains(&word.as_str()),
            "{word}"
        );
        if word == "FROM" {
            let image = rest.split(' ').next().unwrap();
            assert!(image.split_once(':').is_some_and(|(_, tag)| tag != "latest"), "{image}");
            assert!(
                !image.contains("/rust:") || image.contains(&format!("rust:{rust}-")),
                "{image}, but rust-version {rust}"
            );
        }
        let told = rest.to_uppercase();
        for secret in ["TOKEN", "PASSWORD", "SECRET", "API_KEY", "CREDENTIAL"] {
            assert!(!told.contains(secret), "{word} {rest}");
        }
    }
}
