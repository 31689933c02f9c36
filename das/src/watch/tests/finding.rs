//! Each kind of finding, by its rule.

use ontology::SystemIndex;
use ontology::model::{ChangeSet, Node, Process, Requirement, TraceLink};

use super::super::sight::shown;
use super::*;

async fn only(bed: &Bed) -> Offer {
    let looked = bed.look().await;
    let mut open = bed.open().await;
    assert_eq!(open.len(), 1, "{looked:?} {open:#?}");
    open.remove(0)
}

fn says(offer: &Offer, words: &str) {
    assert!(offer.evidence.iter().any(|line| line.contains(words)), "{words}: {:#?}", offer.evidence);
}

#[tokio::test]
async fn a_task_that_often_ends_undecided_gets_a_person_where_the_outcomes_are_too_close() {
    let bed = Bed::new().await;
    let key = bed.deploy(&coin("coin", "0.5", 60)).await;
    for _ in 0..12 {
        bed.instance(key, "work", &[("task.decided", verdict(true, 60, Some((240, 240))))]).await;
    }
    let offer = only(&bed).await;
    assert_eq!((offer.kind, offer.subject.as_str()), (FindingKind::Undecided, "coin/work"));
    says(&offer, "undecided: 12 of 12");
    says(&offer, "expected gain: runs that end with a decision by");
    says(&offer, "tried in the sandbox 40 times");
    let proposal = bed.proposals.get(offer.proposal.as_deref().unwrap()).await.unwrap().unwrap();
    assert!(proposal.xml.contains("undecided=\"person\""), "{}", proposal.xml);
    assert!(proposal.base_xml.unwrap().contains("undecided=\"leader\""));
}

#[tokio::test]
async fn it_gets_more_samples_where_they_would_decide_and_the_sandbox_shows_it() {
    let bed = Bed::new().await;
    let key = bed.deploy(&coin("coin", "0.65", 60)).await;
    for _ in 0..12 {
        bed.instance(key, "work", &[("task.decided", verdict(true, 60, Some((130, 240))))]).await;
    }
    let offer = only(&bed).await;
    assert_eq!(offer.title, "Give 'Work' more samples: it often ends undecided");
    let proposal = bed.proposals.get(offer.proposal.as_deref().unwrap()).await.unwrap().unwrap();
    assert!(proposal.xml.contains("samples=\"190\""), "{}", proposal.xml);
    says(&offer, "undecided at 'work': as it is");
    says(&offer, "most frequent outcome of 'work' as proposed: heads");
}

#[tokio::test]
async fn few_or_clear_verdicts_are_no_finding() {
    let bed = Bed::new().await;
    let key = bed.deploy(&coin("coin", "0.9", 200)).await;
    for round in 0..30 {
        bed.instance(key, "work", &[("task.decided", verdict(round == 3, 40, None))]).await;
    }
    assert_eq!(bed.look().await.findings, Some(0));
}

#[tokio::test]
async fn a_task_that_needs_nearly_its_whole_budget_is_given_twice_as_much() {
    let bed = Bed::new().await;
    let key = bed.deploy(&coin("coin", "0.7", 100)).await;
    for round in 0..10 {
        let samples = if round % 3 == 0 { 30 } else { 95 };
        bed.instance(key, "work", &[("task.decided", verdict(false, samples, None))]).await;
    }
    let offer = only(&bed).await;
    assert_eq!(offer.kind, FindingKind::SlowConvergence);
    says(&offer, "budget 100 samples, most taken 95");
    let proposal = bed.proposals.get(offer.proposal.as_deref().unwrap()).await.unwrap().unwrap();
    assert!(proposal.xml.contains("samples=\"200\""));
}

#[tokio::test]
async fn failures_that_pass_are_tried_more_often_and_the_gain_is_computed() {
    let bed = Bed::new().await;
    let key = bed.deploy(&one_task("call", "<procos:task by=\"http\"/>")).await;
    let failed = || ("task.failed", json!({"code": "KERNEL-0007", "message": "no answer"}));
    let done = || ("task.completed", Value::Null);
    for round in 0..20 {
        let events = if round % 4 == 0 {
            vec![
                failed(),
                failed(),
                failed(),
                ("incident.raised", json!({"code": "KERNEL-0007", "message": "no answer"})),
            ]
        } else {
            vec![failed(), failed(), done()]
        };
        bed.instance(key, "work", &events).await;
    }
    let offer = only(&bed).await;
    assert_eq!(offer.title, "Try 'Work' up to 6 times: it fails and then succeeds");
    says(&offer, "incidents per visit: 5 of 20");
    let gain = offer.gain.unwrap();
    // 45 of 60 attempts fail: 0.744^3 - 0.744^6.
    assert!((gain.mean - 0.242).abs() < 0.01 && gain.low <= gain.mean && gain.mean <= gain.high, "{gain:?}");
    let proposal = bed.proposals.get(offer.proposal.as_deref().unwrap()).await.unwrap().unwrap();
    assert!(proposal.xml.contains("retries=\"6\""), "{}", proposal.xml);
}

#[tokio::test]
async fn before_a_task_that_fails_again_and_again_a_person_looks() {
    let bed = Bed::new().await;
    let key = bed
        .deploy(&one_task(
            "check",
            "<procos:task by=\"feel\"><procos:compute variable=\"a\" expression=\"=1\"/></procos:task>",
        ))
        .await;
    let failed = json!({"code": "KERNEL-0004", "message": "b is missing"});
    for _ in 0..6 {
        bed.instance(key, "work", &[("task.failed", failed.clone()), ("incident.raised", failed.clone())])
            .await;
    }
    let offer = only(&bed).await;
    assert_eq!(offer.kind, FindingKind::FailingTask);
    says(&offer, "KERNEL-0004 12 times");
    let proposal = bed.proposals.get(offer.proposal.as_deref().unwrap()).await.unwrap().unwrap();
    assert!(proposal.xml.contains("userTask"), "{}", proposal.xml);
}

#[tokio::test]
async fn a_score_that_falls_is_told_with_both_halves() {
    let bed = Bed::new().await;
    let key = bed.deploy(&coin("coin", "0.9", 60)).await;
    let outcomes: Vec<bool> = (0..80).map(|at| if at < 40 { at % 20 != 0 } else { at % 2 == 0 }).collect();
    bed.attempts("task", "coin/work", 1, &outcomes).await;
    for _ in 0..25 {
        bed.instance(key, "work", &[("task.completed", Value::Null)]).await;
    }
    let offer = only(&bed).await;
    assert_eq!((offer.kind, offer.subject.as_str()), (FindingKind::FallingScore, "coin/work"));
    says(&offer, "earlier half of the newest attempts: 38 of 40");
    says(&offer, "later half: 20 of 40");
    let gain = offer.gain.unwrap();
    assert!(gain.low > 0.0 && gain.low < gain.mean && gain.mean < gain.high, "{gain:?}");
    assert_eq!(offer.proposal, None);
}

#[tokio::test]
async fn a_worse_version_is_offered_the_way_back() {
    let bed = Bed::new().await;
    bed.deploy(&coin("coin", "0.9", 60)).await;
    let key = bed.deploy(&coin("coin", "0.5", 60)).await;
    bed.attempts("process", "coin", 1, &[true; 40]).await;
    bed.attempts("process", "coin", 2, &[false, true, false].repeat(10)).await;
    for _ in 0..25 {
        bed.instance(key, "work", &[]).await;
    }
    let offer = only(&bed).await;
    assert_eq!(offer.title, "Go back to version 1 of 'Process coin': it succeeded more often");
    let proposal = bed.proposals.get(offer.proposal.as_deref().unwrap()).await.unwrap().unwrap();
    assert!(proposal.xml.contains("0.9") && proposal.base_xml.unwrap().contains("0.5"));
}

#[tokio::test]
async fn steps_that_only_pass_through_are_named_with_a_way_for_each() {
    let bed = Bed::new().await;
    let generated = crate::generate::generate_offline(
        "1. Calculate the price\n2. Archive the offer",
        &Default::default(),
    )
    .unwrap();
    let key = bed.deploy(&generated.xml).await;
    for _ in 0..4 {
        let passed = ("task.started", json!({"by": "pass_through"}));
        bed.instance(key, "calculate_price", &[passed, ("task.completed", Value::Null)]).await;
    }
    let offer = only(&bed).await;
    assert_eq!(offer.kind, FindingKind::PassingThrough);
    says(&offer, "'Calculate price' could be an expression");
}

#[tokio::test]
async fn what_nobody_starts_for_thirty_days_is_told_and_what_is_called_is_not() {
    let bed = Bed::new().await;
    bed.deploy(&coin("called", "0.9", 60)).await;
    let caller = r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">
        <process id="caller" isExecutable="true"><startEvent id="s"/><callActivity id="c" calledElement="called"/>
        <endEvent id="e"/><sequenceFlow id="f1" sourceRef="s" targetRef="c"/>
        <sequenceFlow id="f2" sourceRef="c" targetRef="e"/></process></definitions>"#;
    bed.deploy(caller).await;
    assert_eq!(bed.look().await.findings, Some(0));
    bed.clock.advance(31 * DAY_MS);
    assert_eq!(bed.look().await.findings, Some(1));
    let offer = bed.open().await.remove(0);
    assert_eq!((offer.kind, offer.subject.as_str()), (FindingKind::UnusedDefinition, "caller"));
    says(&offer, "it was never started");
}

#[tokio::test]
async fn two_processes_that_say_the_same_are_told_and_another_order_is_not_the_same() {
    let bed = Bed::new().await;
    for (id, text) in [
        ("one", "1. Pack the goods\n2. Ship the goods\n3. Send an invoice"),
        ("two", "1. Pack the goods\n2. Ship the goods\n3. Send an invoice"),
        ("other", "1. Send an invoice\n2. Pack the goods\n3. Ship the goods"),
    ] {
        let context = crate::generate::Context { process_id: Some(id.to_owned()), ..Default::default() };
        bed.deploy(&crate::generate::generate_offline(text, &context).unwrap().xml).await;
    }
    let offer = only(&bed).await;
    assert_eq!(offer.kind, FindingKind::Duplicate);
    says(&offer, "'one' (0 starts), 'two' (0 starts)");
    assert!(!offer.evidence.iter().any(|line| line.contains("'other'")));
}

#[test]
fn requirements_are_sorted_by_what_runs_have_shown() {
    let requirement =
        |id: &str| Node::Requirement(Requirement { id: id.to_owned(), ..Requirement::default() });
    let process = |id: &str| {
        Node::Process(Process { id: id.to_owned(), process_id: format!("bpmn-{id}"), ..Process::default() })
    };
    let link = |source: &str, target: &str| {
        Node::Link(TraceLink {
            id: format!("L-{source}-{target}"),
            kind: "verified_by".to_owned(),
            source: source.to_owned(),
            target: target.to_owned(),
            ..TraceLink::default()
        })
    };
    let mut put: Vec<Node> = ["R-1", "R-2", "R-3", "R-4"].map(requirement).into();
    put.extend(["good", "bad", "idle"].map(process));
    put.extend([link("R-1", "good"), link("R-1", "bad"), link("R-2", "bad"), link("R-3", "idle")]);
    let mut system = SystemIndex::default();
    system.apply(&ChangeSet { number: 1, system: "pump".to_owned(), put, ..ChangeSet::default() });
    let scores = [("bpmn-good".to_owned(), (3, 2)), ("bpmn-bad".to_owned(), (4, 0))].into_iter().collect();
    let sight = shown(&system, &scores);
    assert_eq!(sight.not_succeeded, ["R-2"]);
    assert_eq!(sight.not_run, ["R-3"]);
    assert_eq!(sight.unverified, ["R-4"]);
}
