//! Nothing overlaps, and flows read from left to right.
use super::*;
