//! What a function is made of: `ci/lambda/template.yaml`, its rights, and the zip of its code.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
};

use serde_json::Value;
use support::{Run, optimizer, root, run};

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// The template with functions of `CloudFormation` as their long forms: `!Ref x` is `{"Ref": "x"}`.
fn template() -> Value {
    fn long(value: serde_yaml::Value) -> Value {
        match value {
            serde_yaml::Value::Tagged(tagged) => {
                let name = tagged.tag.to_string().trim_start_matches('!').to_owned();
                let name = if name == "Ref" { name } else { format!("Fn::{name}") };
                serde_json::json!({ name: long(tagged.value) })
            }
            serde_yaml::Value::Sequence(list) => list.into_iter().map(long).collect(),
            serde_yaml::Value::Mapping(map) => {
                map.into_iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), long(value))).collect()
            }
            plain => serde_json::to_value(plain).unwrap(),
        }
    }
    long(serde_yaml::from_str(&read("ci/lambda/template.yaml")).unwrap())
}

fn function() -> Value {
    template()["Resources"]["Function"]["Properties"].clone()
}

/// Everything in it that is a function of that name.
fn all<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| all(value, name, found)),
        Value::Object(map) => {
            found.extend(map.get(name));
            map.values().for_each(|value| all(value, name, found));
        }
        _ => {}
    }
}

#[test]
fn the_function_is_one_and_has_time_enough() {
    let function = function();
    assert_eq!((&function["Runtime"], &function["Handler"]), (&"provided.al2023".into(), &"bootstrap".into()));
    assert_eq!(function["ReservedConcurrentExecutions"], 1);
    assert_eq!(function["EventInvokeConfig"]["MaximumRetryAttempts"], 0);
    let timeout = function["Timeout"].as_i64().unwrap();
    assert!(300 < timeout && timeout < 900, "longer than a lease, shorter than the schedule: {timeout}");
    assert_eq!(function["Events"]["Tick"]["Properties"]["Schedule"], "rate(15 minutes)");
    assert!(function["MemorySize"].as_i64().unwrap() >= 512);
}

#[test]
fn what_it_names_is_known_and_nothing_secret_is_written_down() {
    let (function, template) = (function(), template());
    let help = run(&root(), &["run", "--help"]).stdout;
    for (name, value) in function["Environment"]["Variables"].as_object().unwrap() {
        let flag = help.contains(&format!("[env: {name}=")) || help.contains(&format!("`{name}`"));
        // The first is the function's own; the second, of PostgreSQL's clients.
        assert!(flag || ["OPTIMIZER_FROM", "PGPASSWORD"].contains(&name.as_str()), "{name}");
        let secret = ["PASSWORD", "TOKEN"].iter().any(|word| name.ends_with(word));
        let resolved = value["Fn::Sub"].as_str().is_some_and(|text| text.starts_with("{{resolve:secretsmanager:"));
        assert_eq!(secret, resolved, "{name}");
    }
    // What is referred to is there.
    let known: BTreeSet<_> = ["Parameters", "Resources"]
        .iter()
        .flat_map(|part| template[part].as_object().unwrap().keys().cloned())
        .chain(["AWS::NoValue", "AWS::Partition", "AWS::Region", "AWS::AccountId"].map(str::to_owned))
        .collect();
    let mut found = Vec::new();
    all(&template["Resources"], "Ref", &mut found);
    let mut texts = Vec::new();
    all(&template, "Fn::Sub", &mut texts);
    let inside = texts.iter().flat_map(|text| text.as_str().unwrap().split("${").skip(1));
    let names =
        found.iter().map(|name| name.as_str().unwrap()).chain(inside.map(|rest| rest.split('}').next().unwrap()));
    for name in names {
        assert!(known.contains(name), "{name}");
    }
    for parameter in template["Parameters"].as_object().unwrap().keys() {
        assert!(read("ci/lambda/template.yaml").matches(parameter.as_str()).count() > 1, "{parameter} is used nowhere");
    }
    // Aliases of YAML are not for CloudFormation.
    assert!(!read("ci/lambda/template.yaml").contains(": &"), "an anchor");
    // Events say what the function understands.
    for event in function["Events"].as_object().unwrap().values() {
        let Some(input) = event["Properties"]["Input"].as_str() else { continue };
        let input: Value = serde_json::from_str(input).unwrap();
        assert_eq!(input["command"], "run");
        assert!(help.contains(input["scope"].as_str().unwrap()));
    }
    let folder = tempfile::tempdir().unwrap();
    fs::copy(root().join("ci/lambda/observe.yaml"), folder.path().join("policy.yaml")).unwrap();
    assert_eq!(run(folder.path(), &["policy", "check", "policy.yaml"]).code, Some(0));
}

/// Actions by the name of their statement.
fn rights(statements: &Value) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let statements = statements.as_array().unwrap().iter().map(|statement| match &statement["Fn::If"] {
        Value::Null => statement,
        either => &either[1],
    });
    statements
        .map(|statement| {
            let actions = match &statement["Action"] {
                Value::String(one) => BTreeSet::from([one.clone()]),
                list => list.as_array().unwrap().iter().map(|action| action.as_str().unwrap().to_owned()).collect(),
            };
            let text = |name: &str| statement[name].as_str().unwrap().to_owned();
            (text("Sid"), (text("Effect"), actions))
        })
        .collect()
}

#[test]
fn it_may_do_what_the_policy_says_and_the_page_gives_a_reason() {
    let policy: Value = serde_json::from_str(&read("ci/lambda/policy.json")).unwrap();
    let template = template();
    let inline = &template["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"];
    let (written, rendered) = (rights(&policy["Statement"]), rights(inline));
    assert_eq!(written, rendered, "policy.json and template.yaml differ");
    let page = read("docs/lambda.md");
    for (name, (effect, actions)) in &written {
        assert!(page.contains(&format!("| `{name}` |")), "docs/lambda.md does not say why {name}");
        for action in actions {
            assert!(!action.contains('*'), "{action}");
            assert!(!action.starts_with("secretsmanager"), "the function reads none: {action}");
        }
        let statement = policy["Statement"].as_array().unwrap().iter().find(|one| one["Sid"] == name.as_str()).unwrap();
        let everything = statement["Resource"] == "*";
        // Interfaces have no name before they are there.
        let network = actions.iter().all(|action| action.starts_with("ec2:"));
        assert_eq!(everything, network, "{name}");
        assert_eq!(effect == "Deny", name == "NotByTheCode");
    }
    assert_eq!(written["JoinTheNetwork"].1, written["NotByTheCode"].1);
}

#[test]
fn the_page_lists_every_field_and_every_error() {
    let page = read("docs/lambda.md");
    for kind in ["Event", "Refused", "Usage", "Source", "State", "Sink", "InDoubt", "Deadline", "Crashed"] {
        assert!(page.contains(&format!("| `{kind}` |")), "{kind}");
    }
    for command in ["run", "plan", "status", "history", "analyze", "inspect", "gate"] {
        assert!(page.contains(&format!("| `{command}` |")), "{command}");
    }
}

fn build(arguments: &[&Path]) -> Run {
    let mut command = Command::new(root().join("ci/lambda/build"));
    command.args(arguments).output().expect("bash is there").into()
}

/// An archive as `make dist` lays it out.
fn archive(folder: &Path) -> std::path::PathBuf {
    let tree = folder.join("optimizer-0.1.0-linux-x86_64");
    fs::create_dir_all(tree.join("policies")).unwrap();
    for name in ["optimizer", "libduckdb.so", "policies/balanced.yaml", "LICENSE", "SHA256SUMS"] {
        fs::write(tree.join(name), name).unwrap();
    }
    fs::set_permissions(tree.join("optimizer"), fs::Permissions::from_mode(0o700)).unwrap();
    let archive = folder.join("optimizer.tar.gz");
    let mut tar = Command::new("tar");
    tar.args(["--mtime=@1767268800", "-czf"]).arg(&archive).arg("-C").arg(folder).arg("optimizer-0.1.0-linux-x86_64");
    assert!(tar.status().unwrap().success());
    archive
}

#[test]
fn the_zip_holds_bootstrap_and_its_library_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive(folder.path());
    let (one, two) = (folder.path().join("one.zip"), folder.path().join("deeper/two.zip"));
    for zip in [&one, &two] {
        let built = build(&[&archive, zip]);
        assert_eq!((built.code, built.stderr.as_str()), (Some(0), ""), "{}", built.stdout);
    }
    assert!(fs::read(&one).unwrap() == fs::read(&two).unwrap(), "the same inputs give other bytes");
    let unpacked = folder.path().join("task");
    assert!(Command::new("unzip").arg("-q").arg(&one).arg("-d").arg(&unpacked).status().unwrap().success());
    let mut files: Vec<_> =
        fs::read_dir(&unpacked).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    assert_eq!(files, ["LICENSE", "bootstrap", "libduckdb.so", "policies", "policy.yaml"]);
    let mode = |name: &str| fs::metadata(unpacked.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("bootstrap"), mode("libduckdb.so"), mode("policy.yaml")), (0o755, 0o644, 0o644));
    assert_eq!(fs::read_to_string(unpacked.join("bootstrap")).unwrap(), "optimizer");
    assert_eq!(fs::read_to_string(unpacked.join("policy.yaml")).unwrap(), read("ci/lambda/observe.yaml"));

    let own = folder.path().join("own.yaml");
    fs::write(&own, "extends: balanced\n").unwrap();
    assert_eq!(build(&[&archive, &two, &own]).code, Some(0));
    assert!(fs::read(&one).unwrap() != fs::read(&two).unwrap());
}

#[test]
fn what_lambda_would_not_take_is_not_built() {
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("x.zip");
    for (built, word) in [
        (build(&[&zip]), "an archive and a name"),
        (build(&[&folder.path().join("nothing"), &zip]), "there is no archive"),
        (build(&[&root().join("Cargo.toml"), &zip]), ""),
    ] {
        assert!(built.code != Some(0) && built.stderr.contains(word), "{built:?}");
    }
    archive(folder.path());
    let tree = folder.path().join("optimizer-0.1.0-linux-x86_64");
    // Zeros pack well, and need no room on the disk.
    fs::File::options().write(true).open(tree.join("libduckdb.so")).unwrap().set_len(262_144_001).unwrap();
    let big = folder.path().join("big.tar.gz");
    let mut tar = Command::new("tar");
    tar.args(["--sparse", "-czf"]).arg(&big).arg("-C").arg(folder.path()).arg(tree.file_name().unwrap());
    assert!(tar.status().unwrap().success());
    let built = build(&[&big, &zip]);
    assert!(built.code == Some(1) && built.stderr.contains("bytes unpacked, and Lambda takes 262144000"), "{built:?}");
    assert!(!zip.exists());
}

#[test]
fn with_a_word_it_stays_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let run = Run::from(optimizer(folder.path()).output().unwrap());
    assert_eq!(run.code, Some(2), "without Lambda, nothing is served");
    assert!(run.stderr.contains("Usage: optimizer"), "{}", run.stderr);
}
