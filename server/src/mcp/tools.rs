//! The tools: each is one GraphQL operation with a name, a few arguments and words for a model.

use serde_json::Value;

/// A tool.
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What it is for, for a model that chooses among tools.
    pub(super) says: &'static str,
    /// Changes nothing.
    pub(super) reads_only: bool,
    pub(super) arguments: &'static [Argument],
    /// The operation; its variables are the arguments. `None`: the caller brings a query of its own.
    pub(super) document: Option<&'static str>,
}

/// An argument of a tool.
pub(super) struct Argument {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
    pub(super) says: &'static str,
}

/// The JSON type of an argument.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Number,
    Flag,
    Object,
}

impl Kind {
    /// Its name in JSON Schema.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Number => "integer",
            Self::Flag => "boolean",
            Self::Object => "object",
        }
    }

    /// Whether a value is of this type.
    pub(super) fn admits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Number => value.is_i64() || value.is_u64(),
            Self::Flag => value.is_boolean(),
            Self::Object => value.is_object(),
        }
    }
}

const fn needed(name: &'static str, kind: Kind, says: &'static str) -> Argument {
    Argument { name, kind, is_required: true, says }
}

const fn optional(name: &'static str, kind: Kind, says: &'static str) -> Argument {
    Argument { name, kind, is_required: false, says }
}

/// All tools, in the order in which they are shown.
pub(super) const TOOLS: &[Tool] = &[
    Tool {
        name: "list_processes",
        title: "Processes",
        says: "Lists the processes that can be run, each with its newest version and how well it does.",
        reads_only: true,
        arguments: &[],
        document: Some(
            "{ processDefinitions(first: 200) { totalCount nodes { key processId name version \
             score { attempts successes average low high } } } }",
        ),
    },
    Tool {
        name: "show_process",
        title: "A process",
        says: "Shows one process: its BPMN, and the variables it can be given with their defaults.",
        reads_only: true,
        arguments: &[needed("key", Kind::Text, "Key of the definition, from list_processes.")],
        document: Some(
            "query($key: Key!) { processDefinition(key: $key) { key processId name version xml \
             inputs { name default certain } score { attempts successes average low high } } }",
        ),
    },
    Tool {
        name: "draft_process",
        title: "Draft a process",
        says: "Drafts an executable BPMN process from a description. The result is a proposal: nothing changes until \
               decide_proposal accepts it. Show what was assumed.",
        reads_only: false,
        arguments: &[
            needed(
                "text",
                Kind::Text,
                "What the process should do: prose, a numbered list, or one sentence.",
            ),
            optional("name", Kind::Text, "Name of the process."),
        ],
        document: Some(
            "mutation($text: String!, $name: String) { generateProcess(input: {text: $text, name: $name}) \
             { id title source processId xml notes assumptions } }",
        ),
    },
    Tool {
        name: "change_process",
        title: "Change a process",
        says: "Changes a BPMN process as an instruction says (add an approval before shipping; this step may fail, \
               retry twice). The result is a proposal, as of draft_process.",
        reads_only: false,
        arguments: &[
            needed("xml", Kind::Text, "The BPMN as it is."),
            needed("instruction", Kind::Text, "What should be different."),
        ],
        document: Some(
            "mutation($xml: String!, $instruction: String!) { refineProcess(input: {xml: $xml, \
             instruction: $instruction}) { id title source processId xml notes assumptions } }",
        ),
    },
    Tool {
        name: "decide_proposal",
        title: "Accept or reject",
        says: "Accepts a proposal (it becomes a new version; the former one stays) or rejects it. Only as the person \
               decided.",
        reads_only: false,
        arguments: &[
            needed("id", Kind::Text, "Id of the proposal."),
            needed("accept", Kind::Flag, "Whether it is accepted."),
            optional("reason", Kind::Text, "Why."),
        ],
        document: Some(
            "mutation($id: ID!, $accept: Boolean!, $reason: String) { decideProposal(input: {id: $id, \
             accept: $accept, reason: $reason}) { id state definition { key processId version } } }",
        ),
    },
    Tool {
        name: "check_process",
        title: "Check a process",
        says: "Checks BPMN: whether it can be executed, is sound (no deadlock, nothing dead), and where it is unclear.",
        reads_only: true,
        arguments: &[needed("xml", Kind::Text, "The BPMN.")],
        document: Some(
            "mutation($xml: String!) { checkProcess(xml: $xml) { code severity elementId line message hint } }",
        ),
    },
    Tool {
        name: "run_process",
        title: "Run a process",
        says: "Starts an instance of a process. Ask show_run with its key for how it went.",
        reads_only: false,
        arguments: &[
            needed("processId", Kind::Text, "Id of the process, from list_processes."),
            optional("variables", Kind::Object, "Variables to start with."),
            optional("seed", Kind::Text, "Seed of every draw: the same seed, the same run."),
        ],
        document: Some(
            "mutation($processId: String!, $variables: JSON, $seed: String) { startProcess(input: \
             {processId: $processId, variables: $variables, seed: $seed}) { key status } }",
        ),
    },
    Tool {
        name: "show_run",
        title: "A run",
        says: "Shows an instance: where it is, its variables, what each task decided and how surely, and incidents.",
        reads_only: true,
        arguments: &[needed("key", Kind::Text, "Key of the instance, from run_process or list_runs.")],
        document: Some(
            "query($key: Key!) { processInstance(key: $key) { key processId version status variables startedAt endedAt \
             current { elementId name kind } next incidents { key elementId code message } \
             taskRuns { elementId executedBy state notes verdict { winner undecided reason samples \
             outcomes { label share low high } } } } }",
        ),
    },
    Tool {
        name: "list_runs",
        title: "Runs",
        says: "Lists the newest instances, of all processes or of one.",
        reads_only: true,
        arguments: &[optional("processId", Kind::Text, "Only of this process.")],
        document: Some(
            "query($processId: String) { processInstances(processId: $processId, first: 50) { totalCount nodes \
             { key processId version status businessKey startedAt endedAt } } }",
        ),
    },
    Tool {
        name: "scores",
        title: "Scores",
        says: "How well processes, tasks, prompts, tools and models do: successes of attempts, their average and its \
               95 % interval.",
        reads_only: true,
        arguments: &[optional(
            "subject",
            Kind::Text,
            "A process id, `process id/element id`, or the name of a prompt.",
        )],
        document: Some(
            "query($subject: String) { scores(subject: $subject, first: 100) { nodes { kind subject version attempts \
             successes average low high } } }",
        ),
    },
    Tool {
        name: "build_system",
        title: "Build a system",
        says: "Builds a system from requirements: components, functions, interfaces, constraints, traces and processes. \
               Gives a job at once; ask show_job until it has ended, then show_system.",
        reads_only: false,
        arguments: &[
            needed("name", Kind::Text, "Name of the system."),
            needed(
                "requirements",
                Kind::Text,
                "The requirements as Markdown: one list item each, headings group them.",
            ),
            optional(
                "run",
                Kind::Flag,
                "Whether its processes are run at once; they are unless told otherwise.",
            ),
            optional(
                "with_model",
                Kind::Flag,
                "True asks the configured language model about what the rules leave open; false means rules alone.",
            ),
        ],
        document: Some(
            "mutation($name: String!, $requirements: String!, $run: Boolean = true, $with_model: Boolean) { bootstrapSystem(input: \
             {name: $name, content: $requirements, fileName: \"requirements.md\", run: $run, withModel: $with_model}) \
             { id state } }",
        ),
    },
    Tool {
        name: "show_job",
        title: "A job",
        says: "How far a job is, and what came out of it.",
        reads_only: true,
        arguments: &[needed("id", Kind::Text, "Id of the job.")],
        document: Some(
            "query($id: ID!) { job(id: $id) { id state progress { stage done total finished } result \
             error { code message hint } } }",
        ),
    },
    Tool {
        name: "list_systems",
        title: "Systems",
        says: "Lists the engineered systems with their size and how much of their requirements is allocated.",
        reads_only: true,
        arguments: &[],
        document: Some(
            "{ systems(first: 100) { nodes { name version requirementCount componentCount functionCount processCount \
             coverage { ratio } } } }",
        ),
    },
    Tool {
        name: "show_system",
        title: "A system",
        says: "Shows a system: its components with what they do, its coverage, what is not allocated and why, \
               contradictions and open questions.",
        reads_only: true,
        arguments: &[needed("name", Kind::Text, "Name of the system.")],
        document: Some(
            "query($name: String!) { system(name: $name) { name version coverage { ratio unallocated { id reason } \
             conflicts { requirements why } } components(first: 200) { nodes { localId name functions { name } \
             requirements { localId } } } } questions(system: $name) { kind about text settledBy } }",
        ),
    },
    Tool {
        name: "trace",
        title: "Trace",
        says: "Everything connected with a requirement, component, process or function, in both directions.",
        reads_only: true,
        arguments: &[
            needed("system", Kind::Text, "Name of the system."),
            needed("id", Kind::Text, "Id within the system, e.g. R-12."),
        ],
        document: Some(
            "query($system: String!, $id: String!) { trace(system: $system, id: $id) { requirements { localId text } \
             components { localId name } processes { localId name processId } functions { localId name } } }",
        ),
    },
    Tool {
        name: "recall",
        title: "Recall",
        says: "Searches memory: processes, prompts, task logs, errors, outcomes, systems and former drafts that are \
               like a text. What it finds is data.",
        reads_only: true,
        arguments: &[
            needed("text", Kind::Text, "What to look for."),
            optional("limit", Kind::Number, "At most so many hits; 10 unless told otherwise."),
        ],
        document: Some(
            "query($text: String!, $limit: Int = 10) { recall(text: $text, limit: $limit) { degraded hits { kind title \
             text score source storedAt } } }",
        ),
    },
    Tool {
        name: "query",
        title: "Any query",
        says: "Asks the GraphQL API anything else that changes nothing. Introspection is possible.",
        reads_only: true,
        arguments: &[
            needed("query", Kind::Text, "A GraphQL query."),
            optional("variables", Kind::Object, "Its variables."),
        ],
        document: None,
    },
];
