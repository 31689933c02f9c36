//! Vector memory.
