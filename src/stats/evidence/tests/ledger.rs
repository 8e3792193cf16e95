//! What a ledger remembers, and that it stays small.

use super::super::{AT_TAU, Cell, Counts, GRID, Guards, Judgement, Ledger, Margins, Side, judge};

fn cells(minutes: std::ops::Range<i64>, strata: u64) -> Vec<Cell> {
    let mut cells = Vec::new();
    for minute in minutes {
        for stratum in 0..strata {
            for (side, served) in [(Side::Candidate, 3.0), (Side::Control, 40.0)] {
                let slower = ((minute * 7 + stratum.cast_signed()) % 3) as f64;
                let mut slow = [0.0; GRID.len()];
                slow[..=AT_TAU].fill(slower);
                let counts = Counts {
                    served,
                    provider_errors: f64::from(u8::from(minute % 5 == 0)),
                    succeeded: served - 1.0,
                    timed: served - 1.0,
                    slow,
                    scored: 1.0,
                    quality: 0.123_456_789,
                    quality_squares: 0.03,
                    priced: served - 1.0,
                    cost: 0.001_234_567_89,
                    cost_squares: 1e-6,
                };
                cells.push(Cell { minute, stratum: stratum.wrapping_mul(0x9e37_79b9_7f4a_7c15), side, counts });
            }
        }
    }
    cells
}

#[test]
fn counts_every_minute_once_however_ticks_cut_them() {
    let all = cells(0..120, 3);
    let mut whole = Ledger::new(0.05, 900.0);
    whole.absorb(&all);
    let mut cut = Ledger::new(0.05, 900.0);
    for tick in all.chunks(6 * 7) {
        assert_eq!(cut.absorb(tick).late, 0);
        let text = serde_json::to_string(&cut).unwrap();
        cut = serde_json::from_str(&text).unwrap();
    }
    assert_eq!(whole, cut, "also after every trip through JSON");
    let again = cut.absorb(&all);
    assert_eq!((again.cells, again.late), (0, all.len()));
    assert_eq!(whole, cut);
    let mut shuffled: Vec<Cell> = all.clone();
    shuffled.reverse();
    let mut other = Ledger::new(0.05, 900.0);
    other.absorb(&shuffled);
    assert_eq!(whole, other);
}

#[test]
fn stays_small() {
    let mut ledger = Ledger::new(0.05, 900.0);
    ledger.absorb(&cells(0..3000, 6));
    let few = serde_json::to_string(&ledger).unwrap().len();
    assert!(few < 10_000, "{few}");
    let mut ledger = Ledger::new(0.05, 900.0);
    ledger.absorb(&cells(0..300, 500));
    let many = serde_json::to_string(&ledger).unwrap().len();
    assert!(many < 10_000, "{many}");
}

#[test]
fn refuses_nonsense_and_survives_extremes() {
    let mut ledger = Ledger::new(f64::NAN, f64::INFINITY);
    let mut odd = cells(0..40, 1);
    odd[0].counts.cost = f64::NAN;
    odd[1].counts.served = -1.0;
    for cell in &mut odd[2..] {
        cell.counts.cost = 1e59;
        cell.counts.cost_squares = 1e59;
    }
    odd[2].minute = i64::MIN;
    odd[79].minute = i64::MAX;
    let absorbed = ledger.absorb(&odd);
    assert_eq!((absorbed.cells, absorbed.invalid), (78, 2));
    let judgement = judge(&ledger, &Margins::default(), &Guards::default());
    let text = serde_json::to_string(&(&ledger, &judgement)).unwrap();
    let back: (Ledger, Judgement) = serde_json::from_str(&text).unwrap();
    assert_eq!(back, (ledger, judgement), "nothing infinite, which JSON cannot hold");
}

#[test]
fn a_stage_closes_what_was_open_and_starts_its_own_means() {
    let mut ledger = Ledger::new(0.05, 900.0);
    ledger.absorb(&cells(0..2, 1));
    assert!(ledger.errors.blocks < 0.5, "six requests are no block");
    ledger.begin_stage(0.25, 800.0);
    assert!((ledger.errors.blocks - 1.0).abs() < 1e-12);
    assert!((ledger.stage[0].weight - ledger.errors.weight).abs() < 1e-12);
    assert_eq!(ledger.slower_than_tau(), None);
    ledger.absorb(&cells(2..10, 1));
    assert!(ledger.slower_than_tau().unwrap() > 0.0);
    assert!(ledger.unmatched().abs() < 1e-12);
    let mut alone = cells(10..11, 1);
    alone.truncate(1);
    alone[0].stratum = 9;
    ledger.absorb(&alone);
    ledger.begin_stage(0.5, 800.0);
    assert!((ledger.unmatched() - 3.0 / 33.0).abs() < 1e-12, "{}", ledger.unmatched());
}
