//! Conditions of rules and governance policies: CEL, the Common Expression Language, over a closed list of typed names.
//!
//! A text is compiled once and evaluated against the [`Facts`] of each service. What could go wrong later is refused when
//! it is compiled: an unknown name, types that do not agree, a comparison that no value can change, and anything whose
//! work is not bounded (loops go over `findings` only, and are not nested). What is left at run time is a value that is
//! missing and arithmetic that fails; both are told apart from false, because "not known" must never look like "fine".
//!
//! Two things differ from CEL at large: all numbers are doubles, so `5 / 2` is 2.5 and `errors.rate > 0` needs no point;
//! and there are no maps, timestamps or regular expressions.

mod build;
mod constant;
mod evaluate;
mod facts;
mod grammar;
mod names;
mod tree;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use facts::{Facts, FindingFact, Value};
pub use names::{Kind, NAMES, Name, canonical};

/// Longest text of a condition, in bytes.
pub const MAX_BYTES: usize = 4_096;

/// A condition ready to be evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    root: tree::Node,
    names: BTreeSet<&'static str>,
}

/// What a condition says of some facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    True,
    False,
    /// It hangs on values that are not known; their names in alphabetical order.
    Missing(Vec<String>),
    /// It cannot be computed, and why: a division by zero.
    Failed(String),
}

/// Checks a condition and makes it ready. The error is a sentence for people, to be put behind the name of the field.
pub fn compile(text: &str) -> Result<Compiled, String> {
    let root = build::build(&grammar::parse(text)?)?;
    constant::refuse(&root)?;
    let mut names = BTreeSet::new();
    root.names(&mut names);
    Ok(Compiled { root, names })
}

impl Compiled {
    /// Evaluates it. `true || missing` is true and `false && missing` is false, whichever stands first.
    #[must_use]
    pub fn evaluate(&self, facts: &Facts) -> Truth {
        evaluate::truth(&self.root, facts)
    }

    /// The names it uses, each in its one spelling; `findings` too.
    #[must_use]
    pub fn names(&self) -> &BTreeSet<&'static str> {
        &self.names
    }

    /// The values it was evaluated with, for people: `errors.rate = 0.07, quality.overall is not known`.
    #[must_use]
    pub fn values(&self, facts: &Facts) -> String {
        let told = |name: &&&str| format!("{name} {}", facts.told(name));
        let names: Vec<&&str> = self.names.iter().collect();
        names.iter().map(told).collect::<Vec<_>>().join(", ")
    }
}
