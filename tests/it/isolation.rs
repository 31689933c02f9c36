//! The isolation of tools by programs other than the `procos` binary.

use kernel::{Launcher, Level, Tools};

#[tokio::test]
async fn the_server_of_the_benchmark_launches_isolated_tools_like_the_binary() {
    let scratch = tempfile::tempdir().unwrap();
    let launcher = Launcher::new(env!("CARGO_BIN_EXE_bench-engine").into());
    let tools = Tools::load(launcher, scratch.path().to_owned(), None);
    // What else this machine offers is another matter; the lowest rung needs nothing but a launcher that answers.
    let rung = tools.rungs().await.iter().find(|rung| rung.level == Level::Limits).unwrap();
    assert_eq!(rung.problem, None);
}
