//! A bottleneck that a simulation on recorded cases shows.

use engine::port::{JobFilter, StartInstance};

use super::*;

/// One clerk, or more, with work for nine of every ten minutes.
fn desk(capacity: u32) -> String {
    format!(
        r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
        xmlns:procos="https://w3id.org/procos/bpmn/1.0" targetNamespace="https://w3id.org/procos/processes">
        <process id="desk" name="Desk" isExecutable="true"><extensionElements><procos:simulation
        arrivals="exponential(10min)"><procos:resource id="clerk" name="Clerk" capacity="{capacity}"/></procos:simulation>
        </extensionElements><startEvent id="s"/><userTask id="work"><extensionElements><procos:simulation
        duration="exponential(9min)" resource="clerk"/></extensionElements></userTask><endEvent id="e"/>
        <sequenceFlow id="f1" sourceRef="s" targetRef="work"/><sequenceFlow id="f2" sourceRef="work" targetRef="e"/>
        </process></definitions>"#
    )
}

async fn cases(bed: &Bed, definition: i64, count: usize) {
    for _ in 0..count {
        let request = StartInstance { definition: Some(definition), ..StartInstance::default() };
        let instance = bed.engine.start(request).await.unwrap();
        let filter = JobFilter { instance: Some(instance), ..JobFilter::default() };
        let jobs = bed.engine.jobs(&filter).await.unwrap();
        bed.clock.advance(540_000);
        bed.engine.complete_user_task(jobs[0].key, "ann", bpmn::program::Variables::new()).await.unwrap();
    }
}

#[tokio::test]
async fn a_resource_that_most_work_waits_for_is_suggested_to_be_more_with_the_gain_and_its_interval() {
    let bed = Bed::new().await;
    let key = bed.deploy(&desk(1)).await;
    cases(&bed, key, 19).await;
    assert_eq!(bed.look().await.findings, Some(0), "nineteen cases may be chance");
    cases(&bed, key, 1).await;
    let looked = bed.look().await;
    assert_eq!(looked.offered, ["bottleneck:desk/clerk"], "{looked:?}");
    let offer = bed.open().await.remove(0);
    assert!(offer.proposal.is_none() && offer.title.contains("2 instead of 1 of 'Clerk'"), "{}", offer.title);
    // Work for nine of every ten minutes: 90 %, within a hundredth.
    let busy =
        |line: &String| ["89", "90", "91"].iter().any(|it| line.contains(&format!("Clerk is busy {it} %")));
    assert!(offer.evidence.iter().any(busy), "{:#?}", offer.evidence);
    // M/M/1 at 0.9 takes 90 min, M/M/2 at 0.45 takes 11.3 min: 87 % less.
    let gain = offer.gain.unwrap();
    assert!((gain.mean - 0.87).abs() < 0.05 && gain.low <= 0.87 && gain.high >= 0.87, "{gain:?}");
}

#[tokio::test]
async fn where_nobody_waits_nothing_is_suggested() {
    let bed = Bed::new().await;
    let key = bed.deploy(&desk(3)).await;
    cases(&bed, key, 30).await;
    assert_eq!(bed.look().await.findings, Some(0));
}
