//! Measures one whole `plan` against a bare DuckDB `GROUP BY` over the same file in the same run, and prints the ratio.
//!
//! ```text
//! make bench                                    # 1,000,000 rows of either shape, five runs, and what readers make of text
//! make bench ROWS=10000000
//! cargo bench --bench plan -- 100000000 3 plain # rows, runs and shape
//! cargo bench --bench plan -- --generate FILE [ROWS] [SERVICES] [MINUTES] [SHAPE]
//! ```
//! The floor reads the same Parquet file with as many threads and aggregates six columns by service, model and variant. Both
//! are whole processes, started in turn, so that memory and start-up count. `cargo test` runs it once, small, to keep it alive.

mod generate;

use std::{
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use generate::Shape;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo bench` says so; without it this is a test run.
    let measuring = arguments.iter().any(|argument| argument == "--bench");
    arguments.retain(|argument| argument != "--bench");
    let number = |at: usize, default: u64| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    match arguments.first().map(String::as_str) {
        Some("--floor") => floor(&arguments[1]),
        Some("--generate") => {
            let shape = arguments.get(5).map_or(Shape::Plain, |text| shape(text));
            generate::write(&arguments[1], shape, number(2, 1_000_000), number(3, 1_000), number(4, 15))
                .expect("the file can be written");
            ExitCode::SUCCESS
        }
        _ if measuring => {
            let (rows, runs) = (number(0, 1_000_000), number(1, 5).max(1));
            let shapes = arguments.get(2).map_or(vec![Shape::Plain, Shape::Hostile], |text| vec![shape(text)]);
            for shape in shapes {
                measure(shape, rows, runs);
            }
            if arguments.len() < 3 {
                // Text is slow enough to be told by fewer rows.
                readers((rows / 5).min(1_000_000), runs.min(3));
            }
            ExitCode::SUCCESS
        }
        _ => {
            measure(Shape::Plain, 20_000, 1);
            readers(2_000, 1);
            ExitCode::SUCCESS
        }
    }
}

fn shape(text: &str) -> Shape {
    match text {
        "plain" => Shape::Plain,
        "hostile" => Shape::Hostile,
        other => panic!("no shape is called {other}"),
    }
}

fn plan_over(data: &str) -> (f64, u64) {
    let optimizer = Path::new(env!("CARGO_BIN_EXE_optimizer"));
    let plan = ["plan", "--dry-run", "--from", data, "--window", "15m", "--lookback", "30m", "--format", "json"];
    timed(optimizer, &plan)
}

/// Rows a second of a whole plan over text.
fn readers(rows: u64, runs: u64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let data = path("requests.parquet");
    generate::write(&data, Shape::Plain, rows, 100, 15).expect("the file can be written");
    for (format, text) in [("csv", path("requests.csv")), ("json", path("requests.ndjson"))] {
        generate::convert(&data, format, &text).expect("the file can be written");
        let mut rates: Vec<f64> = (0..=runs).map(|_| rows as f64 / plan_over(&text).0).skip(1).collect();
        let rate = median(&mut rates);
        println!(
            "{{\"bench\":\"read\",\"format\":\"{format}\",\"rows\":{rows},\"runs\":{runs},\"rows_per_s\":{rate:.0}}}"
        );
        println!("read {format}: {rate:.0} rows/s (median of {runs} plans over {rows} rows)");
    }
}

fn measure(shape: Shape, rows: u64, runs: u64) {
    let own = std::env::current_exe().expect("this process has a path");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("requests.parquet").to_string_lossy().into_owned();
    generate::write(&data, shape, rows, 1_000, 15).expect("the file can be written");
    let (mut floors, mut plans, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..=runs {
        // The first pair warms the file cache and is dropped below.
        let (seconds, _) = timed(&own, &["--floor", &data]);
        floors.push(seconds);
        let (seconds, peak) = plan_over(&data);
        plans.push(seconds);
        peaks.push(peak);
    }
    let mut ratios: Vec<f64> = plans.iter().zip(&floors).skip(1).map(|(plan, floor)| plan / floor).collect();
    let (floor, plan, ratio) = (median(&mut floors[1..]), median(&mut plans[1..]), median(&mut ratios));
    let name = format!("{shape:?}").to_lowercase();
    let peak = peaks.iter().copied().max().unwrap_or(0) / 1024;
    println!(
        "{{\"bench\":\"plan\",\"shape\":\"{name}\",\"rows\":{rows},\"runs\":{runs},\"floor_s\":{floor:.3},\"plan_s\":{plan:.3},\"ratio\":{ratio:.2},\"peak_mib\":{peak}}}"
    );
    println!(
        "{name}, {rows} rows: plan {plan:.3} s, floor {floor:.3} s, ratio {ratio:.2} (medians of {runs}), peak memory {peak} MiB"
    );
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
