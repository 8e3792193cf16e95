//! A condition against facts, with a third and a fourth answer beside true and false.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::Truth;
use super::facts::{Facts, FindingFact, Value};
use super::names::NAMES;
use super::tree::{Arithmetic, Comparison, Field, Node, Quantity, Search};

/// A value on the way.
#[derive(Debug, Clone, PartialEq)]
enum Term<'a> {
    Number(f64),
    Text(Cow<'a, str>),
    Flag(bool),
}

/// Why there is no value.
#[derive(Debug)]
enum Gap {
    Missing(BTreeSet<&'static str>),
    Failed(String),
}

impl Gap {
    /// Of two gaps, the failure: it does not go away when the missing value arrives.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Missing(mut names), Self::Missing(more)) => {
                names.extend(more);
                Self::Missing(names)
            }
            (failed @ Self::Failed(_), _) | (_, failed) => failed,
        }
    }
}

pub(super) fn truth(root: &Node, facts: &Facts) -> Truth {
    match (Evaluation { facts, finding: None }).flag(root) {
        Ok(true) => Truth::True,
        Ok(false) => Truth::False,
        Err(Gap::Missing(names)) => Truth::Missing(names.into_iter().map(str::to_owned).collect()),
        Err(Gap::Failed(why)) => Truth::Failed(why),
    }
}

#[derive(Clone, Copy)]
struct Evaluation<'a> {
    facts: &'a Facts,
    /// The one the loop is at.
    finding: Option<&'a FindingFact>,
}

impl<'a> Evaluation<'a> {
    fn term(self, node: &'a Node) -> Result<Term<'a>, Gap> {
        Ok(match node {
            Node::Flag(flag) => Term::Flag(*flag),
            Node::Number(number) => Term::Number(*number),
            Node::Text(text) => Term::Text(Cow::Borrowed(text)),
            Node::Name(at) => match self.facts.at(*at) {
                Some(Value::Number(number)) => Term::Number(*number),
                Some(Value::Text(text)) => Term::Text(Cow::Borrowed(text)),
                Some(Value::Flag(flag)) => Term::Flag(*flag),
                None => return Err(Gap::Missing(BTreeSet::from([NAMES[*at].name]))),
            },
            Node::Field(field) => self.field(*field)?,
            Node::Has(at) => Term::Flag(self.facts.at(*at).is_some()),
            Node::Not(inner) => Term::Flag(!self.flag(inner)?),
            Node::And(two) => Term::Flag(joined(two.iter().map(|node| self.flag(node)), false)?),
            Node::Or(two) => Term::Flag(joined(two.iter().map(|node| self.flag(node)), true)?),
            Node::If(three) => self.term(&three[if self.flag(&three[0])? { 1 } else { 2 }])?,
            Node::Negate(inner) => Term::Number(-self.number(inner)?),
            Node::Compare(how, two) => Term::Flag(self.compared(*how, two)?),
            Node::Calculate(how, two) => {
                let (left, right) = both(|node| self.number(node), two)?;
                Term::Number(calculated(*how, left, right)?)
            }
            Node::In(inner, list) => {
                let value = self.term(inner)?;
                let is = |node| self.term(node).map(|entry| entry == value);
                Term::Flag(joined(list.iter().map(is), true)?)
            }
            Node::Search(how, two) => {
                let (text, part) = both(|node| self.text(node), two)?;
                Term::Flag(match how {
                    Search::Contains => text.contains(&*part),
                    Search::StartsWith => text.starts_with(&*part),
                    Search::EndsWith => text.ends_with(&*part),
                })
            }
            Node::Length(inner) => Term::Number(self.text(inner)?.chars().count() as f64),
            Node::Loop(quantity, body) => self.looped(*quantity, body.as_deref())?,
        })
    }

    fn flag(self, node: &'a Node) -> Result<bool, Gap> {
        match self.term(node)? {
            Term::Flag(flag) => Ok(flag),
            _ => Err(mistyped()),
        }
    }

    fn number(self, node: &'a Node) -> Result<f64, Gap> {
        match self.term(node)? {
            Term::Number(number) => Ok(number),
            _ => Err(mistyped()),
        }
    }

    fn text(self, node: &'a Node) -> Result<Cow<'a, str>, Gap> {
        match self.term(node)? {
            Term::Text(text) => Ok(text),
            _ => Err(mistyped()),
        }
    }

    fn compared(self, how: Comparison, two: &'a [Node; 2]) -> Result<bool, Gap> {
        let (left, right) = both(|node| self.term(node), two)?;
        let order = match (&left, &right) {
            (Term::Number(left), Term::Number(right)) => left.partial_cmp(right),
            (Term::Text(left), Term::Text(right)) => Some(left.cmp(right)),
            (Term::Flag(left), Term::Flag(right)) => Some(left.cmp(right)),
            _ => None,
        };
        let order = order.ok_or_else(mistyped)?;
        Ok(match how {
            Comparison::Equal => order == Ordering::Equal,
            Comparison::Unequal => order != Ordering::Equal,
            Comparison::Less => order == Ordering::Less,
            Comparison::LessOrEqual => order != Ordering::Greater,
            Comparison::Greater => order == Ordering::Greater,
            Comparison::GreaterOrEqual => order != Ordering::Less,
        })
    }

    fn field(self, field: Field) -> Result<Term<'a>, Gap> {
        let finding = self.finding.ok_or_else(mistyped)?;
        let text = |text: &'a str| Term::Text(Cow::Borrowed(text));
        Ok(match field {
            Field::Kind => text(&finding.kind),
            Field::Severity => text(&finding.severity),
            Field::Metric => text(&finding.metric),
            Field::Observed => Term::Number(finding.observed),
            Field::Limit => Term::Number(finding.limit),
        })
    }

    fn looped(self, quantity: Quantity, body: Option<&'a Node>) -> Result<Term<'a>, Gap> {
        let Some(findings) = self.facts.listed() else { return Err(Gap::Missing(BTreeSet::from(["findings"]))) };
        let each = findings.iter().map(|finding| match body {
            Some(body) => Evaluation { finding: Some(finding), ..self }.flag(body),
            None => Ok(true),
        });
        Ok(match quantity {
            Quantity::Exists => Term::Flag(joined(each, true)?),
            Quantity::All => Term::Flag(joined(each, false)?),
            Quantity::ExactlyOne | Quantity::Count => {
                let mut count = 0_u32;
                for held in each {
                    count += u32::from(held?);
                }
                if quantity == Quantity::Count { Term::Number(f64::from(count)) } else { Term::Flag(count == 1) }
            }
        })
    }
}

/// `decisive` as soon as one part says so, whatever is missing elsewhere: CEL's own rule for `&&` and `||`.
fn joined(parts: impl Iterator<Item = Result<bool, Gap>>, decisive: bool) -> Result<bool, Gap> {
    let mut gap: Option<Gap> = None;
    for part in parts {
        match part {
            Ok(flag) if flag == decisive => return Ok(decisive),
            Ok(_) => {}
            Err(more) => {
                gap = Some(match gap.take() {
                    Some(gap) => gap.and(more),
                    None => more,
                });
            }
        }
    }
    gap.map_or(Ok(!decisive), Err)
}

fn both<'a, T>(read: impl Fn(&'a Node) -> Result<T, Gap>, two: &'a [Node; 2]) -> Result<(T, T), Gap> {
    match (read(&two[0]), read(&two[1])) {
        (Ok(left), Ok(right)) => Ok((left, right)),
        (Err(left), Err(right)) => Err(left.and(right)),
        (Err(gap), _) | (_, Err(gap)) => Err(gap),
    }
}

fn calculated(how: Arithmetic, left: f64, right: f64) -> Result<f64, Gap> {
    let divides = matches!(how, Arithmetic::Divide | Arithmetic::Remainder);
    if divides && right.abs() < f64::MIN_POSITIVE {
        return Err(Gap::Failed("it divides by zero".to_owned()));
    }
    let result = match how {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::Remainder => left % right,
    };
    if result.is_finite() {
        Ok(result)
    } else {
        Err(Gap::Failed("its arithmetic leaves the range of numbers".to_owned()))
    }
}

/// Cannot happen after the checks of `build`; a failure all the same, never a panic and never false.
fn mistyped() -> Gap {
    Gap::Failed("its types do not agree".to_owned())
}
