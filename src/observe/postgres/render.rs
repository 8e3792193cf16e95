//! Renders a layout's SQL for PostgreSQL: the macros of the engine become expressions of the database, chosen by the types of its
//! columns, because nothing may be created there.

use std::{collections::BTreeMap, sync::LazyLock};

/// What a column is, as far as expressions care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// There is no such column.
    Absent,
    Flag,
    Whole,
    Number,
    Numeric,
    Time,
    Jsonb,
    Json,
    Text,
}

impl Class {
    /// By the type as the catalog writes it.
    pub(super) fn of(catalog: &str) -> Self {
        match catalog {
            "boolean" | "BOOL" => Self::Flag,
            "smallint" | "integer" | "bigint" | "INT2" | "INT4" | "INT8" => Self::Whole,
            "real" | "double precision" | "FLOAT4" | "FLOAT8" => Self::Number,
            "numeric" | "NUMERIC" => Self::Numeric,
            "timestamp with time zone" | "timestamp without time zone" | "TIMESTAMP" | "TIMESTAMPTZ" => Self::Time,
            "jsonb" | "JSONB" => Self::Jsonb,
            "json" | "JSON" => Self::Json,
            _ => Self::Text,
        }
    }

    fn named(name: &str) -> Self {
        match name {
            "absent" => Self::Absent,
            "flag" => Self::Flag,
            "whole" => Self::Whole,
            "number" => Self::Number,
            "numeric" => Self::Numeric,
            "time" => Self::Time,
            "jsonb" => Self::Jsonb,
            _ => Self::Text,
        }
    }
}

/// One way to write a macro, for arguments of certain classes.
struct Macro {
    classes: Vec<Class>,
    parameters: Vec<String>,
    body: String,
}

static MACROS: LazyLock<BTreeMap<String, Vec<Macro>>> =
    LazyLock::new(|| parse(include_str!("../../../queries/postgres/macros.sql")));

const CLASSES: [&str; 8] = ["absent", "flag", "whole", "number", "numeric", "time", "jsonb", "text"];

fn parse(text: &str) -> BTreeMap<String, Vec<Macro>> {
    let mut macros: BTreeMap<String, Vec<Macro>> = BTreeMap::new();
    for block in text.split("\n-- MACRO ").skip(1) {
        let (head, body) = block.split_once('\n').unwrap_or((block, ""));
        let (name, rest) = head.trim_end().trim_end_matches(')').split_once('(').expect("`name(parameters)`");
        let (first, rest) = rest.split_once(':').expect("`parameter: classes`");
        let (classes, others): (Vec<&str>, Vec<&str>) =
            rest.split(',').map(str::trim).partition(|word| CLASSES.contains(word));
        macros.entry(name.to_owned()).or_default().push(Macro {
            classes: classes.into_iter().map(Class::named).collect(),
            parameters: std::iter::once(first.trim()).chain(others).map(str::to_owned).collect(),
            body: without_comments(body).trim().to_owned(),
        });
    }
    macros
}

/// The text without lines that are nothing but a comment.
pub(super) fn without_comments(sql: &str) -> String {
    sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n")
}

/// Classes of the columns that an expression may name, and that of a name which is none of them.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub known: BTreeMap<String, Class>,
    pub other: Class,
}

/// Writes every macro out. None when a macro has no form for its argument: then the layout cannot be rendered.
pub(super) fn expand(sql: &str, names: &Names) -> Option<String> {
    let (mut out, mut at) = (String::with_capacity(sql.len() * 2), 0);
    while at < sql.len() {
        let end = skip(sql, at);
        if end > at {
            out += &sql[at..end];
            at = end;
            continue;
        }
        let rest = &sql[at..];
        let word = rest.len() - rest.trim_start_matches(|letter: char| letter.is_alphanumeric() || letter == '_').len();
        if word == 0 {
            let next = rest.chars().next().map_or(1, char::len_utf8);
            out += &rest[..next];
            at += next;
            continue;
        }
        let before = sql[..at].chars().next_back();
        let called = rest[word..].starts_with('(') && !matches!(before, Some('.' | '$'));
        let Some(forms) = MACROS.get(&rest[..word]).filter(|_| called) else {
            out += &rest[..word];
            at += word;
            continue;
        };
        let (end, arguments) = closing(sql, at + word + 1);
        out += &call(forms, &arguments, names)?;
        at = end + 1;
    }
    Some(out)
}

fn call(forms: &[Macro], arguments: &[&str], names: &Names) -> Option<String> {
    let first = arguments.first().copied().unwrap_or_default();
    let bare = first.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(first);
    let is_name = !bare.is_empty() && bare.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    let class = if is_name { names.known.get(bare).copied().unwrap_or(names.other) } else { Class::Text };
    let form = forms.iter().find(|form| form.classes.contains(&class))?;
    let mut body = form.body.clone();
    for (parameter, argument) in form.parameters.iter().zip(arguments) {
        let simple = argument.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '"' | '$'));
        let argument = if simple { (*argument).to_owned() } else { format!("({argument})") };
        body = substitute(&body, parameter, &argument);
    }
    let body = expand(&body, names)?;
    Some(if body.starts_with('(') { body } else { format!("({body})") })
}

/// Puts the argument where `$parameter` stands.
fn substitute(body: &str, parameter: &str, argument: &str) -> String {
    let mut out = String::with_capacity(body.len());
    let mut parts = body.split('$');
    out += parts.next().unwrap_or_default();
    for part in parts {
        let ends = |rest: &&str| !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_');
        if let Some(rest) = part.strip_prefix(parameter).filter(ends) {
            out += argument;
            out += rest;
        } else {
            out.push('$');
            out += part;
        }
    }
    out
}

/// Puts `OFFSET 0` at the end of every WITH query, which keeps the planner from copying expressions to where they are used.
pub(super) fn fence(sql: &str) -> String {
    let (mut out, mut at) = (String::new(), 0);
    while let Some(found) = sql[at..].find(" AS (") {
        let open = at + found + " AS (".len();
        if !sql[open..].trim_start().starts_with("SELECT") {
            out += &sql[at..open];
            at = open;
            continue;
        }
        let (end, _) = closing(sql, open);
        out += sql[at..end].trim_end();
        out += "\n    OFFSET 0\n";
        at = end;
    }
    out + &sql[at..]
}

/// The end of the comment, literal or quoted name that begins here; here where none does.
fn skip(sql: &str, at: usize) -> usize {
    let rest = &sql[at..];
    if rest.starts_with("--") {
        return rest.find('\n').map_or(sql.len(), |end| at + end);
    }
    let Some(quote) = rest.chars().next().filter(|letter| matches!(letter, '\'' | '"')) else { return at };
    let mut end = at + 1;
    loop {
        match sql[end..].find(quote) {
            // A quote inside is written twice.
            Some(next) if sql[end + next + 1..].starts_with(quote) => end += next + 2,
            Some(next) => return end + next + 1,
            None => return sql.len(),
        }
    }
}

/// Where the parenthesis closes whose inside begins here, and the arguments in it.
fn closing(sql: &str, begin: usize) -> (usize, Vec<&str>) {
    let (mut depth, mut arguments, mut start, mut at) = (0, Vec::new(), begin, begin);
    while at < sql.len() {
        let end = skip(sql, at);
        if end > at {
            at = end;
            continue;
        }
        match sql.as_bytes()[at] {
            b'(' | b'[' => depth += 1,
            b')' | b']' if depth == 0 => {
                arguments.push(sql[start..at].trim());
                return (at, arguments);
            }
            b')' | b']' => depth -= 1,
            b',' if depth == 0 => {
                arguments.push(sql[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    (sql.len(), arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(known: &[(&str, Class)]) -> Names {
        Names { known: known.iter().map(|(name, class)| ((*name).to_owned(), *class)).collect(), other: Class::Text }
    }

    #[test]
    fn macros_are_written_out_by_the_class_of_their_argument() {
        let names = names(&[("n", Class::Whole), ("flag", Class::Flag)]);
        assert_eq!(expand("number(\"n\") + 1", &names).unwrap(), "(CAST(\"n\" AS double precision)) + 1");
        assert_eq!(expand("utc(n)", &names), None, "a number is no time");
        // Neither inside of texts and comments, nor as a part of a name, nor after a dot.
        for same in ["'number(n)'", "-- number(n)", "a.number(n)", "my_number(n)", "\"number(n)\""] {
            assert_eq!(expand(same, &names).unwrap(), same);
        }
        let nested = expand("trimmed(lowered(a, 'x)'))", &names).unwrap();
        assert!(!nested.contains("lowered") && !nested.contains('$'), "{nested}");
    }

    #[test]
    fn with_queries_are_fenced() {
        let sql = "WITH a AS (\n    SELECT ')' FROM raw\n), b AS (SELECT 1) SELECT CAST(x AS (y)) FROM a";
        let fenced = fence(sql);
        assert_eq!(fenced.matches("OFFSET 0").count(), 2, "{fenced}");
        assert!(fenced.ends_with("SELECT CAST(x AS (y)) FROM a"), "{fenced}");
    }
}
