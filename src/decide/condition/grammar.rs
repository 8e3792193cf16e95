//! Text to a syntax tree, by the `cel` crate, and its complaints in words for the operator.
//!
//! Of the two parsers of that crate the hand-written one is taken: it is fifteen times as fast as the generated one, and
//! bounds its own depth. Only the ternary is nested without a bound there; it is counted here before.

use cel::parser::{Expression, PrattParser};

use super::MAX_BYTES;

/// Most `? :` in one condition.
const MAX_CHOICES: usize = 16;

pub(super) fn parse(text: &str) -> Result<Expression, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("is {} bytes long; the most is {MAX_BYTES}", text.len()));
    }
    if text.matches('?').count() > MAX_CHOICES {
        return Err(format!("has more than {MAX_CHOICES} `?`; make several rules of it"));
    }
    let parser = PrattParser::new().max_recursion_depth(48).error_reporting_limit(1).error_recovery_limit(1);
    parser.parse(text).map_err(|errors| {
        let error = errors.errors.iter().find(|error| error.pos.0 > 0).or(errors.errors.first());
        let Some(error) = error else { return "is not valid CEL".to_owned() };
        let message = error.msg.trim_start_matches("Syntax error: ").replace("<EOF>", "the end");
        let (line, column) = error.pos;
        let place = match (line, column) {
            (..=0, _) => String::new(),
            (1, column) => format!(" at column {column}"),
            (line, column) => format!(" at line {line}, column {column}"),
        };
        format!("is not valid CEL{place}: {message}{}", hint(text, column))
    })
}

/// What somebody who comes from another language meant.
fn hint(text: &str, column: isize) -> String {
    let rest: String = text.chars().skip(usize::try_from(column - 1).unwrap_or(0)).collect();
    let word: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
    let symbol: String = rest.chars().take_while(|c| "=<>&|~%".contains(*c)).collect();
    let write = match (word.to_lowercase().as_str(), symbol.as_str()) {
        ("and", _) | (_, "&") => "&&",
        ("or", _) | (_, "|") => "||",
        ("not", _) => "!",
        ("is", _) | (_, "=") => "==",
        (_, "<>") => "!=",
        _ if text.contains("=>") => ">=",
        _ if text.contains("=<") => "<=",
        _ if text.contains('%') => return "; a percentage is written as a share, 0.05 for 5 %".to_owned(),
        _ => return String::new(),
    };
    let write = if text.contains("=>") && write == "==" { ">=" } else { write };
    format!("; write `{write}`")
}
