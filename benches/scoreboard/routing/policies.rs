//! Ways to route, and what they come to over all prompts of a set.

use std::collections::{BTreeMap, BTreeSet};

use optimizer::domain::Policy;

use super::{
    data::{Prompt, Set},
    of,
};

/// Which domains the cheap model serves; the strong one serves the rest.
#[derive(Debug, Clone, Default)]
pub struct Routing {
    cheap: BTreeSet<String>,
}

/// Against always the strong model.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Share of its cost that is saved.
    pub cost_saved: f64,
    /// `quality / its quality − 1`.
    pub quality_change: f64,
}

impl Routing {
    pub fn cheap_for(domains: BTreeSet<String>) -> Self {
        Self { cheap: domains }
    }

    pub fn outcome(&self, set: &Set) -> Outcome {
        outcome(set, |prompt| of(prompt, self.cheap.contains(&prompt.domain)))
    }
}

fn outcome(set: &Set, serve: impl Fn(&Prompt) -> (f64, f64)) -> Outcome {
    let sum = |serve: &dyn Fn(&Prompt) -> (f64, f64)| {
        set.prompts.iter().map(serve).fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    };
    let (strong, made) = (sum(&|prompt| prompt.strong), sum(&serve));
    Outcome { cost_saved: 1.0 - made.0 / strong.0, quality_change: made.1 / strong.1 - 1.0 }
}

/// Half of the prompts at either model, by expectation.
pub fn random_half(set: &Set) -> Outcome {
    outcome(set, |prompt| {
        let half = |of: fn(&(f64, f64)) -> f64| 0.5 * (of(&prompt.strong) + of(&prompt.cheap));
        (half(|answer| answer.0), half(|answer| answer.1))
    })
}

/// For each prompt the better answer, and of equals the cheaper one.
pub fn oracle(set: &Set) -> Outcome {
    outcome(set, |prompt| if prompt.cheap.1 >= prompt.strong.1 { prompt.cheap } else { prompt.strong })
}

/// Sums of cost and quality by domain: strong, then cheap.
fn sums(set: &Set) -> BTreeMap<&str, [(f64, f64); 2]> {
    let mut sums: BTreeMap<&str, [(f64, f64); 2]> = BTreeMap::new();
    for prompt in &set.prompts {
        let sum = sums.entry(&prompt.domain).or_default();
        for (sum, answer) in sum.iter_mut().zip([prompt.strong, prompt.cheap]) {
            sum.0 += answer.0;
            sum.1 += answer.1;
        }
    }
    sums
}

fn keeps_quality(sums: &[(f64, f64); 2], policy: &Policy) -> bool {
    let least = 1.0 - policy.default.constraints.quality_drop_percent / 100.0;
    sums[1].1 >= least * sums[0].1
}

/// Whoever knows the truth of every domain, and keeps to the same limit on quality.
pub fn hindsight(set: &Set, policy: &Policy) -> Routing {
    let fit = sums(set).into_iter().filter(|(_, sums)| keeps_quality(sums, policy) && sums[1].0 < sums[0].0);
    Routing::cheap_for(fit.map(|(domain, _)| domain.to_owned()).collect())
}

/// Domains that a routing sends to the cheap model though it truly loses more than the limit there.
pub fn broken(set: &Set, routing: &Routing, policy: &Policy) -> usize {
    sums(set).iter().filter(|(domain, sums)| routing.cheap.contains(**domain) && !keeps_quality(sums, policy)).count()
}

/// The domains that save most for the quality they lose, as long as all together lose no more than this share.
pub fn frontier(set: &Set, loss: f64) -> Routing {
    let sums = sums(set);
    let all: f64 = sums.values().map(|sums| sums[0].1).sum();
    let price = |sums: &[(f64, f64); 2]| (sums[0].1 - sums[1].1) / (sums[0].0 - sums[1].0);
    let mut order: Vec<(&str, [(f64, f64); 2])> = sums.into_iter().filter(|(_, sums)| sums[1].0 < sums[0].0).collect();
    order.sort_by(|a, b| price(&a.1).total_cmp(&price(&b.1)));
    let mut given_up = 0.0;
    let fit = order.into_iter().take_while(|(_, sums)| {
        given_up += sums[0].1 - sums[1].1;
        given_up <= loss * all
    });
    Routing::cheap_for(fit.map(|(domain, _)| domain.to_owned()).collect())
}
