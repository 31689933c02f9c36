//! From where running cases stand in the engine: how one of them goes on, among the others and those that come.
//!
//! | what a running case waits for | in the simulation |
//! | --- | --- |
//! | a job, a called process, an event or a receive task that counts as work | work that has been going on since its element began |
//! | a timer | due when it is due |
//! | something that comes by declaration | what is left of its time; with a share, as probable as it still is |
//! | a repetition whose rounds are drawn | as many further rounds as without memory |
//!
//! What a real case knows (its variables) goes before what cases are assumed to bring along.

use bpmn::exec::{Input, Local, State, WaitsFor};
use bpmn::program::{NodeIndex, NodeKind, Trigger, Variables};
use serde_json::json;

use super::super::model::Model;
use super::super::queueing::Left;
use super::super::random::Numbers;
use super::super::witness::{Nobody, Witness};
use super::run::{Other, Shop, Wait};
use super::{ByEngine, Role, Rounds};

/// Events after which a case is held not to end.
const EVENTS_LIMIT: u32 = 200_000;

/// Lets running cases go on from `now` (seconds since Monday, midnight), which is `at_ms` in milliseconds since the Unix
/// epoch, until the first of them has ended. `None` where it has not after [`EVENTS_LIMIT`] events.
pub(in super::super) fn resume(
    (model, engine): (&Model, &ByEngine),
    (seed, replication): (u64, u64),
    (now, at_ms): (f64, i64),
    states: &[&State],
) -> Option<Left> {
    let mut nobody = Nobody;
    let mut shop = Shop::over((model, engine), Numbers::new(seed, replication), (0, 0), &mut nobody);
    shop.now = now;
    shop.epoch_ms = at_ms.saturating_sub((now * 1_000.0).round() as i64);
    shop.watched = Some(None);
    let count = states.len() as u32;
    for (number, state) in (0..count).zip(states) {
        shop.take_up(number, state);
    }
    shop.place(at_ms, states);
    if model.is_contended() {
        shop.cases = u32::MAX;
        shop.announce(count, now);
    }
    shop.drain();
    for _ in 0..EVENTS_LIMIT {
        if let Some(Some((ended, end))) = shop.watched {
            return Some((ended - now, end));
        }
        match shop.events.pop() {
            Some(event) => shop.happen(event),
            None if shop.flush() => shop.drain(),
            None => break,
        }
    }
    shop.watched.flatten().map(|(ended, end)| (ended - now, end))
}

/// Work of a running case: seconds since it began, its case, its number there, its node.
type UnderWay = (f64, u32, Local, NodeIndex);

impl<W: Witness> Shop<'_, W> {
    /// Puts all that running cases wait for where it stands. At resources those are served that have been there longest.
    fn place(&mut self, at_ms: i64, states: &[&State]) {
        let mut at_work: Vec<UnderWay> = Vec::new();
        for (slot, state) in (0_u32..).zip(states) {
            let active: Vec<_> = state.active().collect();
            let of = |element: Option<Local>| active.iter().find(|active| Some(active.element) == element);
            let first_ms = active.iter().map(|active| active.started_ms).min().unwrap_or(at_ms);
            for wait in state.waits() {
                let owner = of(wait.element);
                let since_ms = owner.map_or(first_ms, |owner| owner.started_ms);
                let elapsed = at_ms.saturating_sub(since_ms).max(0) as f64 / 1_000.0;
                let own = owner.map(|owner| owner.index);
                let other = match wait.what {
                    WaitsFor::Job => None,
                    WaitsFor::Call => Some(Other::Call),
                    WaitsFor::Timer { due_ms, .. } => {
                        let after = due_ms.saturating_sub(at_ms).max(0) as f64 / 1_000.0;
                        self.open(slot, wait.number, Wait::Timer);
                        self.schedule(self.now + after, slot, slot, wait.number);
                        continue;
                    }
                    WaitsFor::Subscription { index, repeats, .. } if Some(index) != own => {
                        self.await_event(slot, wait.number, index, if repeats { 0.0 } else { elapsed });
                        continue;
                    }
                    WaitsFor::Subscription { .. } => Some(Other::Subscription),
                    WaitsFor::Condition { .. } | WaitsFor::Incident => continue,
                };
                if let Some(node) = own {
                    at_work.push((elapsed, slot, wait.number, node));
                    if let Some(other) = other {
                        self.slots[slot as usize].others.push((wait.number, other));
                    }
                }
            }
            for body in active.iter().filter(|active| active.body) {
                self.further_rounds(slot, body.element, body.index, state.runs_ended(body.element));
            }
        }
        at_work.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        for (elapsed, slot, number, node) in at_work {
            self.go_on(elapsed, slot, number, node);
        }
    }

    /// Work that has been going on, or has waited, for so long.
    fn go_on(&mut self, elapsed: f64, slot: u32, number: Local, node: NodeIndex) {
        let engine = self.engine;
        match &engine.roles[node] {
            Role::Work(work) => self.reach(slot, number, node, (work.activity, elapsed)),
            // An event that the process itself brings about.
            _ if self.slots[slot as usize].others.iter().any(|(other, _)| *other == number) => {
                self.await_event(slot, number, node, elapsed);
            }
            _ => self.complete(slot, number, Variables::new()),
        }
    }

    /// Something that may come: by declaration, or from the case itself.
    fn await_event(&mut self, slot: u32, subscription: Local, node: NodeIndex, elapsed: f64) {
        let engine = self.engine;
        if matches!(engine.roles[node], Role::Comes { .. }) {
            return self.expect(slot, subscription, node, elapsed);
        }
        if let Some((kind, name)) = engine.program.nodes.get(node).and_then(|node| named(&node.kind)) {
            self.open(slot, subscription, Wait::Listens(kind, name));
        }
    }

    fn further_rounds(&mut self, slot: u32, body: Local, node: NodeIndex, ended: u32) {
        let engine = self.engine;
        let Some(rounds) = engine.rounds.get(&node) else { return };
        // The one under way, and those after it.
        let further = self.count(slot, &Rounds { maybe_none: false, ..rounds.clone() });
        let variables = Variables::from_iter([(rounds.variable.clone(), json!(f64::from(ended) + further))]);
        self.say(slot, Input::SetVariables { scope: Some(body), variables });
    }
}

fn named(kind: &NodeKind) -> Option<(bpmn::exec::SubscriptionKind, String)> {
    use bpmn::exec::SubscriptionKind::{Message, Signal};
    let (NodeKind::Boundary { trigger, .. }
    | NodeKind::Catch(trigger)
    | NodeKind::Receive(trigger)
    | NodeKind::Start { trigger: Some(trigger), .. }) = kind
    else {
        return None;
    };
    let text = |name: &bpmn::expression::Expression| name.as_literal()?.as_str().map(str::to_owned);
    match trigger {
        Trigger::Message { name, .. } => Some((Message, text(name)?)),
        Trigger::Signal { name } => Some((Signal, text(name)?)),
        _ => None,
    }
}
