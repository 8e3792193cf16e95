//! Which columns an engine can reduce to the last count.

use std::collections::BTreeMap;

use duckdb::arrow::datatypes::{DataType, TimeUnit};

use crate::observe::typed::{LOWER, NUMBERS, TEXTS};

/// Digits of a decimal that become the same double everywhere, because they fit into one.
pub(super) const EXACT_DIGITS: i32 = 15;

/// Powers of ten up to this are doubles themselves.
const MOST_SCALE: i8 = 22;

/// What a column is, as far as the statements care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Flag,
    Whole,
    Number,
    Decimal {
        precision: u8,
        scale: i8,
    },
    /// A time to the microsecond, or less exact.
    Time,
    Other,
}

impl Kind {
    /// By the type of the batches that an engine sends.
    pub(super) fn of(kind: &DataType) -> Self {
        match kind {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Dictionary(_, of) => Self::of(of),
            DataType::Boolean => Self::Flag,
            kind if kind.is_integer() => Self::Whole,
            DataType::Float32 | DataType::Float64 => Self::Number,
            DataType::Decimal128(precision, scale) if (0..=MOST_SCALE).contains(scale) => {
                Self::Decimal { precision: *precision, scale: *scale }
            }
            DataType::Timestamp(TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond, _) => Self::Time,
            _ => Self::Other,
        }
    }
}

/// Why an engine cannot reduce a table of these columns to the last count; none where it can.
pub(super) fn refusal(columns: &BTreeMap<String, Kind>) -> Option<String> {
    let texts = TEXTS.iter().chain(LOWER).chain(&["service", "provider", "outcome"]);
    for name in texts {
        if !matches!(columns.get(*name), None | Some(Kind::Text | Kind::Flag | Kind::Whole)) {
            return Some(format!(
                "its column `{name}` is no text, and engines spell other values in ways of their own"
            ));
        }
    }
    for (name, _) in NUMBERS {
        match columns.get(*name) {
            None | Some(Kind::Whole | Kind::Number | Kind::Decimal { .. }) => {}
            Some(Kind::Text) => {
                return Some(format!(
                    "its column `{name}` is text, which engines read as numbers in ways of their own"
                ));
            }
            Some(_) => return Some(format!("its column `{name}` is no number")),
        }
    }
    match columns.get("cache_hit") {
        None | Some(Kind::Flag | Kind::Whole) => {}
        Some(_) => return Some("its column `cache_hit` is no boolean".into()),
    }
    (columns.get("ts") != Some(&Kind::Time)).then(|| "its column `ts` is no time of microseconds".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_engines_read_differently_is_refused() {
        let columns = |name: &str, kind| {
            let ts = ("ts".to_owned(), Kind::Time);
            refusal(&BTreeMap::from([ts, (name.to_owned(), kind)])).unwrap_or_default()
        };
        assert!(columns("latency_ms", Kind::Text).contains("`latency_ms` is text"));
        assert!(columns("cost_usd", Kind::Flag).contains("`cost_usd` is no number"));
        assert!(columns("model", Kind::Number).contains("`model` is no text"));
        assert!(columns("cache_hit", Kind::Text).contains("`cache_hit` is no boolean"));
        assert!(columns("ts", Kind::Text).contains("`ts` is no time"));
        assert_eq!(columns("status_code", Kind::Decimal { precision: 38, scale: 10 }), "");
        assert_eq!(columns("unknown", Kind::Other), "", "nobody reads it");
        assert_eq!(Kind::of(&DataType::Timestamp(TimeUnit::Nanosecond, None)), Kind::Other, "they would be cut");
    }
}
