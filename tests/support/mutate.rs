//! Spoils lines: bytes turned over, cut, doubled, values swapped for nasty ones. The same seed spoils the same way.

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// Stands for a value until the line is text again.
const HERE: &str = "\"@here@\"";

/// Values that something is not ready for.
const NASTY: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "-0.0",
    "1e308",
    "1e999",
    "-1e999",
    "9223372036854775808",
    "18446744073709551616",
    "170141183460469231731687303715884105728",
    "1234567890123456789012345678901234567890123456789012345678901234567890",
    "0.1000000000000000055511151231257827021181583404541015625",
    "NaN",
    "Infinity",
    "\"\"",
    "\" \"",
    "\"NaN\"",
    "\"inf\"",
    "\"1e400\"",
    "\"-5\"",
    "\"1,5\"",
    "\"2026-13-45T99:99:99Z\"",
    "\"0000-01-01T00:00:00Z\"",
    "\"9999-12-31T23:59:59.999999Z\"",
    "\"-290308-12-22T00:00:00Z\"",
    "\"294247-01-10T04:00:54.775807Z\"",
    "\"infinity\"",
    "\"epoch\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\u202e\\u001b[2J\"",
    "\"'; DROP TABLE rows; --\"",
    "\"{\\\"a\\\":[1,\"",
    "\"{}\"",
    "\"[]\"",
    "\"null\"",
    "{}",
    "[]",
    "[null]",
    "[[]]",
    "[{}]",
    "{\"\":null}",
    "[1,\"a\",{\"b\":[]}]",
    "{\"key\":\"service.name\",\"value\":[{\"stringValue\":{}}]}",
];

pub struct Mutator {
    random: ChaCha8Rng,
}

impl Mutator {
    /// Seeded by the name of what is spoiled.
    pub fn new(name: &str) -> Self {
        let seed = name.bytes().fold(7_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Self { random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// A line of the seeds, spoiled in one way or a few.
    pub fn mutated(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut line = seeds.choose(&mut self.random).expect("there are seeds").clone();
        for _ in 0..self.random.random_range(0..=3) {
            match self.random.random_range(0..10) {
                0 => self.turn(&mut line),
                1 => line.truncate(self.random.random_range(0..=line.len())),
                2 => self.double(&mut line),
                3 => self.insert(&mut line),
                4 => {
                    let other = seeds.choose(&mut self.random).expect("there are seeds");
                    let (cut, from) =
                        (self.random.random_range(0..=line.len()), self.random.random_range(0..=other.len()));
                    line.truncate(cut);
                    line.extend(&other[from..]);
                }
                _ => self.swap_value(&mut line),
            }
        }
        line
    }

    fn turn(&mut self, line: &mut [u8]) {
        for _ in 0..self.random.random_range(1..4) {
            if let Some(byte) = line.len().checked_sub(1).map(|last| self.random.random_range(0..=last)) {
                line[byte] ^= 1 << self.random.random_range(0..8);
            }
        }
    }

    fn double(&mut self, line: &mut Vec<u8>) {
        let from = self.random.random_range(0..=line.len());
        let to = self.random.random_range(from..=line.len());
        let piece = line[from..to].to_vec();
        line.splice(to..to, piece);
    }

    fn insert(&mut self, line: &mut Vec<u8>) {
        const PIECES: &[&[u8]] = &[
            b"\0",
            b"\r",
            b"\t",
            b"\x1f",
            b"\xff",
            b"\xc3",
            b"\xed\xa0\x80",
            b"\xef\xbb\xbf",
            b"\"",
            b"\\",
            b"{",
            b"}",
            b",",
            b":",
        ];
        let at = self.random.random_range(0..=line.len());
        let piece = PIECES.choose(&mut self.random).expect("there are pieces");
        line.splice(at..at, piece.iter().copied());
    }

    /// Swaps a value anywhere in the document, or gives a key twice.
    fn swap_value(&mut self, line: &mut Vec<u8>) {
        let Ok(mut document) = serde_json::from_slice::<Value>(line) else { return };
        let places = count(&document);
        let mut place = self.random.random_range(0..places);
        put(&mut document, &mut place);
        let nasty = match self.random.random_range(0..40) {
            // Deeper than any stack should be asked to follow.
            0 => "[".repeat(3_000) + &"]".repeat(3_000),
            1 => "{\"a\":".repeat(1_500) + "1" + &"}".repeat(1_500),
            2 => "9".repeat(5_000),
            3 => format!("\"{}\"", "x".repeat(100_000)),
            _ => (*NASTY.choose(&mut self.random).expect("there are some")).to_owned(),
        };
        let text = document.to_string();
        let twice = self.random.random_range(0..6) == 0;
        let text = if twice && text.starts_with("{\"") {
            let key = text[1..].split(':').next().unwrap_or("\"a\"").to_owned();
            text.replacen('{', &format!("{{{key}:{nasty},"), 1)
        } else {
            text
        };
        *line = text.replacen(HERE, &nasty, 1).into_bytes();
    }
}

/// Values in a document, itself included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// Marks the value of this number.
fn put(value: &mut Value, place: &mut usize) -> bool {
    if *place == 0 {
        *value = Value::from(HERE.trim_matches('"'));
        return true;
    }
    *place -= 1;
    match value {
        Value::Array(values) => values.iter_mut().any(|value| put(value, place)),
        Value::Object(members) => members.values_mut().any(|value| put(value, place)),
        _ => false,
    }
}
