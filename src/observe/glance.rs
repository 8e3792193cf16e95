//! A source as a run finds it, without anything being made of it: can it be read, as what, and how new is it?

use jiff::Timestamp;

use super::{
    Engine, ObserveError,
    census::Tally,
    load::{LoadRequest, load},
    postgres::Range,
};
use crate::domain::{format::visible, inspection::TableFound};

/// Services that are named.
const MOST_SERVICES: usize = 5;

/// What was seen.
#[derive(Debug)]
pub struct Glance {
    pub files: u64,
    pub tables: Vec<TableFound>,
    pub requests: Tally,
    /// Those with most requests, the busiest first.
    pub services: Vec<String>,
}

impl Glance {
    /// Time of the newest good row.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        Timestamp::from_microsecond(self.requests.span_us?.1).ok()
    }
}

/// Looks at the sources. `range` is what is asked of databases; files are read whole.
pub fn glance(engine: &Engine, request: &LoadRequest<'_>, range: Range) -> Result<Glance, ObserveError> {
    let census = load(engine, request, range, None, None)?;
    let services = || -> duckdb::Result<Vec<String>> {
        let mut statement = engine.connection().prepare(include_str!("../../queries/inspect/services.sql"))?;
        statement.query_map([], |row| row.get(0))?.take(MOST_SERVICES).collect()
    };
    let services = services().map_err(|cause| ObserveError::engine("looking for services", cause))?;
    Ok(Glance {
        files: census.files,
        tables: census.tables,
        requests: census.requests,
        services: services.iter().map(|service| visible(service)).collect(),
    })
}

impl Engine {
    /// Bytes that it may take, as it says itself: rounded to a tenth of a unit. None where it says what nobody knows.
    pub fn memory_limit(&self) -> Result<Option<u64>, ObserveError> {
        let said: Result<String, _> =
            self.connection().query_row("SELECT current_setting('memory_limit')", [], |row| row.get(0));
        said.map(|said| bytes(&said)).map_err(|cause| ObserveError::engine("asking for its limit", cause))
    }
}

/// `3.1 GiB` in bytes.
fn bytes(said: &str) -> Option<u64> {
    let (number, unit) = said.trim().split_once(' ')?;
    let power = ["bytes", "KiB", "MiB", "GiB", "TiB"].iter().position(|name| *name == unit)?;
    let number: f64 = number.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)?;
    Some((number * (1_u64 << (10 * power)) as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_tells_its_limit() {
        for (said, told) in [("244.1 MiB", Some(255_957_401)), ("0 bytes", Some(0)), ("1.0 GiB", Some(1 << 30))] {
            assert_eq!(bytes(said), told);
        }
        for odd in ["", "12", "x GiB", "1.0 GB", "-1 KiB"] {
            assert_eq!(bytes(odd), None, "{odd}");
        }
        let engine = Engine::open(Some("512MiB")).unwrap();
        assert_eq!(engine.memory_limit().unwrap(), Some(512 << 20));
        assert!(Engine::open(None).unwrap().memory_limit().unwrap().is_some());
    }
}
