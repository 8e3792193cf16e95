//! How the two sides of a gate are named.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::{
    cli::{
        Failure,
        baseline::stored,
        engine::EngineArgs,
        source::{Named, shown},
        state::StateArgs,
    },
    domain::Window,
    observe::{ArmColumn, Baseline, LayoutChoice},
};

/// How a stored baseline is named.
const STORED: &str = "baseline:";

#[derive(Debug, Args)]
pub(super) struct SideArgs {
    /// Requests of what is there: as `--from` of other commands, or `baseline:NAME` from the state store; repeated, each is a run of its own
    #[arg(long, help_heading = "Source", value_name = "PATH", required_unless_present_any = ["schema", "from"])]
    baseline: Vec<String>,
    /// Requests of what is to come
    #[arg(long, help_heading = "Source", value_name = "PATH", required_unless_present_any = ["schema", "from"])]
    candidate: Vec<String>,
    /// Requests of both, told apart by `--arm-column`
    #[arg(long, help_heading = "Source", value_name = "PATH", conflicts_with_all = ["baseline", "candidate"])]
    from: Vec<String>,
    /// What tells the sides of `--from` apart
    #[arg(long, help_heading = "Source", value_enum, default_value_t = ArmColumnArg::Variant)]
    arm_column: ArmColumnArg,
    /// What it holds for the baseline
    #[arg(long, help_heading = "Source", value_name = "VALUE", default_value = "baseline")]
    baseline_arm: String,
    /// What it holds for the candidate
    #[arg(long, help_heading = "Source", value_name = "VALUE", default_value = "candidate")]
    candidate_arm: String,
    /// Only this time of the baseline, RFC 3339 with a zone [default: all of it]
    #[arg(long, help_heading = "Source", value_name = "FROM..UNTIL", value_parser = time)]
    baseline_time: Option<Window>,
    /// Only this time of the candidate; with `--from`, two times are the two sides
    #[arg(long, help_heading = "Source", value_name = "FROM..UNTIL", value_parser = time)]
    candidate_time: Option<Window>,
    /// How both are laid out, where their columns do not tell
    #[arg(long, help_heading = "Source", value_name = "NAME")]
    layout: Option<String>,
    /// Compare sides that are laid out differently, and so perhaps measured differently
    #[arg(long, help_heading = "Source")]
    different_layouts: bool,
    /// SQL file that maps a log of your own to the canonical columns; examples/mapping.sql explains
    #[arg(long, help_heading = "Source", value_name = "FILE.sql", conflicts_with = "layout")]
    mapping: Option<PathBuf>,
    /// Service of rows that name none
    #[arg(long, help_heading = "Source", value_name = "NAME")]
    default_service: Option<String>,
    /// Scores given after the requests of either side; the policy declares the scale of each
    #[arg(long, help_heading = "Source", value_name = "PATH")]
    scores: Vec<String>,
    /// Most memory the scan may take, for example `2GB` [default: 80 % of the machine's]
    #[arg(long, help_heading = "Source", value_name = "SIZE", env = "OPTIMIZER_MEMORY_LIMIT")]
    memory_limit: Option<String>,
    #[command(flatten)]
    engine: EngineArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ArmColumnArg {
    Variant,
    ConfigVersion,
    Model,
}

impl From<ArmColumnArg> for ArmColumn {
    fn from(column: ArmColumnArg) -> Self {
        match column {
            ArmColumnArg::Variant => Self::Variant,
            ArmColumnArg::ConfigVersion => Self::ConfigVersion,
            ArmColumnArg::Model => Self::Model,
        }
    }
}

/// `FROM..UNTIL`.
fn time(text: &str) -> Result<Window, String> {
    let (from, until) = text
        .split_once("..")
        .ok_or("write two times with `..` between them, as in 2026-03-01T00:00:00Z..2026-03-02T00:00:00Z")?;
    let at = |text: &str| text.trim().parse::<Timestamp>().map_err(|cause| format!("`{text}` is no time: {cause}"));
    let (from, until) = (at(from)?, at(until)?);
    Window::ending_at(until, until.duration_since(from)).ok_or_else(|| "it ends before it begins".to_owned())
}

/// What was named; nothing of it is looked at yet.
pub(super) enum Source {
    /// Each side by itself.
    Apart(Box<[Side; 2]>),
    /// Two arms of one.
    Together { named: Box<Named>, shown: String, column: ArmColumn, arms: [String; 2] },
}

/// One side that is read by itself.
pub(super) struct Side {
    pub kind: Kind,
    pub shown: String,
    pub time: Option<Window>,
}

pub(super) enum Kind {
    Log(Box<Named>),
    Stored(Baseline),
}

impl SideArgs {
    pub(super) fn memory_limit(&self) -> Option<&str> {
        self.memory_limit.as_deref()
    }

    pub(super) fn different_layouts(&self) -> bool {
        self.different_layouts
    }

    pub(super) fn source(&self, state: &StateArgs) -> Result<Source, Failure> {
        let times = [self.baseline_time, self.candidate_time];
        if self.from.is_empty() {
            let side = |from: &[String], time| {
                Ok::<_, Failure>(Side { kind: self.kind(from, state)?, shown: shown(from), time })
            };
            return Ok(Source::Apart(Box::new([side(&self.baseline, times[0])?, side(&self.candidate, times[1])?])));
        }
        let shown = shown(&self.from);
        match times {
            [None, None] => Ok(Source::Together {
                named: Box::new(self.named(&self.from)?),
                shown,
                column: self.arm_column.into(),
                arms: [self.baseline_arm.clone(), self.candidate_arm.clone()],
            }),
            [Some(_), Some(_)] => {
                let side = |time| {
                    Ok::<_, Failure>(Side {
                        kind: Kind::Log(Box::new(self.named(&self.from)?)),
                        shown: shown.clone(),
                        time,
                    })
                };
                Ok(Source::Apart(Box::new([side(times[0])?, side(times[1])?])))
            }
            _ => Err(Failure::usage(
                "`--from` was given one time, and two sides need two",
                "give both `--baseline-time` and `--candidate-time`, or neither, to compare the arms of `--arm-column`",
            )),
        }
    }

    fn kind(&self, from: &[String], state: &StateArgs) -> Result<Kind, Failure> {
        match from {
            [one] if one.starts_with(STORED) => Ok(Kind::Stored(stored(state, &one[STORED.len()..])?)),
            many if many.iter().any(|one| one.starts_with(STORED)) => Err(Failure::usage(
                "a stored baseline is a side of its own, and another source was named beside it",
                "name one of the two",
            )),
            logs => Ok(Kind::Log(Box::new(self.named(logs)?))),
        }
    }

    fn named(&self, from: &[String]) -> Result<Named, Failure> {
        let layout: Vec<String> = self.layout.iter().cloned().collect();
        let layouts = LayoutChoice::new(&layout, from.len(), self.mapping.as_deref())?;
        Named::of(from.to_vec(), self.scores.clone(), layouts, self.default_service.clone(), &self.engine)
    }
}
