//! What is delivered: the same bytes from the same inputs, every part named, and programs that run where nothing else is.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// All that the programs ask of the image below them, beside the certificates: a C library and the run time of C++.
const ASKED_OF_THE_IMAGE: &[&str] = &[
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "libstdc++.so.6",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `scripts/dist` at a fixed time; any machine may build what is only tested.
fn dist(binary: &Path, library: &Path, out: &Path) -> Command {
    let mut command = Command::new(root().join("scripts/dist"));
    command.args([binary, library, out]).current_dir(root());
    command.env("SOURCE_DATE_EPOCH", "1767268800").env("MAX_GLIBC", "99").env("GZIP_LEVEL", "1");
    command
}

#[track_caller]
fn good(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

fn only_tree(out: &Path) -> PathBuf {
    let mut folders = fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let tree = folders.next().expect("the tree");
    assert_eq!(folders.next(), None);
    tree
}

/// Any program will do for what does not depend on ours, and is quicker to pack.
const SMALL: &str = "/usr/bin/true";

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut archives = Vec::new();
    for (name, mask) in [("one", "022"), ("two", "077")] {
        let out = folder.path().join(name);
        let mut command = Command::new("bash");
        command.arg("-c").arg(format!("umask {mask}; exec scripts/dist {SMALL} - \"$0\"")).arg(&out);
        let said = good(command.current_dir(root()).env("SOURCE_DATE_EPOCH", "1767268800").env("MAX_GLIBC", "99"));
        good(Command::new("sh").arg("-c").arg("sha256sum -c *.sha256").current_dir(&out));
        good(Command::new("sha256sum").args(["-c", "SHA256SUMS"]).current_dir(only_tree(&out)));
        archives.push(PathBuf::from(said.trim()));
    }
    assert!(fs::read(&archives[0]).unwrap() == fs::read(&archives[1]).unwrap(), "the archives differ");
    let listed =
        good(Command::new("tar").args(["--numeric-owner", "--full-time", "-tvzf"]).arg(&archives[0]).env("TZ", "UTC"));
    for line in listed.lines() {
        assert!(line.contains(" 0/0 ") && line.contains(" 2026-01-01 12:00:00 "), "{line}");
        let mode = line.split(' ').next().unwrap();
        let program = line.ends_with("/optimizer") || mode.starts_with('d');
        assert_eq!(&mode[1..], if program { "rwxr-xr-x" } else { "rw-r--r--" }, "{line}");
    }
    let names: BTreeSet<_> =
        listed.lines().filter_map(|line| line.rsplit(' ').next()?.split_once('/')).map(|pair| pair.1).collect();
    for name in
        ["optimizer", "LICENSE", "THIRD-PARTY-LICENCES.txt", "SHA256SUMS", "sbom.cdx.json", "policies/balanced.yaml"]
    {
        assert!(names.contains(name), "{name} is missing in {names:?}");
    }
}

#[test]
fn a_symbol_that_is_too_new_is_named_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let result = dist(Path::new(SMALL), Path::new("-"), &out).env("MAX_GLIBC", "2.2").output().unwrap();
    let said = String::from_utf8(result.stderr).unwrap();
    assert_eq!(result.status.code(), Some(1), "{said}");
    assert!(said.contains("true: ") && said.contains(" of glibc 2.") && said.contains("to fix:"), "{said}");
    assert!(!out.exists(), "half a tree was left");
}

#[test]
fn every_part_is_named_with_its_licence_and_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    good(&mut dist(Path::new(SMALL), Path::new("-"), folder.path()));
    let tree = only_tree(folder.path());
    let parts: Value = serde_json::from_str(&fs::read_to_string(tree.join("sbom.cdx.json")).unwrap()).unwrap();
    let schema = fs::read_to_string(root().join("testdata/schemas/cyclonedx-1.6.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let problems: Vec<_> = validator.iter_errors(&parts).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:#?}");
    let mut wrong = parts.clone();
    wrong["components"][0]["type"] = "thing".into();
    assert!(!validator.is_valid(&wrong), "the schema has no teeth");

    let licences = fs::read_to_string(tree.join("THIRD-PARTY-LICENCES.txt")).unwrap();
    let mut names = BTreeSet::new();
    for part in parts["components"].as_array().unwrap() {
        let (name, version) = (part["name"].as_str().unwrap(), part["version"].as_str().unwrap());
        names.insert(name);
        assert!(part["licenses"][0].is_object(), "{part}");
        if name != "duckdb" || part["purl"].as_str().unwrap().starts_with("pkg:cargo") {
            assert!(part["hashes"][0]["content"].is_string(), "{part}");
            assert!(licences.contains(&format!("======== {name} {version}: ")), "{name} {version}");
        }
    }
    for (name, delivered) in
        [("duckdb", true), ("tokio", true), ("reqwest", true), ("insta", false), ("proptest", false)]
    {
        assert_eq!(names.contains(name), delivered, "{name}");
    }
    for line in licences.lines().filter(|line| line.starts_with("-------- ") && line.contains(": text ")) {
        let text = line.rsplit(' ').next().unwrap();
        assert!(licences.contains(&format!("\n======== text {text}\n")), "{line}");
    }
}

/// Whether what this machine builds can be held against the C library of Amazon Linux 2023. Newer compilers' headers
/// replace functions by ones of glibc 2.38, so there a release has to be built elsewhere.
fn machine_is_old_enough() -> bool {
    let said = Command::new("getconf").arg("GNU_LIBC_VERSION").output().map(|output| output.stdout).unwrap_or_default();
    let version = String::from_utf8_lossy(&said).trim().rsplit('.').next().and_then(|minor| minor.parse().ok());
    version.is_some_and(|minor: u32| minor < 38)
}

/// Mounts what a container has, and starts a program in it as a user who owns nothing: read-only but for /tmp and the
/// volume, no shell, no environment but what is given. Root on this machine or user namespaces are needed.
const CONTAINER: &str = r#"
set -e
mount --bind "$1" "$1"
mount -t tmpfs tmpfs "$1/tmp"
mount --bind "$2" "$1/var/lib/optimizer"
mount --rbind /proc "$1/proc"
mount -o remount,bind,ro "$1"
image=$1
shift 2
exec unshare --user --map-user=65532 --map-group=65532 --root="$image" --wd=/opt/optimizer -- "$@"
"#;

struct Image {
    root: PathBuf,
    volume: PathBuf,
}

impl Image {
    /// The tree under /opt/optimizer, what it asks of the image, and a request log.
    fn around(tree: &Path, folder: &Path) -> Self {
        let (image, volume) = (folder.join("image"), folder.join("volume"));
        for made in ["opt", "proc", "tmp", "data", "var/lib/optimizer", "lib", "lib64"] {
            fs::create_dir_all(image.join(made)).unwrap();
        }
        fs::create_dir_all(volume.join("configurations")).unwrap();
        fs::rename(tree, image.join("opt/optimizer")).unwrap();
        fs::copy(root().join("testdata/translator.csv.gz"), image.join("data/day.csv.gz")).unwrap();
        let found = good(Command::new("ldd").arg(image.join("opt/optimizer/optimizer")).env_remove("LD_LIBRARY_PATH"));
        for line in found.lines().map(str::trim).filter(|line| line.contains('/')) {
            let path = Path::new(line.split_once(" => ").map_or(line, |pair| pair.1).split(" (").next().unwrap());
            let name = path.file_name().unwrap().to_str().unwrap();
            if name == "libduckdb.so" {
                assert!(path.starts_with(&image), "the library is not the one beside the binary: {line}");
                continue;
            }
            assert!(ASKED_OF_THE_IMAGE.contains(&name), "the image has no {name}");
            let to = if name.starts_with("ld-linux") {
                path.strip_prefix("/").unwrap().into()
            } else {
                Path::new("lib").join(name)
            };
            fs::copy(path, image.join(to)).unwrap();
        }
        Self { root: image, volume }
    }

    fn run(&self, environment: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "--", "sh", "-c", CONTAINER, "sh"]);
        command.args([&self.root, &self.volume]).arg("/opt/optimizer/optimizer").args(arguments);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").envs(environment.iter().copied());
        let Output { status, stdout, stderr } = command.output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }
}

#[test]
fn what_is_delivered_runs_where_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let library = option_env!("DUCKDB_LIB_DIR").map_or("-".into(), |path| Path::new(path).join("libduckdb.so"));
    let mut command = dist(Path::new(env!("CARGO_BIN_EXE_optimizer")), &library, folder.path());
    if machine_is_old_enough() {
        command.env_remove("MAX_GLIBC");
    }
    good(&mut command);
    let tree = only_tree(folder.path());
    let image = Image::around(&tree, folder.path());

    let (code, said, errors) = image.run(&[], &["--version"]);
    assert_eq!((code, said.as_str()), (Some(0), concat!("optimizer ", env!("CARGO_PKG_VERSION"), "\n")), "{errors}");

    let (code, said, errors) = image.run(&[], &["plan", "--dry-run", "--from", "/data/day.csv.gz"]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(said.contains("under policy `balanced`") && said.contains("nothing was written"), "{said}");

    // One tick, as a schedule does it: the state and the configurations go to the volume, and nothing goes elsewhere.
    let state =
        [("OPTIMIZER_STATE", "sqlite:/var/lib/optimizer/optimizer.db"), ("OPTIMIZER_NOW", "2023-11-17T18:00:00Z")];
    let tick = ["run", "--from", "/data/day.csv.gz", "--sink", "file:/var/lib/optimizer/configurations"];
    let (code, said, errors) = image.run(&state, &tick);
    assert_eq!(code, Some(0), "{said}\n{errors}");
    assert!(image.volume.join("optimizer.db").is_file(), "{said}");
    let (code, said, errors) = image.run(&state, &["status"]);
    assert_eq!(code, Some(0), "{said}\n{errors}");

    // Without the variable the store would lie beside the programs, where nobody may write.
    let (code, said, errors) = image.run(&state[1..], &tick);
    assert_eq!(code, Some(4), "{said}\n{errors}");
    assert!(errors.contains("to fix:"), "{errors}");
    let (code, _, errors) = image.run(&[], &["plan", "--dry-run", "--from", "/data/nothing.csv"]);
    assert_eq!(code, Some(3), "{errors}");
}
