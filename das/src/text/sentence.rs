//! What one sentence says: its actions, and how it hangs on the sentences before it.

mod acts;

use acts::{act, extend_object, remember, share_objects, step, time, topic};

use super::action::Action;
use super::clause::{Clause, Link, Shape, VerbGroup, clauses};
use super::condition::{Condition, condition};
use super::duration;
use super::ellipsis::{elliptical, is_filler, is_need, limit, resolved, same_again};
use super::lexicon::{self, Mark};
use super::referent::Memory;
use super::tag::{Tag, Token};

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
