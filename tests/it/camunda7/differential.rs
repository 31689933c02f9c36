//! Random models, run on the embedded engine and on the real Camunda 7: the same activities in the same order, branch
//! by branch, and the same variables at the end.
//!
//! What may differ is the order between branches that run beside each other, and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use bpmn::program::Variables;
use engine::clock::SystemClock;
use engine::port::{DeployFile, Status};
use engine::{Embedded, MemoryStore, ProcessEngine};
use futures::StreamExt as _;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, TestRunner};
use trail::Trail;

use super::by_hand::{run, trail_of, visits};
use super::random_model::{Block, Model, blocks, model};
use super::{TURN, address, of_its_own};
use crate::on_camunda::Remote;

/// Every so many of the cases that a property has elsewhere: each costs a second.
const SHARE: u32 = 4;
/// Cases run at once.
const AT_ONCE: usize = 8;
/// Smaller models looked at when one differs.
const SMALLER_LIMIT: usize = 40;

/// What a run leaves to compare.
#[derive(Debug, PartialEq)]
struct Outcome {
    status: Status,
    variables: Variables,
    branches: Vec<Vec<(String, String)>>,
}

#[tokio::test(flavor = "multi_thread")]
async fn random_models_do_the_same_on_camunda_as_on_the_embedded_engine() {
    let Some(address) = address() else { return };
    let _turn = TURN.lock().await;
    let remote = of_its_own(&address).await;
    let mut runner = TestRunner::deterministic();
    let cases = Config::default().cases / SHARE;
    let trees: Vec<_> = (0..cases).map(|_| blocks().new_tree(&mut runner).unwrap()).collect();
    let remote_here = &remote;
    let checks = trees.into_iter().enumerate().map(|(number, tree)| async move {
        let found = difference(remote_here, &format!("random_{number}"), &tree.current()).await;
        (number, tree, found)
    });
    let mut checks = futures::stream::iter(checks).buffer_unordered(AT_ONCE);
    while let Some((number, mut tree, found)) = checks.next().await {
        let Some(mut told) = found else { continue };
        // The smallest model that still differs is the one to read.
        for smaller in 0..SMALLER_LIMIT {
            if !tree.simplify() {
                break;
            }
            let name = format!("random_{number}_{smaller}");
            match difference(&remote, &name, &tree.current()).await {
                Some(difference) => told = difference,
                None if !tree.complicate() => break,
                None => {}
            }
        }
        panic!("case {number}: {told}");
    }
    drop(checks);
    remote.close().await;
}

/// What differs between the engines, in words.
async fn difference(remote: &Remote, process_id: &str, block: &Block) -> Option<String> {
    let model = model(process_id, block);
    let store = Arc::new(MemoryStore::new());
    let embedded = Embedded::open(store.clone(), Arc::new(SystemClock)).await.unwrap();
    let ours = outcome(&embedded, &*store, process_id, &model).await;
    let theirs = outcome(&remote.engine, &*remote.store, process_id, &model).await;
    (ours != theirs).then(|| {
        let order = ours.branches.iter().zip(&theirs.branches).find(|(ours, theirs)| ours != theirs);
        format!(
            "{block:#?}\nembedded: {:?} {:?}\nCamunda: {:?} {:?}\nthe first branch that differs: {order:#?}\n{}",
            ours.status, ours.variables, theirs.status, theirs.variables, model.xml
        )
    })
}

async fn outcome(engine: &dyn ProcessEngine, trail: &dyn Trail, process_id: &str, model: &Model) -> Outcome {
    let content = model.xml.clone().into_bytes();
    engine.deploy(vec![DeployFile { name: format!("{process_id}.bpmn"), content }]).await.unwrap();
    let done = run(engine, process_id, model.variables.clone(), &visits).await;
    let told = trail_of(trail, done.key).await;
    Outcome { status: done.status, variables: done.variables, branches: by_branch(model, &told) }
}

/// The trail as each innermost branch sees it: with everything that is not beside it.
fn by_branch(model: &Model, told: &[(String, String)]) -> Vec<Vec<(String, String)>> {
    let all: BTreeSet<&Vec<(usize, usize)>> = model.branches.values().collect();
    let kinds = ["element.", "flow.", "job."];
    let seen = |branch: &Vec<(usize, usize)>| {
        told.iter()
            .filter(|(kind, element)| {
                let here = model.branches.get(element);
                kinds.iter().any(|it| kind.starts_with(it))
                    && here.is_some_and(|here| branch.starts_with(here))
            })
            .cloned()
            .collect()
    };
    all.into_iter().map(seen).collect()
}
