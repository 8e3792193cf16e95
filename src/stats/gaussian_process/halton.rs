//! A fixed sequence of points that fill a cube evenly.

const BASES: [u32; 6] = [2, 3, 5, 7, 11, 13];

/// Coordinate of the point with this index, counted from 1, in (0, 1): the radical inverse in the place's prime base (Halton,
/// Numerische Mathematik 2, 1960, doi:10.1007/BF01386213). There are six places; further ones repeat the first.
#[must_use]
pub fn halton(mut index: u32, place: usize) -> f64 {
    let base = BASES[place % BASES.len()];
    let (mut value, mut weight) = (0.0, 1.0);
    while index > 0 {
        weight /= f64::from(base);
        value += weight * f64::from(index % base);
        index /= base;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_points_worked_by_hand() {
        let close = |index, place, expected: f64| assert!((halton(index, place) - expected).abs() < 1e-15);
        close(1, 0, 0.5);
        close(6, 0, 0.375);
        close(5, 1, 7.0 / 9.0);
        close(7, 2, 11.0 / 25.0);
    }
}
