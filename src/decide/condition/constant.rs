//! Refuses conditions whose answer no value changes: a rule that always fires, and one that never does.

use std::collections::BTreeMap;

use super::names::{Kind, NAMES};
use super::tree::{Arithmetic, Comparison, Field, Node, short};

/// Which answers a condition can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Answers {
    yes: bool,
    no: bool,
}

const BOTH: Answers = Answers { yes: true, no: true };

/// An error where the answer is settled, and where a share is held against a number beyond 1.
pub(super) fn refuse(root: &Node) -> Result<(), String> {
    shares(root)?;
    let answers = answers(root);
    let told = settled(root).unwrap_or_default();
    match answers {
        Answers { yes: true, no: true } => Ok(()),
        Answers { yes: true, .. } => Err(format!("is true whatever the values, so it always fires{told}")),
        _ => Err(format!("can never be true{told}")),
    }
}

/// The part that settles it, in words.
fn settled(node: &Node) -> Option<String> {
    if let Node::Compare(_, two) = node
        && answers(node) != BOTH
    {
        let name = two.iter().find_map(|side| if let Node::Name(at) = side { Some(&NAMES[*at]) } else { None })?;
        let [least, most] = name.range;
        let range =
            if most.is_finite() { format!("runs from {least} to {most}") } else { format!("is at least {least}") };
        return Some(format!("; `{}` {range}, look at `{node}`", name.name));
    }
    node.children().iter().find_map(settled)
}

/// Percentages written where a share belongs: the commonest slip of all.
fn shares(node: &Node) -> Result<(), String> {
    if let Node::Compare(_, two) = node {
        for (side, other) in [(&two[0], &two[1]), (&two[1], &two[0])] {
            let (Node::Name(at), Node::Number(number)) = (side, other) else { continue };
            let name = &NAMES[*at];
            if name.kind == Kind::Number && name.range[1] <= 1.0 && *number > 1.0 {
                let what = if name.name.contains("quality") && !name.name.contains("coverage") {
                    "quality"
                } else {
                    name.name
                };
                let advice =
                    if *number <= 100.0 { format!("write {}", short(number / 100.0)) } else { "lower it".to_owned() };
                return Err(format!(
                    "holds `{}` against {}; {what} runs from 0 to 1; {advice}",
                    name.name,
                    short(*number)
                ));
            }
        }
    }
    node.children().iter().try_for_each(shares)
}

fn answers(node: &Node) -> Answers {
    match node {
        Node::Flag(flag) => Answers { yes: *flag, no: !flag },
        Node::Not(inner) => {
            let Answers { yes, no } = answers(inner);
            Answers { yes: no, no: yes }
        }
        Node::And(two) => {
            let (left, right) = (answers(&two[0]), answers(&two[1]));
            let apart = disjoint(node);
            Answers { yes: left.yes && right.yes && !apart, no: left.no || right.no || apart }
        }
        Node::Or(two) => {
            let (left, right) = (answers(&two[0]), answers(&two[1]));
            Answers { yes: left.yes || right.yes, no: left.no && right.no }
        }
        Node::Compare(how, two) => compared(*how, &two[0], &two[1]),
        _ => BOTH,
    }
}

fn compared(how: Comparison, left: &Node, right: &Node) -> Answers {
    if left == right {
        let equal = matches!(how, Comparison::Equal | Comparison::LessOrEqual | Comparison::GreaterOrEqual);
        return Answers { yes: equal, no: !equal };
    }
    if let (Node::Text(left), Node::Text(right)) = (left, right) {
        let holds = match how {
            Comparison::Equal => left == right,
            Comparison::Unequal => left != right,
            Comparison::Less => left < right,
            Comparison::LessOrEqual => left <= right,
            Comparison::Greater => left > right,
            Comparison::GreaterOrEqual => left >= right,
        };
        return Answers { yes: holds, no: !holds };
    }
    let (Some([low, high]), Some([least, most])) = (interval(left), interval(right)) else { return BOTH };
    let meet = low <= most && least <= high;
    // Two single numbers, and the same.
    let settled = meet && low >= high && least >= most;
    match how {
        Comparison::Less => Answers { yes: low < most, no: high >= least },
        Comparison::LessOrEqual => Answers { yes: low <= most, no: high > least },
        Comparison::Greater => Answers { yes: high > least, no: low <= most },
        Comparison::GreaterOrEqual => Answers { yes: high >= least, no: low < most },
        Comparison::Equal => Answers { yes: meet, no: !settled },
        Comparison::Unequal => Answers { yes: !settled, no: meet },
    }
}

/// The numbers a part can be; none where it is no number. Infinity stands for "any size", never for a value.
fn interval(node: &Node) -> Option<[f64; 2]> {
    const ANY: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];
    Some(match node {
        Node::Number(number) => [*number; 2],
        Node::Name(at) if NAMES[*at].kind == Kind::Number => NAMES[*at].range,
        Node::Negate(inner) => interval(inner).map(|[low, high]| [-high, -low])?,
        Node::Calculate(how, two) => {
            let ([low, high], [least, most]) = (interval(&two[0])?, interval(&two[1])?);
            let sound = |ends: [f64; 2]| if ends.iter().any(|end| end.is_nan()) { ANY } else { ends };
            match how {
                Arithmetic::Add => sound([low + least, high + most]),
                Arithmetic::Subtract => sound([low - most, high - least]),
                Arithmetic::Multiply if low >= 0.0 && least >= 0.0 && high.is_finite() && most.is_finite() => {
                    [low * least, high * most]
                }
                _ => ANY,
            }
        }
        Node::Field(Field::Observed | Field::Limit) => ANY,
        Node::Length(_) | Node::Loop(..) => [0.0, f64::INFINITY],
        _ => return None,
    })
}

/// Whether the parts of a chain of `&&` want one name to be in two places at once: `x > 5 && x < 2`.
fn disjoint(node: &Node) -> bool {
    let mut wanted: BTreeMap<usize, [f64; 2]> = BTreeMap::new();
    let mut parts = vec![node];
    while let Some(part) = parts.pop() {
        let (how, two) = match part {
            Node::And(two) => {
                parts.extend(two.iter());
                continue;
            }
            Node::Compare(how, two) => (how, two),
            _ => continue,
        };
        let (at, number, how) = match (&two[0], &two[1]) {
            (Node::Name(at), Node::Number(number)) => (*at, *number, *how),
            (Node::Number(number), Node::Name(at)) => (*at, *number, mirrored(*how)),
            _ => continue,
        };
        let [low, high] = wanted.entry(at).or_insert(NAMES[at].range);
        match how {
            Comparison::Greater | Comparison::GreaterOrEqual => *low = low.max(number),
            Comparison::Less | Comparison::LessOrEqual => *high = high.min(number),
            Comparison::Equal => (*low, *high) = (low.max(number), high.min(number)),
            Comparison::Unequal => {}
        }
    }
    wanted.values().any(|[low, high]| low > high)
}

fn mirrored(how: Comparison) -> Comparison {
    match how {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        same => same,
    }
}
