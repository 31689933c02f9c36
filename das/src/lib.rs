//! The digital assistance system.
