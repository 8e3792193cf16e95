//! A condition after every check: names resolved, types agreed.

use std::collections::BTreeSet;
use std::fmt;

use super::names::NAMES;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Flag(bool),
    Number(f64),
    Text(String),
    /// A name, by its place in [`NAMES`].
    Name(usize),
    /// Something about the finding of the loop around it.
    Field(Field),
    /// Whether a name has a value.
    Has(usize),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    /// Condition, then, else.
    If(Box<[Node; 3]>),
    Compare(Comparison, Box<[Node; 2]>),
    Calculate(Arithmetic, Box<[Node; 2]>),
    In(Box<Node>, Vec<Node>),
    /// A part of a text.
    Search(Search, Box<[Node; 2]>),
    /// Characters of a text.
    Length(Box<Node>),
    /// Over the findings; without a body, all of them count.
    Loop(Quantity, Option<Box<Node>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Kind,
    Severity,
    Metric,
    Observed,
    Limit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    Contains,
    StartsWith,
    EndsWith,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantity {
    /// At least one finding.
    Exists,
    All,
    ExactlyOne,
    /// How many: a number.
    Count,
}

impl Comparison {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Node {
    pub(super) fn children(&self) -> &[Node] {
        match self {
            Self::Not(inner) | Self::Negate(inner) | Self::Length(inner) | Self::In(inner, _) => {
                std::slice::from_ref(inner)
            }
            Self::And(two) | Self::Or(two) | Self::Compare(_, two) | Self::Calculate(_, two) | Self::Search(_, two) => {
                &two[..]
            }
            Self::If(three) => &three[..],
            Self::Loop(_, Some(body)) => std::slice::from_ref(body),
            _ => &[],
        }
    }

    /// Adds the names it uses.
    pub(super) fn names(&self, names: &mut BTreeSet<&'static str>) {
        match self {
            Self::Name(at) | Self::Has(at) => {
                names.insert(NAMES[*at].name);
            }
            Self::Loop(..) => {
                names.insert("findings");
            }
            _ => {}
        }
        self.children().iter().for_each(|child| child.names(names));
    }
}

/// Values and names as they are written; the rest in short, since it is only shown where one side of a comparison is one.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => f.write_str(&short(*number)),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Name(at) => f.write_str(NAMES[*at].name),
            Self::Compare(how, two) => write!(f, "{} {} {}", two[0], how.symbol(), two[1]),
            _ => f.write_str("(…)"),
        }
    }
}

/// A number as a person writes it.
pub(super) fn short(number: f64) -> String {
    let rounded: f64 = format!("{number:.5e}").parse().unwrap_or(number);
    format!("{rounded}")
}
