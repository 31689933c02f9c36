//! BPMN 2.0 XML in and out.

pub mod namespace;
mod read;
mod read_diagram;
mod read_node;
mod references;
mod tree;
mod write;
mod write_diagram;
mod write_node;

pub use read::read;
pub use tree::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS, MAX_FILE_BYTES, MAX_ID_BYTES};
pub(crate) use tree::{decode, parse};
pub use write::write;

#[cfg(test)]
mod tests;
