//! What a policy extends, down to the profile at the bottom, and how one layer is laid over another.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use serde_yaml::Value;

use super::document::Document;
use super::forms::unify;
use super::parse::{Resolver, Source};
use super::problems::{Problem, entry, field, one_of, shown};
use super::profiles::{PROFILES, profile};
use super::schema::schema;
use super::sieve::sieve;
use super::suggest::nearest;

/// Begins the name of a layer that ships with the binary.
pub(super) const BUILT_IN: &str = "built-in ";
/// Longest chain of `extends`. Three are plausible: a profile, the company's, the team's.
const MAX_LAYERS: usize = 8;

/// Reads the file and everything below it, the file itself first. A layer that cannot be read ends the chain; why is in
/// `found`.
pub(super) fn load(source: Source<'_>, resolve: Resolver<'_>, found: &mut Vec<Problem>) -> Vec<Document> {
    let schema = schema();
    let mut layers: Vec<Document> = Vec::new();
    let (mut name, mut text) = (source.name.to_owned(), Cow::Borrowed(source.text));
    loop {
        let before = found.len();
        let Some(mut document) = Document::read(&name, &text, found) else { return layers };
        unify(&mut document, found);
        sieve(&mut document, &schema, "extends: balanced", found);
        repeated(&document, found);
        let extends = document.value.get("extends").and_then(Value::as_str).map(str::to_owned);
        let next = extends.and_then(|wanted| {
            let below = below(&wanted, &document, &layers, resolve);
            below.map_err(|message| found.push(document.problem("extends", message))).ok()
        });
        found[before..].sort_by_key(|problem| problem.line);
        layers.push(document);
        match next {
            Some((below, content)) => (name, text) = (below, content),
            None => return layers,
        }
    }
}

/// Reports entries that share their `id` with another of the same list.
fn repeated(document: &Document, found: &mut Vec<Problem>) {
    for (path, list) in LISTED.iter().flat_map(|name| document.lists(name)) {
        let mut first: HashMap<&str, usize> = HashMap::new();
        for (at, row) in list.iter().enumerate() {
            let Some(id) = row.get("id").and_then(Value::as_str) else { continue };
            if let Some(earlier) = first.get(id) {
                let line = document.line(&entry(&path, *earlier)).map(|line| format!(", first used on line {line}"));
                let message = format!("repeats the id `{}`{}; give each its own", shown(id), line.unwrap_or_default());
                found.push(document.problem(&field(&entry(&path, at), "id"), message));
            } else {
                first.insert(id, at);
            }
        }
    }
}

/// The name and text of what `document` extends, or what is wrong with it.
fn below(
    wanted: &str,
    document: &Document,
    above: &[Document],
    resolve: Resolver<'_>,
) -> Result<(String, Cow<'static, str>), String> {
    let built_in = profile(wanted);
    let name = if built_in.is_some() { format!("{BUILT_IN}{wanted}") } else { joined(&document.name, wanted) };
    let chain: Vec<&str> = above.iter().map(|layer| layer.name.as_str()).chain([document.name.as_str()]).collect();
    if let Some(start) = chain.iter().position(|layer| identity(layer) == identity(&name)) {
        return Err(format!(
            "goes round in a circle: {} → {name}; let one of them stand alone",
            chain[start..].join(" → ")
        ));
    }
    if chain.len() == MAX_LAYERS {
        return Err(format!("makes a chain of more than {MAX_LAYERS} files; extend a file nearer to the bottom"));
    }
    if let Some(text) = built_in {
        return Ok((name, text.into()));
    }
    if !wanted.contains(['/', '\\', '.']) {
        let hint = nearest(wanted, PROFILES).map_or_else(
            || format!("another file is named with its ending, `{}.yaml`", shown(wanted)),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(format!("knows no profile `{}`, only {}; {hint}", shown(wanted), one_of(&PROFILES)));
    }
    match resolve(&name) {
        Ok(text) => Ok((name, text.into())),
        Err(why) => Err(format!("names `{}`, which cannot be read: {why}", shown(&name))),
    }
}

/// The path of a file named inside another, relative to that one.
fn joined(referrer: &str, wanted: &str) -> String {
    let folder = if referrer.starts_with(BUILT_IN) { None } else { Path::new(referrer).parent() };
    let path = folder.map_or_else(|| PathBuf::from(wanted), |folder| folder.join(wanted));
    path.to_string_lossy().into_owned()
}

/// The same for `a.yaml`, `./a.yaml` and `b/../a.yaml`. By the letters alone: a circle through links of the file system
/// still ends, at the longest chain.
fn identity(name: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in Path::new(name).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(path.components().next_back(), Some(Component::Normal(_))) => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path
}

/// Lays one value over another: mappings field by field, everything else whole. A list replaces a list, because a
/// rollout of `[10, 100]` over `[5, 25, 50, 100]` means just these two steps; but see [`LISTED`].
pub(super) fn overlay(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Mapping(below), Value::Mapping(above)) => {
            for (key, value) in above {
                let listed = key.as_str().is_some_and(|key| LISTED.contains(&key));
                match (below.get_mut(&key), value) {
                    (Some(Value::Sequence(below)), Value::Sequence(above)) if listed => add(below, above),
                    (Some(below), value) => overlay(below, value),
                    (None, value) => {
                        below.insert(key, value);
                    }
                }
            }
        }
        (below, above) => *below = above,
    }
}

/// Lists whose entries have an `id`. They add up, since a team's rules shall not do away with the company's by merely being
/// there.
pub(super) const LISTED: [&str; 2] = ["rules", "policies"];

/// Adds entries to a list; one with the `id` of another overrides the fields it names, each of them whole.
fn add(below: &mut Vec<Value>, above: Vec<Value>) {
    let id = |entry: &Value| entry.get("id").and_then(Value::as_str).map(str::to_owned);
    let places: HashMap<String, usize> =
        below.iter().enumerate().filter_map(|(at, entry)| Some((id(entry)?, at))).collect();
    for entry in above {
        match (id(&entry).and_then(|id| places.get(&id)).and_then(|at| below.get_mut(*at)), entry) {
            (Some(Value::Mapping(below)), Value::Mapping(above)) => below.extend(above),
            (_, entry) => below.push(entry),
        }
    }
}
