//! One file per schema change, each with its way up and its way down, for SQLite and PostgreSQL alike.
//!
//! Rules: whole numbers are 64-bit, times are milliseconds since the Unix epoch, truth values are 0 and 1, JSON is
//! text (a database that rewrites numbers would break the trail's hashes), and every row has organisation and actor.

mod columns;
mod m0001_definitions;
mod m0002_instances;
mod m0003_waiting;
mod m0004_scores;
mod m0005_trail;
mod m0006_outbox;
mod m0007_keys;
mod m0008_change_sets;
mod m0009_documents;
mod m0010_job_visits;
mod m0011_decisions;
mod m0013_trail_indexes;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{MigrationTrait, async_trait};

/// All schema changes in order.
#[derive(Clone, Copy, Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_definitions::Migration),
            Box::new(m0002_instances::Migration),
            Box::new(m0003_waiting::Migration),
            Box::new(m0004_scores::Migration),
            Box::new(m0005_trail::Migration),
            Box::new(m0006_outbox::Migration),
            Box::new(m0007_keys::Migration),
            Box::new(m0008_change_sets::Migration),
            Box::new(m0009_documents::Migration),
            Box::new(m0010_job_visits::Migration),
            Box::new(m0011_decisions::Migration),
            Box::new(m0013_trail_indexes::Migration),
        ]
    }
}
