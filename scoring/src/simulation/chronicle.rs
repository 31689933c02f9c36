//! A replication as an event log: what a process mining tool would have seen.

use std::ops::Range;

use bpmn::event_log::{Execution as Row, Format, Label, Writer};

use super::model::Model;
use super::queueing;
use super::replication::replicate_before;
use super::witness::{Execution, Witness};

/// Monday, 5 January 2026, midnight UTC, in milliseconds since the Unix epoch: where logs begin when nobody says
/// otherwise. Calendars count from Monday.
pub const LOG_START_MS: i64 = 1_767_571_200_000;
/// Most cases of a log.
pub const MAX_LOG_CASES: u32 = 1_000_000;
/// Bytes after which the text is handed over.
const PART_BYTES: usize = 1 << 20;

/// Executions of a replication, in order of their beginning.
#[derive(Clone, Debug, Default)]
struct Chronicle {
    executions: Vec<Execution>,
    halted: Vec<(u32, f64)>,
    cases: u32,
}

impl Witness for Chronicle {
    fn begins(&mut self) {
        *self = Self::default();
    }

    fn executed(&mut self, execution: Execution) {
        self.executions.push(execution);
    }

    fn halted(&mut self, case: u32, now: f64) {
        self.halted.push((case, now));
    }

    fn ended(&mut self, case: u32, _: f64, _: f64, _: Option<u16>) {
        self.cases = self.cases.max(case + 1);
    }
}

/// What a log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Logged {
    /// Cases.
    pub cases: u32,
    /// Executions.
    pub executions: usize,
}

/// Simulates `cases` cases (at most [`MAX_LOG_CASES`]) after `warm_up` cases that are left out, and hands their event log
/// over in parts. Second 0 of the simulation is `start_ms` (milliseconds since the Unix epoch).
///
/// # Errors
/// What `sink` gives; nothing is written after it.
pub fn event_log<E>(
    model: &Model,
    seed: u64,
    (cases, warm_up): (u32, u32),
    (format, start_ms): (Format, i64),
    sink: &mut dyn FnMut(&str) -> Result<(), E>,
) -> Result<Logged, E> {
    let mut chronicle = Chronicle::default();
    let cases = cases.min(MAX_LOG_CASES);
    if model.arrivals.is_some() && model.engine.is_none() {
        // Cases that arrive in time begin one after the other, also where they do not meet.
        queueing::run(model, seed, 0, (cases, warm_up), &mut chronicle);
    } else {
        replicate_before(model, seed, 0, (cases, warm_up), &mut chronicle);
    }
    chronicle.break_off();
    let order = chronicle.by_case();
    let activities: Vec<Label> = model.activities.iter().map(|activity| Label::new(&activity.name)).collect();
    let resources: Vec<Label> = model.resources.iter().map(|resource| Label::new(&resource.name)).collect();
    let at_ms = |seconds: f64| start_ms.saturating_add((seconds * 1_000.0).round() as i64);
    let mut writer = Writer::new(format, &model.name);
    for (case, range) in order.cases.iter().enumerate() {
        writer.open_case(&(case + 1).to_string());
        for place in order.executions.get(range.clone()).unwrap_or_default() {
            let Some(execution) = chronicle.executions.get(*place as usize) else { continue };
            let activity = usize::from(execution.activity);
            let resource = model.activities.get(activity).and_then(|activity| activity.resource);
            let Some(label) = activities.get(activity) else { continue };
            writer.execution(&Row {
                activity: label,
                resource: resource.and_then(|resource| resources.get(usize::from(resource))),
                enabled_ms: at_ms(execution.reached),
                began_ms: at_ms(execution.began),
                ended_ms: Some(at_ms(execution.ended)),
                broken_off: execution.broken_off,
            });
        }
        writer.close_case();
        if writer.len() > PART_BYTES {
            sink(&writer.take())?;
        }
    }
    sink(&writer.finish())?;
    Ok(Logged { cases: chronicle.cases, executions: order.executions.len() })
}

/// Executions by case, each case in order of time.
struct ByCase {
    /// Where the executions of each case stand in the next list.
    cases: Vec<Range<usize>>,
    /// Places in [`Chronicle::executions`].
    executions: Vec<u32>,
}

impl Chronicle {
    /// What a terminate end event broke off ended then; what had not begun did not happen.
    fn break_off(&mut self) {
        self.halted.sort_by_key(|(case, _)| *case);
        let halted = std::mem::take(&mut self.halted);
        if halted.is_empty() {
            return;
        }
        let at = |case: u32| {
            let place = halted.binary_search_by_key(&case, |(case, _)| *case).ok()?;
            halted.get(place).map(|(_, now)| *now)
        };
        self.executions.retain_mut(|execution| match at(execution.case) {
            Some(now) if execution.began >= now && execution.ended > now => false,
            Some(now) if execution.ended > now => {
                (execution.ended, execution.broken_off) = (now, true);
                true
            }
            _ => true,
        });
    }

    fn by_case(&self) -> ByCase {
        let mut counts = vec![0_usize; self.cases as usize];
        for execution in &self.executions {
            if let Some(count) = counts.get_mut(execution.case as usize) {
                *count += 1;
            }
        }
        let mut from = 0;
        let mut cases: Vec<Range<usize>> = Vec::with_capacity(counts.len());
        for count in counts {
            cases.push(from..from);
            from += count;
        }
        let mut executions = vec![0_u32; from];
        for (place, execution) in (0_u32..).zip(&self.executions) {
            let Some(range) = cases.get_mut(execution.case as usize) else { continue };
            if let Some(slot) = executions.get_mut(range.end) {
                *slot = place;
            }
            range.end += 1;
        }
        let began = |place: &u32| {
            self.executions.get(*place as usize).map_or((0.0, 0.0), |each| (each.began, each.ended))
        };
        for range in &cases {
            if let Some(part) = executions.get_mut(range.clone()) {
                part.sort_by(|a, b| {
                    let (a, b) = (began(a), began(b));
                    a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
                });
            }
        }
        ByCase { cases, executions }
    }
}
