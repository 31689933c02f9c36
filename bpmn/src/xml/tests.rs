//! Reading and writing.
use super::*;
