//! A log made of a process: random walks through it, for comparing processes and for tests.

use bpmn::program::Program;
use bpmn::xes::{Event, Trace};
use scoring::Stream;

use super::log::EventLog;
use super::net::Net;
use crate::error::Error;

/// Most steps of one walk, seen or unseen; a longer one is left out.
const MAX_STEPS: usize = 5_000;
/// Walks tried for each one wanted.
const TRIES: usize = 4;

/// Walks through a process at random, each step equally likely, until so many walks came to an end.
///
/// # Errors
/// `DAS-0010` where no walk came to an end.
pub fn play_out(program: &Program, cases: usize, seed: u64) -> Result<EventLog, Error> {
    let net = Net::of(program, &|_| None, &|_| false);
    let mut stream = Stream::seeded(seed);
    let mut traces = Vec::with_capacity(cases);
    for _ in 0..cases.saturating_mul(TRIES) {
        if traces.len() >= cases {
            break;
        }
        traces.extend(walk(&net, &mut stream).map(|events| Trace { case: None, events }));
    }
    if traces.is_empty() {
        return Err(Error::Log { why: format!("no walk through '{}' came to an end", program.process_id) });
    }
    EventLog::from_traces(traces)
}

fn walk(net: &Net, stream: &mut Stream) -> Option<Vec<Event>> {
    let mut marking = vec![net.source];
    let mut events = Vec::new();
    for _ in 0..MAX_STEPS {
        let enabled: Vec<u32> = net
            .candidates(&marking)
            .into_iter()
            .filter(|&transition| net.is_enabled(transition, &marking))
            .collect();
        if enabled.is_empty() {
            let is_over = marking.iter().all(|&place| place == net.sink);
            return is_over.then_some(events);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a short list"
        )]
        let at = (stream.uniform() * enabled.len() as f64) as usize;
        let transition = *enabled.get(at.min(enabled.len() - 1))?;
        let label = net.transitions.get(transition as usize).and_then(|it| it.label);
        if let Some(name) = label.and_then(|label| net.labels.get(label)) {
            events.push(Event { activity: name.clone(), at_ms: None, resource: None });
        }
        marking = net.fire(transition, &marking).marking;
    }
    None
}
