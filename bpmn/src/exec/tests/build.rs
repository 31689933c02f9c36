//! Builds programs by hand.

use serde_json::Value;

use crate::expression::{Expression, ParseMode};
use crate::program::{
    Flow, JobKind, Mapping, Node, NodeIndex, NodeKind, Over, Program, Repeat, SubProcess, TaskSpec, Throw,
    Timer, Trigger,
};

/// A program in the making.
#[derive(Default)]
pub(super) struct Build {
    program: Program,
    scope: Option<NodeIndex>,
}

/// A process made by `contents`.
pub(super) fn process(contents: impl FnOnce(&mut Build)) -> Program {
    let mut build = Build::default();
    build.program.process_id = "p".to_owned();
    contents(&mut build);
    build.program
}

/// FEEL.
pub(super) fn feel(text: &str) -> Expression {
    Expression::feel(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A name, or an expression where it begins with `=`.
pub(super) fn name(text: &str) -> Expression {
    Expression::parse(text, ParseMode::Name).unwrap()
}

pub(super) fn duration(text: &str) -> Trigger {
    Trigger::Timer(Timer::Duration(name(text)))
}

pub(super) fn cycle(text: &str) -> Trigger {
    Trigger::Timer(Timer::Cycle(name(text)))
}

pub(super) fn message(text: &str) -> Trigger {
    Trigger::Message { name: name(text), correlation_key: None }
}

pub(super) fn signal(text: &str) -> Trigger {
    Trigger::Signal { name: name(text) }
}

pub(super) fn condition(text: &str) -> Trigger {
    Trigger::Conditional { condition: feel(text) }
}

/// An error trigger; an empty code catches all.
pub(super) fn error(code: &str) -> Trigger {
    let code = (!code.is_empty()).then(|| code.to_owned());
    Trigger::Error { code, code_variable: Some("code".to_owned()), message_variable: Some("why".to_owned()) }
}

pub(super) fn escalation(code: &str) -> Trigger {
    Trigger::Escalation { code: (!code.is_empty()).then(|| code.to_owned()) }
}

pub(super) fn throw_error(code: &str) -> Throw {
    Throw::Error { code: name(code) }
}

pub(super) fn throw_escalation(code: &str) -> Throw {
    Throw::Escalation { code: Some(name(code)) }
}

pub(super) fn each(collection: &str, element: &str, sequential: bool) -> Repeat {
    Repeat::Multi {
        sequential,
        over: Over::Collection { collection: feel(collection), element: Some(element.to_owned()) },
        completion: None,
        output: None,
    }
}

pub(super) fn times(count: &str, sequential: bool) -> Repeat {
    Repeat::Multi { sequential, over: Over::Cardinality(feel(count)), completion: None, output: None }
}

impl Build {
    pub(super) fn node(&mut self, id: &str, kind: NodeKind) -> NodeIndex {
        let local_name = match &kind {
            NodeKind::Decision(_) => "businessRuleTask",
            NodeKind::Start { .. } => "startEvent",
            NodeKind::End(_) => "endEvent",
            NodeKind::Catch(_) => "intermediateCatchEvent",
            NodeKind::Throw(_) => "intermediateThrowEvent",
            NodeKind::Boundary { .. } => "boundaryEvent",
            NodeKind::Exclusive => "exclusiveGateway",
            NodeKind::Parallel => "parallelGateway",
            NodeKind::Inclusive => "inclusiveGateway",
            NodeKind::EventBased { .. } => "eventBasedGateway",
            NodeKind::Complex { .. } => "complexGateway",
            NodeKind::PassThrough => "task",
            NodeKind::Job(JobKind::Service) => "serviceTask",
            NodeKind::Job(JobKind::User) => "userTask",
            NodeKind::Script { .. } => "scriptTask",
            NodeKind::Receive(_) => "receiveTask",
            NodeKind::SubProcess(SubProcess::Transaction) => "transaction",
            NodeKind::SubProcess(SubProcess::AdHoc { .. }) => "adHocSubProcess",
            NodeKind::SubProcess(_) => "subProcess",
            NodeKind::Call { .. } => "callActivity",
        };
        self.program.nodes.push(Node {
            id: id.to_owned(),
            name: None,
            local_name: local_name.to_owned(),
            line: 0,
            kind,
            parent: self.scope,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            default_flow: None,
            boundary: Vec::new(),
            repeat: None,
            inputs: Vec::new(),
            outputs: Vec::new(),
            task: TaskSpec::default(),
            compensation: None,
            is_compensation_handler: false,
        });
        self.program.nodes.len() - 1
    }

    pub(super) fn start(&mut self, id: &str) -> NodeIndex {
        self.node(id, NodeKind::Start { trigger: None, interrupting: true })
    }

    pub(super) fn start_on(&mut self, id: &str, trigger: Trigger, interrupting: bool) -> NodeIndex {
        self.node(id, NodeKind::Start { trigger: Some(trigger), interrupting })
    }

    pub(super) fn end(&mut self, id: &str) -> NodeIndex {
        self.node(id, NodeKind::End(Throw::None))
    }

    pub(super) fn end_with(&mut self, id: &str, throw: Throw) -> NodeIndex {
        self.node(id, NodeKind::End(throw))
    }

    pub(super) fn job(&mut self, id: &str) -> NodeIndex {
        self.node(id, NodeKind::Job(JobKind::Service))
    }

    pub(super) fn pass(&mut self, id: &str) -> NodeIndex {
        self.node(id, NodeKind::PassThrough)
    }

    pub(super) fn script(&mut self, id: &str, expression: &str, result: &str) -> NodeIndex {
        self.node(id, NodeKind::Script { expression: feel(expression), result: Some(result.to_owned()) })
    }

    pub(super) fn xor(&mut self, id: &str) -> NodeIndex {
        self.node(id, NodeKind::Exclusive)
    }

    pub(super) fn and(&mut self, id: &str) -> NodeIndex {
        self.node(id, NodeKind::Parallel)
    }

    pub(super) fn or(&mut self, id: &str) -> NodeIndex {
        self.node(id, NodeKind::Inclusive)
    }

    pub(super) fn boundary(
        &mut self,
        id: &str,
        activity: &str,
        trigger: Trigger,
        interrupting: bool,
    ) -> NodeIndex {
        let attached_to = self.place(activity);
        let index = self.node(id, NodeKind::Boundary { attached_to, trigger, interrupting });
        self.program.nodes[attached_to].boundary.push(index);
        index
    }

    /// A compensation handler of `activity`, joined by its boundary event.
    pub(super) fn handler(&mut self, id: &str, activity: &str) -> NodeIndex {
        let event = self.boundary(&format!("on-{id}"), activity, Trigger::Compensation, false);
        let handler = self.job(id);
        self.program.nodes[handler].is_compensation_handler = true;
        self.program.nodes[event].compensation = Some(handler);
        handler
    }

    pub(super) fn sub(&mut self, id: &str, kind: SubProcess, contents: impl FnOnce(&mut Self)) -> NodeIndex {
        let index = self.node(id, NodeKind::SubProcess(kind));
        let outer = self.scope.replace(index);
        contents(self);
        self.scope = outer;
        index
    }

    /// A sub-process `id` that holds start `id.s`, job `id.a` and end `id.e`.
    pub(super) fn small_sub(&mut self, id: &str, kind: SubProcess) -> NodeIndex {
        let [start, task, end] = ["s", "a", "e"].map(|part| format!("{id}.{part}"));
        self.sub(id, kind, |b| {
            b.start(&start);
            b.job(&task);
            b.end(&end);
            b.chain(&[&start, &task, &end]);
        })
    }

    /// An event sub-process `id` that starts at `id.s`, does job `id.a` and ends at `id.e`.
    pub(super) fn event_sub(&mut self, id: &str, trigger: Trigger, interrupting: bool) -> NodeIndex {
        let [start, task, end] = ["s", "a", "e"].map(|part| format!("{id}.{part}"));
        self.sub(id, SubProcess::Event, |b| {
            b.start_on(&start, trigger, interrupting);
            b.job(&task);
            b.end(&end);
            b.chain(&[&start, &task, &end]);
        })
    }

    fn connect(&mut self, source: &str, target: &str, condition: Option<Expression>) -> usize {
        let (source_at, target_at) = (self.place(source), self.place(target));
        let index = self.program.flows.len();
        let id = format!("{source}->{target}");
        self.program.flows.push(Flow { id, name: None, source: source_at, target: target_at, condition });
        self.program.nodes[source_at].outgoing.push(index);
        self.program.nodes[target_at].incoming.push(index);
        index
    }

    pub(super) fn flow(&mut self, source: &str, target: &str) {
        self.connect(source, target, None);
    }

    pub(super) fn flow_if(&mut self, source: &str, target: &str, condition: &str) {
        self.connect(source, target, Some(feel(condition)));
    }

    pub(super) fn otherwise(&mut self, source: &str, target: &str) {
        let flow = self.connect(source, target, None);
        let source = self.place(source);
        self.program.nodes[source].default_flow = Some(flow);
    }

    pub(super) fn chain(&mut self, ids: &[&str]) {
        for pair in ids.windows(2) {
            self.flow(pair[0], pair[1]);
        }
    }

    pub(super) fn repeat(&mut self, id: &str, repeat: Repeat) {
        self.at(id).repeat = Some(repeat);
    }

    pub(super) fn input(&mut self, id: &str, source: &str, target: &str) {
        self.at(id).inputs.push(Mapping { source: feel(source), target: target.to_owned() });
    }

    pub(super) fn output(&mut self, id: &str, source: &str, target: &str) {
        self.at(id).outputs.push(Mapping { source: feel(source), target: target.to_owned() });
    }

    pub(super) fn at(&mut self, id: &str) -> &mut Node {
        let place = self.place(id);
        &mut self.program.nodes[place]
    }

    pub(super) fn place(&self, id: &str) -> NodeIndex {
        self.program.find(id).unwrap_or_else(|| panic!("no node {id}"))
    }

    pub(super) fn call(&mut self, id: &str, process: &str) -> NodeIndex {
        let process = Expression::literal(Value::from(process));
        self.node(id, NodeKind::Call { process, propagate_all_in: true, propagate_all_out: true })
    }
}
