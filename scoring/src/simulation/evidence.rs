//! What recorded cases showed, in the place of what the file assumes.
//!
//! | recorded | becomes |
//! | --- | --- |
//! | [`FEWEST`] to [`SHAPED`] − 1 durations of an element | the declared law (exponential where none is) with the recorded mean |
//! | [`SHAPED`] durations or more | the Kaplan–Meier law of what was recorded |
//! | how long executions have been going on that have not ended | censored observations in both |
//! | outcomes of a task | counts: Dirichlet(k + 1) shares |
//! | tokens on the flows of an exclusive gateway | the same |
//!
//! With d finished executions and the time on test T (all durations, finished or not) the mean is T/d: the maximum
//! likelihood under right censoring of an exponential law. Kaplan and Meier, J. Am. Stat. Assoc. 53 (1958) 457: the
//! share still going on after t is Π(1 − dᵢ/nᵢ) over the finished durations up to t, with nᵢ going on just before; what
//! is left beyond the longest of all stays there (Efron 1967).

use std::collections::{BTreeMap, BTreeSet};

use bpmn::program::{Node, NodeKind, Program};
use serde::{Deserialize, Serialize};

use super::Law;
use super::declare::{Declaration, Weight};

/// Fewer finished executions do not replace a duration, fewer decisions not a declared share.
pub const FEWEST: usize = 5;
/// So many finished executions say what form a duration has.
pub const SHAPED: usize = 20;

/// What was recorded of an element.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Executions {
    /// Durations of executions that ended well, in seconds.
    pub finished: Vec<f64>,
    /// How long executions went on that have not ended or were broken off, in seconds.
    pub open: Vec<f64>,
    /// Whether the durations hold the time until somebody took the work up.
    pub with_waiting: bool,
    /// How often each outcome was reached.
    pub outcomes: BTreeMap<String, u64>,
}

/// What was recorded of a process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Cases behind it.
    pub cases: u64,
    /// By element id.
    pub elements: BTreeMap<String, Executions>,
    /// How often each sequence flow was taken, by id.
    pub flows: BTreeMap<String, u64>,
}

/// What of a declaration was replaced, by element id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Learnt {
    /// Cases behind it.
    pub cases: u64,
    /// Elements whose duration was replaced, with the finished executions behind it.
    pub durations: BTreeMap<String, u64>,
    /// Tasks whose outcomes and gateways whose ways were replaced, with the decisions behind it.
    pub shares: BTreeMap<String, u64>,
    /// Elements with fewer than [`FEWEST`] executions or decisions, with how many: they stay as declared.
    pub few: BTreeMap<String, u64>,
    /// Elements whose recorded durations hold the wait for a declared resource: they stay as declared, because the
    /// simulation adds that wait itself.
    pub waiting: BTreeSet<String>,
}

impl Learnt {
    /// Whether nothing was replaced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.durations.is_empty() && self.shares.is_empty()
    }

    /// In lines for a person; nothing where no case was recorded.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let listed = |found: &BTreeMap<String, u64>| {
            found.iter().map(|(id, count)| format!("{id} ({count})")).collect::<Vec<_>>().join(", ")
        };
        if self.cases == 0 {
            return Vec::new();
        }
        let mut lines = Vec::new();
        if self.is_empty() {
            lines.push(format!(
                "{} recorded cases: nothing in them replaces what the file assumes",
                self.cases
            ));
        } else {
            lines.push(format!("{} recorded cases take the place of what the file assumes", self.cases));
        }
        for (what, found) in [("durations of", &self.durations), ("shares at", &self.shares)] {
            if !found.is_empty() {
                lines.push(format!("  {what} {}", listed(found)));
            }
        }
        if !self.few.is_empty() {
            lines
                .push(format!("  too few to tell (under {FEWEST}), kept as declared: {}", listed(&self.few)));
        }
        if !self.waiting.is_empty() {
            let ids: Vec<&str> = self.waiting.iter().map(String::as_str).collect();
            lines.push(format!(
                "  recorded together with the wait for who does it, kept as declared: {}",
                ids.join(", ")
            ));
        }
        lines
    }
}

impl Declaration {
    /// Takes what was recorded instead of what is declared, and says what it replaced.
    pub fn learn(&mut self, program: &Program, evidence: &Evidence) -> Learnt {
        let mut learnt = Learnt { cases: evidence.cases, ..Learnt::default() };
        for node in &program.nodes {
            if let Some(seen) = evidence.elements.get(&node.id) {
                self.learn_duration(node, seen, &mut learnt);
                self.learn_outcomes(node, seen, &mut learnt);
            }
            if matches!(node.kind, NodeKind::Exclusive) && node.outgoing.len() > 1 {
                self.learn_ways(program, node, evidence, &mut learnt);
            }
        }
        learnt
    }

    fn learn_duration(&mut self, node: &Node, seen: &Executions, learnt: &mut Learnt) {
        let finished = seen.finished.len();
        let Some(law) = seen.law(self.elements.get(&node.id).and_then(|declared| declared.duration.as_ref()))
        else {
            if (1..FEWEST).contains(&finished) {
                learnt.few.insert(node.id.clone(), finished as u64);
            }
            return;
        };
        let declared = self.elements.entry(node.id.clone()).or_default();
        if seen.with_waiting && declared.resource.is_some() {
            learnt.waiting.insert(node.id.clone());
            return;
        }
        declared.duration = Some(law);
        declared.observed = Some(finished as u64);
        learnt.durations.insert(node.id.clone(), finished as u64);
    }

    fn learn_outcomes(&mut self, node: &Node, seen: &Executions, learnt: &mut Learnt) {
        let decided: u64 = seen.outcomes.values().sum();
        let declared =
            self.elements.get(&node.id).map(|declared| declared.outcomes.as_slice()).unwrap_or_default();
        if decided == 0 || (decided < FEWEST as u64 && !declared.is_empty()) {
            return;
        }
        // Declared outcomes that did not happen are possible all the same.
        let mut labels: Vec<String> = declared.iter().map(|(label, _)| label.clone()).collect();
        labels.extend(node.task.outcomes.iter().map(|outcome| outcome.label.clone()));
        labels.extend(seen.outcomes.keys().cloned());
        let mut known = BTreeSet::new();
        labels.retain(|label| known.insert(label.clone()));
        let weighed = labels.into_iter().map(|label| {
            let count = seen.outcomes.get(&label).copied().unwrap_or_default();
            (label, counted(count))
        });
        self.elements.entry(node.id.clone()).or_default().outcomes = weighed.collect();
        learnt.shares.insert(node.id.clone(), decided);
    }

    fn learn_ways(&mut self, program: &Program, node: &Node, evidence: &Evidence, learnt: &mut Learnt) {
        let flows = || node.outgoing.iter().filter_map(|flow| program.flows.get(*flow));
        let taken = |id: &str| evidence.flows.get(id).copied().unwrap_or_default();
        let decided: u64 = flows().map(|flow| taken(&flow.id)).sum();
        let declared = flows().any(|flow| self.flows.contains_key(&flow.id));
        if decided == 0 || (decided < FEWEST as u64 && declared) {
            if decided > 0 {
                learnt.few.insert(node.id.clone(), decided);
            }
            return;
        }
        for flow in flows() {
            self.flows.insert(flow.id.clone(), counted(taken(&flow.id)));
        }
        learnt.shares.insert(node.id.clone(), decided);
    }
}

fn counted(count: u64) -> Weight {
    Weight { share: count as f64, count: Some(count as f64) }
}

impl Executions {
    /// The law of these durations; `None` where they are too few, or took no time.
    fn law(&self, declared: Option<&Law>) -> Option<Law> {
        let finished = self.finished.len();
        let exposure: f64 = self.finished.iter().chain(&self.open).sum();
        if finished < FEWEST || exposure <= 0.0 {
            return None;
        }
        if finished >= SHAPED {
            return Law::weighted(self.product_limit()).ok();
        }
        let mean = exposure / finished as f64;
        match declared {
            Some(law) if law.mean() > 0.0 => Some(law.scaled(mean / law.mean())),
            _ => Some(Law::Exponential(mean)),
        }
    }

    /// The product-limit estimate: finished durations with the share that ends there.
    fn product_limit(&self) -> Vec<(f64, f64)> {
        let mut seen: Vec<(f64, bool)> = self.finished.iter().map(|duration| (*duration, true)).collect();
        seen.extend(self.open.iter().map(|duration| (*duration, false)));
        // Of two at the same time the one that ended comes first.
        seen.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        let (mut going_on, mut left) = (seen.len() as f64, 1.0);
        let mut law = Vec::with_capacity(seen.len());
        for (duration, ended) in &seen {
            if *ended {
                let share = left / going_on;
                law.push((*duration, share));
                left -= share;
            }
            going_on -= 1.0;
        }
        if left > 1e-12
            && let Some((longest, _)) = seen.last()
        {
            law.push((*longest, left));
        }
        law
    }
}
