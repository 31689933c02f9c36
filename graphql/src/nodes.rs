//! Nodes of engineered systems as the API shows them. All are read from snapshots of the graph in memory, so that
//! following links costs no reads.

mod component;
mod constraint;
mod coverage;
mod execution;
mod function;
mod history;
mod interface;
mod link;
mod node;
mod process;
mod requirement;
mod search;
mod shapes;
mod suspicion;
mod system;

pub(crate) use component::Component;
pub(crate) use constraint::Constraint;
pub(crate) use coverage::{Coverage, CoveragePoint};
pub(crate) use execution::{Execution, ExecutionTally};
pub(crate) use function::Function;
pub(crate) use history::{Baseline, Branch, ChangeSet, Difference, MergeChoiceInput, MomentInput};
pub(crate) use interface::Interface;
pub(crate) use link::{Trace, TraceLink};
pub(crate) use node::{FromNode, Node, Origin, at_end, at_start, listed, nodes_of, of_ids};
pub(crate) use process::Process;
pub(crate) use requirement::Requirement;
pub(crate) use search::{NodeKind, SearchHit};
pub(crate) use shapes::ShapeReport;
pub(crate) use suspicion::{
    AssumptionInput, ChangeDirection, ImpactReport, LinkReview, Standing, SuspectLink, Suspicion, WhatIf,
    process_ids,
};
pub(crate) use system::System;
