//! Who hears what happens in a replication, execution by execution: what an event log is made of.
//!
//! A replication without one costs nothing for it: [`Nobody`] is compiled away.

/// An execution of an activity; times in seconds of the replication.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Execution {
    /// Number of the case, from 0 behind the warm-up.
    pub case: u32,
    /// Place in [`super::Model::activities`].
    pub activity: u16,
    /// When the case came there.
    pub reached: f64,
    /// When work began.
    pub began: f64,
    /// When it ended.
    pub ended: f64,
    /// Whether a timer broke it off.
    pub broken_off: bool,
}

/// Hears what happens.
pub trait Witness {
    /// A replication begins, perhaps again from its first case: what was heard before does not count.
    fn begins(&mut self);
    /// An execution began, with the time at which it will end.
    fn executed(&mut self, execution: Execution);
    /// A terminate end event ended a case: its executions end now.
    fn halted(&mut self, case: u32, now: f64);
    /// A case ended; `end` is the place in [`super::Model::ends`], `None` where it can never end.
    fn ended(&mut self, case: u32, began: f64, now: f64, end: Option<u16>);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nobody;

impl Witness for Nobody {
    #[inline]
    fn begins(&mut self) {}
    #[inline]
    fn executed(&mut self, _: Execution) {}
    #[inline]
    fn halted(&mut self, _: u32, _: f64) {}
    #[inline]
    fn ended(&mut self, _: u32, _: f64, _: f64, _: Option<u16>) {}
}
