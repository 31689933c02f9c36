//! What compiles to what, and what is refused.
use super::*;
