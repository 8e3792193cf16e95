//! Traffic of both services, minute by minute, appended to the log that the optimizer reads.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
};

use jiff::{SignedDuration, Timestamp};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::{
    orchestrator::{Arm, Orchestrator},
    pool::{Pool, Request},
};

/// The log, in the folder that `optimizer run` is started in.
pub const LOG: &str = "log.csv";

#[derive(Debug, Clone, Copy)]
pub struct Service {
    pub name: &'static str,
    pub fault: Option<Fault>,
}

/// What is made up: real requests of a model take longer than they did.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    pub model: &'static str,
    pub slower: f64,
}

pub struct Traffic<'a> {
    pool: &'a Pool,
    services: &'a [Service],
    log: File,
    random: ChaCha8Rng,
    written: u64,
}

impl<'a> Traffic<'a> {
    /// Begins with the real day, once for each service: what the first plan goes by.
    pub fn new(folder: &Path, pool: &'a Pool, services: &'a [Service]) -> anyhow::Result<Self> {
        let log = OpenOptions::new().create(true).append(true).open(folder.join(LOG))?;
        let random = ChaCha8Rng::seed_from_u64(20_231_117);
        let mut traffic = Self { pool, services, log, random, written: 0 };
        let mut lines = String::from(
            "ts,request_id,service,endpoint,provider,model,config_version,variant,latency_ms,ttft_ms,input_tokens,output_tokens,\
             quality,outcome,status_code,error_type,complexity\n",
        );
        for service in services {
            for request in pool.day() {
                lines += &traffic.line(&request.ts, service.name, "", &request.variant, request, 1.0);
            }
        }
        traffic.log.write_all(lines.as_bytes())?;
        Ok(traffic)
    }

    /// Minutes of traffic from `now` on, split as the Orchestrator says.
    pub fn goes_by(
        &mut self,
        orchestrator: &Orchestrator,
        now: Timestamp,
        minutes: i64,
        rate: u32,
    ) -> anyhow::Result<()> {
        let mut lines = String::new();
        for service in self.services {
            let arms = orchestrator.arms(service.name);
            for _ in 0..minutes * i64::from(rate) {
                let at = now + SignedDuration::from_millis(self.random.random_range(0..60_000 * minutes));
                lines += &self.request(service, &arms, at);
            }
        }
        // Closed lines only: the optimizer is not running meanwhile, but a person may be looking.
        self.log.write_all(lines.as_bytes())?;
        Ok(())
    }

    /// Requests so far, the real day included.
    pub fn written(&self) -> u64 {
        self.written
    }

    fn request(&mut self, service: &Service, arms: &[Arm], at: Timestamp) -> String {
        let pool = self.pool;
        let mut left = self.random.random_range(0..100_u8);
        let arm = arms.iter().find(|arm| {
            let here = left < arm.weight;
            left = left.saturating_sub(arm.weight);
            here
        });
        let arm = arm.unwrap_or(&arms[0]);
        let complexity = pool.complexity(&mut self.random);
        // A setting of one kind of request goes before the one of all.
        let own = arm.settings.get(&format!("segment.{complexity}.model"));
        let model = own.or_else(|| arm.settings.get("model")).expect("a configuration names a model");
        let request = pool.draw(model, complexity, &mut self.random);
        let slower = service.fault.filter(|fault| fault.model == model).map_or(1.0, |fault| fault.slower);
        self.line(&format!("{at:.3}"), service.name, &arm.version, arm.variant, request, slower)
    }

    fn line(
        &mut self,
        at: &str,
        service: &str,
        version: &str,
        variant: &str,
        request: &Request,
        slower: f64,
    ) -> String {
        self.written += 1;
        let number = |value: Option<f64>| value.map(|value| format!("{value:.1}")).unwrap_or_default();
        let stretched = |value: Option<f64>| number(value.map(|value| slower * value));
        let whole = |value: Option<f64>| value.map(|value| format!("{value:.0}")).unwrap_or_default();
        let Request { endpoint, provider, model, outcome, error_type, complexity, .. } = request;
        let status = request.status_code.map(|code| code.to_string()).unwrap_or_default();
        format!(
            "{at},l{},{service},{endpoint},{provider},{model},{version},{variant},{},{},{},{},{},{outcome},{status},{error_type},{complexity}\n",
            self.written,
            stretched(request.latency_ms),
            stretched(request.ttft_ms),
            whole(request.input_tokens),
            whole(request.output_tokens),
            whole(request.quality),
        )
    }
}
