//! The schema over real parts in memory: engine, kernel, graph, context manager, DAS.

mod bed;
mod building;
mod contract;
mod editing;
mod following;
mod forecasting;
mod limits;
mod listing;
mod prompts;
mod running;
mod suggesting;
mod trying;
mod watching;
