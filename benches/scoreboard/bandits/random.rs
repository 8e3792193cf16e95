//! Draws, from explicit seeds.

use optimizer::stats::bandit::Posterior;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A generator of its own for each seed and purpose.
pub fn stream(seed: u64, purpose: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose);
    rng
}

/// Standard normal, by the polar method (Marsaglia and Bray, SIAM Review 6, 1964, doi:10.1137/1006063).
pub fn normal(rng: &mut ChaCha8Rng) -> f64 {
    loop {
        let (x, y) = (2.0 * rng.random::<f64>() - 1.0, 2.0 * rng.random::<f64>() - 1.0);
        let square = x * x + y * y;
        if square > 0.0 && square < 1.0 {
            return x * (-2.0 * square.ln() / square).sqrt();
        }
    }
}

/// Gamma with shape of 1 or more (Marsaglia and Tsang, ACM Transactions on Mathematical Software 26, 2000,
/// doi:10.1145/358407.358414).
#[expect(clippy::many_single_char_names, reason = "the letters of the paper")]
fn gamma(shape: f64, rng: &mut ChaCha8Rng) -> f64 {
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(rng);
        let v = (1.0 + c * x).powi(3);
        if v <= 0.0 {
            continue;
        }
        let u = 1.0 - rng.random::<f64>();
        // The squeeze saves two logarithms nearly always.
        if u < 1.0 - 0.0331 * x.powi(4) || u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// A mean reward the posterior holds possible.
pub fn draw(posterior: &Posterior, rng: &mut ChaCha8Rng) -> f64 {
    match posterior {
        Posterior::Student(student) => {
            let (location, scale, freedom) = student.parameters();
            let chi_squared = 2.0 * gamma(freedom / 2.0, rng);
            location + scale * normal(rng) * (freedom / chi_squared).sqrt()
        }
        Posterior::Beta(beta) => {
            let (yes, no) = beta.parameters();
            let (yes, no) = (gamma(yes, rng), gamma(no, rng));
            yes / (yes + no)
        }
    }
}
