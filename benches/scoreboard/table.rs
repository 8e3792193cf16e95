//! Results, as aligned columns for people or as one line of JSON each for programs.

use serde_json::{Map, Value, json};

/// Rows of one kind. A column has the same name in both forms.
#[derive(Debug)]
pub struct Table {
    part: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    #[must_use]
    pub fn new(part: &'static str, columns: &[&'static str]) -> Self {
        Self { part, columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row: as many values as there are columns.
    pub fn push(&mut self, row: Vec<Value>) {
        assert_eq!(row.len(), self.columns.len(), "a value for each of {:?}", self.columns);
        self.rows.push(row);
    }

    pub fn print(&self, as_json: bool) {
        if as_json {
            for row in &self.rows {
                let cells = self.columns.iter().map(|name| (*name).to_owned()).zip(row.iter().cloned());
                let mut line = Map::from_iter([("part".to_owned(), json!(self.part))]);
                line.extend(cells);
                println!("{}", Value::Object(line));
            }
            return;
        }
        let head: Vec<String> = self.columns.iter().map(|name| name.replace('_', " ")).collect();
        let digits: Vec<usize> = (0..head.len()).map(|place| self.digits(place)).collect();
        let shown = |row: &Vec<Value>| row.iter().zip(&digits).map(|(value, digits)| shown(value, *digits)).collect();
        let rows: Vec<Vec<String>> = self.rows.iter().map(shown).collect();
        let wide = |place: usize| rows.iter().chain([&head]).map(|row| row[place].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..head.len()).map(wide).collect();
        let is_text = |place: usize| self.rows.iter().any(|row| row[place].is_string() || row[place].is_array());
        println!("\n{}", self.part);
        for row in [&head].into_iter().chain(&rows) {
            let cells = row.iter().enumerate().map(|(place, cell)| {
                let width = widths[place];
                if is_text(place) { format!("{cell:width$}") } else { format!("{cell:>width$}") }
            });
            println!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
    }

    /// The most digits after the point that a number of the column needs.
    fn digits(&self, place: usize) -> usize {
        let after = |value: &Value| value.to_string().split_once('.').map_or(0, |(_, digits)| digits.len());
        self.rows.iter().map(|row| &row[place]).filter(|value| value.is_f64()).map(after).max().unwrap_or(0)
    }
}

fn shown(value: &Value, digits: usize) -> String {
    match value {
        Value::Null => "–".into(),
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => format!("{:.digits$}", number.as_f64().unwrap_or(f64::NAN)),
        other => other.to_string(),
    }
}

/// A number with so many digits after the point; null where it is none.
#[must_use]
pub fn rounded(value: f64, digits: i32) -> Value {
    let unit = 10_f64.powi(digits);
    json!((value * unit).round() / unit)
}
