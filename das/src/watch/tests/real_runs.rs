//! Real instances under microkernel, PDO and TDE, watched from the same trail.

use engine::port::{StartInstance, Status};
use kernel::{Microkernel, Parts};

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fair_coin_is_watched_proposed_a_person_and_accepted() {
    let bed = Bed::new().await;
    let key = bed.deploy(&coin("coin", "0.5", 60)).await;
    let parts = Parts::new(bed.engine.clone(), Arc::new(bed.clock.clone())).unwrap();
    let stop = CancellationToken::new();
    let kernel = tokio::spawn(Microkernel::new(Arc::new(parts), stop.clone()).run());
    let mut notices = bed.engine.notices();
    let mut waiting = Vec::new();
    for seed in 0..12 {
        let request = StartInstance { definition: Some(key), seed, ..StartInstance::default() };
        waiting.push(bed.engine.start(request).await.unwrap());
    }
    tokio::time::timeout(Duration::from_secs(30), async {
        while let Some(instance) = waiting.last() {
            if bed.engine.instance(*instance).await.unwrap().status == Status::Completed {
                waiting.pop();
            } else {
                let _missed = notices.recv().await;
            }
        }
    })
    .await
    .unwrap();
    let looked = bed.look().await;
    assert_eq!(looked.offered, ["undecided:coin/work"], "{looked:?}");
    let offer = bed.open().await.remove(0);
    assert!(offer.evidence.iter().any(|line| line.contains("on 12 recorded cases")), "{:#?}", offer.evidence);
    stop.cancel();
    kernel.await.unwrap().unwrap();
}
