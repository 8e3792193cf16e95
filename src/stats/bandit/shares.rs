//! Whole tenths of a percent of traffic, and moving them.

/// All traffic, in tenths of a percent.
pub const WHOLE: u16 = 1000;

/// Why shares stay as they are.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Abstention {
    #[error("fewer than two arms to share traffic between")]
    TooFewArms,
    #[error("{arms} arms, where at most {} are compared", super::MOST_ARMS)]
    TooManyArms { arms: usize },
    #[error("two arms are called `{name}`")]
    SameName { name: String },
    #[error("present shares come to {} %, not to 100", f64::from(*tenths) / 10.0)]
    SharesDoNotAddUp { tenths: u32 },
    #[error("the limit `{limit}` is not a number in its range")]
    BadLimit { limit: &'static str },
    #[error("{measured} of {arms} arms have the {need} requests a comparison takes; the next has {have}")]
    TooFewRequests { measured: usize, arms: usize, have: f64, need: f64 },
    #[error("arms still being measured leave no room for the others' floors")]
    NoRoom,
    #[error("the posteriors cannot be compared")]
    Incomparable,
}

/// An arm's present share, the share wanted, and its places when traffic is taken (lowest first) and given (lowest first).
pub(super) struct Move {
    pub present: u16,
    pub wanted: u16,
    /// Up to here traffic is given before anything else.
    pub floor: u16,
    pub taken: usize,
    pub given: usize,
}

/// Half the L1 distance: the traffic that changes hands, in tenths.
pub(super) fn distance(moves: &[Move]) -> u16 {
    moves.iter().map(|arm| arm.wanted.saturating_sub(arm.present)).sum()
}

/// Shares after moving at most `allowance` tenths towards the shares wanted: first to arms below their floor, then by place.
/// Sums stay exact, since every tenth taken is given.
pub(super) fn moved(moves: &[Move], allowance: u16) -> Vec<u16> {
    let mut shares: Vec<u16> = moves.iter().map(|arm| arm.present).collect();
    let total = distance(moves).min(allowance);
    let mut order: Vec<usize> = (0..moves.len()).collect();

    order.sort_by_key(|arm| moves[*arm].taken);
    let mut left = total;
    for arm in &order {
        let part = moves[*arm].present.saturating_sub(moves[*arm].wanted).min(left);
        shares[*arm] -= part;
        left -= part;
    }

    order.sort_by_key(|arm| moves[*arm].given);
    let mut left = total - left;
    let mut give = |upto: fn(&Move) -> u16| {
        for arm in &order {
            let part = upto(&moves[*arm]).saturating_sub(shares[*arm].max(moves[*arm].present)).min(left);
            // An arm that traffic is taken from gets none back.
            let part = if moves[*arm].wanted > moves[*arm].present { part } else { 0 };
            shares[*arm] += part;
            left -= part;
        }
    };
    give(|arm| arm.floor.min(arm.wanted));
    give(|arm| arm.wanted);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(present: u16, wanted: u16, place: usize) -> Move {
        Move { present, wanted, floor: 10, taken: place, given: 10 - place }
    }

    #[test]
    fn takes_from_the_worst_and_fills_floors_first() {
        let moves = [arm(700, 300, 0), arm(300, 200, 1), arm(0, 20, 2), arm(0, 480, 3)];
        assert_eq!(distance(&moves), 500);
        assert_eq!(moved(&moves, 0), [700, 300, 0, 0]);
        assert_eq!(moved(&moves, 5), [695, 300, 0, 5]);
        assert_eq!(moved(&moves, 50), [650, 300, 10, 40]);
        assert_eq!(moved(&moves, 450), [300, 250, 10, 440]);
        assert_eq!(moved(&moves, 900), [300, 200, 20, 480]);
    }
}
