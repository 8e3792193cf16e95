//! YAML text to a value and the line of everything in it.
//!
//! Two readers share the work. `saphyr-parser` walks the events first: it knows the line and column of each, and it is
//! stopped as soon as the text is deeper than any policy, so that no input can make the second reader work hard.
//! `serde_yaml` then reads the values; it alone decides what a scalar means.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScanError};
use serde_yaml::Value;

use super::problems::{Problem, entry, field, shown};
use super::value::FirstOfEachKey;

/// Largest file read: about 2,000 services with every field overridden.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Deepest nesting read; a policy needs five levels.
const MAX_DEPTH: usize = 16;

/// A file that is YAML: its value, and where each field stands.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) name: String,
    pub(super) value: Value,
    lines: BTreeMap<String, usize>,
}

impl Document {
    /// Reads one document. Problems that leave a value to look at (a key written twice) come beside it; the others
    /// leave nothing to look at.
    pub(super) fn read(name: &str, text: &str, found: &mut Vec<Problem>) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.len() > MAX_BYTES {
            let message = format!("is {} bytes long; the most that is read is {MAX_BYTES}", text.len());
            found.push(whole_file(name, message));
            return None;
        }
        let mut walk = Walk { name, found, lines: BTreeMap::new(), open: Vec::new(), documents: 0, unusable: false };
        walk.events(text);
        let Walk { lines, unusable, documents, .. } = walk;
        if unusable {
            return None;
        }
        if documents == 0 {
            return Some(Self { name: name.to_owned(), value: Value::Null, lines });
        }
        match serde_yaml::from_str::<FirstOfEachKey>(text) {
            Ok(FirstOfEachKey(value)) => Some(Self { name: name.to_owned(), value, lines }),
            Err(error) => {
                let place = error.location();
                found.push(Problem {
                    file: name.to_owned(),
                    line: place.as_ref().map(serde_yaml::Location::line),
                    column: place.as_ref().map(serde_yaml::Location::column),
                    field: String::new(),
                    message: format!("is not valid YAML: {}", shown(&error.to_string())),
                });
                None
            }
        }
    }

    /// The line of a field, or of the nearest one around it that has a line.
    pub(super) fn line(&self, path: &str) -> Option<usize> {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return Some(*line);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }

    /// Whether there is anything in the file.
    pub(super) fn has_lines(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Gives a field the line of another, of which it was made.
    pub(super) fn alias(&mut self, from: &str, to: &str) {
        if let Some(line) = self.lines.get(from).copied() {
            self.lines.entry(to.to_owned()).or_insert(line);
        }
    }

    /// Whether the file itself states this field.
    pub(super) fn states(&self, path: &str) -> bool {
        self.lines.contains_key(path)
    }

    /// The list `name` at the top and in each service, those that there are, with their paths.
    pub(super) fn lists<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (String, &'a [Value])> {
        let services = self.value.get("services").and_then(Value::as_mapping).into_iter().flatten();
        let services = services.filter_map(|(service, own)| Some((field("services", service.as_str()?), own)));
        std::iter::once((String::new(), &self.value))
            .chain(services)
            .filter_map(move |(path, value)| Some((field(&path, name), value.get(name)?.as_sequence()?.as_slice())))
    }

    /// A problem with one field of this file.
    pub(super) fn problem(&self, path: &str, message: String) -> Problem {
        Problem { file: self.name.clone(), line: self.line(path), column: None, field: path.to_owned(), message }
    }
}

/// A problem that no line can be named for.
pub(super) fn whole_file(name: &str, message: String) -> Problem {
    Problem { file: name.to_owned(), line: None, column: None, field: String::new(), message }
}

/// A list or mapping that has been opened and not yet closed.
enum Open {
    List {
        path: String,
        next: usize,
    },
    /// `key` is the path of the key whose value is awaited.
    Mapping {
        path: String,
        key: Option<String>,
    },
}

/// One pass over the events.
struct Walk<'a> {
    name: &'a str,
    found: &'a mut Vec<Problem>,
    lines: BTreeMap<String, usize>,
    open: Vec<Open>,
    documents: usize,
    unusable: bool,
}

impl Walk<'_> {
    fn events(&mut self, text: &str) {
        for event in Parser::new_from_str(text) {
            let (event, span) = match event {
                Ok(event) => event,
                Err(error) => return self.syntax(&error, text),
            };
            let line = span.start.line();
            match event {
                Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                Event::DocumentStart(_) => {
                    self.documents += 1;
                    if self.documents > 1 {
                        return self.fatal(
                            line,
                            "",
                            "begins a second document; a file holds one, so delete the `---`".into(),
                        );
                    }
                }
                Event::Alias(_) => {
                    let path = self.value_path(None, line);
                    let message = "uses an alias (`*name`), which is not supported; write the value out, and put text that begins with `*` in quotes";
                    self.fatal(line, &path, message.into());
                }
                Event::Scalar(scalar, _, anchor, tag) => {
                    let path = self.value_path(Some(&scalar), line);
                    self.plain(line, &path, anchor, tag.is_some());
                }
                Event::SequenceStart(anchor, tag) => {
                    let path = self.value_path(None, line);
                    self.plain(line, &path, anchor, tag.is_some());
                    self.open.push(Open::List { path, next: 0 });
                }
                Event::MappingStart(anchor, tag) => {
                    let path = self.value_path(None, line);
                    self.plain(line, &path, anchor, tag.is_some());
                    self.open.push(Open::Mapping { path, key: None });
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    self.open.pop();
                }
            }
            if self.open.len() > MAX_DEPTH {
                return self.fatal(
                    line,
                    "",
                    format!("is nested more than {MAX_DEPTH} levels deep; a policy needs five"),
                );
            }
        }
    }

    /// The path of the node that comes now, remembering its line. A scalar in the place of a key is a key.
    fn value_path(&mut self, scalar: Option<&str>, line: usize) -> String {
        match (self.open.last_mut(), scalar) {
            (None, _) => String::new(),
            (Some(Open::List { path, next }), _) => {
                let path = entry(path, *next);
                *next += 1;
                self.lines.entry(path.clone()).or_insert(line);
                path
            }
            (Some(Open::Mapping { key, .. }), _) if key.is_some() => key.take().unwrap_or_default(),
            (Some(Open::Mapping { path, key }), Some(scalar)) => {
                let path = field(path, scalar);
                *key = Some(path.clone());
                if let Some(first) = self.lines.get(&path) {
                    let message = format!("is written twice, first on line {first}; keep one of the two");
                    self.problem(line, &path, message);
                } else {
                    self.lines.insert(path.clone(), line);
                }
                path
            }
            (Some(Open::Mapping { path, key }), None) => {
                let path = path.clone();
                // The end of this node still has to be matched, so a name is kept for it.
                *key = Some(path.clone());
                self.fatal(line, &path, "has a key that is not text; a key is a name such as `mode`".into());
                path
            }
        }
    }

    /// Anchors alone do no harm, but they announce aliases; tags change what a value means behind the reader's back.
    fn plain(&mut self, line: usize, path: &str, anchor: usize, tagged: bool) {
        if anchor > 0 {
            self.fatal(
                line,
                path,
                "carries an anchor (`&name`), which is not supported; write the value out where it is needed".into(),
            );
        }
        if tagged {
            self.fatal(line, path, "carries a tag (`!name`), which is not supported; write the plain value".into());
        }
    }

    fn problem(&mut self, line: usize, path: &str, message: String) {
        self.found.push(Problem {
            file: self.name.to_owned(),
            line: Some(line),
            column: None,
            field: path.to_owned(),
            message,
        });
    }

    fn fatal(&mut self, line: usize, path: &str, message: String) {
        self.unusable = true;
        self.problem(line, path, message);
    }

    fn syntax(&mut self, error: &ScanError, text: &str) {
        let line = error.marker().line();
        let written = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let indent = &written[..written.len() - written.trim_start().len()];
        let hint = if indent.contains('\t') {
            "; indent with spaces, YAML does not allow tabs"
        } else if error.info().contains("unknown anchor") {
            "; put text that begins with `*` in quotes"
        } else if error.info().contains("mapping values are not allowed") {
            "; check the indentation, and put text with a `: ` in quotes"
        } else {
            ""
        };
        self.unusable = true;
        self.found.push(Problem {
            file: self.name.to_owned(),
            line: Some(line),
            column: Some(error.marker().col() + 1),
            field: String::new(),
            message: format!("is not valid YAML: {}{hint}", shown(error.info())),
        });
    }
}
