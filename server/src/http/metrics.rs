//! `/metrics`: what happened and what is, as Prometheus text.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use das::watch::Sample;
use engine::port::{Notice, Status};
use kernel::ScoreFilter;
use parking_lot::Mutex;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::Shared;

/// Most open instances that one look counts; there are at least as many as shown.
const OPEN_INSTANCES_MAX: usize = 100_000;
const OPEN_INSTANCES_PAGE: usize = 10_000;
/// Subjects whose scores are shown, and subjects that are looked at for them.
const SCORES_MAX: usize = 100;
const SCORES_READ: usize = 10_000;

/// Counters since the start of this process; cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Meters(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    /// By method, route and status; all three come from small closed lists.
    requests: BTreeMap<(&'static str, String, u16), (u64, f64)>,
    instances: BTreeMap<&'static str, u64>,
    missed: u64,
}

impl Meters {
    /// Counts an answer.
    pub(super) fn answered(&self, method: &Method, route: &str, status: StatusCode, seconds: f64) {
        let method = match method.as_str() {
            "GET" => "GET",
            "POST" => "POST",
            "HEAD" => "HEAD",
            _ => "other",
        };
        let mut counts = self.0.lock();
        let entry = counts.requests.entry((method, route.to_owned(), status.as_u16())).or_default();
        entry.0 += 1;
        entry.1 += seconds;
    }

    /// Counts instances by what the engine says about them, until the server stops.
    pub(super) fn follow(&self, mut notices: Receiver<Notice>, stop: CancellationToken) {
        let meters = self.clone();
        tokio::spawn(async move {
            loop {
                let notice = tokio::select! {
                    () = stop.cancelled() => return,
                    notice = notices.recv() => notice,
                };
                match notice {
                    Ok(Notice::Started { .. }) => meters.instance("started"),
                    Ok(Notice::Ended { status, .. }) => meters.instance(match status {
                        Status::Active | Status::Suspended => continue,
                        Status::Completed => "completed",
                        Status::Terminated => "terminated",
                        Status::Failed => "failed",
                    }),
                    Ok(_) => {}
                    Err(RecvError::Lagged(missed)) => meters.0.lock().missed += missed,
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }

    fn instance(&self, state: &'static str) {
        *self.0.lock().instances.entry(state).or_default() += 1;
    }

    fn write(&self, text: &mut Text) {
        let counts = self.0.lock();
        text.about("procos_instances_total", "counter", "process instances that started or ended, by state");
        for state in ["started", "completed", "terminated", "failed"] {
            let count = counts.instances.get(state).copied().unwrap_or_default();
            text.line("procos_instances_total", &[("state", state)], count as f64);
        }
        text.about("procos_notices_missed_total", "counter", "notices of the engine that were not counted");
        text.line("procos_notices_missed_total", &[], counts.missed as f64);
        text.about("procos_http_requests_total", "counter", "answers by method, route and status");
        for ((method, route, status), (count, _)) in &counts.requests {
            let labels = [("method", *method), ("route", route), ("status", &status.to_string())];
            text.line("procos_http_requests_total", &labels, *count as f64);
        }
        text.about("procos_http_request_seconds_total", "counter", "time spent on answers");
        for ((method, route, status), (_, seconds)) in &counts.requests {
            let labels = [("method", *method), ("route", route), ("status", &status.to_string())];
            text.line("procos_http_request_seconds_total", &labels, *seconds);
        }
    }
}

/// Writes the text; what a part cannot say right now is left out.
pub(super) async fn show(State(shared): State<Shared>) -> Response {
    let ports = &shared.ports;
    let mut text = Text::default();
    shared.meters.write(&mut text);
    let census = &ports.census;
    text.gauge("procos_live_pdos", "process definition orchestrators alive", census.pdos() as f64);
    text.gauge("procos_live_tdes", "task definition executors alive", census.tdes() as f64);
    if let Some(open) = open_instances(&shared).await {
        text.gauge("procos_instances_open", "instances that have not ended", open as f64);
    }
    if let Ok(incidents) = ports.engine.incidents(None).await {
        text.gauge("procos_incidents_open", "open incidents", incidents.len() as f64);
    }
    if let Ok(head) = ports.trail.head().await {
        text.gauge("procos_trail_head", "position of the newest trail entry", head as f64);
    }
    if let Ok(entries) = ports.memory.count(None).await {
        text.gauge("procos_memory_entries", "entries in memory", entries as f64);
    }
    if let Some(sample) = ports.vitals.newest() {
        machine(&sample, &mut text);
    }
    scores(&shared, &mut text).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text.0).into_response()
}

/// The machine and the parts, as the watching assistant sampled them last, at most half a minute ago.
fn machine(sample: &Sample, text: &mut Text) {
    let gauges = [
        ("procos_disk_free_bytes", "free bytes of the disk of the data directory", sample.disk_free),
        ("procos_disk_total_bytes", "bytes of the disk of the data directory", sample.disk_total),
        ("procos_memory_available_bytes", "memory of the machine that is available", sample.memory_available),
        ("procos_resident_memory_bytes", "memory that this process holds", sample.own_memory),
        ("procos_outbox_items", "effects that wait for delivery", sample.outbox),
        ("procos_jobs_waiting", "jobs that wait, at least", sample.jobs),
    ];
    for (name, help, value) in gauges {
        if let Some(value) = value {
            text.gauge(name, help, value as f64);
        }
    }
    if let Some(busy) = sample.processor {
        text.gauge("procos_processor_busy_ratio", "share of the processors' time that was used", busy);
    }
    text.about("procos_part_up", "gauge", "1 where the part answers as well as it can");
    for (part, health) in [("engine", &sample.engine), ("memory", &sample.memory)] {
        text.line("procos_part_up", &[("part", part)], f64::from(u8::from(health.ok)));
    }
}

/// Scores of the subjects with the most attempts, so that the number of series stays bounded whatever is tried.
async fn scores(shared: &Shared, text: &mut Text) {
    let filter = ScoreFilter { limit: SCORES_READ, ..ScoreFilter::default() };
    let Ok(mut rows) = shared.ports.scores.scores(&filter).await else { return };
    rows.sort_by(|a, b| {
        b.attempts.cmp(&a.attempts).then_with(|| (&a.kind, &a.subject).cmp(&(&b.kind, &b.subject)))
    });
    let left_out = rows.len().saturating_sub(SCORES_MAX);
    rows.truncate(SCORES_MAX);
    text.about("procos_score_attempts_total", "counter", "finished attempts, of the most used subjects");
    for row in &rows {
        let labels = [("kind", row.kind.as_str()), ("subject", row.subject.as_str())];
        text.line("procos_score_attempts_total", &labels, row.attempts as f64);
    }
    type Number = fn(&scoring::Score) -> f64;
    let numbers: [(&str, &str, Number); 3] = [
        ("procos_score_average", "posterior mean of the success rate", |score| score.average),
        ("procos_score_low", "lower end of its 95 % confidence sequence", |score| score.low),
        ("procos_score_high", "upper end of its 95 % confidence sequence", |score| score.high),
    ];
    for (name, help, number) in numbers {
        text.about(name, "gauge", help);
        for row in &rows {
            let labels = [("kind", row.kind.as_str()), ("subject", row.subject.as_str())];
            text.line(name, &labels, number(&row.score()));
        }
    }
    text.gauge("procos_scores_left_out", "subjects whose scores are not shown here", left_out as f64);
}

async fn open_instances(shared: &Shared) -> Option<usize> {
    let (mut open, mut after) = (0, 0);
    while open < OPEN_INSTANCES_MAX {
        let keys = shared.ports.engine.open_instances(after, OPEN_INSTANCES_PAGE).await.ok()?;
        let Some(last) = keys.last() else { break };
        after = *last;
        open += keys.len();
        if keys.len() < OPEN_INSTANCES_PAGE {
            break;
        }
    }
    Some(open)
}

/// The exposition format.
#[derive(Default)]
struct Text(String);

impl Text {
    fn about(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{text}\"", if index == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.about(name, "gauge", help);
        self.line(name, &[], value);
    }
}
