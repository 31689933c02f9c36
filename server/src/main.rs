//! The `procos` binary.
fn main() {}
