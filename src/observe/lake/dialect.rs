//! The few words in which engines differ. Everything else of the statements is the same text for all.

use jiff::Timestamp;

/// Every space of Unicode, which is what DuckDB trims; other engines trim the first alone.
const SPACES: &str = "\u{20}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{202f}\u{205f}\u{3000}";

/// How an engine wants to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Spark, and Sail, which takes the same.
    Spark,
    /// The same text without a server: what the tests hold against the fold.
    #[cfg(test)]
    DuckDb,
}

impl Dialect {
    fn is_spark(self) -> bool {
        self == Self::Spark
    }

    /// Text as a literal. Where a quote is written twice, Sail reads two literals side by side.
    pub(super) fn literal(self, text: &str) -> String {
        let text =
            if self.is_spark() { text.replace('\\', "\\\\").replace('\'', "\\'") } else { text.replace('\'', "''") };
        format!("'{text}'")
    }

    /// A name as an identifier.
    pub(super) fn identifier(self, name: &str) -> String {
        if self.is_spark() {
            format!("`{}`", name.replace('`', "``"))
        } else {
            format!("\"{}\"", name.replace('"', "\"\""))
        }
    }

    /// The name of the function that counts the bytes of a text.
    pub(super) fn bytes(self) -> &'static str {
        if self.is_spark() { "octet_length" } else { "strlen" }
    }

    /// Microseconds since 1970, UTC, of a column of time.
    pub(super) fn microseconds(self, column: &str) -> String {
        if self.is_spark() {
            format!("unix_micros(CAST({column} AS TIMESTAMP))")
        } else {
            format!("epoch_us({column})")
        }
    }

    /// A text without the spaces around it. Nearly none has any, and looking is cheaper than trimming.
    pub(super) fn trimmed(self, text: &str) -> String {
        if self.is_spark() {
            format!(
                "CASE WHEN {text} BETWEEN '!' AND '~' AND octet_length({text}) = length({text}) AND {text} NOT LIKE '% ' THEN {text} \
                 ELSE trim(BOTH '{SPACES}' FROM {text}) END"
            )
        } else {
            format!("trim({text})")
        }
    }

    /// Whether anything is left of a text that is trimmed.
    pub(super) fn filled(self, text: &str) -> String {
        format!("({text} BETWEEN '!' AND '~' OR {} <> '')", self.trimmed(text))
    }

    /// A hash of 63 or 64 bits as BIGINT; none of the values may be NULL, which some engines pass over.
    pub(super) fn hash(self, values: &str) -> String {
        if self.is_spark() {
            format!("xxhash64({values})")
        } else {
            format!("CAST(hash({values}) % 9223372036854775807 AS BIGINT)")
        }
    }
}

/// A time as a literal, to the microsecond, in the time zone of the session, which is UTC.
pub(super) fn time(at: Timestamp) -> String {
    let utc = jiff::tz::Offset::UTC.to_datetime(at);
    format!("TIMESTAMP '{}'", utc.strftime("%Y-%m-%d %H:%M:%S.%6f"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_holds_stays_inside_of_it() {
        assert_eq!(Dialect::Spark.literal(r"it's \n"), r"'it\'s \\n'");
        assert_eq!(Dialect::DuckDb.literal(r"it's \n"), r"'it''s \n'");
        assert_eq!(Dialect::Spark.identifier("a`b\"c"), "`a``b\"c`");
        assert_eq!(Dialect::DuckDb.identifier("a`b\"c"), "\"a`b\"\"c\"");
    }

    #[test]
    fn times_are_exact_to_the_microsecond() {
        let time = |us| time(Timestamp::from_microsecond(us).unwrap());
        assert_eq!(time(1_767_355_200_000_001), "TIMESTAMP '2026-01-02 12:00:00.000001'");
        assert_eq!(time(-1), "TIMESTAMP '1969-12-31 23:59:59.999999'");
    }
}
