//! Plans repeat themselves, and one is kept every quarter of an hour: they are stored compressed. Text, because the SQL that both
//! databases share has no other column that tools show.

use std::io::{Read as _, Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};

/// What a packed body begins with; no JSON does.
const MARK: &str = "gzip:";

/// Measured on a plan of a thousand services, 16 MB: a twelfth in 0.08 s. The default takes three times as long for a twentieth less.
const LEVEL: u32 = 4;

/// Bytes below which it is not worth it.
const WORTH_IT: usize = 1024;

/// The body as it is stored.
pub(super) fn pack(body: &str) -> String {
    if body.len() < WORTH_IT {
        return body.to_owned();
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::new(LEVEL));
    let packed = packed.write_all(body.as_bytes()).and_then(|()| packed.finish()).expect("memory can be written");
    MARK.to_owned() + &STANDARD.encode(packed)
}

/// The body as it was given. What was stored before there was packing comes back as it is.
pub(super) fn unpack(stored: String) -> std::io::Result<String> {
    let Some(packed) = stored.strip_prefix(MARK) else { return Ok(stored) };
    let packed = STANDARD.decode(packed).map_err(std::io::Error::other)?;
    let mut body = String::new();
    GzDecoder::new(packed.as_slice()).read_to_string(&mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        for body in [String::new(), "{}".to_owned(), "é\n\u{0}".repeat(700), format!("[{}1]", "1,".repeat(5_000))] {
            let stored = pack(&body);
            assert_eq!(stored.starts_with(MARK), body.len() >= WORTH_IT);
            assert!(stored.len() <= body.len(), "{} for {}", stored.len(), body.len());
            assert_eq!(unpack(stored).unwrap(), body);
        }
    }

    #[test]
    fn what_is_damaged_is_no_plan() {
        let stored = pack(&"{}".repeat(1_000));
        for damaged in [&stored[..stored.len() / 2], "gzip:", "gzip:AAAA", "gzip:~"] {
            assert!(unpack(damaged.to_owned()).is_err(), "{damaged}");
        }
    }
}
