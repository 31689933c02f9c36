//! A process ready to run: a flat graph of nodes and flows, with every reference resolved and every expression
//! parsed.
//!
//! `compile` (from the XML model) makes it and refuses whatever cannot be executed; [`crate::exec`] runs it.
//! Nodes are addressed by their place in [`Program::nodes`]; ids are kept for people, the trail and the trace.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::expression::Expression;

/// Place of a node in [`Program::nodes`].
pub type NodeIndex = usize;
/// Place of a flow in [`Program::flows`].
pub type FlowIndex = usize;

/// One executable process.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The `id` of the BPMN process.
    pub process_id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// All flow nodes, sub-processes before their contents.
    pub nodes: Vec<Node>,
    /// All sequence flows.
    pub flows: Vec<Flow>,
    /// Attributes and texts of the process element that parts above read (`procos:*`, version tag, documentation).
    pub properties: BTreeMap<String, String>,
}

impl Program {
    /// The node with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<NodeIndex> {
        self.nodes.iter().position(|node| node.id == id)
    }

    /// The nodes whose direct parent is `scope` (`None`: the process itself), in document order.
    pub fn children(&self, scope: Option<NodeIndex>) -> impl Iterator<Item = (NodeIndex, &Node)> {
        self.nodes.iter().enumerate().filter(move |(_, node)| node.parent == scope)
    }
}

/// A sequence flow.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Its id.
    pub id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Where it starts.
    pub source: NodeIndex,
    /// Where it ends.
    pub target: NodeIndex,
    /// Its condition; `None` is always taken.
    pub condition: Option<Expression>,
}

/// A flow node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// BPMN local name, e.g. `serviceTask`; what a trace calls `kind`.
    pub local_name: String,
    /// Line in the source file, 0 where unknown.
    pub line: u32,
    /// What it does.
    pub kind: NodeKind,
    /// The sub-process it stands in.
    pub parent: Option<NodeIndex>,
    /// Flows that end here.
    pub incoming: Vec<FlowIndex>,
    /// Flows that start here, in document order.
    pub outgoing: Vec<FlowIndex>,
    /// The default flow among `outgoing`.
    pub default_flow: Option<FlowIndex>,
    /// Boundary events attached to it.
    pub boundary: Vec<NodeIndex>,
    /// Multi-instance or standard loop.
    pub repeat: Option<Repeat>,
    /// Input mappings: evaluated in the outer scope, set in the node's own scope.
    pub inputs: Vec<Mapping>,
    /// Output mappings: evaluated in the node's own scope, set in the outer one. Empty: everything is handed up.
    pub outputs: Vec<Mapping>,
    /// How it is executed where that is not by the engine itself.
    pub task: TaskSpec,
    /// The activity that compensates it, by association.
    pub compensation: Option<NodeIndex>,
    /// True for an activity that only runs as a compensation handler (`isForCompensation`).
    pub is_compensation_handler: bool,
}

/// What a node does when a token reaches it.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// Start event; without trigger it starts by command or with its sub-process.
    Start {
        /// What starts it.
        trigger: Option<Trigger>,
        /// For the start of an event sub-process: whether it interrupts its scope.
        interrupting: bool,
    },
    /// End event.
    End(Throw),
    /// Intermediate catch event, or the target of a link.
    Catch(Trigger),
    /// Intermediate throw event.
    Throw(Throw),
    /// Boundary event.
    Boundary {
        /// What it is attached to.
        attached_to: NodeIndex,
        /// What triggers it.
        trigger: Trigger,
        /// Whether it interrupts the activity.
        interrupting: bool,
    },
    /// Exclusive gateway.
    Exclusive,
    /// Parallel gateway.
    Parallel,
    /// Inclusive gateway.
    Inclusive,
    /// Event-based gateway; `instantiate` starts an instance.
    EventBased {
        /// Starts an instance when one of its events happens.
        instantiate: bool,
    },
    /// Complex gateway; activates when the condition holds over `activationCount` (tokens that arrived).
    Complex {
        /// The activation condition; `None` waits for all incoming flows.
        activation: Option<Expression>,
    },
    /// `task`, `manualTask` and service-like tasks without work: completes at once.
    PassThrough,
    /// Work for somebody else: becomes a job.
    Job(JobKind),
    /// A FEEL script evaluated by the engine itself.
    Script {
        /// The expression.
        expression: Expression,
        /// The variable that takes the result.
        result: Option<String>,
    },
    /// A DMN decision made by the engine itself.
    Decision(DecisionCall),
    /// Receive task.
    Receive(Trigger),
    /// Embedded, event, transaction or ad-hoc sub-process.
    SubProcess(SubProcess),
    /// Call activity.
    Call {
        /// The process id to call, literal or expression.
        process: Expression,
        /// Hands all variables down (the default of Camunda 8).
        propagate_all_in: bool,
        /// Hands all variables up.
        propagate_all_out: bool,
    },
}

/// Which DMN decision a business rule task asks, and what becomes of the result.
#[derive(Clone, Debug)]
pub struct DecisionCall {
    /// The id of the decision, literal or expression.
    pub decision: Expression,
    /// Which version is asked.
    pub binding: Binding,
    /// The variable that takes the result.
    pub result: Option<String>,
    /// What the variable holds.
    pub shape: ResultShape,
}

/// Which version of a decision is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Binding {
    /// The newest when it is asked.
    #[default]
    Latest,
    /// The one that was the newest when the process was deployed.
    Deployment,
    /// This one.
    Version(i32),
    /// The newest with this tag.
    VersionTag(String),
}

impl std::fmt::Display for Binding {
    /// Nothing for the newest, so that it can follow an id.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Latest => Ok(()),
            Self::Deployment => f.write_str(" (as of the deployment of the process)"),
            Self::Version(version) => write!(f, " version {version}"),
            Self::VersionTag(tag) => write!(f, " with version tag {tag}"),
        }
    }
}

/// What the result variable of a decision holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResultShape {
    /// The result as DMN and Camunda 8 have it: one value, a context, or a list of these.
    #[default]
    Value,
    /// Camunda 7: the only output of the only rule.
    SingleEntry,
    /// Camunda 7: the outputs of the only rule.
    SingleResult,
    /// Camunda 7: the only output of each rule.
    CollectEntries,
    /// Camunda 7: the outputs of each rule.
    ResultList,
}

/// Who does a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Service, send or business rule task, throw event with a job type, script for a tool: a TDE or a worker.
    Service,
    /// User task: a person.
    User,
}

/// A sub-process.
#[derive(Clone, Debug)]
pub enum SubProcess {
    /// Embedded.
    Embedded,
    /// Started by an event in its scope.
    Event,
    /// Transaction: can be cancelled.
    Transaction,
    /// Ad-hoc.
    AdHoc {
        /// Elements activated at entry: a FEEL list of ids; `None`: all that have no incoming flow.
        active_elements: Option<Expression>,
        /// Ends it when true after an inner completion; `None`: when nothing is left.
        completion: Option<Expression>,
        /// Cancels what still runs when the condition holds.
        cancel_remaining: bool,
        /// One inner activity at a time.
        sequential: bool,
    },
}

/// What an event waits for.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// Timer.
    Timer(Timer),
    /// Message by name, with its correlation key if it has one.
    Message {
        /// Message name (literal or expression).
        name: Expression,
        /// Correlation key; `None` matches by name alone.
        correlation_key: Option<Expression>,
    },
    /// Signal by name.
    Signal {
        /// Signal name.
        name: Expression,
    },
    /// Error with this code; `None` catches all.
    Error {
        /// Error code.
        code: Option<String>,
        /// Variable that takes the code.
        code_variable: Option<String>,
        /// Variable that takes the message.
        message_variable: Option<String>,
    },
    /// Escalation with this code; `None` catches all.
    Escalation {
        /// Escalation code.
        code: Option<String>,
    },
    /// Condition over variables.
    Conditional {
        /// The condition.
        condition: Expression,
    },
    /// Target of a link.
    Link {
        /// Link name.
        name: String,
    },
    /// Compensation (boundary events and event sub-process starts only).
    Compensation,
    /// Cancellation of a transaction (boundary events only).
    Cancel,
}

/// When a timer fires.
#[derive(Clone, Debug)]
pub enum Timer {
    /// At a date and time.
    Date(Expression),
    /// After a duration.
    Duration(Expression),
    /// Repeatedly: `R3/PT10S`, `R/…`, or cron.
    Cycle(Expression),
}

/// What an end or throw event does.
#[derive(Clone, Debug)]
pub enum Throw {
    /// Nothing.
    None,
    /// Ends the whole scope.
    Terminate,
    /// Throws an error.
    Error {
        /// Error code.
        code: Expression,
    },
    /// Throws an escalation.
    Escalation {
        /// Escalation code.
        code: Option<Expression>,
    },
    /// Publishes a message to the processes of this engine.
    Message {
        /// Message name.
        name: Expression,
        /// Correlation key.
        correlation_key: Option<Expression>,
    },
    /// Becomes a job (message event with a job type).
    Job,
    /// Broadcasts a signal.
    Signal {
        /// Signal name.
        name: Expression,
    },
    /// Jumps to the catch event of the same link.
    Link {
        /// Link name.
        name: String,
    },
    /// Compensates one activity, or the scope.
    Compensation {
        /// The activity; `None` is the whole scope.
        activity: Option<NodeIndex>,
    },
    /// Cancels the transaction it stands in.
    Cancel,
}

/// Repeated execution of an activity.
#[derive(Clone, Debug)]
pub enum Repeat {
    /// Multi-instance.
    Multi {
        /// One after the other.
        sequential: bool,
        /// How many; or over which collection.
        over: Over,
        /// Ends it early when true after an inner completion.
        completion: Option<Expression>,
        /// Where results are collected: (collection variable, element expression).
        output: Option<(String, Expression)>,
    },
    /// Standard loop: repeats while the condition holds.
    While {
        /// The condition; `None` is true.
        condition: Option<Expression>,
        /// Tests before the first run.
        test_before: bool,
        /// At most so often.
        maximum: Option<u32>,
    },
}

/// What a multi-instance runs over.
#[derive(Clone, Debug)]
pub enum Over {
    /// So many times.
    Cardinality(Expression),
    /// Once for each item; the item goes into this variable.
    Collection {
        /// The list.
        collection: Expression,
        /// Variable for the item.
        element: Option<String>,
    },
}

/// An input or output mapping.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// What is read.
    pub source: Expression,
    /// What is set: a variable name or dotted path.
    pub target: String,
}

/// Which part executes a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutedBy {
    /// Not said: the TDE's decision gateway decides.
    #[default]
    Undeclared,
    /// Declared draws and outcomes, sampled until the verdict converges.
    Stochastic,
    /// A language model, sampled until the verdict converges.
    Model,
    /// A declared tool (`ref`).
    Tool,
    /// An HTTP request.
    Http,
    /// A file or directory operation in the workspace.
    File,
    /// A person.
    Person,
    /// FEEL expressions.
    Feel,
    /// Another process as executor (`ref`).
    Process,
}

/// How a task is executed: the `procos:task` extension and what other engines' extensions say of it.
///
/// Plain data, so that it travels with a job to a TDE on any engine.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TaskSpec {
    /// Which part executes it.
    #[serde(default)]
    pub by: ExecutedBy,
    /// Job type (`zeebe:taskDefinition type`, `camunda:topic`); a job with a type that is not the kernel's own
    /// is left to outside workers.
    #[serde(default)]
    pub job_type: Option<String>,
    /// Retries (`zeebe:taskDefinition retries`); 3 where not said.
    #[serde(default)]
    pub retries: Option<u32>,
    /// Tool, prompt or process it names.
    #[serde(default)]
    pub reference: Option<String>,
    /// Task class: `pure`, `idempotent`, `unsafe`; what happens after an unknown outcome.
    #[serde(default)]
    pub class: Option<String>,
    /// What happens when the verdict is undecided: `leader`, `person`, `all`, `incident`.
    #[serde(default)]
    pub undecided: Option<String>,
    /// Isolation needed by the tool.
    #[serde(default)]
    pub isolation: Option<String>,
    /// Another TDE template (process id).
    #[serde(default)]
    pub executor: Option<String>,
    /// Declared outcomes.
    #[serde(default)]
    pub outcomes: Vec<OutcomeSpec>,
    /// Declared random variables.
    #[serde(default)]
    pub draws: Vec<DrawSpec>,
    /// The stop rule.
    #[serde(default)]
    pub stop: Option<StopSpec>,
    /// FEEL expressions evaluated after the draws, in order: (variable, expression text). For `by="feel"` they
    /// are the task's work, for `by="stochastic"` they are computed for each sample.
    #[serde(default)]
    pub computes: Vec<(String, String)>,
    /// Script text of a script task that names a tool, or the prompt text of a model task.
    #[serde(default)]
    pub script: Option<String>,
    /// Script format.
    #[serde(default)]
    pub script_format: Option<String>,
    /// Priority; higher first (`camunda:taskPriority`, `zeebe:priorityDefinition`).
    #[serde(default)]
    pub priority: Option<i64>,
    /// Headers and properties (`zeebe:header`, `zeebe:property`, `camunda:property`).
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Assignee, candidate groups, form reference of a user task.
    #[serde(default)]
    pub assignment: BTreeMap<String, String>,
    /// Further `procos:task` attributes as written.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// What the element's documentation says; a model task's instructions, a person's help.
    #[serde(default)]
    pub documentation: Option<String>,
}

/// `procos:outcome`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct OutcomeSpec {
    /// Its label.
    pub label: String,
    /// False when it counts as a failure in scores.
    pub success: bool,
    /// FEEL condition under which a sample has this outcome; without one the model names it, and for draws it is
    /// the outcome of every sample that no other one matches.
    pub when: Option<String>,
}

/// `procos:draw`: a random variable with its distribution and parameters (FEEL expressions or numbers, as text).
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct DrawSpec {
    /// The variable that takes the value.
    pub variable: String,
    /// `normal`, `lognormal`, `uniform`, `triangular`, `exponential`, `beta`, `bernoulli`, `categorical`, `constant`.
    pub distribution: String,
    /// Parameters by name: `mean`, `sd`, `low`, `high`, `mode`, `rate`, `alpha`, `beta`, `p`, `values`, `weights`.
    pub parameters: BTreeMap<String, String>,
}

/// `procos:stop`.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct StopSpec {
    /// `winner` (PPR-1v1), `beta`, `window`, `shares`, `joint`, `fixed`.
    pub rule: Option<String>,
    /// Error probability, in (0, 1).
    pub delta: Option<f64>,
    /// Half-width for `shares` and `joint`, in (0, 0.5).
    pub share: Option<f64>,
    /// Budget in samples.
    pub samples: Option<u64>,
    /// Budget in tokens of a language model, in and out together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Budget in money (the endpoint's currency).
    pub cost: Option<f64>,
    /// Budget in time (ISO 8601 duration).
    pub time: Option<String>,
}

/// JSON objects used as variables.
pub type Variables = serde_json::Map<String, Value>;
