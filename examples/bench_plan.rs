//! Measures one whole `plan` against a bare DuckDB `GROUP BY` over the same file in the same run, and prints the ratio.
//!
//! ```text
//! make bench            # or: cargo run --release --example bench_plan -- [ROWS] [RUNS]
//! ```
//! The floor reads the same Parquet file with as many threads and aggregates six columns by service, model and variant. Both
//! are whole processes, started in turn, so that memory and start-up count.

use std::{
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.peek().is_some_and(|argument| argument == "--floor") {
        arguments.next();
        return floor(&arguments.next().expect("a file after --floor"));
    }
    let mut number = |default: u32| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (rows, runs) = (number(1_000_000), number(5).max(1));
    let own = std::env::current_exe().expect("this process has a path");
    let folder = own.parent().and_then(Path::parent).expect("examples lie below the profile's folder").to_path_buf();
    let optimizer = folder.join("optimizer");
    let data = std::env::temp_dir().join(format!("optimizer-bench-{rows}.parquet"));
    if !optimizer.exists() {
        eprintln!("build the program first: cargo build --release");
        return ExitCode::from(2);
    }
    if !data.exists() && !made(&own.with_file_name("generate_requests"), &data, rows) {
        eprintln!("build the generator first: cargo build --release --examples");
        return ExitCode::from(2);
    }
    let data = data.to_string_lossy().into_owned();
    let plan = ["plan", "--dry-run", "--from", &data, "--window", "15m", "--lookback", "30m", "--format", "json"];
    let (mut floors, mut plans, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..=runs {
        // The first pair warms the file cache and is dropped below.
        let (seconds, _) = timed(&own, &["--floor", &data]);
        floors.push(seconds);
        let (seconds, peak) = timed(&optimizer, &plan);
        plans.push(seconds);
        peaks.push(peak);
    }
    let mut ratios: Vec<f64> = plans.iter().zip(&floors).skip(1).map(|(plan, floor)| plan / floor).collect();
    let (mut floors, mut plans) = (floors[1..].to_vec(), plans[1..].to_vec());
    let (floor, plan, ratio) = (median(&mut floors), median(&mut plans), median(&mut ratios));
    let peak = peaks.iter().copied().max().unwrap_or(0) / 1024;
    println!(
        "{{\"bench\":\"plan\",\"rows\":{rows},\"runs\":{runs},\"floor_s\":{floor:.3},\"plan_s\":{plan:.3},\"ratio\":{ratio:.2},\"peak_mib\":{peak}}}"
    );
    println!(
        "rows {rows}: plan {plan:.3} s, floor {floor:.3} s, ratio {ratio:.2} (medians of {runs}), peak memory {peak} MiB"
    );
    ExitCode::SUCCESS
}

fn made(generator: &Path, data: &Path, rows: u32) -> bool {
    Command::new(generator).arg(data).arg(rows.to_string()).status().is_ok_and(|status| status.success())
}

/// Runs a command to its end; wall seconds and peak resident kibibytes.
fn timed(program: &Path, arguments: &[&str]) -> (f64, u64) {
    let start = Instant::now();
    let mut child = Command::new(program).args(arguments).stdout(Stdio::null()).spawn().expect("the program starts");
    let mut peak = 0;
    let status = loop {
        // The kernel keeps the high-water mark; the last look before the end is within two milliseconds of it.
        peak = peak.max(high_water(child.id()));
        if let Some(status) = child.try_wait().expect("a child of ours") {
            break status;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    assert!(status.success(), "{} failed", program.display());
    (start.elapsed().as_secs_f64(), peak)
}

fn high_water(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn floor(file: &str) -> ExitCode {
    let connection = duckdb::Connection::open_in_memory().expect("an in-memory database opens");
    let sql = format!(
        "SELECT service, model, variant, count(*), sum(latency_ms), sum(ttft_ms), sum(input_tokens), sum(output_tokens), \
         sum(cost_usd), sum(quality) FROM read_parquet('{}') GROUP BY ALL",
        file.replace('\'', "''")
    );
    let mut statement = connection.prepare(&sql).expect("the query is valid");
    let rows: usize = statement.query_arrow([]).expect("the file is readable").map(|batch| batch.num_rows()).sum();
    println!("{rows}");
    ExitCode::SUCCESS
}
