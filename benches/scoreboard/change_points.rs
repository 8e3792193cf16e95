//! The part `tcpd`: change points in public series, against what several people marked.

use optimizer::stats::change_point::change_points_joint;
use serde_json::{Value, json};

use super::{
    public,
    table::{Table, rounded},
    tcpd,
};

/// A series of the Turing Change Point Dataset.
#[derive(Debug)]
pub struct Annotated {
    pub name: String,
    pub observations: usize,
    /// One or more dimensions; NaN where a value is missing.
    pub dimensions: Vec<Vec<f64>>,
    /// Of each annotator, first observations of new segments.
    pub annotations: Vec<Vec<usize>>,
}

impl Annotated {
    /// All ten, by name.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let annotations = document("tcpd/annotations.json");
        let named = annotations.as_object().expect("series");
        named.iter().map(|(name, people)| Self::read(name, people)).collect()
    }

    fn read(name: &str, people: &Value) -> Self {
        let file = document(&format!("tcpd/{name}.json.gz"));
        let values = |series: &Value| -> Vec<f64> {
            series["raw"].as_array().expect("values").iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
        };
        let index = |value: &Value| usize::try_from(value.as_u64().expect("an index")).expect("a small one");
        let marks = |list: &Value| -> Vec<usize> { list.as_array().expect("a list").iter().map(index).collect() };
        Self {
            name: name.to_owned(),
            observations: index(&file["n_obs"]),
            dimensions: file["series"].as_array().expect("series").iter().map(values).collect(),
            annotations: people.as_object().expect("annotators").values().map(marks).collect(),
        }
    }

    /// What the product finds; dimensions are looked at jointly.
    #[must_use]
    pub fn found(&self) -> Vec<usize> {
        let views: Vec<&[f64]> = self.dimensions.iter().map(Vec::as_slice).collect();
        change_points_joint(&views).iter().map(|change| change.index).collect()
    }

    /// F1 and covering of some change points.
    #[must_use]
    pub fn score(&self, found: &[usize]) -> [f64; 2] {
        let f1 = tcpd::f1(&self.annotations, found, tcpd::MARGIN);
        [f1, tcpd::cover(&self.annotations, found, self.observations)].map(|score| score.expect("annotators"))
    }
}

fn document(name: &str) -> Value {
    serde_json::from_slice(&public::bytes(name)).expect("JSON")
}

pub fn print(as_json: bool) {
    let columns = ["series", "observations", "f1", "cover", "f1_of_never", "cover_of_never", "found"];
    let mut table = Table::new("tcpd", &columns);
    let all = Annotated::all();
    let mut means = [0.0; 4];
    for series in &all {
        let found = series.found();
        let [ours, never] = [series.score(&found), series.score(&[])];
        let scores = [ours[0], ours[1], never[0], never[1]];
        for (mean, score) in means.iter_mut().zip(scores) {
            *mean += score / all.len() as f64;
        }
        table.push(row(&series.name, &json!(series.observations), scores, json!(found)));
    }
    table.push(row("mean", &Value::Null, means, Value::Null));
    table.print(as_json);
}

fn row(name: &str, observations: &Value, scores: [f64; 4], found: Value) -> Vec<Value> {
    let scores = scores.map(|score| rounded(score, 3));
    [vec![json!(name), observations.clone()], scores.to_vec(), vec![found]].concat()
}
