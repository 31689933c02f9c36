//! What one sentence says: its actions, and how it hangs on the sentences before it.

use super::action::{Action, action};
use super::clause::{Clause, Link, Shape, VerbGroup, clauses};
use super::condition::{Condition, condition};
use super::duration;
use super::ellipsis::{elliptical, is_filler, is_need, limit, resolved, same_again, tries_again};
use super::lexicon::{self, Mark};
use super::referent::Memory;
use super::tag::{Tag, Token};
use crate::tree::Span;

/// How a sentence begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lead {
    #[default]
    Plain,
    Otherwise,
    InThisCase,
    Parallel,
}

/// What one sentence says.
#[derive(Debug, Default)]
pub(super) struct Statement {
    pub(super) lead: Lead,
    /// It begins with "if it is not", "if he can": what was done before says what is asked.
    pub(super) elliptical: bool,
    /// It is the first of the text.
    pub(super) first: bool,
    /// It only says that what the sentence before told is done side by side.
    pub(super) together: bool,
    /// Holds for its actions, from the one at this place on.
    pub(super) condition: Option<Condition>,
    pub(super) conditioned_from: usize,
    /// The condition says when they are not done.
    pub(super) unless: bool,
    pub(super) steps: Vec<Step>,
    /// The steps are done side by side.
    pub(super) parallel: bool,
    /// Where "then" parts the steps in two, and whether those behind it are the ones done side by side: "plan the trip,
    /// then book flights and hotel in parallel".
    pub(super) parted: Option<(usize, bool)>,
    /// They are repeated until this holds,
    pub(super) until: Option<Condition>,
    /// and those from this place on follow.
    pub(super) until_before: usize,
    /// Says to go back to, or to repeat, what this names.
    pub(super) back_to: Option<String>,
    /// Says that the process ends.
    pub(super) ends: bool,
    /// What starts the process.
    pub(super) start: Option<String>,
    /// What was asked in it: "checks whether …".
    pub(super) asked: Option<Condition>,
    /// Repeats at most so often.
    pub(super) limit: Option<u32>,
}

/// An action in its place.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) action: Action,
    /// It is an alternative to the step before.
    pub(super) or: bool,
    /// Only mentioned, as something that may have been done before.
    pub(super) mentioned: bool,
    /// Done beside the step before.
    pub(super) beside: bool,
}

/// Reads a sentence; `first` where it is the first of the text.
pub(super) fn statement(tokens: &[Token], memory: &mut Memory, first: bool) -> Statement {
    let mut found = Statement {
        start: duration::rhythm(tokens).filter(|_| first),
        limit: limit(tokens),
        first,
        ..Statement::default()
    };
    if says_together(tokens) {
        return Statement { together: true, ..found };
    }
    let clauses = clauses(tokens);
    let mut pending: Vec<Mark> = Vec::new();
    let mut parting = Parting::default();
    let mut later: Vec<Step> = Vec::new();
    let mut index = 0;
    while let Some(clause) = clauses.get(index) {
        let mut marks = std::mem::take(&mut pending);
        marks.extend(clause.marks.iter().copied());
        let said_before = !found.steps.is_empty();
        lead(&mut found, &marks, said_before || said_together(tokens, clause, &marks));
        parting.hear(&marks, found.steps.len());
        let role = role(&marks, &found, tokens, clause);
        let end = if matches!(role, Role::Condition | Role::Unless | Role::Time | Role::Until) {
            run_on(tokens, &clauses, index)
        } else {
            index + 1
        };
        let to = clauses.get(end - 1).map_or(clause.to, |last| last.to);
        match role {
            Role::Skip => {
                remember(tokens, clause, memory);
            }
            Role::Condition | Role::Unless if is_filler(&words_of(tokens, clause.from, to)) => {}
            Role::Condition | Role::Unless => {
                let next = clauses.get(end).and_then(|next| next.verb.as_ref());
                conditioned(&mut found, tokens, clause, to, next, role == Role::Unless, memory);
            }
            Role::Whether => {
                let words = words_of(tokens, clause.from, clause.to);
                extend_object(&mut found, "whether", &words);
                found.asked = Some(condition(&words));
            }
            Role::Until => repeated(&mut found, condition(&words_of(tokens, clause.from, to))),
            Role::Time => {
                let found_nothing = found.steps.is_empty();
                time(&mut found, tokens, clause, to, memory, first && found_nothing);
            }
            Role::Before => later.extend(
                step(tokens, clause, memory, false).into_iter().filter(|_| !found.steps.is_empty() || !first),
            ),
            Role::Content => extend_object(&mut found, "that", &words_of(tokens, clause.from, clause.to)),
            Role::Act => {
                let or = clause.link == Link::Or || leads_to_or(tokens, &clauses, index);
                part_a_kind(&mut found, tokens, clause);
                act(&mut found, tokens, clause, or, memory);
            }
        }
        // "builds it, runs the unit tests and the load tests in parallel, and publishes it": only the things of this one.
        let inner =
            said_before && role == Role::Act && clauses.get(end).is_some_and(|next| next.verb.is_some());
        if inner && clause.marks.contains(&Mark::Parallel) && part_last(&mut found) {
            found.parallel = false;
        }
        if clause.verb.is_none() && role == Role::Act && marks.contains(&Mark::Then) {
            found.steps.extend(same_again(found.steps.last(), tokens, clause));
        }
        if clause.verb.is_none() && role == Role::Act {
            pending = marks.into_iter().filter(|mark| !matches!(mark, Mark::Then)).collect();
        }
        index = end;
    }
    found.parted = parting.of(&found);
    part_objects(&mut found);
    read_together(&mut found, tokens);
    for mut step in later {
        step.mentioned = true;
        found.steps.push(step);
    }
    share_objects(&mut found.steps);
    found
}

/// A condition: what follows holds under it, and what it speaks of is meant by the next "it".
fn conditioned(
    found: &mut Statement,
    tokens: &[Token],
    clause: &Clause,
    to: usize,
    next: Option<&VerbGroup>,
    unless: bool,
    memory: &mut Memory,
) {
    let acting = (memory.actor.clone(), memory.machine);
    let words = words_of(tokens, clause.from, to);
    let subject = memory.object.clone();
    remember(tokens, clause, memory);
    if let Some(lead) = elliptical(&words).filter(|_| found.steps.is_empty()) {
        found.lead = lead;
        found.elliptical = true;
        return;
    }
    let named = match found.steps.last() {
        Some(step) if is_need(&words) => format!("{} {words}", step.action.thing()),
        _ => resolved(&words, subject.as_deref()),
    };
    let read = Condition { pronoun: named != words, ..condition(&named) };
    // "If the amount is above 10, …": what is spoken of stays the order.
    if read.compares && subject.is_some() {
        memory.object = subject;
    } else if let Some(topic) = topic(tokens, clause) {
        memory.object = Some(topic);
    }
    if next.is_some_and(|verb| verb.shape == Shape::Imperative) {
        (memory.actor, memory.machine) = acting;
    }
    merge_condition(found, read, unless);
    if next.is_some() && is_joined(tokens, clause) {
        found.conditioned_from = found.steps.len();
    }
}

/// "until …": says how long is waited, or that everything so far is repeated.
fn repeated(found: &mut Statement, until: Condition) {
    match found.steps.last_mut().filter(|step| step.action.verb == "wait") {
        Some(step) => step.action.object = format!("until {}", until.label),
        None => {
            found.until = Some(until);
            found.until_before = found.steps.len();
        }
    }
}

/// "Damaged goods are sent back", "anything above goes to the director": a case of a choice.
fn part_a_kind(found: &mut Statement, tokens: &[Token], clause: &Clause) {
    if found.condition.is_some() {
        return;
    }
    if found.steps.is_empty() && says_the_rest(tokens, clause) {
        found.lead = Lead::Otherwise;
    }
    if let Some(words) = some_of_a_kind(tokens, clause) {
        found.condition = Some(Condition { kind: true, ..condition(&words) });
        found.conditioned_from = found.steps.len();
    }
}

/// "All of this happens in parallel.", "These steps run at the same time."
fn says_together(tokens: &[Token]) -> bool {
    const ALL: [&str; 12] = [
        "all",
        "of",
        "this",
        "these",
        "that",
        "both",
        "steps",
        "tasks",
        "things",
        "activities",
        "two",
        "three",
    ];
    const HAPPEN: [&str; 20] = [
        "happen",
        "happens",
        "run",
        "runs",
        "occur",
        "occurs",
        "is",
        "are",
        "be",
        "done",
        "executed",
        "performed",
        "carried",
        "out",
        "takes",
        "take",
        "place",
        "can",
        "should",
        "must",
    ];
    let known = |token: &&Token| ALL.contains(&token.lower.as_str());
    let front = tokens.iter().take_while(known).count();
    let rest = tokens.get(front..).unwrap_or_default();
    let verbs = rest.iter().take_while(|token| HAPPEN.contains(&token.lower.as_str())).count();
    front > 0
        && verbs > 0
        && rest.get(verbs).is_some_and(|token| token.tag == Tag::Mark(Mark::Parallel))
        && rest.iter().skip(verbs + 1).all(|token| matches!(token.tag, Tag::Stop | Tag::Comma))
}

/// "approve the request, reject it, or ask for more": a list that ends in "or" is one choice.
fn leads_to_or(tokens: &[Token], clauses: &[Clause], index: usize) -> bool {
    let tokens_of = |clause: &Clause| tokens.get(clause.from..clause.to).unwrap_or_default().to_vec();
    // "runs a check and, depending on the score, approves it": another list begins there.
    let plain = |clause: &Clause| {
        !tokens_of(clause).iter().skip(1).any(|token| matches!(token.tag, Tag::And | Tag::Mark(_)))
    };
    let by_comma = |clause: &&Clause| {
        clause.link == Link::And
            && tokens_of(clause).first().is_some_and(|t| t.tag == Tag::Comma)
            && plain(clause)
    };
    let before =
        index.checked_sub(1).and_then(|before| clauses.get(before)).filter(|before| before.marks.is_empty());
    let rest = clauses.get(index..).unwrap_or_default();
    let listed = rest.iter().take_while(by_comma).count();
    before.is_some_and(plain) && listed > 0 && rest.get(listed).is_some_and(|clause| clause.link == Link::Or)
}

/// "Size power, thermal and propulsion in parallel": these with each other, not beside what was before.
fn said_together(tokens: &[Token], clause: &Clause, marks: &[Mark]) -> bool {
    let from = clause.verb.as_ref().map_or(clause.to, |verb| verb.end);
    let behind = tokens.get(from..clause.to).unwrap_or_default();
    let several = behind.iter().any(|token| token.tag == Tag::And);
    let parallel = behind.iter().any(|token| token.tag == Tag::Mark(Mark::Parallel));
    several && parallel && marks.iter().filter(|mark| **mark == Mark::Parallel).count() == 1
}

/// "Damaged goods are sent back", "complex claims go to an expert": holds where "goods are damaged", "claims are complex".
fn some_of_a_kind(tokens: &[Token], clause: &Clause) -> Option<String> {
    let group = clause.verb.as_ref().filter(|group| group.shape == Shape::Finite)?;
    let front = tokens.get(clause.from..group.start)?;
    let joins = |token: &&Token| {
        matches!(token.tag, Tag::Comma | Tag::And | Tag::But | Tag::Stop | Tag::Mark(Mark::Then))
    };
    let front = front.get(front.iter().take_while(joins).count()..)?;
    let plural = |nouns: &[Token]| {
        let said = !nouns.is_empty() && nouns.iter().all(|token| token.tag == Tag::Noun);
        said && nouns.last().is_some_and(|noun| noun.lower.ends_with('s'))
    };
    let words =
        |tokens: &[Token]| tokens.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
    // "Invoices under 500 EUR are paid automatically."
    let over = front.iter().position(|token| {
        matches!(token.lower.as_str(), "under" | "over" | "above" | "below" | "between" | "up")
    });
    if let Some((nouns, bound)) = over.and_then(|over| front.split_at_checked(over)) {
        let counted = bound.iter().take(3).any(|token| token.tag == Tag::Number);
        let thing = nouns.last().map(|noun| lexicon::singular(&noun.lower))?;
        return (plural(nouns) && counted).then(|| format!("{thing} amount is {}", words(bound)));
    }
    let (quality, nouns) = front.split_first()?;
    if !plural(nouns) || !lexicon::parts_a_kind(&quality.lower) {
        return None;
    }
    Some(format!("{} are {}", words(nouns).to_lowercase(), quality.lower))
}

/// "Anything above goes to the director", "all others are rejected": the case that no condition named.
fn says_the_rest(tokens: &[Token], clause: &Clause) -> bool {
    let Some(group) = &clause.verb else { return false };
    let subject = words_of(tokens, clause.from, group.start).to_lowercase();
    const REST: [&str; 14] = [
        "anything else",
        "anything above",
        "anything below",
        "anything larger",
        "everything else",
        "everything above",
        "everything below",
        "all others",
        "all other",
        "others",
        "the others",
        "the rest",
        "the remaining",
        "other cases",
    ];
    REST.iter().any(|rest| subject == *rest || subject.starts_with(&format!("{rest} ")))
}

/// Whether "and" or a comma stands before the clause: "…, and if the margin is negative, …".
fn is_joined(tokens: &[Token], clause: &Clause) -> bool {
    clause
        .from
        .checked_sub(1)
        .and_then(|before| tokens.get(before))
        .is_some_and(|token| matches!(token.tag, Tag::And | Tag::Comma))
}

/// Before which step "then" stands last, and before or in which "in parallel".
#[derive(Default)]
struct Parting {
    then: Option<usize>,
    parallel: Option<usize>,
}

impl Parting {
    fn hear(&mut self, marks: &[Mark], place: usize) {
        if marks.contains(&Mark::Then) && place > 0 {
            self.then = Some(place);
        }
        if marks.contains(&Mark::Parallel) {
            self.parallel = Some(place);
        }
    }

    fn of(&self, found: &Statement) -> Option<(usize, bool)> {
        let then = self.then.filter(|then| found.parallel && *then < found.steps.len())?;
        Some((then, self.parallel? >= then))
    }
}

/// "Then, at the same time, the cleaners …, the caterers … and the truck …": side by side with each other.
fn read_together(found: &mut Statement, tokens: &[Token]) {
    let then = tokens.iter().take(2).any(|token| token.tag == Tag::Mark(Mark::Then));
    let mut who: Vec<_> = found.steps.iter().map(|step| step.action.actor.as_deref()).collect();
    who.dedup();
    if found.lead == Lead::Parallel && found.steps.len() > 1 && (then || who.len() > 2) {
        found.lead = Lead::Plain;
        found.parallel = true;
    }
}

/// Makes a step of each thing that the last one handles, side by side; gives whether there were several.
fn part_last(found: &mut Statement) -> bool {
    let Some(step) = found.steps.pop() else { return false };
    let parts: Vec<&str> = step.action.object.split(", ").flat_map(|part| part.split(" and ")).collect();
    if parts.len() < 2 {
        found.steps.push(step);
        return false;
    }
    for (place, part) in parts.iter().enumerate() {
        let action = Action { object: part.trim().to_owned(), ..step.action.clone() };
        found.steps.push(Step { action, or: false, mentioned: step.mentioned, beside: place > 0 });
    }
    true
}

/// "Book flights and hotel in parallel": one verb, two steps.
fn part_objects(found: &mut Statement) {
    let from = found.parted.map_or(0, |(then, behind)| if behind { then } else { 0 });
    let [only] = found.steps.get(from..).unwrap_or_default() else { return };
    let parts: Vec<&str> = only.action.object.split(", ").flat_map(|part| part.split(" and ")).collect();
    if !found.parallel || parts.len() < 2 {
        return;
    }
    let step = |object: &str| Step {
        action: Action { object: object.trim().to_owned(), ..only.action.clone() },
        or: false,
        mentioned: only.mentioned,
        beside: false,
    };
    let parts: Vec<Step> = parts.into_iter().map(step).collect();
    found.steps.truncate(from);
    found.steps.extend(parts);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Act,
    Skip,
    Condition,
    Unless,
    Whether,
    Time,
    Before,
    Until,
    /// "check that every requirement is covered": what is checked.
    Content,
}

fn lead(found: &mut Statement, marks: &[Mark], said_before: bool) {
    for mark in marks {
        match mark {
            Mark::Otherwise if !said_before => found.lead = Lead::Otherwise,
            Mark::InThisCase if !said_before => found.lead = Lead::InThisCase,
            Mark::Parallel if !said_before && found.condition.is_none() => found.lead = Lead::Parallel,
            Mark::Parallel | Mark::While => found.parallel = true,
            _ => {}
        }
    }
}

fn role(marks: &[Mark], found: &Statement, tokens: &[Token], clause: &Clause) -> Role {
    let asks = found.steps.last().is_some_and(|step| {
        step.action.object.is_empty()
            && [
                "check",
                "determine",
                "decide",
                "verify",
                "examine",
                "test",
                "see",
                "ask",
                "evaluate",
                "assess",
                "find",
                "look",
            ]
            .contains(&step.action.verb.as_str())
    });
    let denies = || {
        let said = tokens.get(clause.from..clause.to).unwrap_or_default();
        said.iter().any(|token| matches!(token.lower.as_str(), "nobody" | "none" | "nothing" | "no" | "not"))
    };
    let bounds = || condition(&words_of(tokens, clause.from, clause.to)).compares;
    for mark in marks {
        match mark {
            Mark::When if denies() || (!found.first && bounds()) => return Role::Condition,
            Mark::If if asks => return Role::Whether,
            Mark::If => return Role::Condition,
            Mark::Unless => return Role::Unless,
            Mark::Beside => return Role::Act,
            Mark::Whether => return Role::Whether,
            Mark::When | Mark::After => return Role::Time,
            Mark::Before => return Role::Before,
            Mark::Until => return Role::Until,
            Mark::Purpose | Mark::Because | Mark::Example => return Role::Skip,
            _ => {}
        }
    }
    if clause.link == Link::Restrictive {
        let that = tokens.get(clause.from).is_some_and(|token| token.tag == Tag::That);
        let bare = found.steps.last().is_some_and(|step| step.action.object.is_empty());
        return if that && bare { Role::Content } else { Role::Skip };
    }
    match clause.verb.as_ref().map(|verb| verb.shape) {
        Some(Shape::Participle) => Role::Skip,
        // "to VERB" behind a complete clause says why, and so does "To onboard an employee, …".
        Some(Shape::Infinitive) if !found.steps.is_empty() && clause.link == Link::None => Role::Skip,
        Some(Shape::Infinitive)
            if clause.from == 0
                && tokens.first().is_some_and(|token| token.tag == Tag::To)
                && tokens.get(clause.to).is_some_and(|token| token.tag == Tag::Comma) =>
        {
            Role::Skip
        }
        Some(Shape::Gerund)
            if !found.steps.is_empty() || tokens.get(clause.from).is_some_and(|t| t.tag == Tag::Comma) =>
        {
            if clause.link == Link::And
                && found.steps.last().is_some_and(|step| step.action.confidence < 0.65)
            {
                Role::Act
            } else {
                Role::Skip
            }
        }
        _ => Role::Act,
    }
}

/// A condition of several clauses goes on over "and"/"or", up to a comma or "then".
fn run_on(tokens: &[Token], clauses: &[Clause], index: usize) -> usize {
    let mut end = index + 1;
    while let Some(next) = clauses.get(end) {
        let comma = tokens
            .get(next.from)
            .is_some_and(|token| matches!(token.tag, Tag::Comma | Tag::Mark(_) | Tag::Stop));
        // "if it has not paid after a second reminder"
        let after = tokens.get(next.from).is_some_and(|token| token.tag == Tag::Mark(Mark::After));
        if after && next.verb.is_none() {
            end += 1;
            continue;
        }
        if comma && next.link != Link::Relative {
            break;
        }
        let goes_on = matches!(next.link, Link::And | Link::Or | Link::Restrictive);
        if !goes_on {
            break;
        }
        end += 1;
    }
    end
}

fn merge_condition(found: &mut Statement, read: Condition, unless: bool) {
    match &mut found.condition {
        None => {
            found.condition = Some(read);
            found.unless = unless;
            // "read, compare and raise an alarm if …": behind the steps it holds for the last one.
            found.conditioned_from = found.steps.len().saturating_sub(1);
        }
        Some(first) => {
            first.feel = format!("({}) and ({})", first.feel, read.feel);
            first.label = format!("{} and {}", first.label, read.label);
        }
    }
}

fn act(found: &mut Statement, tokens: &[Token], clause: &Clause, or: bool, memory: &mut Memory) {
    let Some(group) = &clause.verb else { return };
    let subject = words_of(tokens, clause.from, group.start).to_lowercase();
    let object = words_of(tokens, group.end, clause.to).to_lowercase();
    let about_process =
        subject.split(' ').any(lexicon::is_process_word) || (group.passive && subject.contains("instance"));
    if about_process
        && ["end", "finish", "terminate", "complete", "stop", "close", "conclude"]
            .contains(&group.lemma.as_str())
    {
        found.ends = true;
        return;
    }
    if ["stop", "abort", "exit", "end", "terminate"].contains(&group.lemma.as_str())
        && object.is_empty()
        && !group.passive
        && group.shape != Shape::Gerund
        && (subject.is_empty() || clause.link == Link::And)
    {
        found.ends = true;
        return;
    }
    if tries_again(group, &object) {
        found.back_to = Some(if group.lemma == "retry" { object } else { String::new() });
        return;
    }
    // "If it fails, the engineer diagnoses the problem again".
    let repeats =
        found.condition.is_some() && !group.passive && object.split(' ').any(|word| word == "again");
    if repeats && !object.starts_with("back") {
        if let Some(step) = step(tokens, clause, memory, false).pop() {
            found.back_to = Some(step.action.label());
        }
        return;
    }
    // "Rejected lots go back to the supplier": things are sent back, the process is not.
    let sent = some_of_a_kind(tokens, clause).is_some();
    let again = !sent && object.starts_with("back") || object.contains("again") && object.contains("from");
    let back = match group.lemma.as_str() {
        "repeat" | "restart" | "redo" => true,
        "rerun" | "re-run" | "retest" => found.condition.is_some() && !object.is_empty(),
        "go" | "return" | "loop" | "start" | "continue" | "jump" | "come" => {
            again || (about_process && object.contains("back"))
        }
        _ => false,
    };
    let back = back || (about_process && group.lemma == "return" && object.starts_with("to "));
    if back && group.lemma != "redo" {
        let target = if group.passive || object.is_empty() { &subject } else { &object };
        found.back_to = Some(target.trim_start_matches("back").trim_start_matches(" to").trim().to_owned());
        return;
    }
    if about_process && ["start", "begin", "commence"].contains(&group.lemma.as_str()) {
        return;
    }
    let beside = clause.marks.contains(&Mark::Beside);
    let steps = step(tokens, clause, memory, or).into_iter();
    found.steps.extend(steps.map(|step| Step { beside, ..step }));
}

/// The step that a clause names; two where one of two actors does it.
fn step(tokens: &[Token], clause: &Clause, memory: &mut Memory, or: bool) -> Vec<Step> {
    let Some(action) = action(tokens, clause, memory) else { return Vec::new() };
    let of = |action: Action, or: bool| Step { action, or, mentioned: false, beside: false };
    let actors = action.actor.clone();
    match actors.as_deref().and_then(|names| names.split_once(" or ")) {
        Some((one, other)) => {
            let by = |name: &str| Some(super::action::capitalised(name));
            let second = Action { actor: by(other), ..action.clone() };
            vec![of(Action { actor: by(one), ..action }, or), of(second, true)]
        }
        None => vec![of(action, or)],
    }
}

/// "If the order exceeds the limit, …": what is spoken of is the order, not the limit.
fn topic(tokens: &[Token], clause: &Clause) -> Option<String> {
    let group = clause.verb.as_ref()?;
    let front = tokens.get(clause.from..group.start)?;
    let words: Vec<&str> = front
        .iter()
        .filter(|token| matches!(token.tag, Tag::Noun | Tag::Adjective))
        .map(|token| token.text.as_str())
        .collect();
    let named =
        front.iter().any(|token| token.tag == Tag::Determiner && token.lower != "any" && token.lower != "no");
    let name = words.join(" ");
    (named && !name.is_empty() && lexicon::actor(&super::referent::head(&name)).is_none()).then_some(name)
}

/// Keeps track of who and what was named in a clause that adds no step.
fn remember(tokens: &[Token], clause: &Clause, memory: &mut Memory) {
    let _ = action(tokens, clause, memory);
}

/// "When an order arrives", "after checking the order": starts the process, or mentions what was done.
fn time(
    found: &mut Statement,
    tokens: &[Token],
    clause: &Clause,
    to: usize,
    memory: &mut Memory,
    first: bool,
) {
    let after = clause.marks.contains(&Mark::After);
    let text = words_of(tokens, clause.from, to);
    if after && clause.verb.is_none() {
        let words = text.to_lowercase();
        // "After three failed attempts, …" is a condition, "after two days, …" a wait.
        if words.split(' ').any(|word| matches!(word, "attempts" | "tries" | "failures" | "retries")) {
            merge_condition(found, condition(&text), false);
        } else if words.split(' ').next_back().is_some_and(duration::is_unit)
            && duration::duration(words.split(' ')).is_some()
            && !first
        {
            let span = tokens.get(clause.from).map_or(0, |token| token.span.start);
            let end = tokens.get(to.saturating_sub(1)).map_or(span, |token| token.span.end);
            // "HR calls after 30 days": the wait comes first.
            let place = found.steps.len()
                - usize::from(clause.from > 0 && !found.steps.is_empty() && is_last(tokens, to));
            let wait = Step {
                action: Action::wait(&words, Span { start: span, end }),
                or: false,
                mentioned: false,
                beside: false,
            };
            found.steps.insert(place, wait);
        }
        return;
    }
    let read = action(tokens, clause, memory);
    if first && !after {
        found.start = Some(super::condition::condition(&text).label);
        return;
    }
    // "When the captain has signed" tells what was done, like "after".
    let done = clause.verb.as_ref().is_some_and(|verb| {
        !verb.passive
            && tokens.get(verb.start..verb.end).unwrap_or_default().iter().any(|t| t.tag == Tag::Have)
    });
    if let Some(action) = read.filter(|action| (after || done) && !action.object.is_empty()) {
        found.steps.push(Step { action, or: false, mentioned: true, beside: false });
    }
}

/// "checks whether the order is complete": the question belongs to the label.
fn extend_object(found: &mut Statement, opener: &str, text: &str) {
    const MAX_WORDS: usize = 8;
    if let Some(step) = found.steps.last_mut().filter(|step| step.action.object.is_empty()) {
        let words: Vec<&str> = text
            .split(' ')
            .filter(|word| !matches!(*word, "the" | "a" | "an" | "if" | "whether" | "that"))
            .take(MAX_WORDS)
            .collect();
        step.action.object = format!("{opener} {}", words.join(" "));
    }
}

/// Whether nothing follows in the sentence.
fn is_last(tokens: &[Token], to: usize) -> bool {
    tokens.get(to..).unwrap_or_default().iter().all(|token| matches!(token.tag, Tag::Stop | Tag::Comma))
}

/// "Pay and send the confirmation": verbs that need no object, so none is shared with them.
const SHARING_NONE: [&str; 13] = [
    "pay",
    "wait",
    "arrive",
    "proceed",
    "respond",
    "reply",
    "apologise",
    "apologize",
    "vote",
    "rest",
    "travel",
    "depart",
    "participate",
];

/// "clean and validate the data": what is left out stands behind the next verb.
fn share_objects(steps: &mut [Step]) {
    for place in (1..steps.len()).rev() {
        let Some((front, back)) = steps.split_at_mut_checked(place) else { continue };
        let (Some(before), Some(step)) = (front.last_mut(), back.first()) else { continue };
        let same = before.action.actor == step.action.actor || step.action.actor.is_none();
        let alone = SHARING_NONE.contains(&before.action.verb.as_str());
        if before.action.object.is_empty()
            && !step.action.object.is_empty()
            && same
            && !alone
            && !step.mentioned
        {
            before.action.object.clone_from(&step.action.object);
        }
    }
}

/// The words of a part of a sentence without the mark that opens it.
fn words_of(tokens: &[Token], from: usize, to: usize) -> String {
    let mut words: Vec<&str> = Vec::new();
    for token in tokens.get(from..to).unwrap_or_default() {
        let opens = words.is_empty()
            && matches!(token.tag, Tag::Mark(_) | Tag::Comma | Tag::And | Tag::Or | Tag::But | Tag::Stop);
        if !opens && !matches!(token.tag, Tag::Comma | Tag::Stop) {
            words.push(&token.text);
        }
    }
    words.join(" ")
}
