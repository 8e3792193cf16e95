//! An isolation forest: how easily random cuts set one observation apart from the others.
//!
//! Liu, Ting, Zhou, "Isolation Forest" (ICDM 2008), doi 10.1109/ICDM.2008.17. Own code, because the crate
//! `extended-isolation-forest` draws from the thread's generator: the same history has to give the same answer.

const TREES: usize = 64;
const SAMPLE: usize = 128;
/// ceil(log2(SAMPLE)): deeper cuts only tell normal observations apart.
const DEPTH: usize = 7;

/// One observation: the numbers that may be unusual together.
pub type Row = [f64; AXES];

/// Numbers in a row.
pub const AXES: usize = 5;

/// Share of `rows` (0..=1) that are at least as easy to set apart as `now`: a conformal p-value, (1 + hits) / (1 + n).
/// Depends on the rows alone; all values must be finite. 1 without rows.
#[must_use]
pub fn rarity(rows: &[Row], now: &Row) -> f64 {
    let mut chance = Chance(rows.iter().flatten().fold(0, |seed, x| mix(seed ^ x.to_bits())));
    let mut depths = vec![0.0; rows.len() + 1];
    for _ in 0..TREES {
        let mut sample: Vec<Row> = (0..SAMPLE.min(rows.len())).map(|_| rows[chance.below(rows.len())]).collect();
        // The row in question takes part: an observation beyond all others must be able to get a leaf of its own.
        sample.push(*now);
        let mut everyone: Vec<usize> = (0..=rows.len()).collect();
        let of = |who: usize| if who == rows.len() { now } else { &rows[who] };
        cut(&mut sample, &mut everyone, 0, &of, &mut chance, &mut depths);
    }
    let mine = depths[rows.len()];
    let hits = depths[..rows.len()].iter().filter(|&&depth| depth <= mine).count();
    (hits + 1) as f64 / (rows.len() + 1) as f64
}

/// Splits the sample at random and sends everyone down the same way, adding up the depth at which each one ends.
fn cut<'a>(
    sample: &mut [Row],
    everyone: &mut [usize],
    depth: usize,
    of: &impl Fn(usize) -> &'a Row,
    chance: &mut Chance,
    depths: &mut [f64],
) {
    let widths = std::array::from_fn::<_, AXES, _>(|axis| {
        let (low, high) =
            sample.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |b, r| (b.0.min(r[axis]), b.1.max(r[axis])));
        (low, high)
    });
    let open: Vec<usize> = (0..AXES).filter(|&axis| widths[axis].1 > widths[axis].0).collect();
    if depth >= DEPTH || sample.len() < 2 || open.is_empty() || everyone.is_empty() {
        for &who in everyone.iter() {
            depths[who] += depth as f64 + expected_depth(sample.len());
        }
        return;
    }
    let axis = open[chance.below(open.len())];
    let (low, high) = widths[axis];
    let at = low + (high - low) * chance.unit();
    let left_rows = partition(sample, |row| row[axis] < at);
    let left_people = partition(everyone, |&who| of(who)[axis] < at);
    let (left, right) = sample.split_at_mut(left_rows);
    let (people_left, people_right) = everyone.split_at_mut(left_people);
    cut(left, people_left, depth + 1, of, chance, depths);
    cut(right, people_right, depth + 1, of, chance, depths);
}

/// Moves what fits to the front and returns how many do.
fn partition<T>(items: &mut [T], fits: impl Fn(&T) -> bool) -> usize {
    let mut front = 0;
    for index in 0..items.len() {
        if fits(&items[index]) {
            items.swap(front, index);
            front += 1;
        }
    }
    front
}

/// Mean depth still to go in a leaf that holds `count` rows (unsuccessful search in a binary search tree).
fn expected_depth(count: usize) -> f64 {
    match count {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let n = count as f64;
            2.0 * ((n - 1.0).ln() + 0.577_215_664_901_532_9) - 2.0 * (n - 1.0) / n
        }
    }
}

/// `SplitMix64` (Steele, Lea, Flood 2014, doi 10.1145/2714064.2660195), seeded by the data.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(n: usize) -> Vec<Row> {
        let mut chance = Chance(7);
        (0..n)
            .map(|_| {
                let x = chance.unit();
                [x, x + 0.05 * chance.unit(), chance.unit(), 1.0, 0.0]
            })
            .collect()
    }

    #[test]
    fn an_outlier_is_rare_and_a_neighbour_is_not() {
        let rows = cloud(300);
        assert!(rarity(&rows, &[5.0, 5.0, 0.5, 1.0, 0.0]) < 0.01);
        assert!(rarity(&rows, &[0.5, 0.53, 0.5, 1.0, 0.0]) > 0.2);
    }

    #[test]
    fn the_answer_depends_on_the_rows_alone() {
        let rows = cloud(100);
        let now = [0.9, 0.2, 0.5, 1.0, 0.0];
        assert!((rarity(&rows, &now) - rarity(&rows, &now)).abs() < 1e-15);
    }

    #[test]
    fn nothing_to_compare_with_is_not_rare() {
        assert!((rarity(&[], &[1.0; AXES]) - 1.0).abs() < 1e-15);
        let same = vec![[2.0; AXES]; 50];
        assert!((rarity(&same, &[2.0; AXES]) - 1.0).abs() < 1e-15);
    }
}
