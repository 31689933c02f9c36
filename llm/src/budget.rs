//! Budgets of a day and of a process instance, in tokens and money: what is left is asked for before a call.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Instances whose spending is held; of others it is looked up again.
const MAX_INSTANCES: usize = 10_000;

/// What may be spent; nothing is limited where nothing is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budgets {
    /// Tokens a day (UTC), of all calls together.
    pub day_tokens: Option<u64>,
    /// Money a day, in the currency of the prices.
    pub day_cost: Option<f64>,
    /// Tokens of one process instance.
    pub process_tokens: Option<u64>,
    /// Money of one process instance.
    pub process_cost: Option<f64>,
    /// Tokens of one task, where the task itself declares no budget in tokens.
    pub task_tokens: Option<u64>,
    /// Money of one task, where the task itself declares none.
    pub task_cost: Option<f64>,
}

impl Budgets {
    /// What is wrong with them, if anything is.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        let costs = [self.day_cost, self.process_cost, self.task_cost];
        let wrong = costs.into_iter().flatten().any(|cost| !cost.is_finite() || cost < 0.0);
        wrong.then_some("a budget in money is not a number from 0 on")
    }
}

/// Tokens and money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Amount {
    /// Tokens, sent and received.
    pub tokens: u64,
    /// Money, in the currency of the prices.
    pub cost: f64,
}

impl Amount {
    fn add(&mut self, other: Self) {
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.cost += other.cost;
    }

    fn take(&mut self, other: Self) {
        self.tokens = self.tokens.saturating_sub(other.tokens);
        self.cost = (self.cost - other.cost).max(0.0);
    }
}

/// What was spent and what is set aside for calls under way.
#[derive(Debug)]
pub struct Purse {
    budgets: Budgets,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Days since 1970-01-01 (UTC).
    day: i64,
    today: Amount,
    instances: HashMap<i64, Amount>,
}

/// What is set aside for a call.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "what is set aside must be settled"]
pub struct Reservation {
    day: i64,
    instance: Option<i64>,
    amount: Amount,
}

impl Purse {
    /// A purse of which nothing was spent yet.
    #[must_use]
    pub fn new(budgets: Budgets) -> Self {
        Self { budgets, state: Mutex::default() }
    }

    /// The budgets.
    #[must_use]
    pub fn budgets(&self) -> &Budgets {
        &self.budgets
    }

    /// True where what this instance spent is known here; otherwise [`Purse::remember`] it first.
    #[must_use]
    pub fn knows(&self, instance: i64) -> bool {
        self.state.lock().instances.contains_key(&instance)
    }

    /// Takes over what an instance spent before.
    pub fn remember(&self, instance: i64, spent: Amount) {
        let mut state = self.state.lock();
        if state.instances.len() >= MAX_INSTANCES {
            // Whoever is asked for again is looked up again.
            state.instances.clear();
        }
        state.instances.entry(instance).or_insert(spent);
    }

    /// Takes over what was spent on `day` before.
    pub fn remember_day(&self, day: i64, spent: Amount) {
        let mut state = self.state.lock();
        state.begin(day);
        state.today.add(spent);
    }

    /// What was spent on `day`, set aside included.
    #[must_use]
    pub fn spent_on(&self, day: i64) -> Amount {
        let mut state = self.state.lock();
        state.begin(day);
        state.today
    }

    /// Sets `estimate` aside for a call.
    ///
    /// # Errors
    /// [`Error::Budget`] where a budget has not that much left; nothing is set aside then.
    pub fn reserve(&self, day: i64, instance: Option<i64>, estimate: Amount) -> Result<Reservation, Error> {
        let mut state = self.state.lock();
        state.begin(day);
        let budgets = &self.budgets;
        let of_instance = instance.and_then(|key| state.instances.get(&key)).copied().unwrap_or_default();
        fits("day", state.today, estimate, budgets.day_tokens, budgets.day_cost)?;
        if instance.is_some() {
            fits("process", of_instance, estimate, budgets.process_tokens, budgets.process_cost)?;
        }
        state.today.add(estimate);
        if let Some(key) = instance {
            state.instances.entry(key).or_default().add(estimate);
        }
        Ok(Reservation { day, instance, amount: estimate })
    }

    /// Puts what a call really used in the place of what was set aside for it.
    pub fn settle(&self, reservation: Reservation, used: Amount) {
        let mut state = self.state.lock();
        if state.day == reservation.day {
            state.today.take(reservation.amount);
        }
        state.today.add(used);
        if let Some(key) = reservation.instance
            && let Some(of_instance) = state.instances.get_mut(&key)
        {
            of_instance.take(reservation.amount);
            of_instance.add(used);
        }
    }
}

impl State {
    fn begin(&mut self, day: i64) {
        if self.day != day {
            self.day = day;
            self.today = Amount::default();
        }
    }
}

fn fits(
    of: &'static str,
    spent: Amount,
    estimate: Amount,
    tokens: Option<u64>,
    cost: Option<f64>,
) -> Result<(), Error> {
    if let Some(limit) = tokens
        && spent.tokens.saturating_add(estimate.tokens) > limit
    {
        return Err(Error::Budget {
            of,
            spent: format!("{} tokens", spent.tokens),
            limit: format!("{limit} tokens"),
        });
    }
    if let Some(limit) = cost
        && spent.cost + estimate.cost > limit
    {
        return Err(Error::Budget {
            of,
            spent: format!("{:.4} in money", spent.cost),
            limit: format!("{limit:.4} in money"),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(tokens: u64) -> Amount {
        Amount { tokens, cost: 0.0 }
    }

    #[test]
    fn a_call_that_does_not_fit_is_refused_before_it_is_made_and_costs_nothing() {
        let purse = Purse::new(Budgets { day_tokens: Some(100), ..Budgets::default() });
        let first = purse.reserve(1, None, tokens(60)).unwrap();
        // What is under way counts: two calls at once must not both fit into what is left for one.
        let error = purse.reserve(1, None, tokens(60)).unwrap_err();
        assert_eq!((error.code(), error.is_transient()), ("LLM-0010", false));
        assert!(error.to_string().contains("100 tokens"), "{error}");
        purse.settle(first, tokens(20));
        assert_eq!(purse.spent_on(1), tokens(20));
        assert!(purse.reserve(1, None, tokens(60)).is_ok());
    }

    #[test]
    fn the_next_day_begins_with_a_full_purse_and_a_late_call_counts_there() {
        let purse = Purse::new(Budgets { day_cost: Some(1.0), ..Budgets::default() });
        purse.remember_day(1, Amount { tokens: 0, cost: 0.9 });
        let cents = Amount { tokens: 0, cost: 0.2 };
        assert!(purse.reserve(1, None, cents).is_err());
        let late = Purse::reserve(&purse, 1, None, Amount::default()).unwrap();
        assert!(purse.reserve(2, None, cents).is_ok());
        purse.settle(late, cents);
        assert!((purse.spent_on(2).cost - 0.4).abs() < 1e-12);
    }

    #[test]
    fn each_instance_has_its_own_and_what_it_spent_before_counts() {
        let purse = Purse::new(Budgets { process_tokens: Some(100), ..Budgets::default() });
        assert!(!purse.knows(7));
        purse.remember(7, tokens(90));
        assert!(purse.knows(7));
        assert!(purse.reserve(1, Some(7), tokens(20)).is_err());
        assert!(purse.reserve(1, Some(8), tokens(20)).is_ok());
        assert!(
            purse.reserve(1, None, tokens(2_000)).is_ok(),
            "what belongs to no instance has no such limit"
        );
    }
}
