//! Tests of the HTTP side, on loopback and in memory.
