//! Makes cargo look at the web admin's build: a fresh one must go into the next binary.

use std::path::Path;

fn main() {
    let built = Path::new("../web-admin/dist");
    // A missing folder would count as changed at every build.
    if std::fs::create_dir_all(built).is_ok() {
        println!("cargo::rerun-if-changed={}", built.display());
    }
    println!("cargo::rerun-if-changed=build.rs");
}
