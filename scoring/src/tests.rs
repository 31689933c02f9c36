//! The statistics proven by simulation: error rates, coverage under peeking, sample counts; all seeded.

use bpmn::program::StopSpec;
use proptest::prelude::*;

use crate::*;

mod pictures;

const LABELS: [&str; 11] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];

fn pick(shares: &[f64], stream: &mut Stream) -> usize {
    let mut left = stream.uniform();
    shares
        .iter()
        .position(|share| {
            left -= share;
            left < 0.0
        })
        .unwrap_or(shares.len() - 1)
}

fn closed(k: usize) -> Tally {
    Tally::new(LABELS[..k].iter().map(|label| (*label).to_owned()), false).unwrap()
}

struct Outcome {
    mean_samples: f64,
    wrong: f64,
    capped: f64,
}

fn simulate(shares: &[f64], rule: Rule, cap: u64, runs: u64) -> Outcome {
    let (mut samples, mut wrong, mut capped) = (0, 0, 0);
    for run in 0..runs {
        let mut stream = Stream::at(Address { seed: 11, element: "simulation", visit: run, sample: 0 });
        let mut tally = closed(shares.len());
        while tally.samples() < cap && rule.decide(&tally) == Decision::Continue {
            tally.add(LABELS[pick(shares, &mut stream)]).unwrap();
        }
        samples += tally.samples();
        wrong += u64::from(tally.leader().unwrap().0 != 0);
        capped += u64::from(rule.decide(&tally) == Decision::Continue);
    }
    let part = |count: u64| count as f64 / runs as f64;
    Outcome { mean_samples: part(samples), wrong: part(wrong), capped: part(capped) }
}

fn ten_rare() -> Vec<f64> {
    std::iter::once(0.30).chain([0.07; 10]).collect()
}

#[test]
fn the_winner_rule_is_wrong_at_most_as_often_as_it_promises() {
    let rule = Rule::Winner(PprWinner { delta: 0.05 });
    for shares in [vec![0.8, 0.15, 0.05], vec![0.6, 0.3, 0.1], vec![0.4, 0.15, 0.15, 0.15, 0.15], ten_rare()]
    {
        let found = simulate(&shares, rule, 5_000, 1_000);
        assert!(found.wrong <= 0.05 && found.capped == 0.0, "{shares:?}: wrong {}", found.wrong);
    }
    let close = simulate(&[0.5, 0.4, 0.1], rule, 20_000, 150);
    assert!(close.wrong <= 0.05, "{}", close.wrong);
    assert!((700.0..1_600.0).contains(&close.mean_samples), "{}", close.mean_samples);
}

#[test]
fn the_winner_rule_needs_the_samples_of_the_table() {
    let found = simulate(&[0.8, 0.15, 0.05], Rule::Winner(PprWinner { delta: 0.05 }), 40, 4_000);
    assert!((found.mean_samples - 21.5).abs() < 0.5, "{}", found.mean_samples);
}

#[test]
fn unanimous_answers_stop_the_winner_rule_at_nine_ten_and_twelve() {
    for (k, expected) in [(3, 9), (5, 10), (10, 12)] {
        let found = simulate(
            &{
                let mut shares = vec![0.0; k];
                shares[0] = 1.0;
                shares
            },
            Rule::Winner(PprWinner { delta: 0.05 }),
            100,
            1,
        );
        assert_eq!(found.mean_samples, f64::from(expected), "K = {k}");
    }
}

#[test]
fn the_beta_rule_needs_the_samples_of_the_table() {
    let at = |confidence| Rule::Beta(Beta { confidence });
    for (shares, rule, expected) in [
        (vec![0.8, 0.15, 0.05], at(0.95), 7.9),
        (vec![0.6, 0.3, 0.1], at(0.95), 20.2),
        (vec![0.8, 0.15, 0.05], at(0.99), 13.2),
    ] {
        let found = simulate(&shares, rule, 40, 8_000);
        assert!((found.mean_samples - expected).abs() < 0.45, "{shares:?}: {}", found.mean_samples);
    }
}

#[test]
fn the_beta_rule_stops_at_four_equal_answers_and_on_the_published_examples() {
    let rule = Beta { confidence: 0.95 };
    let mut tally = closed(3);
    for n in 1..=4 {
        tally.add("a").unwrap();
        assert_eq!(rule.decide(&tally) == Decision::Winner(0), n == 4, "n = {n}");
    }
    assert!(Beta::leads(8.0, 1.0) >= 0.95 && Beta::leads(4.0, 4.0) < 0.95);
}

#[test]
fn the_window_rule_needs_the_samples_of_the_table() {
    let found = simulate(&[0.8, 0.15, 0.05], Rule::Window(EarlyWindow { window: 5 }), 40, 8_000);
    assert!((found.mean_samples - 14.7).abs() < 0.5, "{}", found.mean_samples);
}

#[test]
fn the_share_rule_needs_the_samples_of_the_normal_approximation() {
    for (shares, half_width, expected) in [
        (vec![0.8, 0.15, 0.05], 0.10, 61.0),
        (vec![0.5, 0.4, 0.1], 0.10, 92.0),
        (vec![0.5, 0.4, 0.1], 0.05, 380.0),
    ] {
        let rule = Rule::Shares(SharePrecision { half_width, delta: 0.05, joint: false });
        let found = simulate(&shares, rule, 2_000, 150);
        assert!((found.mean_samples / expected - 1.0).abs() < 0.04, "{shares:?}: {}", found.mean_samples);
    }
}

#[test]
fn the_confidence_sequence_holds_at_all_times_where_a_fixed_interval_does_not() {
    let (mut sequence, mut fixed) = (0, 0);
    let runs = 400;
    for run in 0..runs {
        let mut stream = Stream::at(Address { seed: 4, element: "peeking", visit: run, sample: 0 });
        let (mut hits, mut out_sequence, mut out_fixed) = (0.0, false, false);
        for n in 1..=200 {
            hits += f64::from(stream.uniform() < 0.8);
            let n = f64::from(n);
            let anytime = confidence_sequence(hits, n, 0.05);
            out_sequence |= anytime.low > 0.8 || anytime.high < 0.8;
            let once = credible(hits + 1.0, n - hits + 1.0, 0.05);
            out_fixed |= once.low > 0.8 || once.high < 0.8;
        }
        sequence += u32::from(out_sequence);
        fixed += u32::from(out_fixed);
    }
    assert!(f64::from(sequence) / (runs as f64) <= 0.05 + 0.02, "{sequence}");
    assert!(f64::from(fixed) / (runs as f64) > 0.25, "{fixed}");
}

#[test]
fn monte_carlo_agrees_with_the_closed_form_for_two_outcomes() {
    let mut tally = closed(2);
    for label in ["a", "a", "a", "b", "a", "b"] {
        tally.add(label).unwrap();
    }
    let found = monte_carlo_best(&tally, &mut Stream::seeded(2), 20_000)[0];
    let exact = probability_best(&tally, &mut Stream::seeded(2), 0)[0];
    assert!((found - exact).abs() < 3.0 * (exact * (1.0 - exact) / 20_000.0).sqrt(), "{found} {exact}");
}

#[test]
fn the_unseen_mass_is_estimated_without_bias() {
    let shares = [0.3, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05];
    let (mut estimate, mut truth) = (0.0, 0.0);
    let runs = 3_000;
    for run in 0..runs {
        let mut stream = Stream::at(Address { seed: 8, element: "unseen", visit: run, sample: 0 });
        let mut tally = Tally::new([], false).unwrap();
        for _ in 0..20 {
            tally.add(LABELS[pick(&shares, &mut stream)]).unwrap();
        }
        estimate += unseen_mass(&tally);
        truth += (0..11)
            .filter(|k| !tally.labels().contains(&LABELS[*k].to_owned()))
            .map(|k| shares[k])
            .sum::<f64>();
    }
    assert!(((estimate - truth) / (runs as f64)).abs() < 0.02, "{} {}", estimate, truth);
}

#[test]
fn a_gate_accepts_and_rejects_as_wald_says() {
    for (rate, accepted, samples) in [(0.90, 0.959, 39.0), (0.75, 0.043, 33.0)] {
        let (mut accepts, mut taken) = (0, 0);
        let runs = 4_000;
        for run in 0..runs {
            let mut stream = Stream::at(Address { seed: 6, element: "gate", visit: run, sample: 0 });
            let mut gate = Sprt::new(0.75, 0.90, 0.05, 0.05).unwrap();
            loop {
                taken += 1;
                match gate.push(stream.uniform() < rate) {
                    SprtDecision::Continue => {}
                    decided => {
                        accepts += u32::from(decided == SprtDecision::Accept);
                        break;
                    }
                }
            }
        }
        assert!((f64::from(accepts) / (runs as f64) - accepted).abs() < 0.015, "{rate}: {accepts}");
        assert!((f64::from(taken) / (runs as f64) - samples).abs() < 2.0, "{rate}: {taken}");
    }
}

#[test]
fn a_source_that_changes_is_noticed_and_one_that_does_not_is_left_alone() {
    let (mut noticed, mut false_alarms) = (0, 0);
    for run in 0..300 {
        let mut stream = Stream::at(Address { seed: 3, element: "drift", visit: run, sample: 0 });
        let (mut changing, mut steady) = (closed(2), closed(2));
        for n in 0..80 {
            let share = if n < 40 { 0.9 } else { 0.4 };
            changing.add(LABELS[pick(&[share, 1.0 - share], &mut stream)]).unwrap();
            steady.add(LABELS[pick(&[0.7, 0.3], &mut stream)]).unwrap();
        }
        noticed += u32::from(drift(&changing).unwrap().suspected);
        false_alarms += u32::from(drift(&steady).unwrap().suspected);
    }
    assert!(noticed > 280 && false_alarms < 15, "{noticed} {false_alarms}");
}

#[test]
fn a_close_call_at_a_small_budget_is_undecided_and_says_what_it_would_take() {
    let plan = Plan::from_spec(Some(&StopSpec { samples: Some(40), ..StopSpec::default() }), 2_000).unwrap();
    let joint = StopSpec { rule: Some("joint".to_owned()), tokens: Some(9), ..StopSpec::default() };
    let joint = Plan::from_spec(Some(&joint), 40).unwrap();
    assert!(matches!(joint.rule, Rule::Shares(SharePrecision { joint: true, .. })));
    assert_eq!((joint.rule.name(), joint.budget.tokens), ("joint", Some(9)));
    let mut tally = closed(2);
    for n in 0..40 {
        tally.add(if n % 9 < 5 { "a" } else { "b" }).unwrap();
    }
    let verdict = Verdict::reach(&tally, &plan, &Spent { samples: 40, ..Spent::default() }, 1);
    assert!(verdict.undecided && verdict.winner.is_none() && !verdict.converged);
    assert_eq!((verdict.reason, verdict.leader.as_deref()), (Reason::Samples, Some("a")));
    assert!(verdict.expected_further.unwrap().mean > 50.0, "{verdict:?}");
    let best = &verdict.probability_best[0];
    assert!(best.probability > 0.6 && best.probability < 0.95, "{best:?}");
}

#[test]
fn refusals_never_win() {
    let plan = Plan::from_spec(None, 40).unwrap();
    let mut tally = Tally::new(["yes".to_owned(), "no".to_owned()], true).unwrap();
    for _ in 0..20 {
        tally.add(REFUSED).unwrap();
    }
    let verdict = Verdict::reach(&tally, &plan, &Spent::default(), 1);
    assert_eq!((verdict.winner, verdict.undecided, verdict.reason), (None, true, Reason::InvalidAnswers));
}

#[test]
fn an_open_set_needs_one_more_answer_to_rule_out_what_it_has_not_seen() {
    let rule = PprWinner { delta: 0.05 };
    let mut tally = Tally::new([], false).unwrap();
    let stopped = (1..=20).find(|_| {
        tally.add("only").unwrap();
        rule.decide(&tally) != Decision::Continue
    });
    assert_eq!(stopped, Some(9));
}

#[test]
fn rules_and_budgets_that_make_no_sense_are_refused() {
    let refused = |spec: StopSpec| Plan::from_spec(Some(&spec), 40).is_err();
    assert!(refused(StopSpec { rule: Some("guess".to_owned()), ..StopSpec::default() }));
    assert!(refused(StopSpec { delta: Some(0.0), ..StopSpec::default() }));
    assert!(refused(StopSpec { delta: Some(f64::NAN), ..StopSpec::default() }));
    assert!(refused(StopSpec { samples: Some(0), ..StopSpec::default() }));
    assert!(refused(StopSpec { time: Some("soon".to_owned()), ..StopSpec::default() }));
    assert!(refused(StopSpec { rule: Some("shares".to_owned()), share: Some(0.7), ..StopSpec::default() }));
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn count_based_rules_do_not_depend_on_the_order_of_samples(
        sequence in proptest::collection::vec(0_usize..3, 1..60), seed: u64
    ) {
        let mut shuffled = sequence.clone();
        let mut stream = Stream::seeded(seed);
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, (stream.uniform() * (at + 1) as f64) as usize);
        }
        let (mut one, mut other) = (closed(3), closed(3));
        for (a, b) in sequence.iter().zip(&shuffled) {
            one.add(LABELS[*a]).unwrap();
            other.add(LABELS[*b]).unwrap();
        }
        for rule in [
            Rule::Winner(PprWinner { delta: 0.05 }),
            Rule::Beta(Beta { confidence: 0.95 }),
            Rule::Shares(SharePrecision { half_width: 0.1, delta: 0.05, joint: true }),
        ] {
            prop_assert_eq!(rule.decide(&one), rule.decide(&other));
        }
    }

    #[test]
    fn equal_weights_are_no_weights(sequence in proptest::collection::vec(0_usize..4, 1..60), weight in 0.01_f64..50.0) {
        let (mut plain, mut weighted) = (closed(4), closed(4));
        for place in sequence {
            plain.add(LABELS[place]).unwrap();
            weighted.add_weighted(LABELS[place], weight).unwrap();
        }
        for (a, b) in plain.pseudo_counts().iter().zip(weighted.pseudo_counts()) {
            prop_assert!((a - b).abs() < 1e-6);
        }
    }

    #[test]
    fn a_vote_for_the_leader_never_makes_it_less_certain(one in 1_u32..200, other in 0_u32..200) {
        let (a, b) = (f64::from(one.max(other)), f64::from(one.min(other)));
        prop_assert!(Beta::leads(a + 1.0, b) >= Beta::leads(a, b) - 1e-12);
    }

    #[test]
    fn the_same_tally_and_seed_give_the_same_verdict_bit_for_bit(
        sequence in proptest::collection::vec(0_usize..3, 1..30), seed: u64
    ) {
        let mut tally = closed(3);
        for place in sequence {
            tally.add(LABELS[place]).unwrap();
        }
        let plan = Plan::from_spec(None, 40).unwrap();
        let reach = || serde_json::to_string(&Verdict::reach(&tally, &plan, &Spent::default(), seed)).unwrap();
        prop_assert_eq!(reach(), reach());
    }
}
