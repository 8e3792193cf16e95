//! Hashes of what a plan is made from.

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use sha2::{Digest, Sha256};

use crate::domain::format::hexadecimal;
use crate::stats::{ArmEvidence, Observation, Rollup, ServiceEvidence, Sketch};

/// SHA-256 of a value's JSON form, in hexadecimal.
pub(super) fn sha256(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_vec(value).expect("plain data always serializes");
    hexadecimal(&Sha256::digest(json))
}

/// SHA-256 of the counts, sums and shapes of all traffic. Two logs with the same statistics are the same to every decision, so they
/// are the same here.
pub(super) fn data_sha256(observation: &Observation) -> String {
    let services: Vec<(&String, &ServiceEvidence)> = observation.services.iter().collect();
    let hashes: Vec<[u8; 32]> = services.par_iter().map(|(name, evidence)| of_service(name, evidence)).collect();
    let mut hash = Sha256::new();
    // Of the source only what estimates see: how much of the time it covers. How many files it came in is all the same.
    let (lookback, source) = (&observation.windows.lookback, &observation.source);
    let covered = source.oldest_event.max(Some(lookback.start()));
    hash.update(
        serde_json::to_vec(&(&observation.windows.window, lookback, covered)).expect("plain data always serializes"),
    );
    for each in hashes {
        hash.update(each);
    }
    hexadecimal(&hash.finalize())
}

fn of_service(name: &str, evidence: &ServiceEvidence) -> [u8; 32] {
    let mut hash = Sha256::new();
    let text = |hash: &mut Sha256, text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    text(&mut hash, name);
    of_rollup(&mut hash, &evidence.before);
    for (segment, arms) in &evidence.segments {
        text(&mut hash, segment.name());
        for (arm, ArmEvidence { window, lookback }) in arms {
            for part in [arm.provider.as_deref(), Some(&*arm.model), arm.config_version.as_deref()] {
                text(&mut hash, part.unwrap_or("\0"));
            }
            // The window is a part of the lookback: its sums tell where it lies in it.
            of_counts(&mut hash, window);
            of_rollup(&mut hash, lookback);
        }
    }
    for (version, since) in &evidence.version_since {
        text(&mut hash, version);
        hash.update(since.to_le_bytes());
    }
    for (minute, spend) in &evidence.spend_by_minute {
        hash.update(minute.to_le_bytes());
        hash.update(spend.to_le_bytes());
    }
    hash.finalize().into()
}

fn of_rollup(hash: &mut Sha256, rollup: &Rollup) {
    of_counts(hash, rollup);
    for sketch in [&rollup.latency, &rollup.cost, &rollup.quality] {
        of_sketch(hash, sketch);
    }
    for buckets in [&rollup.latency_buckets, &rollup.quality_buckets, &rollup.cost_buckets] {
        let numbers = buckets.iter().flat_map(|bucket| [bucket.weight.to_bits(), bucket.sum.to_bits()]);
        hash.update(mixed(numbers).to_le_bytes());
    }
}

/// Counts of requests, and the sums of all quantities.
fn of_counts(hash: &mut Sha256, rollup: &Rollup) {
    let requests = &rollup.requests;
    hash.update(requests.rows.to_le_bytes());
    for number in [
        requests.weight,
        requests.weight_squared,
        requests.served,
        requests.succeeded,
        requests.provider_errors,
        requests.caller_errors,
        requests.unpriced,
        requests.unseen,
        requests.timeouts,
        requests.retried,
    ] {
        hash.update(number.to_le_bytes());
    }
    for sketch in [&rollup.latency, &rollup.cost, &rollup.quality, &rollup.input_tokens, &rollup.output_tokens] {
        hash.update(sketch.weight().to_le_bytes());
        hash.update(sketch.sum().to_le_bytes());
    }
}

/// Many numbers as one. There are millions of them, and the hash is only to tell inputs apart, not to withstand anybody.
fn mixed(numbers: impl Iterator<Item = u64>) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    numbers.fold(0, |mixed, number| (mixed.rotate_left(23) ^ number).wrapping_mul(ODD))
}

/// A sketch by its bins.
fn of_sketch(hash: &mut Sha256, sketch: &Sketch) {
    // The exact sum of all of it is in the counts.
    let numbers = sketch.bins().iter().map(|bin| u64::from(bin.index.cast_unsigned()) << 32 | u64::from(bin.rows));
    hash.update(mixed(numbers).to_le_bytes());
}
