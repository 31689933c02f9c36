//! Makes cargo look at the web admin's build: a fresh one must go into the next binary.

use std::path::Path;

fn main() {
    let built = Path::new("../web-admin/dist");
    // A missing folder would count as changed at every build, and one made just now at the next one.
    if !built.exists()
        && std::fs::create_dir_all(built).is_ok()
        && let Ok(made) = std::fs::File::open(built)
        && made.set_modified(std::time::UNIX_EPOCH).is_err()
    {
        println!("cargo::warning=the next build compiles the server once more");
    }
    if built.exists() {
        println!("cargo::rerun-if-changed={}", built.display());
    }
    println!("cargo::rerun-if-changed=build.rs");
}
