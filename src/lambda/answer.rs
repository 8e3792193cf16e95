//! What an invocation comes to: an answer, or an error with a type.

use std::{fmt, os::unix::process::ExitStatusExt as _};

use serde::{
    Deserializer as _, Serialize,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    child::{Ended, Stopped},
    event::Order,
    pipes::{Document, LARGEST, message},
    time::Times,
    trouble::Trouble,
};
use crate::domain::{fault::Exit, format::count};

/// The response.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// Of docs/exit-codes.md: 0, 1 or 75.
    exit_code: i32,
    /// Another run acts; nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<bool>,
    /// What the command printed, as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut>,
}

/// A document that no response can hold. What it tells of was done all the same.
#[derive(Debug, Serialize)]
struct LeftOut {
    why: String,
    bytes: u64,
    /// Of the run or plan, by which the store knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

/// What the end of the process means.
pub(super) fn of(order: &Order, ended: Ended, times: Times) -> Result<Answer, Trouble> {
    let Ended { status, document, said, stopped } = ended;
    let name = order.command.name;
    let code = status.code();
    let is = |exit: Exit| code == Some(exit as i32);
    if is(Exit::Held) {
        return Ok(Answer { exit_code: Exit::Held as i32, held: Some(true), document: None, left_out: None });
    }
    if is(Exit::Fine) || is(Exit::Unmet) {
        let answer = Answer { exit_code: code.unwrap_or_default(), held: None, document: None, left_out: None };
        return with(answer, order, document);
    }
    if stopped != Stopped::No {
        let how = if stopped == Stopped::Asked {
            "was asked to stop and did"
        } else {
            "did not stop when asked, and was killed"
        };
        return Err(Trouble::deadline(
            format!("`{name}` did not end in {} s: it {how}; the next run finishes what it left", times.ask.as_secs()),
            "raise the function's Timeout or its memory, which is also its share of a processor, or read a shorter `lookback`",
        ));
    }
    let text = message(&said);
    let kind = match code {
        Some(code) if code == Exit::Usage as i32 => "Usage",
        Some(code) if code == Exit::Source as i32 => "Source",
        Some(code) if code == Exit::State as i32 => "State",
        Some(code) if code == Exit::Sink as i32 => "Sink",
        Some(code) if code == Exit::InDoubt as i32 => "InDoubt",
        // It ended by its own clock, at a safe place.
        Some(code) if code == Exit::Overdue as i32 => "Deadline",
        Some(_) => "Crashed",
        None => {
            let signal = status.signal().unwrap_or_default();
            let told = if signal == libc::SIGKILL { "; the function may have too little memory" } else { "" };
            let message = format!("`{name}` was ended by signal {signal}{told}\n{text}");
            return Err(Trouble::new("Crashed", message.trim_end()));
        }
    };
    if text.is_empty() {
        return Err(Trouble::new(kind, format!("`{name}` ended with {status} and said nothing")));
    }
    Err(Trouble::said(kind, text))
}

fn with(answer: Answer, order: &Order, document: Document) -> Result<Answer, Trouble> {
    let no_json =
        |why: &dyn fmt::Display| Trouble::new("Crashed", format!("`{}` printed no JSON: {why}", order.command.name));
    if !document.is_whole() {
        let id = id(&document.kept);
        let look = if id.is_some() { "; `optimizer explain`, `status` and `history` know it by its id" } else { "" };
        let why = format!(
            "the document has {} bytes, and a response of Lambda {} at most{look}",
            count(document.bytes),
            count(LARGEST as u64)
        );
        return Ok(Answer { left_out: Some(LeftOut { why, bytes: document.bytes, id }), ..answer });
    }
    let text = String::from_utf8(document.kept).map_err(|error| no_json(&error))?;
    let text = if order.command.prints_lines { listed(&text) } else { text };
    let document = RawValue::from_string(text).map_err(|error| no_json(&error))?;
    Ok(Answer { document: Some(document), ..answer })
}

/// A document a line, as one list.
fn listed(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    format!("[{}]", lines.join(","))
}

/// The `id` at the top of a document of which only the beginning is there.
fn id(beginning: &[u8]) -> Option<String> {
    struct Top<'a>(&'a mut Option<String>);
    impl<'de> Visitor<'de> for Top<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                if key == "id" {
                    *self.0 = Some(map.next_value()?);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(())
        }
    }
    let mut id = None;
    // It ends in the middle, so this never goes well.
    let _ = serde_json::Deserializer::from_slice(beginning).deserialize_map(Top(&mut id));
    id
}

#[cfg(test)]
mod tests {
    use std::{process::ExitStatus, time::Duration};

    use lambda_runtime::Diagnostic;
    use serde_json::{Value, json};

    use super::*;
    use crate::lambda::{commands::Command, time::shared_out};

    /// `wait` has the exit code in the second byte, and the signal in the first.
    fn answered(status: i32, stopped: Stopped, printed: &str) -> Result<Value, (String, String)> {
        let order = Order { command: Command::named("run").unwrap(), words: Vec::new() };
        let document = Document { kept: printed.into(), bytes: printed.len() as u64 };
        let said = b"error: what\n   to fix: how\n".to_vec();
        let ended = Ended { status: ExitStatus::from_raw(status), document, said, stopped };
        let answer = of(&order, ended, shared_out(Duration::from_mins(1)).unwrap());
        answer.map(|answer| serde_json::to_value(answer).unwrap()).map_err(|trouble| {
            let Diagnostic { error_type, error_message } = trouble.into();
            (error_type, error_message)
        })
    }

    #[test]
    fn every_exit_has_its_answer_or_its_error() {
        for code in [0, 1] {
            let answer = answered(code << 8, Stopped::No, "{\"a\": 0.1}\n");
            assert_eq!(answer, Ok(json!({"exit_code": code, "document": {"a": 0.1}})));
        }
        assert_eq!(answered(75 << 8, Stopped::No, ""), Ok(json!({"exit_code": 75, "held": true})));
        for (code, kind) in [
            (2, "Usage"),
            (3, "Source"),
            (4, "State"),
            (5, "Sink"),
            (6, "InDoubt"),
            (124, "Deadline"),
            (101, "Crashed"),
            (130, "Crashed"),
        ] {
            let error = answered(code << 8, Stopped::No, "{}").unwrap_err();
            assert_eq!(error, (kind.to_owned(), "error: what\n   to fix: how".to_owned()));
        }
        let (kind, message) = answered(9, Stopped::No, "").unwrap_err();
        assert!(
            kind == "Crashed" && message.contains("signal 9; the function may have too little memory"),
            "{message}"
        );
        let (kind, message) = answered(0, Stopped::No, "no JSON").unwrap_err();
        assert!(kind == "Crashed" && message.contains("printed no JSON"), "{message}");
    }

    #[test]
    fn who_is_stopped_and_ends_well_has_ended_well() {
        assert_eq!(answered(0, Stopped::Asked, "{}"), Ok(json!({"exit_code": 0, "document": {}})));
        for (status, stopped) in [(15, Stopped::Asked), (130 << 8, Stopped::Asked), (9, Stopped::Killed)] {
            assert_eq!(answered(status, stopped, "").unwrap_err().0, "Deadline");
        }
    }

    #[test]
    fn the_id_of_a_document_that_breaks_off() {
        assert_eq!(id(br#"{"schema_version": "run/v1", "id": "a-b", "steps": [{"id": "c"#).as_deref(), Some("a-b"));
        assert_eq!(id(br#"{"steps": [{"id": "c"#), None);
        assert_eq!(id(b"no JSON"), None);
    }

    #[test]
    fn lines_become_a_list() {
        assert_eq!(listed("{\"a\":1}\n{\"b\":2}\n"), r#"[{"a":1},{"b":2}]"#);
        assert_eq!(listed(""), "[]");
    }
}
