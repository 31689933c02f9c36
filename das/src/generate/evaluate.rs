//! How like a generated process is to one that people drew: elements, behaviour, structure.
//!
//! Measures (sources: Dijkman et al. 2011 for graph edit similarity, van der Aalst et al. for footprints):
//! - element F1 of activities, matched by the Jaccard index of their lemmas, and of gateways by kind and count;
//! - footprint: share of pairs of matched activities with the same relation (before, after, both, neither);
//! - conformance: token-replay fitness, escaping-edges precision and their harmonic mean, against a log beside the text
//!   (`NAME.xes`, `NAME.csv`) or against walks through the reference;
//! - graph edit similarity: 1 − (skipped nodes + skipped edges + substitution cost, each relative) / 3, over
//!   activities and the direct succession between them.

mod mean;
mod quality;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bpmn::model::{Definitions, FlowNodeKind};
use serde::Serialize;

use super::{Context, generate_offline};
use crate::error::Error;
use crate::experience::EventLog;
use crate::text::similarity;

pub use mean::Mean;
pub(crate) use mean::student_975;
pub use quality::{LogSource, MAX_WALKS, Quality};

/// Most pairs read of one folder.
pub const MAX_PAIRS: usize = 10_000;
/// Largest file read, in bytes.
const MAX_FILE_BYTES: u64 = 20 * 1024 * 1024;
/// Labels at least so alike are the same activity.
const SAME: f64 = 0.5;
/// Most activities compared in one process.
const MAX_ACTIVITIES: usize = 500;

/// Precision, recall and their harmonic mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// Share of what was generated that is in the reference.
    pub precision: f64,
    /// Share of the reference that was generated.
    pub recall: f64,
    /// Harmonic mean.
    pub f1: f64,
}

/// Scores of one pair.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PairScore {
    /// Name of the pair.
    pub name: String,
    /// Activities by label.
    pub activities: Agreement,
    /// Gateways by kind; `None` where there is only a log to compare with.
    pub gateways: Option<Agreement>,
    /// Behavioural footprint, in 0..=1; `None` with fewer than two matched activities.
    pub footprint: Option<f64>,
    /// Graph edit similarity, in 0..=1; `None` where there is only a log to compare with.
    pub graph: Option<f64>,
    /// Fitness and precision; `None` where there is no log and the reference cannot be walked through.
    pub quality: Option<Quality>,
}

/// Scores of a folder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// One score a pair, by name.
    pub pairs: Vec<PairScore>,
    /// Pairs for which nothing could be generated or read, with the reason; they count as 0.
    pub failed: Vec<(String, String)>,
    /// F1 of activities.
    pub activities_f1: Mean,
    /// F1 of gateways.
    pub gateways_f1: Mean,
    /// Footprint agreement; a pair without one counts as 0.
    pub footprint: Mean,
    /// Graph edit similarity.
    pub graph: Mean,
    /// Token-replay fitness.
    pub fitness: Mean,
    /// Escaping-edges precision.
    pub precision: Mean,
    /// Harmonic mean of fitness and precision.
    pub quality: Mean,
}

/// Generates a process for each `NAME.txt` of a folder, offline, and compares it with `NAME.bpmn`, `NAME.xes` or
/// `NAME.csv`, as many as there are.
///
/// # Errors
/// `DAS-0007` where the folder cannot be read or holds no pair.
pub fn evaluate_directory(folder: &Path) -> Result<Evaluation, Error> {
    let fail = |path: &Path, why: String| Error::Evaluation { path: path.display().to_string(), why };
    let entries = std::fs::read_dir(folder).map_err(|error| fail(folder, error.to_string()))?;
    let mut texts = Vec::new();
    for entry in entries.take(4 * MAX_PAIRS) {
        let path = entry.map_err(|error| fail(folder, error.to_string()))?.path();
        let has_reference = ["bpmn", "xes", "csv"].iter().any(|end| path.with_extension(end).is_file());
        if path.extension().is_some_and(|end| end == "txt") && has_reference {
            texts.push(path);
        }
    }
    texts.sort();
    if texts.is_empty() {
        return Err(fail(folder, "no NAME.txt with a NAME.bpmn, NAME.xes or NAME.csv beside it".to_owned()));
    }
    let mut pairs = Vec::new();
    let mut failed = Vec::new();
    for path in texts {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        match score_files(&name, &path) {
            Ok(score) => pairs.push(score),
            Err(error) => failed.push((name, error.to_string())),
        }
    }
    Ok(summary(pairs, failed))
}

fn score_files(name: &str, path: &Path) -> Result<PairScore, Error> {
    let fail = |why: String| Error::Evaluation { path: path.display().to_string(), why };
    let read = |end: &str| -> Result<Option<Vec<u8>>, Error> {
        let file = path.with_extension(end);
        if !file.is_file() {
            return Ok(None);
        }
        let size = std::fs::metadata(&file).map_err(|error| fail(error.to_string()))?.len();
        if size > MAX_FILE_BYTES {
            return Err(fail(format!("larger than {MAX_FILE_BYTES} bytes")));
        }
        std::fs::read(&file).map(Some).map_err(|error| fail(error.to_string()))
    };
    let text =
        String::from_utf8(read("txt")?.unwrap_or_default()).map_err(|error| fail(error.to_string()))?;
    let reference = match read("bpmn")? {
        Some(bytes) => Some(bpmn::xml::read(&bytes).map_err(|error| fail(error.to_string()))?),
        None => None,
    };
    let log = match read("xes")?.map_or_else(|| read("csv"), |bytes| Ok(Some(bytes)))? {
        Some(bytes) => Some(crate::experience::log::read_log(&bytes)?),
        None => None,
    };
    let generated = generate_offline(&text, &Context::default())?;
    match reference {
        Some(reference) => Ok(score_with(name, &generated.definitions, &reference, log.as_ref())),
        None => score_log(name, &generated.definitions, &log.unwrap_or_default())
            .map_err(|error| fail(error.to_string())),
    }
}

fn summary(pairs: Vec<PairScore>, failed: Vec<(String, String)>) -> Evaluation {
    // A pair that failed counts as 0; a measure that a pair cannot have is left out for it.
    let mean = |value: &dyn Fn(&PairScore) -> Option<f64>| {
        let mut values: Vec<f64> = pairs.iter().filter_map(value).collect();
        values.resize(values.len() + failed.len(), 0.0);
        Mean::of(&values)
    };
    Evaluation {
        activities_f1: mean(&|pair| Some(pair.activities.f1)),
        gateways_f1: mean(&|pair| pair.gateways.map(|gateways| gateways.f1)),
        footprint: mean(&|pair| pair.gateways.map(|_| pair.footprint.unwrap_or_default())),
        graph: mean(&|pair| pair.graph),
        fitness: mean(&|pair| pair.quality.as_ref().map(|quality| quality.fitness)),
        precision: mean(&|pair| pair.quality.as_ref().map(|quality| quality.precision)),
        quality: mean(&|pair| pair.quality.as_ref().map(|quality| quality.f1)),
        pairs,
        failed,
    }
}

/// Compares a generated process with a reference; fitness and precision are against walks through the reference.
#[must_use]
pub fn score_pair(name: &str, generated: &Definitions, reference: &Definitions) -> PairScore {
    score_with(name, generated, reference, None)
}

fn score_with(
    name: &str,
    generated: &Definitions,
    reference: &Definitions,
    log: Option<&EventLog>,
) -> PairScore {
    let (ours, theirs) = (Shape::of(generated), Shape::of(reference));
    let matched = match_labels(&ours.labels, &theirs.labels);
    PairScore {
        name: name.to_owned(),
        activities: agreement(matched.len(), ours.labels.len(), theirs.labels.len()),
        gateways: Some(gateways(&ours.gateways, &theirs.gateways)),
        footprint: footprint(&ours, &theirs, &matched),
        graph: Some(graph_similarity(&ours, &theirs, &matched)),
        quality: match log {
            Some(log) => quality::against(generated, log, LogSource::File),
            None => quality::walks(reference)
                .and_then(|log| quality::against(generated, &log, LogSource::PlayedOut)),
        },
    }
}

/// Compares a generated process with a log alone.
fn score_log(name: &str, generated: &Definitions, log: &EventLog) -> Result<PairScore, Error> {
    let ours = Shape::of(generated);
    let matched = match_labels(&ours.labels, log.activities());
    let quality = quality::against(generated, log, LogSource::File);
    Ok(PairScore {
        name: name.to_owned(),
        activities: agreement(matched.len(), ours.labels.len(), log.activities().len()),
        gateways: None,
        footprint: None,
        graph: None,
        quality: Some(
            quality.ok_or_else(|| Error::Model("what was generated cannot be replayed".to_owned()))?,
        ),
    })
}

/// How alike the behaviour of two processes is: agreement of the footprints over all activities of both, in 0..=1.
/// Activities are matched by their labels; one that has no counterpart agrees with nothing.
pub(super) fn behaviour(one: &Definitions, other: &Definitions) -> f64 {
    let (one, other) = (Shape::of(one), Shape::of(other));
    let matched = match_labels(&one.labels, &other.labels);
    let shared = agreement(matched.len(), one.labels.len(), other.labels.len()).f1;
    shared * footprint(&one, &other, &matched).unwrap_or(1.0)
}

/// What is compared of a process.
struct Shape {
    labels: Vec<String>,
    /// Direct succession between activities, through gateways and events.
    edges: BTreeSet<(usize, usize)>,
    /// What can come after each activity, at any distance.
    reach: Vec<BTreeSet<usize>>,
    gateways: BTreeMap<&'static str, usize>,
}

impl Shape {
    fn of(definitions: &Definitions) -> Self {
        let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
        let mut labels = Vec::new();
        let mut gateways: BTreeMap<&'static str, usize> = BTreeMap::new();
        let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for process in &definitions.processes {
            for node in &process.nodes {
                let id = node.element.id.as_str();
                if matches!(node.kind, FlowNodeKind::Gateway(_)) {
                    // Joins have no counterpart in many drawings; a split is what both sides agree on.
                    let splits = process.flows.iter().filter(|flow| flow.source == id).count() > 1;
                    *gateways.entry(node.local_name()).or_default() += usize::from(splits);
                } else if node.is_activity() && labels.len() < MAX_ACTIVITIES {
                    ids.insert(id, labels.len());
                    labels.push(node.element.name.clone().unwrap_or_default());
                }
                if let Some(activity) = node.attached_to() {
                    next.entry(activity).or_default().push(id);
                }
            }
            for flow in &process.flows {
                next.entry(&flow.source).or_default().push(&flow.target);
            }
        }
        let mut edges = BTreeSet::new();
        for (id, &from) in &ids {
            let mut seen: BTreeSet<&str> = BTreeSet::new();
            let mut open: Vec<&str> = next.get(id).cloned().unwrap_or_default();
            while let Some(at) = open.pop() {
                if let Some(&to) = ids.get(at) {
                    edges.insert((from, to));
                } else if seen.insert(at) {
                    open.extend(next.get(at).into_iter().flatten());
                }
            }
        }
        let reach = reach(labels.len(), &edges);
        Self { labels, edges, reach, gateways }
    }

    fn relation(&self, one: usize, other: usize) -> (bool, bool) {
        let after = |from: usize, to: usize| self.reach.get(from).is_some_and(|set| set.contains(&to));
        (after(one, other), after(other, one))
    }
}

fn reach(size: usize, edges: &BTreeSet<(usize, usize)>) -> Vec<BTreeSet<usize>> {
    (0..size)
        .map(|start| {
            let mut seen = BTreeSet::new();
            let mut open = vec![start];
            while let Some(at) = open.pop() {
                for &(_, to) in edges.range((at, 0)..=(at, usize::MAX)) {
                    if seen.insert(to) {
                        open.push(to);
                    }
                }
            }
            seen
        })
        .collect()
}

/// Pairs of activities with their similarity, the most alike first, each used once.
fn match_labels(ours: &[String], theirs: &[String]) -> Vec<(usize, usize, f64)> {
    let mut candidates: Vec<(usize, usize, f64)> = Vec::new();
    for (one, label) in ours.iter().enumerate() {
        for (other, reference) in theirs.iter().enumerate() {
            let alike = similarity(label, reference);
            if alike >= SAME {
                candidates.push((one, other, alike));
            }
        }
    }
    candidates.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)).then(a.1.cmp(&b.1)));
    let (mut left, mut right) = (BTreeSet::new(), BTreeSet::new());
    candidates.retain(|&(one, other, _)| {
        let free = !left.contains(&one) && !right.contains(&other);
        if free {
            left.insert(one);
            right.insert(other);
        }
        free
    });
    candidates
}

fn agreement(matched: usize, ours: usize, theirs: usize) -> Agreement {
    if ours == 0 && theirs == 0 {
        return Agreement { precision: 1.0, recall: 1.0, f1: 1.0 };
    }
    let precision = ratio(matched, ours);
    let recall = ratio(matched, theirs);
    let f1 = if matched == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) };
    Agreement { precision, recall, f1 }
}

fn gateways(ours: &BTreeMap<&str, usize>, theirs: &BTreeMap<&str, usize>) -> Agreement {
    let matched = ours.iter().map(|(kind, count)| *count.min(theirs.get(kind).unwrap_or(&0))).sum();
    agreement(matched, ours.values().sum(), theirs.values().sum())
}

fn footprint(ours: &Shape, theirs: &Shape, matched: &[(usize, usize, f64)]) -> Option<f64> {
    let mut pairs = 0_usize;
    let mut same = 0_usize;
    for (place, one) in matched.iter().enumerate() {
        for other in matched.get(place + 1..).unwrap_or_default() {
            pairs += 1;
            same += usize::from(ours.relation(one.0, other.0) == theirs.relation(one.1, other.1));
        }
    }
    (pairs > 0).then(|| ratio(same, pairs))
}

fn graph_similarity(ours: &Shape, theirs: &Shape, matched: &[(usize, usize, f64)]) -> f64 {
    let nodes = ours.labels.len() + theirs.labels.len();
    let edges = ours.edges.len() + theirs.edges.len();
    if nodes == 0 {
        return 1.0;
    }
    let partner: BTreeMap<usize, usize> = matched.iter().map(|&(one, other, _)| (one, other)).collect();
    let kept = ours
        .edges
        .iter()
        .filter(|(from, to)| match (partner.get(from), partner.get(to)) {
            (Some(&from), Some(&to)) => theirs.edges.contains(&(from, to)),
            _ => false,
        })
        .count();
    let skipped_nodes = 1.0 - ratio(2 * matched.len(), nodes);
    let skipped_edges = if edges == 0 { 0.0 } else { 1.0 - ratio(2 * kept, edges) };
    let substituted = if matched.is_empty() {
        1.0
    } else {
        2.0 * matched.iter().map(|pair| 1.0 - pair.2).sum::<f64>() / ratio(2 * matched.len(), 1)
    };
    (1.0 - (skipped_nodes + skipped_edges + substituted) / 3.0).clamp(0.0, 1.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts of elements stay far below 2^52")]
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
