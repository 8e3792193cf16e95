//! The shares wanted, and the order of arms.

use super::{Abstention, ArmState, Best, Limits, Role, Unmeasured, WHOLE};

/// Shares without a limit on their speed. Exploration comes off the top; what nobody needs goes to the leader.
pub(super) fn targets(
    arms: &[&ArmState<'_>],
    limits: &Limits,
    measured: &[usize],
    standing: &Best,
    roles: &[Role],
) -> Result<Vec<u16>, Abstention> {
    let kept = |arm: &ArmState<'_>| match limits.unmeasured {
        Unmeasured::Explore => arm.share.max(limits.floor),
        Unmeasured::Hold => arm.share,
    };
    let mut wanted: Vec<u16> = arms.iter().map(|arm| kept(arm)).collect();
    let held: u32 =
        (0..arms.len()).filter(|arm| roles[*arm] == Role::Unmeasured).map(|arm| u32::from(wanted[arm])).sum();
    let floors = held + u32::from(limits.floor) * measured.len() as u32;
    let rest = u32::from(WHOLE).checked_sub(floors).ok_or(Abstention::NoRoom)?;

    let p = &standing.probability;
    let odds = |p: f64| p / (1.0 - p).max(1e-12);
    let all_odds: f64 = p.iter().map(|p| odds(*p)).sum();
    let mut given = held;
    let mut leader = None;
    for (arm, p) in measured.iter().zip(p) {
        // Chosen first, or second after some other arm was first.
        let part = p * ((1.0 - limits.challenger) + limits.challenger * (all_odds - odds(*p)).max(0.0));
        wanted[*arm] = match roles[*arm] {
            Role::RuledOut => 0,
            _ => limits.floor + (f64::from(rest) * part.min(1.0)).floor() as u16,
        };
        if roles[*arm] == Role::Leader {
            leader = Some(*arm);
        } else {
            given += u32::from(wanted[*arm]);
        }
    }
    let leader = leader.ok_or(Abstention::Incomparable)?;
    wanted[leader] = u32::from(WHOLE).checked_sub(given).ok_or(Abstention::NoRoom)? as u16;
    Ok(wanted)
}

/// Arms by their probability of being best, those without one last. Differences too small to mean anything are ties; they go
/// to the higher mean, then to the incumbent, then to the name.
pub(super) fn ranked(arms: &[&ArmState<'_>], probability: &[Option<f64>]) -> Vec<usize> {
    let coarse = |arm: usize| probability[arm].map_or(-1.0, |p| (p * 1e6).round());
    let mut ranking: Vec<usize> = (0..arms.len()).collect();
    ranking.sort_by(|a, b| {
        let probability = coarse(*b).total_cmp(&coarse(*a));
        let mean = arms[*b].posterior.mean().total_cmp(&arms[*a].posterior.mean());
        probability.then(mean).then(arms[*b].incumbent.cmp(&arms[*a].incumbent)).then(a.cmp(b))
    });
    ranking
}

/// Each arm's place by its mean, the lowest first.
pub(super) fn by_mean(arms: &[&ArmState<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..arms.len()).collect();
    order.sort_by(|a, b| {
        let mean = arms[*a].posterior.mean().total_cmp(&arms[*b].posterior.mean());
        mean.then(arms[*a].incumbent.cmp(&arms[*b].incumbent)).then(b.cmp(a))
    });
    let mut places = vec![0; arms.len()];
    order.iter().enumerate().for_each(|(place, arm)| places[*arm] = place);
    places
}
