//! Tests of the token rules.
