//! Forecasts against what is known without them, and their calibration on cases whose end is known.

use super::super::forecast::{Effort, LiveCase, forecast};
use super::super::track_record::{Said, TrackRecord, Turned};
use super::super::{Execution, Model, Numbers, Witness, replicate_before};
use super::{credit, model};

/// Two tasks after one another, then one of two ends.
fn line(first: &str, second: &str) -> Model {
    model(&format!(
        r#"<bpmn:startEvent id="s"/>
        <bpmn:task id="a"><bpmn:extensionElements><procos:simulation {first}/></bpmn:extensionElements></bpmn:task>
        <bpmn:task id="b"><bpmn:extensionElements><procos:simulation {second}/></bpmn:extensionElements></bpmn:task>
        <bpmn:exclusiveGateway id="g"/><bpmn:endEvent id="good"/><bpmn:endEvent id="bad"/>
        <bpmn:sequenceFlow id="1" sourceRef="s" targetRef="a"/><bpmn:sequenceFlow id="2" sourceRef="a" targetRef="b"/>
        <bpmn:sequenceFlow id="3" sourceRef="b" targetRef="g"/>
        <bpmn:sequenceFlow id="4" sourceRef="g" targetRef="good"><bpmn:extensionElements>
        <procos:simulation share="0.7"/></bpmn:extensionElements></bpmn:sequenceFlow>
        <bpmn:sequenceFlow id="5" sourceRef="g" targetRef="bad"/>"#
    ))
}

fn at(element: &str, elapsed: f64) -> LiveCase {
    LiveCase { elements: vec![(element.to_owned(), elapsed)], ..LiveCase::default() }
}

const MUCH: Effort = Effort { draws: 400, runs: 50 };

#[test]
fn what_has_passed_of_a_duration_counts() {
    let model = line(r#"duration="uniform(0, 100)""#, r#"duration="10""#);
    let fresh = forecast(&model, &[at("a", 0.0)], 0.0, 1, MUCH).unwrap();
    assert!((fresh.remaining.value - 60.0).abs() < 1.0, "{fresh:?}");
    // Sixty seconds gone: the rest is uniform over forty.
    let late = forecast(&model, &[at("a", 60.0)], 0.0, 1, MUCH).unwrap();
    assert!((late.remaining.value - 30.0).abs() < 0.5, "{late:?}");
    assert!((late.at(0.9).unwrap() - 46.0).abs() < 0.7 && late.beyond.is_empty());
    let share = &late.ends.iter().find(|(id, ..)| id == "good").unwrap().2;
    assert!(share.monte_carlo.0 < 0.7 && 0.7 < share.monte_carlo.1, "{share:?}");
    // Longer than the law knows: said, and not taken to be over at once.
    let beyond = forecast(&model, &[at("a", 200.0)], 0.0, 1, MUCH).unwrap();
    assert_eq!(beyond.beyond, ["a"]);
    assert!(beyond.remaining.value > 50.0);
    assert!(forecast(&model, &[at("nobody", 0.0)], 0.0, 1, MUCH).is_none());
}

#[test]
fn tokens_at_a_join_are_where_they_wait() {
    let model = credit("share=\"0.8\"", "share=\"0.2\"", "");
    // History is done and waits at the join; income has to come: 1200 s, then 3287.5 − 1400 s.
    let case = LiveCase {
        elements: vec![("income".to_owned(), 300.0)],
        flows: vec!["history-join".to_owned()],
        ..LiveCase::default()
    };
    let mut alone = model.clone();
    alone.arrivals = None;
    let found = forecast(&alone, std::slice::from_ref(&case), 0.0, 3, MUCH).unwrap();
    // E[max of two] is 1400 with rates 1/600 and 1/1200; what follows the join takes the rest of 3287.5.
    assert!((found.remaining.value / (1200.0 + 3287.5 - 1400.0) - 1.0).abs() < 0.03, "{found:?}");
    // Nine others before it in the queue for the same clerk: it waits for them.
    let mut cases = vec![case];
    cases.extend((0..9).map(|_| at("income", 400.0)));
    let queued = forecast(&model, &cases, 0.0, 3, Effort { draws: 50, runs: 10 }).unwrap();
    assert!(queued.remaining.value > found.remaining.value + 8.0 * 1200.0, "{queued:?}");
}

#[test]
fn the_same_seed_gives_the_same_forecast() {
    let model = line(r#"duration="exponential(60)" observed="9""#, r#"duration="10" observed="9""#);
    let once = || forecast(&model, &[at("a", 5.0)], 0.0, 7, Effort::default()).unwrap();
    assert_eq!(once(), once());
}

/// Executions of cases.
#[derive(Default)]
struct Seen(Vec<Execution>, Vec<(f64, Option<u16>)>);

impl Witness for Seen {
    fn begins(&mut self) {
        *self = Self::default();
    }
    fn executed(&mut self, execution: Execution) {
        self.0.push(execution);
    }
    fn halted(&mut self, _: u32, _: f64) {}
    fn ended(&mut self, _: u32, began: f64, now: f64, end: Option<u16>) {
        self.1.push((now - began, end));
    }
}

/// Forecasts of cases of `truth` by `known`, each at a moment of its own that says nothing about how long it will take,
/// with what turned out.
fn pairs(truth: &Model, known: &Model, cases: u32) -> Vec<(Said, Turned)> {
    let mut seen = Seen::default();
    replicate_before(truth, 5, 0, (cases, 0), &mut seen);
    let moments = Numbers::new(9, 0);
    let mut found = Vec::new();
    for (case, (duration, end)) in seen.1.iter().enumerate() {
        let moment = 250.0 * moments.uniform(case as u64, 1, 0);
        if moment >= *duration {
            continue;
        }
        let under_way = seen.0.iter().filter(|each| each.case as usize == case);
        let standing = under_way.filter(|each| each.began <= moment && moment < each.ended);
        let elements = standing
            .map(|each| (truth.activities[usize::from(each.activity)].id.clone(), moment - each.began));
        let live = LiveCase { elements: elements.collect(), ..LiveCase::default() };
        let said = forecast(known, &[live], 0.0, case as u64, Effort { draws: 20, runs: 10 }).unwrap();
        let end = end.map(|end| truth.ends[usize::from(end)].0.clone());
        found.push((Said::of(case as i64, &said), Turned { remaining: duration - moment, end }));
    }
    found
}

#[test]
fn forecasts_by_the_true_model_are_calibrated_and_by_a_wrong_one_are_not() {
    let truth = line(r#"duration="gamma(100, 50)""#, r#"duration="lognormal(60, 40)""#);
    let record = TrackRecord::measure(&pairs(&truth, &truth, 1_200)).unwrap();
    assert!(record.is_enough() && record.cases > 500, "{}", record.cases);
    for coverage in &record.coverage {
        assert!((coverage.held - coverage.promised).abs() < 0.06, "{coverage:?}");
    }
    assert!(record.tenths.iter().all(|tenth| (tenth - 0.1).abs() < 0.045), "{:?}", record.tenths);
    assert!((record.brier.unwrap() - 0.42).abs() < 0.03, "{record:?}");
    let mut slow = truth.clone();
    slow.activities.iter_mut().for_each(|each| each.law = each.law.scaled(2.0));
    let record = TrackRecord::measure(&pairs(&truth, &slow, 300)).unwrap();
    assert!(record.coverage[1].held < 0.7 && record.bias > 0.3, "{record:?}");
}

#[test]
fn cases_count_once_however_often_they_were_forecast() {
    let said = |case, low: f64| Said {
        case,
        quantiles: vec![(0.1, low), (0.5, low + 1.0), (0.9, low + 2.0)],
        ends: vec![("e".to_owned(), 1.0)],
    };
    let turned = Turned { remaining: 5.0, end: Some("e".to_owned()) };
    // One case right once, another wrong nine times: half of the cases.
    let mut all = vec![(said(1, 4.0), turned.clone())];
    all.extend((0..9).map(|_| (said(2, 50.0), turned.clone())));
    let record = TrackRecord::measure(&all).unwrap();
    assert!((record.coverage[1].held - 0.5).abs() < 1e-12 && record.forecasts == 10 && record.cases == 2);
    assert_eq!((record.brier, TrackRecord::measure(&[])), (Some(0.0), None));
}
