//! The syntax tree of CEL to the checked tree of a condition.

use std::sync::LazyLock;

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators};

use super::names::{Kind, NAMES, place};
use super::tree::{Arithmetic, Comparison, Field, Node, Quantity, Search};
use crate::decide::policy::{nearest, one_of, shown};

/// Deepest nesting, long chains of `+` included; the grammar alone would let those through.
const MAX_DEPTH: usize = 64;
/// Words of findings, for hints.
const SEVERITIES: [&str; 4] = ["low", "medium", "high", "critical"];
const FIELDS: [&str; 5] = ["kind", "severity", "metric", "observed", "limit"];
const FUNCTIONS: &str =
    "`has`, `size`, `contains`, `startsWith`, `endsWith`, and `exists`, `all`, `exists_one` and `filter` on `findings`";

type Built = Result<(Node, Kind), String>;

/// Builds a condition: something that is true or false.
pub(super) fn build(expression: &IdedExpr) -> Result<Node, String> {
    let (node, kind) = Builder { bound: None, depth: 0 }.node(expression)?;
    match kind {
        Kind::Flag => Ok(node),
        kind => Err(format!("is {}, not a condition; compare it: `… > 0.05`", kind.described())),
    }
}

#[derive(Clone, Copy)]
struct Builder<'a> {
    /// What the loop around calls its finding.
    bound: Option<&'a str>,
    depth: usize,
}

impl<'a> Builder<'a> {
    fn node(self, expression: &'a IdedExpr) -> Built {
        if self.depth > MAX_DEPTH {
            return Err(format!("is nested more than {MAX_DEPTH} levels deep; make several rules of it"));
        }
        let inner = Self { depth: self.depth + 1, ..self };
        match &expression.expr {
            Expr::Literal(value) => literal(value),
            Expr::Select(select) if select.test => {
                let path = path(expression).ok_or("asks `has` of something that is no name")?;
                Ok((Node::Has(known(&path)?), Kind::Flag))
            }
            Expr::Ident(_) | Expr::Select(_) => inner.named(expression),
            Expr::Call(call) => inner.call(call),
            Expr::Comprehension(comprehension) => {
                let (quantity, body) = inner.comprehension(comprehension)?;
                match quantity {
                    Quantity::Count => {
                        Err("makes a list of findings; count them: `findings.filter(f, …).size() > 2`".into())
                    }
                    quantity => Ok((Node::Loop(quantity, Some(Box::new(body))), Kind::Flag)),
                }
            }
            Expr::List(_) => Err("uses a list where a value belongs; a list stands behind `in`".into()),
            Expr::Map(_) | Expr::Struct(_) => Err("uses a map; there are none here".into()),
            Expr::Unspecified => Err("is empty".into()),
        }
    }

    fn named(self, expression: &IdedExpr) -> Built {
        let Some(path) = path(expression) else { return Err("asks for a field of something that has none".into()) };
        if let Some(field) = self.bound.and_then(|bound| path.strip_prefix(bound)?.strip_prefix('.').map(str::to_owned))
        {
            return Ok(match field.as_str() {
                "kind" => (Node::Field(Field::Kind), Kind::Text),
                "severity" => (Node::Field(Field::Severity), Kind::Text),
                "metric" => (Node::Field(Field::Metric), Kind::Text),
                "observed" => (Node::Field(Field::Observed), Kind::Number),
                "limit" => (Node::Field(Field::Limit), Kind::Number),
                _ => return Err(format!("asks for `{}` of a finding, which has {}", shown(&field), one_of(&FIELDS))),
            });
        }
        let at = known(&path)?;
        Ok((Node::Name(at), NAMES[at].kind))
    }

    fn call(self, call: &'a CallExpr) -> Built {
        let CallExpr { func_name, target, args } = call;
        let all: Vec<&IdedExpr> = target.iter().map(Box::as_ref).chain(args).collect();
        match (func_name.as_str(), all.as_slice()) {
            (operators::LOGICAL_NOT, [inner]) => {
                Ok((Node::Not(Box::new(self.of(inner, Kind::Flag, "`!`")?)), Kind::Flag))
            }
            (operators::NEGATE, [inner]) => {
                let inner = self.of(inner, Kind::Number, "`-`")?;
                let node = if let Node::Number(number) = inner {
                    Node::Number(-number)
                } else {
                    Node::Negate(Box::new(inner))
                };
                Ok((node, Kind::Number))
            }
            (operators::LOGICAL_AND, [left, right]) => Ok((
                Node::And(Box::new([self.of(left, Kind::Flag, "`&&`")?, self.of(right, Kind::Flag, "`&&`")?])),
                Kind::Flag,
            )),
            (operators::LOGICAL_OR, [left, right]) => Ok((
                Node::Or(Box::new([self.of(left, Kind::Flag, "`||`")?, self.of(right, Kind::Flag, "`||`")?])),
                Kind::Flag,
            )),
            (operators::CONDITIONAL, [test, yes, no]) => self.choice(test, yes, no),
            (operators::IN, [value, list]) => self.among(value, list),
            ("size", [of]) => self.size(of),
            ("contains", [text, part]) => self.search(Search::Contains, text, part),
            ("startsWith", [text, part]) => self.search(Search::StartsWith, text, part),
            ("endsWith", [text, part]) => self.search(Search::EndsWith, text, part),
            (operator, [left, right]) => {
                if let Some(how) = comparison(operator) {
                    self.compare(how, left, right)
                } else if let Some((how, symbol)) = arithmetic(operator) {
                    let two = [self.of(left, Kind::Number, symbol)?, self.of(right, Kind::Number, symbol)?];
                    Ok((Node::Calculate(how, Box::new(two)), Kind::Number))
                } else {
                    Err(unknown(operator))
                }
            }
            (function, _) => Err(unknown(function)),
        }
    }

    /// A part that has to be of one kind; `by` names who wants it.
    fn of(self, expression: &'a IdedExpr, wanted: Kind, by: &str) -> Result<Node, String> {
        match self.node(expression)? {
            (node, kind) if kind == wanted => Ok(node),
            (node, kind) => Err(format!("{by} wants {}, got `{node}`, {}", wanted.described(), kind.described())),
        }
    }

    fn choice(self, test: &'a IdedExpr, yes: &'a IdedExpr, no: &'a IdedExpr) -> Built {
        let test = self.of(test, Kind::Flag, "`?`")?;
        let ((yes, one), (no, other)) = (self.node(yes)?, self.node(no)?);
        if one != other {
            return Err(format!(
                "chooses between {} and {}; both sides of `:` are of one kind",
                one.described(),
                other.described()
            ));
        }
        Ok((Node::If(Box::new([test, yes, no])), one))
    }

    fn compare(self, how: Comparison, left: &'a IdedExpr, right: &'a IdedExpr) -> Built {
        let ((left, one), (right, other)) = (self.node(left)?, self.node(right)?);
        if one != other {
            let both = format!("compares `{left}`, {}, with `{right}`, {}", one.described(), other.described());
            let chained = matches!(left, Node::Compare(..)) && other == Kind::Number;
            let hint = match (&left, &right) {
                _ if chained => "; write `a < b && b < c`".to_owned(),
                (_, Node::Text(text)) | (Node::Text(text), _) if text.parse::<f64>().is_ok() => {
                    format!("; write {text} without quotes")
                }
                _ => String::new(),
            };
            return Err(both + &hint);
        }
        let ordered = !matches!(how, Comparison::Equal | Comparison::Unequal);
        if ordered && one == Kind::Flag {
            return Err(format!("asks which of `{left}` and `{right}` is larger; both are true or false"));
        }
        worded(&left, &right, ordered)?;
        worded(&right, &left, ordered)?;
        Ok((Node::Compare(how, Box::new([left, right])), Kind::Flag))
    }

    fn among(self, value: &'a IdedExpr, list: &'a IdedExpr) -> Built {
        let (value, kind) = self.node(value)?;
        let Expr::List(list) = &list.expr else {
            return Err("wants a list behind `in`: `model.id in ['a', 'b']`".into());
        };
        if list.elements.is_empty() {
            return Err("looks for a value in an empty list; that is never true".into());
        }
        let mut entries = Vec::new();
        for entry in &list.elements {
            let entry = self.of(entry, kind, "`in`")?;
            if !matches!(entry, Node::Flag(_) | Node::Number(_) | Node::Text(_)) {
                return Err("wants plain values in the list behind `in`".into());
            }
            worded(&value, &entry, false)?;
            entries.push(entry);
        }
        Ok((Node::In(Box::new(value), entries), Kind::Flag))
    }

    fn size(self, of: &'a IdedExpr) -> Built {
        match &of.expr {
            Expr::Ident(name) if name == "findings" => Ok((Node::Loop(Quantity::Count, None), Kind::Number)),
            Expr::Comprehension(comprehension) => match self.comprehension(comprehension)? {
                (Quantity::Count, body) => Ok((Node::Loop(Quantity::Count, Some(Box::new(body))), Kind::Number)),
                _ => Err("asks for the size of something that is true or false".into()),
            },
            _ => Ok((Node::Length(Box::new(self.of(of, Kind::Text, "`size`")?)), Kind::Number)),
        }
    }

    fn search(self, how: Search, text: &'a IdedExpr, part: &'a IdedExpr) -> Built {
        let two = [self.of(text, Kind::Text, "a search in text")?, self.of(part, Kind::Text, "a search in text")?];
        Ok((Node::Search(how, Box::new(two)), Kind::Flag))
    }

    /// The loops of CEL reach here taken apart: what the accumulator starts with and how a step changes it tell which
    /// one was written.
    fn comprehension(self, loops: &'a ComprehensionExpr) -> Result<(Quantity, Node), String> {
        if self.bound.is_some() {
            return Err("loops inside a loop; one level is read".into());
        }
        if !matches!(&loops.iter_range.expr, Expr::Ident(name) if name == "findings") {
            return Err(
                "loops over something else than `findings`; write `in` for a list: `model.id in ['a', 'b']`".into()
            );
        }
        let Expr::Call(step) = &loops.loop_step.expr else { return Err(unknown("map")) };
        let (quantity, body) = match (&loops.accu_init.expr, step.func_name.as_str(), step.args.as_slice()) {
            (Expr::Literal(LiteralValue::Boolean(_)), operators::LOGICAL_OR, [_, body]) => (Quantity::Exists, body),
            (Expr::Literal(LiteralValue::Boolean(_)), operators::LOGICAL_AND, [_, body]) => (Quantity::All, body),
            (Expr::Literal(_), operators::CONDITIONAL, [body, ..]) => (Quantity::ExactlyOne, body),
            (Expr::List(_), operators::CONDITIONAL, [body, ..]) => (Quantity::Count, body),
            _ => return Err(unknown("map")),
        };
        let inside = Self { bound: Some(&loops.iter_var), ..self };
        Ok((quantity, inside.of(body, Kind::Flag, "a loop over `findings`")?))
    }
}

fn literal(value: &LiteralValue) -> Built {
    Ok(match value {
        LiteralValue::Boolean(flag) => (Node::Flag(*flag.inner()), Kind::Flag),
        LiteralValue::Double(number) => (Node::Number(*number.inner()), Kind::Number),
        LiteralValue::Int(number) => (Node::Number(*number.inner() as f64), Kind::Number),
        LiteralValue::UInt(number) => (Node::Number(*number.inner() as f64), Kind::Number),
        LiteralValue::String(text) => (Node::Text(text.inner().to_owned()), Kind::Text),
        LiteralValue::Null => {
            return Err("compares with `null`; ask `has(model.region)` whether there is a value".into());
        }
        LiteralValue::Bytes(_) => return Err("uses bytes; write text as 'text'".into()),
    })
}

/// The dotted name an expression spells.
fn path(expression: &IdedExpr) -> Option<String> {
    match &expression.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) => Some(format!("{}.{}", path(&select.operand)?, select.field)),
        _ => None,
    }
}

fn known(path: &str) -> Result<usize, String> {
    if path == "findings" {
        return Err("uses `findings` as a value; ask `findings.exists(f, f.kind == 'drift')`".into());
    }
    if let Some(at) = place(path) {
        return Ok(at);
    }
    let names = || NAMES.iter().flat_map(|name| std::iter::once(name.name).chain(name.aliases.iter().copied()));
    let begins = format!("{path}.");
    let inside: Vec<&str> = names().filter(|name| name.starts_with(&begins)).take(8).collect();
    let hint = if !inside.is_empty() {
        format!("there is {}", one_of(&inside))
    } else if let Some(near) = nearest(path, names()) {
        format!("did you mean `{near}`?")
    } else {
        let group = path.split('.').next().unwrap_or(path);
        let same: Vec<&str> = names().filter(|name| name.split('.').next() == Some(group)).take(12).collect();
        if same.is_empty() {
            "docs/conditions.md lists the names".to_owned()
        } else {
            format!("there is {}", one_of(&same))
        }
    };
    Err(format!("knows no `{}`; {hint}", shown(path)))
}

/// Reports a word that the other side never is, and texts whose order means nothing.
fn worded(value: &Node, other: &Node, ordered: bool) -> Result<(), String> {
    let Node::Text(word) = other else { return Ok(()) };
    let words: Vec<&str> = match value {
        Node::Name(at) => NAMES[*at].words.to_vec(),
        Node::Field(Field::Severity) => SEVERITIES.to_vec(),
        Node::Field(Field::Kind) => KINDS.iter().map(String::as_str).collect(),
        _ => return Ok(()),
    };
    if ordered && !words.is_empty() {
        return Err(format!("asks for an order of words, which is that of the alphabet; list them: `in {words:?}`")
            .replace('"', "'"));
    }
    if words.is_empty() || words.contains(&word.as_str()) {
        return Ok(());
    }
    let hint = nearest(word, words.iter().copied())
        .map_or_else(|| format!("it is one of {}", one_of(&words)), |near| format!("did you mean '{near}'?"));
    Err(format!("looks for '{}', which is never there; {hint}", shown(word)))
}

/// The kinds of finding, as they are written in plans.
static KINDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let schema = schemars::schema_for!(crate::domain::FindingKind).to_value();
    let choices = ["oneOf", "enum"].iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
    let words = choices.flat_map(|choice| {
        let listed = choice.get("enum").and_then(serde_json::Value::as_array).into_iter().flatten();
        listed.chain(choice.get("const")).chain([choice]).filter_map(serde_json::Value::as_str)
    });
    words.map(str::to_owned).collect()
});

fn comparison(operator: &str) -> Option<Comparison> {
    Some(match operator {
        operators::EQUALS => Comparison::Equal,
        operators::NOT_EQUALS => Comparison::Unequal,
        operators::LESS => Comparison::Less,
        operators::LESS_EQUALS => Comparison::LessOrEqual,
        operators::GREATER => Comparison::Greater,
        operators::GREATER_EQUALS => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn arithmetic(operator: &str) -> Option<(Arithmetic, &'static str)> {
    Some(match operator {
        operators::ADD => (Arithmetic::Add, "`+`"),
        operators::SUBSTRACT => (Arithmetic::Subtract, "`-`"),
        operators::MULTIPLY => (Arithmetic::Multiply, "`*`"),
        operators::DIVIDE => (Arithmetic::Divide, "`/`"),
        operators::MODULO => (Arithmetic::Remainder, "`%`"),
        _ => return None,
    })
}

fn unknown(function: &str) -> String {
    let name = function.trim_start_matches('@');
    format!("knows no function `{}`; there are {FUNCTIONS}", shown(name))
}
