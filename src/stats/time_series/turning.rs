//! Whether what looks like a season repeats: a permutation test that autocorrelation does not fool.

/// Random turns that are tried.
pub const TURNS: usize = 299;
/// A period is looked at in no finer pieces than this many: enough for a season, and quick.
const PIECES: usize = 24;

/// Permutation test: every whole period is turned by a random number of pieces against the others, which keeps everything but
/// the agreement between periods. Neighbouring pieces stay neighbours, so autocorrelation does not pass for a season.
pub(crate) fn test(values: &[f64], period: usize) -> f64 {
    let pieces = PIECES.min(period);
    let rounds: Vec<Vec<f64>> = values
        .chunks_exact(period)
        .map(|round| {
            (0..pieces)
                .map(|piece| {
                    let part = &round[piece * period / pieces..(piece + 1) * period / pieces];
                    let known = || part.iter().filter(|value| !value.is_nan());
                    known().sum::<f64>() / known().count().max(1) as f64
                })
                .collect()
        })
        .collect();
    let agreement = |turns: &[usize]| -> f64 {
        let mut sums = vec![0.0; pieces];
        for (round, turn) in rounds.iter().zip(turns) {
            let (head, tail) = round.split_at(*turn);
            sums.iter_mut().zip(tail.iter().chain(head)).for_each(|(sum, value)| *sum += value);
        }
        variance(sums.iter().copied())
    };
    let seen = agreement(&vec![0; rounds.len()]);
    // A fixed sequence (splitmix64): the same data always get the same answer.
    let mut state = 0_u64;
    let mut random = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % pieces
    };
    let mut turns = vec![0; rounds.len()];
    let as_much = (0..TURNS)
        .filter(|_| {
            for turn in &mut turns {
                *turn = random();
            }
            agreement(&turns) >= seen * (1.0 - 1e-9)
        })
        .count();
    (as_much + 1) as f64 / (TURNS + 1) as f64
}

pub(crate) fn variance(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().sum::<f64>() / count;
    values.map(|value| (value - mean).powi(2)).sum::<f64>() / count
}
