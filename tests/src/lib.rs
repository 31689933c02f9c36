//! Whole-system tests, and what they share with the benchmarks.

pub mod remembering;
