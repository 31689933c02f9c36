//! What both forms of a model are made of: activities, choices and their laws, from what is declared for a node.

use bpmn::program::{Flow, FlowIndex, Node, NodeKind, Program, Timer, Trigger};

use super::super::declare::{Declaration, Parameters, Weight};
use super::super::law::seconds;
use super::super::random::element_key;
use super::{Activity, Choice, Law, Model, Resource};
use crate::Error;

/// Ways out of one inclusive gateway at most: the sets of them are its choices.
pub(in super::super) const WAYS: usize = 6;

pub(in super::super) fn refused(node: &Node, what: &str, hint: &'static str) -> Error {
    Error::NotSimulated { element: node.id.clone(), what: what.to_owned(), hint }
}

pub(in super::super) fn narrow(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// The name of a node, its id where it has none.
pub(in super::super) fn name(node: &Node) -> String {
    node.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| node.id.clone())
}

/// The name of a flow, its id where it has none.
pub(in super::super) fn label(flow: &Flow) -> String {
    flow.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| flow.id.clone())
}

/// All levels of priority, highest first.
pub(in super::super) fn levels(declaration: &Declaration) -> Vec<i32> {
    let mut levels: Vec<i32> = declaration.elements.values().map(|element| element.priority).collect();
    levels.push(0);
    levels.sort_unstable_by(|a, b| b.cmp(a));
    levels.dedup();
    levels
}

/// A model with all but what the elements of the process are.
pub(in super::super) fn without_contents(
    program: &Program,
    declaration: &Declaration,
    levels: &[i32],
) -> Model {
    let resources = declaration.resources.iter().map(|declared| Resource {
        id: declared.id.clone(),
        name: declared.name.clone(),
        capacity: declared.capacity,
        hourly_cost: declared.hourly_cost,
        calendar: declared.calendar.clone(),
    });
    Model {
        name: program.name.clone().unwrap_or_else(|| program.process_id.clone()),
        resources: resources.collect(),
        arrivals: declaration.arrivals.clone(),
        arrival_calendar: declaration.arrival_calendar.clone(),
        currency: declaration.currency.clone().unwrap_or_default(),
        attributes: declaration.attributes.clone(),
        levels: narrow(levels.len()),
        ..Model::default()
    }
}

/// How long the work of a node takes.
pub(in super::super) fn work_law(node: &Node, declared: &Parameters) -> Result<Law, Error> {
    match (&declared.duration, &node.kind) {
        (Some(law), _) => Ok(law.clone()),
        (None, NodeKind::Catch(Trigger::Timer(timer))) => timer_law(node, timer),
        (None, NodeKind::Catch(_) | NodeKind::Receive(_)) => Err(refused(
            node,
            "waiting without a declared duration",
            "say how long it waits: <procos:simulation duration=\"exponential(1h)\"/>",
        )),
        (
            None,
            NodeKind::PassThrough
            | NodeKind::Job(_)
            | NodeKind::Script { .. }
            | NodeKind::Decision(_)
            | NodeKind::Throw(_)
            | NodeKind::End(_),
        ) => Ok(Law::Constant(0.0)),
        (None, _) => Err(refused(
            node,
            "this kind of element without a declared duration",
            "declare its duration, so that it counts as one piece of work",
        )),
    }
}

/// The law of a timer with a duration that stands in the diagram.
pub(in super::super) fn timer_law(node: &Node, timer: &Timer) -> Result<Law, Error> {
    let text = match timer {
        Timer::Duration(expression) => expression.as_literal().and_then(|value| value.as_str()),
        _ => None,
    };
    let law = text.and_then(|text| seconds(text).ok()).map(Law::Constant);
    law.ok_or_else(|| {
        refused(
            node,
            "a timer that is no fixed duration",
            "declare how long it waits: <procos:simulation duration=\"1h\"/>",
        )
    })
}

/// An activity with what is declared for its node.
pub(in super::super) fn activity(
    node: &Node,
    declared: &Parameters,
    law: Law,
    (resources, levels): (&[Resource], &[i32]),
) -> Activity {
    let resource = declared.resource.as_ref();
    let resource = resource.and_then(|id| resources.iter().position(|each| each.id == *id));
    let level = levels.iter().position(|level| *level == declared.priority).unwrap_or_default();
    Activity {
        id: node.id.clone(),
        name: name(node),
        law,
        observed: declared.observed,
        resource: resource.map(narrow),
        level: narrow(level),
        cost: declared.cost,
        batch: declared.batch,
        deadline: None,
        in_a_row: false,
        home: 0,
        key: element_key(&node.id),
    }
}

/// A choice at a node, for the element `id`; its numbers are addressed by that id and the salt.
pub(in super::super) fn choice(
    node: &Node,
    (id, salt): (&str, u64),
    labels: Vec<String>,
    weights: &[Weight],
) -> Result<Choice, Error> {
    let shares: Vec<f64> = weights.iter().map(|weight| weight.share).collect();
    let counts: Option<Vec<f64>> = weights.iter().map(|weight| weight.count).collect();
    // Under a uniform prior the mean share of a way seen k times of n is (k + 1)/(n + ways).
    let shares = counts.as_ref().map_or(shares, |counts| counts.iter().map(|count| count + 1.0).collect());
    if shares.iter().sum::<f64>() <= 0.0 {
        return Err(refused(node, "shares that are all 0", "give at least one way a share above 0"));
    }
    let mut made = Choice {
        id: id.to_owned(),
        name: node.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| id.to_owned()),
        labels,
        shares: Vec::new(),
        counts,
        rule: None,
        cumulative: Vec::new(),
        targets: vec![0; weights.len()],
        key: element_key(id) ^ salt,
    };
    made.set_shares(&shares);
    Ok(made)
}

/// Weights of all ways; one without a weight takes what the others leave of 1.
pub(in super::super) fn complete(node: &Node, declared: &[Option<Weight>]) -> Result<Vec<Weight>, Error> {
    let sum: f64 = declared.iter().flatten().map(|weight| weight.share).sum();
    let missing = declared.iter().filter(|weight| weight.is_none()).count();
    if missing > 0 && (sum > 1.0 || declared.iter().flatten().any(|weight| weight.count.is_some())) {
        return Err(refused(
            node,
            "flows of which only some have a share",
            "give each flow a share, or each a count",
        ));
    }
    let rest = Weight { share: (1.0 - sum).max(0.0) / missing.max(1) as f64, count: None };
    Ok(declared.iter().map(|weight| weight.unwrap_or(rest)).collect())
}

/// The probability of each way out of a node that takes some of its ways, each by itself; none for the default flow.
pub(in super::super) fn independent_shares(
    node: &Node,
    program: &Program,
    declaration: &Declaration,
) -> Result<Vec<Option<f64>>, Error> {
    let share = |flow: &FlowIndex| {
        if Some(*flow) == node.default_flow {
            return Ok(None);
        }
        let flow = &program.flows[*flow];
        match declaration.flows.get(&flow.id) {
            Some(Weight { share, count: None }) if (0.0..=1.0).contains(share) => Ok(Some(*share)),
            // Out of a task a way without a condition is always taken; at a gateway its share was forgotten.
            None if flow.condition.is_none() && !matches!(node.kind, NodeKind::Inclusive) => Ok(Some(1.0)),
            _ => Err(refused(
                node,
                "a choice of several ways without the shares of its ways",
                "say how often each way is taken, each by itself from 0 to 1: <procos:simulation share=\"0.4\"/>",
            )),
        }
    };
    let shares = node.outgoing.iter().map(share).collect::<Result<Vec<_>, _>>()?;
    if node.default_flow.is_none() && shares.iter().flatten().all(|share| *share == 0.0) {
        return Err(refused(node, "shares that are all 0", "give at least one way a share above 0"));
    }
    Ok(shares)
}

/// The sets of ways that can be taken, by place, each with its probability up to a common factor.
pub(in super::super) fn sets(shares: &[Option<f64>]) -> Vec<(Vec<usize>, f64)> {
    let mut found = Vec::new();
    for mask in 0..1_usize << shares.len() {
        let taken: Vec<usize> = (0..shares.len()).filter(|at| mask >> at & 1 == 1).collect();
        let default = shares.iter().position(Option::is_none);
        let is_default = |at: &usize| Some(*at) == default;
        // The default flow is taken alone, and only where no other is.
        let others: Vec<usize> = taken.iter().copied().filter(|at| !is_default(at)).collect();
        if others.is_empty() != taken.iter().any(is_default) || taken.is_empty() {
            continue;
        }
        let each = shares.iter().enumerate().filter_map(|(at, share)| Some((at, (*share)?)));
        let share: f64 =
            each.map(|(at, share)| if others.contains(&at) { share } else { 1.0 - share }).product();
        if share > 0.0 {
            found.push((taken, share));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::sets;

    #[test]
    fn the_sets_of_ways_have_the_probabilities_of_independent_ways() {
        let with_default = sets(&[Some(0.5), None, Some(0.2)]);
        let expected = [(vec![0], 0.4), (vec![1], 0.4), (vec![2], 0.1), (vec![0, 2], 0.1)];
        assert_eq!(with_default.len(), expected.len());
        for (taken, share) in expected {
            let found = with_default.iter().find(|(set, _)| *set == taken).unwrap();
            assert!((found.1 - share).abs() < 1e-12, "{taken:?}: {}", found.1);
        }
        // Without a default flow the case in which none is taken is left out.
        let without: f64 = sets(&[Some(0.5), Some(0.2)]).iter().map(|(_, share)| share).sum();
        assert!((without - 0.6).abs() < 1e-12);
    }
}
