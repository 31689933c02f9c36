//! Everything at once: one model with nearly every element, and inputs at random.

use proptest::prelude::*;
use serde_json::json;

use super::super::state::WaitKind;
use super::build::{
    Build, condition, cycle, duration, each, error, escalation, feel, message, process, signal, throw_error,
    throw_escalation, times,
};
use super::drive::{Story, variables};
use crate::exec::{Input, Local, Status, StepContext};
use crate::program::{NodeKind, Over, Program, Repeat, SubProcess, Throw, Trigger, Variables};

fn transaction(b: &mut Build) {
    b.sub("tx", SubProcess::Transaction, |b| {
        b.start("tx.s");
        b.job("book");
        b.handler("unbook", "book");
        b.sub("inner", SubProcess::Embedded, |b| {
            b.start("inner.s");
            b.job("pay");
            b.handler("refund", "pay");
            b.node("undo", NodeKind::Throw(Throw::Compensation { activity: None }));
            b.end("inner.e");
            b.chain(&["inner.s", "pay"]);
            b.flow_if("pay", "undo", "c = 1");
            b.otherwise("pay", "inner.e");
            b.flow("undo", "inner.e");
        });
        b.xor("tx.g");
        b.end_with("tx.no", Throw::Cancel);
        b.end("tx.e");
        b.chain(&["tx.s", "book", "inner", "tx.g"]);
        b.flow_if("tx.g", "tx.no", "c = 2");
        b.otherwise("tx.g", "tx.e");
    });
    b.repeat("tx", times("2", false));
    b.boundary("tx.cancelled", "tx", Trigger::Cancel, true);
    b.end("cancelled");
    b.flow("tx.cancelled", "cancelled");
}

fn busy(b: &mut Build) {
    b.sub("busy", SubProcess::Embedded, |b| {
        b.start("busy.s");
        b.job("work");
        let repeat = Repeat::Multi {
            sequential: false,
            over: Over::Collection { collection: feel("items"), element: Some("item".to_owned()) },
            completion: Some(feel("nrOfCompletedInstances > 2")),
            output: Some(("results".to_owned(), feel("assert(c, c < 5)"))),
        };
        b.repeat("work", repeat);
        b.boundary("work.tick", "work", cycle("R2/PT1S"), false);
        b.boundary("work.failed", "work", error("E"), true);
        b.end_with("busy.err", throw_error("E2"));
        b.node("note", NodeKind::Throw(throw_escalation("U")));
        b.end("busy.e");
        b.chain(&["busy.s", "work", "note", "busy.e"]);
        b.flow("work.tick", "note");
        b.flow("work.failed", "busy.err");
        b.event_sub("busy.m", message("m"), true);
        b.event_sub("busy.n", signal("n"), false);
        b.event_sub("busy.u", escalation(""), false);
    });
    b.boundary("busy.failed", "busy", error(""), true);
    b.boundary("busy.c", "busy", condition("c = 3"), false);
    b.chain(&["busy.failed", "or"]);
    b.chain(&["busy.c", "or"]);
}

fn everything() -> Program {
    process(|b| {
        b.start("s");
        b.and("split");
        b.or("or");
        b.flow("s", "split");
        transaction(b);
        busy(b);
        b.node("wait", NodeKind::EventBased { instantiate: false });
        b.node("wait.m", NodeKind::Catch(message("m")));
        b.node("wait.t", NodeKind::Catch(duration("PT5S")));
        b.call("call", "child");
        b.boundary("call.failed", "call", error("E"), true);
        let ad_hoc = SubProcess::AdHoc {
            active_elements: None,
            completion: Some(feel("c > 1")),
            cancel_remaining: true,
            sequential: false,
        };
        b.sub("hoc", ad_hoc, |b| {
            b.job("hoc.a");
            b.small_sub("hoc.b", SubProcess::Embedded);
        });
        b.repeat("hoc", each("[1, 2]", "item", true));
        for part in ["tx", "busy", "wait", "call", "hoc"] {
            b.flow("split", part);
        }
        b.chain(&["wait", "wait.m", "or"]);
        b.chain(&["wait", "wait.t", "or"]);
        for part in ["tx", "busy", "call", "call.failed", "hoc"] {
            b.flow(part, "or");
        }
        b.xor("again");
        b.end_with("end", Throw::Compensation { activity: None });
        b.flow("or", "again");
        b.flow_if("again", "split", "c = 4");
        b.otherwise("again", "end");
        b.event_sub("root.late", cycle("R1/PT20S"), false);
        b.event_sub("root.err", error("E3"), true);
    })
}

fn input(story: &Story, (pick, choice, c): (u32, u8, u8)) -> Input {
    let state = &story.state;
    let result = variables(json!({"c": c}));
    let waits: Vec<Local> = state.waits.keys().copied().collect();
    let active: Vec<Local> = state.active().map(|active| active.element).collect();
    let element = active.get(pick as usize % active.len().max(1)).copied().unwrap_or_default();
    match choice {
        0 => return Input::SetVariables { scope: None, variables: result },
        1 => return Input::SetVariables { scope: Some(element), variables: result },
        2 => return Input::Modify { terminate: vec![element], activate: Vec::new() },
        3 => {
            let node = &story.program.nodes[pick as usize % story.program.nodes.len()];
            return Input::Modify { terminate: Vec::new(), activate: vec![node.id.clone()] };
        }
        4 => {
            let ids = vec!["hoc.a".to_owned()];
            return Input::ActivateAdHoc { element, ids };
        }
        _ => {}
    }
    let Some(number) = waits.get(pick as usize % waits.len().max(1)).copied() else { return Input::Continue };
    let code = ["E", "E2", "E3", "E4"][usize::from(c) % 4].to_owned();
    match (&state.waits[&number].kind, choice) {
        (WaitKind::Job, 5) => {
            Input::ThrowError { job: number, code, message: String::new(), variables: result }
        }
        (WaitKind::Job, 6) => Input::ThrowEscalation { job: number, code, variables: result },
        (WaitKind::Job, 7) => {
            Input::FailJob { job: number, code, message: String::new(), retries_left: u32::from(c % 2) }
        }
        (WaitKind::Job, _) => Input::CompleteJob { job: number, variables: result },
        (WaitKind::Timer { .. }, _) => Input::TimerDue { timer: number },
        (WaitKind::Subscription { .. }, _) => Input::Correlate { subscription: number, variables: result },
        (WaitKind::Call, 5..=7) => {
            Input::CallFailed { call: number, code, message: String::new(), thrown: c % 2 == 0 }
        }
        (WaitKind::Call, _) => Input::CallCompleted { call: number, variables: result },
        (WaitKind::Incident { .. }, _) => Input::ResolveIncident { incident: number },
        (WaitKind::Condition { .. }, _) => Input::SetVariables { scope: None, variables: result },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_loses_a_token_or_breaks_the_state(
        rolls in prop::collection::vec((any::<u32>(), 0..24u8, 0..6u8), 1..60),
        budget in 1..200u32,
    ) {
        let mut story = Story::fresh(everything());
        let context = StepContext { now_ms: 0, budget };
        let start = json!({"items": [1, 2, 3, 4], "c": 0});
        story.checked_step(Input::Start { start: None, variables: variables(start) }, context).unwrap();
        for roll in rolls {
            let input = input(&story, roll);
            // Refusals are fine; the checks of every step are the property.
            let _ = story.checked_step(input, context);
            if story.status() != Status::Active {
                break;
            }
        }
        if story.status() == Status::Active {
            story.checked_step(Input::Cancel { reason: "over".to_owned() }, context).unwrap();
            prop_assert_eq!(story.state.variables(None).map(Variables::is_empty), Some(false));
        }
    }
}
