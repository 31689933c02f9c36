//! Tests of the token rules: every element by table or story, and properties over random models.
//!
//! Every step of every test checks that the state is the fold of its events and that no token is lost.

mod activities;
mod build;
mod chaos;
mod compensation;
mod data;
mod drive;
mod events;
mod gateways;
mod operations;
mod properties;
mod repeats;
mod scopes;
