//! Forecasts of real cases on an engine in memory, with a clock moved by hand.

use bpmn::program::Variables;
use engine::clock::ManualClock;
use engine::port::{DeployFile, JobFilter, StartInstance};
use engine::{Embedded, MemoryStore};
use serde_json::json;

use tokio_util::sync::CancellationToken;

use super::*;

/// Two people side by side, then one of two ends.
const PROCESS: &str = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:procos="https://w3id.org/procos/bpmn/1.0"
    targetNamespace="https://example.org/test"><process id="order" isExecutable="true"><startEvent id="s"/>
    <parallelGateway id="f"/><parallelGateway id="j"/>
    <userTask id="pick"><extensionElements><procos:simulation duration="uniform(0, 100)"/></extensionElements></userTask>
    <userTask id="bill"><extensionElements><procos:simulation duration="10"/></extensionElements></userTask>
    <exclusiveGateway id="g" default="no"/><endEvent id="good"/><endEvent id="bad"/>
    <sequenceFlow id="a" sourceRef="s" targetRef="f"/><sequenceFlow id="b" sourceRef="f" targetRef="pick"/>
    <sequenceFlow id="c" sourceRef="f" targetRef="bill"/><sequenceFlow id="d" sourceRef="pick" targetRef="j"/>
    <sequenceFlow id="e" sourceRef="bill" targetRef="j"/><sequenceFlow id="h" sourceRef="j" targetRef="g"/>
    <sequenceFlow id="yes" sourceRef="g" targetRef="good">
    <extensionElements><procos:simulation share="0.75"/></extensionElements>
    <conditionExpression xsi:type="tFormalExpression">=ok = true</conditionExpression></sequenceFlow>
    <sequenceFlow id="no" sourceRef="g" targetRef="bad"/></process></definitions>"#;

struct Shop {
    store: Arc<MemoryStore>,
    engine: Arc<Embedded>,
    clock: ManualClock,
    forecasts: Forecasts,
}

impl Shop {
    async fn new() -> Self {
        Self::of(PROCESS).await
    }

    async fn of(process: &str) -> Self {
        let (store, clock) = (Arc::new(MemoryStore::new()), ManualClock::at(1_700_000_000_000));
        let engine = Arc::new(Embedded::open(store.clone(), Arc::new(clock.clone())).await.unwrap());
        let file = DeployFile { name: "order.bpmn".to_owned(), content: process.as_bytes().to_vec() };
        engine.deploy(vec![file]).await.unwrap();
        let forecasts = Forecasts::new(engine.clone(), store.clone(), store.clone(), Arc::new(clock.clone()));
        Self { store, engine, clock, forecasts }
    }

    async fn start(&self) -> i64 {
        let process_id = Some("order".to_owned());
        self.engine.start(StartInstance { process_id, seed: 3, ..StartInstance::default() }).await.unwrap()
    }

    async fn done(&self, instance: i64, element: &str, ok: bool) {
        let filter = JobFilter { instance: Some(instance), ..JobFilter::default() };
        let jobs = self.engine.jobs(&filter).await.unwrap();
        let job = jobs.iter().find(|job| job.element == element).unwrap().key;
        let answer = Variables::from_iter([("ok".to_owned(), json!(ok))]);
        self.engine.complete_user_task(job, "ann", answer).await.unwrap();
    }
}

#[tokio::test]
async fn of_a_repetition_it_is_known_how_much_is_done() {
    const THRICE: &str = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
        xmlns:procos="https://w3id.org/procos/bpmn/1.0" targetNamespace="https://example.org/test"><process id="order"
        isExecutable="true"><startEvent id="s"/><userTask id="pick"><extensionElements><procos:simulation duration="10"/>
        </extensionElements><multiInstanceLoopCharacteristics isSequential="true"><loopCardinality>3</loopCardinality>
        </multiInstanceLoopCharacteristics></userTask><endEvent id="good"/>
        <sequenceFlow id="a" sourceRef="s" targetRef="pick"/><sequenceFlow id="b" sourceRef="pick" targetRef="good"/>
        </process></definitions>"#;
    let shop = Shop::of(THRICE).await;
    let case = shop.start().await;
    shop.clock.advance(9_000);
    shop.done(case, "pick", true).await;
    shop.clock.advance(4_000);
    let found = shop.forecasts.of(case, Effort { draws: 10, runs: 4 }).await.unwrap();
    assert!((found.forecast.remaining.value - 16.0).abs() < 1e-6, "{found:?}");
}

#[tokio::test]
async fn a_case_is_forecast_from_where_it_stands() {
    let shop = Shop::new().await;
    let case = shop.start().await;
    let effort = Effort { draws: 100, runs: 40 };
    let first = shop.forecasts.of(case, effort).await.unwrap();
    // E[max(U(0, 100), 10)] = 50.5
    assert!((first.forecast.remaining.value - 50.5).abs() < 1.5, "{first:?}");
    assert_eq!(first.at, ["pick", "bill"]);
    let good = &first.forecast.ends.iter().find(|(id, ..)| id == "good").unwrap().2;
    assert!((good.value - 0.75).abs() < 0.03);
    // The bill is written and waits at the join; picking has gone on for 60 s of at most 100.
    shop.clock.advance(60_000);
    shop.done(case, "bill", true).await;
    let later = shop.forecasts.of(case, effort).await.unwrap();
    assert_eq!(later.at, ["pick"]);
    assert!((later.forecast.remaining.value - 20.0).abs() < 1.0, "{later:?}");
    assert_eq!(later.forecast.stuck, 0.0);
    assert_eq!(later, shop.forecasts.of(case, effort).await.unwrap());
    shop.done(case, "pick", true).await;
    assert!(matches!(shop.forecasts.of(case, effort).await, Err(Error::NoForecast { .. })));
}

#[tokio::test]
async fn what_was_forecast_is_in_the_trail_and_scored_when_the_case_has_ended() {
    let shop = Shop::new().await;
    for seconds in [20, 40, 60, 80] {
        let case = shop.start().await;
        assert!(shop.forecasts.record(case).await.unwrap());
        shop.clock.advance(seconds * 1_000);
        shop.done(case, "bill", true).await;
        assert!(shop.forecasts.record(case).await.unwrap());
        shop.done(case, "pick", seconds < 80).await;
        assert!(!shop.forecasts.record(case).await.unwrap());
    }
    let open = shop.start().await;
    shop.forecasts.record(open).await.unwrap();
    let store = shop.store.as_ref();
    let record = track_record(store, store, Some("order")).await.unwrap();
    let (all, start) = (record.all.unwrap(), record.at_start.unwrap());
    assert_eq!((all.cases, all.forecasts, start.forecasts, record.open), (4, 8, 4, 1));
    // The middle 80 % of the first forecasts are about 10 to 90 s.
    assert!((start.coverage[1].held - 1.0).abs() < 1e-9, "{start:?}");
    // Three of four good, one bad, each said to be 0.75 : 0.25.
    let expected = (3.0 * 2.0 * 0.25_f64.powi(2) + 2.0 * 0.75_f64.powi(2)) / 4.0;
    assert!((start.brier.unwrap() - expected).abs() < 0.05, "{start:?}");
    let none = track_record(store, store, Some("other")).await.unwrap();
    assert_eq!((none.all, none.open), (None, 0));
    assert!(store.verify().await.unwrap().broken.is_none());
}

#[tokio::test]
async fn forecasts_follow_the_cases_as_they_go() {
    let shop = Shop::new().await;
    let stop = CancellationToken::new();
    let following = tokio::spawn(shop.forecasts.clone().follow(stop.clone()));
    tokio::task::yield_now().await;
    let case = shop.start().await;
    // Until the trail holds it: the follower needs the engine's notice and a moment of work.
    let made = async {
        loop {
            let filter =
                trail::Filter { kind_prefix: Some(FORECAST_MADE.to_owned()), ..trail::Filter::default() };
            let events = shop.store.read(&filter, 0, 10).await.unwrap();
            if events.iter().any(|event| event.content.instance == Some(case)) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), made).await.expect("a forecast within 30 s");
    stop.cancel();
    following.await.unwrap();
}
