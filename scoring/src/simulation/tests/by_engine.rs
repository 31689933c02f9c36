//! What a table cannot say, by the engine's own rules: against closed forms and what can be worked out by hand.

use std::sync::Arc;

use bpmn::exec::{Input, State, StepContext, advance};
use bpmn::program::Variables;

use super::super::{
    Effort, Ended, Inexact, LiveCase, Model, Plan, Replication, Settings, compare, event_log, forecast,
    replicate, shadow_prices, simulate, tornado,
};
use super::read_beside;

/// Tasks, events and flows in few words.
struct Sketch(String);

impl Sketch {
    fn new() -> Self {
        Self(r#"<bpmn:startEvent id="start"/><bpmn:endEvent id="end"/>"#.to_owned())
    }

    fn with(mut self, text: &str) -> Self {
        self.0 += text;
        self
    }

    /// A user task with this `procos:simulation` and these further contents.
    fn task(self, id: &str, simulation: &str, more: &str) -> Self {
        self.with(&format!(r#"<bpmn:userTask id="{id}">{}{more}</bpmn:userTask>"#, says(simulation)))
    }

    /// An event on the boundary of another node.
    fn boundary(self, id: &str, of: &str, simulation: &str, event: &str, interrupting: bool) -> Self {
        self.with(&format!(
            r#"<bpmn:boundaryEvent id="{id}" attachedToRef="{of}" cancelActivity="{interrupting}">{}{event}
            </bpmn:boundaryEvent>"#,
            says(simulation)
        ))
    }

    /// Flows along these nodes: `a b c`.
    fn path(mut self, nodes: &str) -> Self {
        let nodes: Vec<&str> = nodes.split(' ').collect();
        for pair in nodes.windows(2) {
            self.0 += &format!(
                r#"<bpmn:sequenceFlow id="{0}.{1}" sourceRef="{0}" targetRef="{1}"/>"#,
                pair[0], pair[1]
            );
        }
        self
    }

    fn end(self, id: &str) -> Self {
        self.with(&format!(r#"<bpmn:endEvent id="{id}"/>"#))
    }

    fn inside(self, id: &str, attributes: &str, contents: Self, more: &str) -> Self {
        let mut contents = contents.0;
        for name in ["start", "end"] {
            contents = contents.replace(&format!("\"{name}\""), &format!("\"{id}_{name}\""));
        }
        let contents = contents.replace("sequenceFlow id=\"", &format!("sequenceFlow id=\"{id}_"));
        self.with(&format!(r#"<bpmn:subProcess id="{id}" {attributes}>{more}{contents}</bpmn:subProcess>"#))
    }

    fn model(&self) -> Model {
        let (program, declaration) = read_beside(&self.0, NAMED);
        let model =
            Model::build(&program, &declaration).unwrap_or_else(|error| panic!("{error}; {}", error.hint()));
        assert!(model.by_engine().is_some(), "a table says it");
        model
    }

    fn refusal(&self) -> String {
        let (program, declaration) = read_beside(&self.0, NAMED);
        let error = Model::build(&program, &declaration).unwrap_err();
        assert_eq!(error.code(), "SCORING-0006");
        format!("{error}; {}", error.hint())
    }

    fn run(&self, cases: u32) -> Run {
        let model = self.model();
        let found = replicate(&model, 7, 0, cases, 0);
        Run { model, found }
    }
}

fn says(simulation: &str) -> String {
    if simulation.is_empty() {
        return String::new();
    }
    format!("<bpmn:extensionElements><procos:simulation {simulation}/></bpmn:extensionElements>")
}

struct Run {
    model: Model,
    found: Replication,
}

impl Run {
    fn mean(&self) -> f64 {
        self.found.durations.iter().sum::<f64>() / self.found.durations.len() as f64
    }

    /// The share of cases that end there.
    fn end(&self, id: &str) -> f64 {
        let place = self.model.ends.iter().position(|(known, _)| known == id).unwrap();
        self.found.ends[place] as f64 / self.found.cases as f64
    }

    /// Executions in a case.
    fn visits(&self, id: &str) -> f64 {
        let place = self.model.activities.iter().position(|known| known.id == id).unwrap();
        self.found.activities[place].visits as f64 / self.found.cases as f64
    }
}

/// Within five standard errors of a mean of `n` numbers that deviate by `sd`.
fn near(found: f64, expected: f64, sd: f64, n: u32) {
    assert!((found - expected).abs() < 5.0 * sd / f64::from(n).sqrt() + 1e-9, "{found} against {expected}");
}

fn share(found: f64, expected: f64, n: u32) {
    near(found, expected, (expected * (1.0 - expected)).sqrt(), n);
}

const N: u32 = 4_000;
const TIMER: &str =
    "<bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>";
const MESSAGE: &str = r#"<bpmn:messageEventDefinition messageRef="hello"/>"#;
/// Beside the process.
const NAMED: &str = r#"<bpmn:message id="hello" name="hello"/><bpmn:signal id="go" name="go"/>"#;

#[test]
fn a_timer_that_does_not_interrupt_adds_a_branch() {
    let sketch = Sketch::new()
        .task("work", "duration=\"exponential(2h)\"", "")
        .boundary("remind", "work", "", TIMER, false)
        .task("call", "duration=\"10h\"", "")
        .end("called")
        .path("start work end")
        .path("remind call called");
    let run = sketch.run(N);
    // The work takes longer than the hour with probability e^-½; the call then begins at one hour and takes ten.
    let late = (-0.5_f64).exp();
    share(run.visits("call"), late, N);
    // E max(X, 11 h) over X > 1 h, and X itself below.
    let (x, m) = (2.0, 11.0_f64);
    let beyond = x * (-m / x).exp();
    let hours = m * late + beyond + (x - (1.0 + x) * late);
    near(run.mean() / 3600.0, hours, 6.0, N);
}

#[test]
fn a_message_comes_again_and_again_while_the_work_goes_on() {
    let sketch = Sketch::new()
        .task("work", "duration=\"exponential(2h)\"", "")
        .boundary("asks", "work", "duration=\"exponential(1h)\"", MESSAGE, false)
        .task("answer", "", "")
        .end("answered")
        .path("start work end")
        .path("asks answer answered");
    let run = sketch.run(N);
    // A Poisson stream over an exponential time: geometric with mean 2 and variance 6.
    near(run.visits("answer"), 2.0, 6.0_f64.sqrt(), N);
    assert!((run.visits("asks") - run.visits("answer")).abs() < 1e-9);
}

#[test]
fn a_message_that_interrupts_races_with_the_work() {
    let sketch = Sketch::new()
        .task("work", "duration=\"exponential(3h)\"", "")
        .boundary("withdrawn", "work", "duration=\"exponential(1h)\" share=\"0.5\"", MESSAGE, true)
        .end("off")
        .path("start work end")
        .path("withdrawn off");
    let run = sketch.run(N);
    // It comes in every second case, and is first with probability (1/1)/(1/1 + 1/3).
    share(run.end("off"), 0.5 * 0.75, N);
}

#[test]
fn an_error_ends_the_work_with_its_share_and_other_errors_with_theirs() {
    let sketch = Sketch::new()
        .task("work", "duration=\"2h\"", "")
        .boundary("broken", "work", "share=\"0.2\"", "<bpmn:errorEventDefinition/>", true)
        .boundary("raised", "work", "share=\"0.3\"", "<bpmn:escalationEventDefinition/>", false)
        .end("failed")
        .task("look", "duration=\"1h\"", "")
        .end("looked")
        .path("start work end")
        .path("broken failed")
        .path("raised look looked");
    let run = sketch.run(N);
    share(run.end("failed"), 0.2, N);
    share(run.end("looked"), 0.3, N);
    near(run.mean(), 2.3 * 3600.0, 0.5 * 3600.0, N);
}

#[test]
fn a_sub_process_that_is_repeated_in_parallel_takes_as_long_as_the_longest() {
    let inner = Sketch::new().task("part", "duration=\"exponential(1h)\"", "").path("start part end");
    let several = "<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>4</bpmn:loopCardinality>\
                   </bpmn:multiInstanceLoopCharacteristics>";
    let run = Sketch::new().inside("all", "", inner, several).path("start all end").run(N);
    // The maximum of four exponential times: 1 + ½ + ⅓ + ¼, its variance 1 + ¼ + 1/9 + 1/16.
    near(run.mean() / 3600.0, 25.0 / 12.0, (205.0_f64 / 144.0).sqrt(), N);
    assert!((run.visits("part") - 4.0).abs() < 1e-9);
}

#[test]
fn a_repetition_ends_early_with_its_share_also_in_scopes_side_by_side() {
    let until = |id: &str| {
        format!(
            r#"<bpmn:multiInstanceLoopCharacteristics isSequential="true"><bpmn:loopCardinality>50</bpmn:loopCardinality>
            <bpmn:completionCondition>={id} = "found"</bpmn:completionCondition></bpmn:multiInstanceLoopCharacteristics>"#
        )
    };
    let inner =
        Sketch::new().task("try", "duration=\"1h\" share=\"0.4\"", &until("answer")).path("start try end");
    let twice = "<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>2</bpmn:loopCardinality>\
                 </bpmn:multiInstanceLoopCharacteristics>";
    let run = Sketch::new().inside("both", "", inner, twice).path("start both end").run(N);
    // Two geometric numbers of hours with mean 2.5 each, and the larger of them: 2/p - 1/(1 - q²) with q = 0.6.
    near(run.visits("try"), 5.0, (2.0 * 0.6_f64).sqrt() / 0.4, N);
    near(run.mean() / 3600.0, 5.0 - 1.0 / (1.0 - 0.36), 2.0, N);
}

#[test]
fn a_loop_goes_on_with_its_share_before_or_after_the_first_round() {
    for (test_before, expected) in [(false, 2.0), (true, 1.0)] {
        let again = format!(
            r#"<bpmn:standardLoopCharacteristics testBefore="{test_before}"><bpmn:loopCondition>=again</bpmn:loopCondition>
            </bpmn:standardLoopCharacteristics>"#
        );
        let leaf =
            Sketch::new().task("round", "duration=\"1h\" share=\"0.5\"", &again).path("start round end");
        let inner = Sketch::new().task("round", "duration=\"1h\"", "").path("start round end");
        let scope = Sketch::new()
            .inside("rounds", "", inner, &format!("{}{again}", says("share=\"0.5\"")))
            .path("start rounds end");
        for sketch in [leaf, scope] {
            let run = sketch.run(N);
            near(run.visits("round"), expected, 2.0_f64.sqrt(), N);
            near(run.mean() / 3600.0, expected, 2.0_f64.sqrt(), N);
        }
    }
}

#[test]
fn a_loop_that_counts_needs_no_share() {
    let counted = r#"<bpmn:standardLoopCharacteristics><bpmn:loopCondition>=loopCounter &lt; 3</bpmn:loopCondition>
        </bpmn:standardLoopCharacteristics>"#;
    let run = Sketch::new().task("round", "duration=\"1h\"", counted).path("start round end").run(10);
    assert!((run.mean() - 3.0 * 3600.0).abs() < 1e-6);
}

#[test]
fn of_several_events_the_first_wins() {
    let event = |id: &str, hours: u32| {
        format!(
            r#"<bpmn:intermediateCatchEvent id="{id}">{}{MESSAGE}</bpmn:intermediateCatchEvent>"#,
            says(&format!("duration=\"exponential({hours}h)\""))
        )
    };
    let sketch = Sketch::new()
        .with(r#"<bpmn:eventBasedGateway id="wait"/>"#)
        .with(&event("a", 1))
        .with(&event("b", 2))
        .with(&event("c", 4))
        .end("a_end")
        .end("b_end")
        .path("start wait a a_end")
        .path("wait b b_end")
        .path("wait c end");
    let run = sketch.run(N);
    // Rates 1, ½ and ¼: the first comes after 4/7 of an hour.
    for (end, expected) in [("a_end", 4.0 / 7.0), ("b_end", 2.0 / 7.0), ("end", 1.0 / 7.0)] {
        share(run.end(end), expected, N);
    }
    near(run.mean() / 3600.0, 4.0 / 7.0, 4.0 / 7.0, N);
}

#[test]
fn an_event_sub_process_takes_over_when_it_comes() {
    let inner = Sketch::new()
        .with(&format!(
            r#"<bpmn:startEvent id="cancelled" isInterrupting="true">{}{MESSAGE}</bpmn:startEvent>"#,
            says("duration=\"exponential(1h)\"")
        ))
        .task("undo", "duration=\"1h\"", "")
        .end("undone")
        .path("cancelled undo undone");
    let inner = Sketch(inner.0.replace(r#"<bpmn:startEvent id="start"/><bpmn:endEvent id="end"/>"#, ""));
    let sketch = Sketch::new()
        .task("work", "duration=\"exponential(1h)\"", "")
        .inside("takeover", "triggeredByEvent=\"true\"", inner, "")
        .path("start work end");
    let run = sketch.run(N);
    share(run.end("undone"), 0.5, N);
    near(run.mean() / 3600.0, 0.5 + 0.5, 0.8, N);
}

#[test]
fn a_terminate_end_ends_the_branches_of_its_sub_process_only() {
    let inner = Sketch::new()
        .with(r#"<bpmn:parallelGateway id="both"/><bpmn:endEvent id="stop"><bpmn:terminateEventDefinition/></bpmn:endEvent>"#)
        .task("quick", "duration=\"exponential(1h)\"", "")
        .task("slow", "duration=\"exponential(1h)\"", "")
        .path("start both quick stop")
        .path("both slow end");
    let run = Sketch::new()
        .inside("part", "", inner, "")
        .task("after", "duration=\"1h\"", "")
        .path("start part after end")
        .run(N);
    // It is over when `quick` is, also where `slow` was first.
    near(run.mean() / 3600.0, 2.0, 1.0, N);
    share(run.end("end"), 1.0, N);
}

#[test]
fn branches_of_a_sub_process_may_end_apart() {
    let inner = Sketch::new()
        .with(r#"<bpmn:parallelGateway id="both"/>"#)
        .task("one", "duration=\"exponential(1h)\"", "")
        .task("two", "duration=\"exponential(1h)\"", "")
        .end("other")
        .path("start both one end")
        .path("both two other");
    let run = Sketch::new().inside("part", "", inner, "").path("start part end").run(N);
    near(run.mean() / 3600.0, 1.5, 1.25_f64.sqrt(), N);
}

#[test]
fn what_was_done_is_compensated() {
    let sketch = Sketch::new()
        .task("book", "duration=\"1h\"", "")
        .boundary("undo", "book", "", "<bpmn:compensateEventDefinition/>", true)
        .with(&format!(r#"<bpmn:userTask id="cancel" isForCompensation="true">{}</bpmn:userTask>"#, says("duration=\"2h\"")))
        .with(r#"<bpmn:association id="link" sourceRef="undo" targetRef="cancel" associationDirection="One"/>"#)
        .with(r#"<bpmn:exclusiveGateway id="well"/>"#)
        .with(r#"<bpmn:intermediateThrowEvent id="back"><bpmn:compensateEventDefinition/></bpmn:intermediateThrowEvent>"#)
        .end("undone")
        .path("start book well")
        .path("back undone")
        .with(&flow("well", "end", "share=\"0.7\""))
        .with(&flow("well", "back", "share=\"0.3\""));
    let run = sketch.run(N);
    share(run.end("undone"), 0.3, N);
    share(run.visits("cancel"), 0.3, N);
    near(run.mean() / 3600.0, 1.0 + 0.3 * 2.0, 1.0, N);
}

fn flow(from: &str, to: &str, simulation: &str) -> String {
    format!(
        r#"<bpmn:sequenceFlow id="{from}-{to}" sourceRef="{from}" targetRef="{to}">{}</bpmn:sequenceFlow>"#,
        says(simulation)
    )
}

fn conditional(from: &str, to: &str, condition: &str) -> String {
    format!(
        r#"<bpmn:sequenceFlow id="{from}-{to}" sourceRef="{from}" targetRef="{to}"><bpmn:conditionExpression>{condition}
        </bpmn:conditionExpression></bpmn:sequenceFlow>"#
    )
}

#[test]
fn scripts_are_followed_and_conditions_read_what_they_found() {
    let attribute = r#"<bpmn:extensionElements><procos:simulation><procos:attribute name="amount" values="1 0.25, 3 0.75"/>
        </procos:simulation></bpmn:extensionElements>"#;
    let sketch = Sketch(attribute.to_owned())
        .with(r#"<bpmn:startEvent id="start"/><bpmn:endEvent id="end"/>"#)
        .with(
            r#"<bpmn:scriptTask id="double"><bpmn:extensionElements><zeebe:script expression="=2 * amount"
            resultVariable="twice"/></bpmn:extensionElements></bpmn:scriptTask>"#,
        )
        .task("work", "duration=\"1h\"", "")
        .end("much")
        .path("start double work")
        .with(&conditional("work", "end", "=twice &lt; 5"))
        .with(&conditional("work", "much", "=twice &gt;= 5"));
    let run = sketch.run(N);
    share(run.end("much"), 0.75, N);
}

#[test]
fn a_signal_that_the_process_throws_is_heard_in_it() {
    let signal = r#"<bpmn:signalEventDefinition signalRef="go"/>"#;
    let sketch = Sketch::new()
        .with(r#"<bpmn:parallelGateway id="both"/>"#)
        .task("short", "duration=\"1h\"", "")
        .with(&format!(r#"<bpmn:intermediateThrowEvent id="say">{signal}</bpmn:intermediateThrowEvent>"#))
        .task("long", "duration=\"5h\"", "")
        .boundary("heard", "long", "", signal, true)
        .end("said")
        .end("stopped")
        .path("start both short say said")
        .path("both long end")
        .path("heard stopped");
    let (program, declaration) = read_beside(&sketch.0, NAMED);
    let model = Model::build(&program, &declaration).unwrap();
    let found = replicate(&model, 7, 0, 5, 0);
    assert_eq!((found.cases, found.stuck), (5, 0));
    assert!(found.durations.iter().all(|duration| (duration - 3600.0).abs() < 1e-6), "{:?}", found.durations);
}

#[test]
fn what_is_not_declared_is_refused_with_the_element_and_a_way_out() {
    let loops = r#"<bpmn:standardLoopCharacteristics><bpmn:loopCondition>=again</bpmn:loopCondition>
        </bpmn:standardLoopCharacteristics>"#;
    let work = || Sketch::new().task("work", "duration=\"1h\"", "").path("start work end");
    let rows = [
        (work().boundary("hey", "work", "", MESSAGE, false).end("x").path("hey x"), "hey: ", "duration="),
        (
            work().boundary("bad", "work", "", "<bpmn:errorEventDefinition/>", true).end("x").path("bad x"),
            "bad: ",
            "share=",
        ),
        (Sketch::new().task("round", "", loops).path("start round end"), "round: ", "share="),
    ];
    for (sketch, element, way_out) in rows {
        let refusal = sketch.refusal();
        assert!(refusal.starts_with(element) && refusal.contains(way_out), "{refusal}");
    }
}

#[test]
fn cases_that_go_on_for_ever_and_cases_in_a_dead_end_are_stuck() {
    let endless =
        r#"<bpmn:timerEventDefinition><bpmn:timeCycle>R/PT1S</bpmn:timeCycle></bpmn:timerEventDefinition>"#;
    let sketch = Sketch::new()
        .task("work", "duration=\"1000000h\"", "")
        .boundary("tick", "work", "", endless, false)
        .end("ticked")
        .path("start work end")
        .path("tick ticked");
    assert_eq!(sketch.run(2).found.stuck, 2);
    let dead = Sketch::new()
        .with(r#"<bpmn:complexGateway id="join"/>"#)
        .task("one", "duration=\"1h\"", "")
        .task("two", "duration=\"1h\"", "")
        .boundary("off", "two", "duration=\"1min\"", MESSAGE, true)
        .end("x")
        .with(r#"<bpmn:parallelGateway id="both"/>"#)
        .path("start both one join end")
        .path("both two join")
        .path("off x");
    let run = dead.run(3);
    assert_eq!((run.found.stuck, run.found.cases), (3, 0));
}

#[test]
fn nothing_is_called_exact() {
    let run = Sketch::new()
        .task("work", "duration=\"1h\"", "")
        .boundary("bad", "work", "share=\"0.2\"", "<bpmn:errorEventDefinition/>", true)
        .end("failed")
        .path("start work end")
        .path("bad failed")
        .run(10);
    assert_eq!(super::Exact::of(&run.model), Err(Inexact::ByEngine));
}

/// Work that fails in one case of five, by one clerk.
fn failing(around: &str, duration: &str) -> Sketch {
    let around = format!(
        r#"<bpmn:extensionElements><procos:simulation {around}><procos:resource id="clerk" capacity="1"/>
        </procos:simulation></bpmn:extensionElements>"#
    );
    Sketch::new()
        .with(&around)
        .task("work", &format!("duration=\"{duration}\" resource=\"clerk\""), "")
        .boundary("bad", "work", "share=\"0.2\"", "<bpmn:errorEventDefinition/>", true)
        .end("failed")
        .path("start work end")
        .path("bad failed")
}

#[test]
fn a_precision_is_reached_on_any_number_of_threads() {
    let model = failing("", "exponential(10min)").model();
    let with = |threads| {
        let settings = Settings { plan: Plan::Precision(0.05), seed: 3, threads, limit: None };
        simulate(&model, &settings, &|_, _| {})
    };
    let (found, other) = (with(2), with(1));
    assert!(found.trace == other.trace && found.durations == other.durations);
    assert_eq!((found.ended, found.exact.is_none()), (Ended::Precise, true));
    assert!(found.by_engine.unwrap().starts_with("work: a boundary event"));
    let failed = found.measures.iter().find(|(measure, _)| measure.of == "failed").unwrap().1;
    assert!(failed.monte_carlo.0 < 0.2 && 0.2 < failed.monte_carlo.1, "{failed:?}");
}

#[test]
fn versions_are_compared_parameters_moved_and_resources_added() {
    let arrivals = "arrivals=\"exponential(15min)\"";
    let model = failing(arrivals, "exponential(10min)").model();
    let quicker = failing(arrivals, "exponential(9min)").model();
    let found = compare(&model, &quicker, 3, (10, 300, 50), None);
    assert!(found.variance_ratio > 5.0 && found.differences[0].probability_lower > 0.99, "{found:?}");
    let prices = shadow_prices(&model, 3, (10, 300, 50));
    assert!(prices[0].of == "clerk" && prices[0].duration.value < -300.0, "{prices:?}");
    let bars = tornado(&model, 3, (4, 300, 50));
    assert_eq!(bars[0].parameter, "duration of work");
    assert!(bars.iter().any(|bar| bar.parameter == "share of bad at work"), "{bars:?}");
}

#[test]
fn an_event_log_holds_what_was_done_and_what_was_broken_off() {
    let model = Sketch::new()
        .task("work", "duration=\"3h\"", "")
        .boundary("off", "work", "duration=\"1h\" share=\"0.5\"", MESSAGE, true)
        .task("undo", "duration=\"2h\"", "")
        .end("undone")
        .path("start work end")
        .path("off undo undone")
        .model();
    let mut text = String::new();
    let logged = event_log(&model, 7, (200, 0), (bpmn::event_log::Format::Csv, 0), &mut |part| {
        text += part;
        Ok::<(), ()>(())
    });
    let undone = text.lines().filter(|line| line.contains("undo")).count();
    assert_eq!(logged.unwrap().executions, 200 + undone);
    assert!((60..140).contains(&undone), "{undone}");
}

/// Where a case stands that began at second 0, whose jobs were done at these seconds, and how much longer it takes at
/// `now`, in hours.
fn left(sketch: &Sketch, jobs_done: &[i64], now: i64) -> f64 {
    let (program, declaration) = read_beside(&sketch.0, NAMED);
    let model = Model::build(&program, &declaration).unwrap();
    assert!(model.needs_state());
    let mut state = State::new();
    let mut say = |input: Input, seconds: i64| {
        advance(&program, &mut state, input, StepContext::at(seconds * 1_000)).unwrap();
        state.jobs().next()
    };
    let mut job = say(Input::Start { start: None, variables: Variables::new() }, 0);
    for seconds in jobs_done {
        job = say(Input::CompleteJob { job: job.unwrap(), variables: Variables::new() }, *seconds);
    }
    let elements = vec![("anything".to_owned(), 0.0)];
    let case = LiveCase { elements, state: Some((Arc::new(state), now * 1_000)), ..LiveCase::default() };
    let found = forecast(&model, &[case], 3_600.0, 1, Effort { draws: 40, runs: 50 }).unwrap();
    assert!(found.stuck == 0.0, "{found:?}");
    found.remaining.value / 3_600.0
}

const HOUR: i64 = 3_600;

#[test]
fn a_case_in_a_repetition_in_a_row_is_forecast_from_what_is_done_of_it() {
    let times = r#"<bpmn:multiInstanceLoopCharacteristics isSequential="true"><bpmn:loopCardinality>3</bpmn:loopCardinality>
        </bpmn:multiInstanceLoopCharacteristics>"#;
    let sketch = Sketch::new().task("t", "duration=\"10h\"", times).path("start t end");
    assert!((left(&sketch, &[], 4 * HOUR) - 26.0).abs() < 1e-6);
    assert!(
        (left(&sketch, &[9 * HOUR], 13 * HOUR) - 16.0).abs() < 1e-6,
        "four of ten hours of the second of three"
    );
}

#[test]
fn timers_that_run_and_rounds_to_come_are_in_a_forecast() {
    let reminded = Sketch::new()
        .task("work", "duration=\"2h\"", "")
        .boundary("remind", "work", "", TIMER, false)
        .task("call", "duration=\"10h\"", "")
        .end("called")
        .path("start work end")
        .path("remind call called");
    assert!((left(&reminded, &[], HOUR / 2) - 10.5).abs() < 1e-6);
    let again = r#"<bpmn:standardLoopCharacteristics><bpmn:loopCondition>=again</bpmn:loopCondition>
        </bpmn:standardLoopCharacteristics>"#;
    let rounds = Sketch::new().task("round", "duration=\"1h\" share=\"0.5\"", again).path("start round end");
    // Half an hour, and then as many further hours as a coin says.
    near(left(&rounds, &[], HOUR / 2), 1.5, 2.0_f64.sqrt(), 2_000);
}

#[test]
fn a_message_that_is_waited_for_counts_as_work_that_goes_on() {
    let sketch = Sketch::new()
        .with(&format!(
            r#"<bpmn:intermediateCatchEvent id="answer">{}{MESSAGE}</bpmn:intermediateCatchEvent>"#,
            says("duration=\"1h\"")
        ))
        .task("work", "duration=\"2h\"", "")
        .boundary("asks", "work", "duration=\"10h\"", MESSAGE, false)
        .end("asked")
        .path("start answer work end")
        .path("asks asked");
    assert!((left(&sketch, &[], HOUR / 4) - 2.75).abs() < 1e-6);
}
