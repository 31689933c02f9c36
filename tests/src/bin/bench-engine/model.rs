//! The processes that are run: the same bytes on every engine.

/// One of them.
#[derive(Debug)]
pub(crate) struct Model {
    /// Process id, and type of its jobs.
    pub(crate) id: &'static str,
    /// Jobs of one instance.
    pub(crate) jobs: usize,
    /// Most jobs that are open at once.
    pub(crate) at_once: usize,
    /// Whether it waits for the message `paid` at the end.
    pub(crate) message: bool,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Sequence,
    Parallel,
    /// One task, again until it was done `jobs` times, then a message or an hour.
    Loop,
    /// A message or an hour.
    Wait,
}

/// All of them.
pub(crate) const MODELS: [Model; 4] = [
    Model { id: "one_task", jobs: 1, at_once: 1, message: false, shape: Shape::Sequence },
    Model { id: "ten_tasks", jobs: 10, at_once: 1, message: false, shape: Shape::Sequence },
    Model { id: "five_parallel", jobs: 5, at_once: 5, message: false, shape: Shape::Parallel },
    Model { id: "loop_timer_message", jobs: 3, at_once: 1, message: true, shape: Shape::Loop },
];

/// One that waits for a message or an hour from its start on.
pub(crate) const WAITS: Model = Model { id: "waits", jobs: 0, at_once: 0, message: true, shape: Shape::Wait };

impl Model {
    /// Its BPMN.
    pub(crate) fn xml(&self) -> String {
        let mut nodes = String::from("<bpmn:startEvent id=\"start\"/><bpmn:endEvent id=\"end\"/>");
        let mut flows: Vec<(String, String, String)> = Vec::new();
        let mut flow = |source: &str, target: &str, inside: &str| {
            flows.push((source.to_owned(), target.to_owned(), inside.to_owned()));
        };
        let task = |number: usize| {
            format!(
                "<bpmn:serviceTask id=\"task_{number}\" camunda:type=\"external\" camunda:topic=\"{}\"/>",
                self.id
            )
        };
        match self.shape {
            Shape::Sequence => {
                let mut last = "start".to_owned();
                for number in 0..self.jobs {
                    nodes.push_str(&task(number));
                    let next = format!("task_{number}");
                    flow(&last, &next, "");
                    last = next;
                }
                flow(&last, "end", "");
            }
            Shape::Parallel => {
                nodes.push_str("<bpmn:parallelGateway id=\"split\"/><bpmn:parallelGateway id=\"join\"/>");
                flow("start", "split", "");
                for number in 0..self.jobs {
                    nodes.push_str(&task(number));
                    flow("split", &format!("task_{number}"), "");
                    flow(&format!("task_{number}"), "join", "");
                }
                flow("join", "end", "");
            }
            Shape::Loop => {
                nodes.push_str(&task(0));
                nodes.push_str("<bpmn:exclusiveGateway id=\"again\" default=\"flow_3\"/>");
                nodes.push_str(WAIT);
                flow("start", "task_0", "");
                flow("task_0", "again", "");
                let condition = format!(
                    "<bpmn:conditionExpression xsi:type=\"bpmn:tFormalExpression\">${{count &lt; {}}}\
                     </bpmn:conditionExpression>",
                    self.jobs
                );
                flow("again", "task_0", &condition);
                flow("again", "wait", "");
                flow("wait", "end", "");
                flow("late", "given_up", "");
            }
            Shape::Wait => {
                nodes.push_str(WAIT);
                flow("start", "wait", "");
                flow("wait", "end", "");
                flow("late", "given_up", "");
            }
        }
        for (number, (source, target, inside)) in flows.iter().enumerate() {
            nodes.push_str(&format!(
                "<bpmn:sequenceFlow id=\"flow_{number}\" sourceRef=\"{source}\" targetRef=\"{target}\">{inside}\
                 </bpmn:sequenceFlow>"
            ));
        }
        format!(
            "{HEAD}<bpmn:process id=\"{}\" isExecutable=\"true\" camunda:historyTimeToLive=\"1\">{nodes}\
                 </bpmn:process></bpmn:definitions>",
            self.id
        )
    }
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><bpmn:definitions \
    xmlns:bpmn=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" xmlns:zeebe=\"http://camunda.org/schema/zeebe/1.0\" \
    xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:camunda=\"http://camunda.org/schema/1.0/bpmn\" \
    id=\"d\" targetNamespace=\"bench\"><bpmn:message id=\"paid\" name=\"paid\"><bpmn:extensionElements>\
    <zeebe:subscription correlationKey=\"=case\"/></bpmn:extensionElements></bpmn:message>";

const WAIT: &str = "<bpmn:receiveTask id=\"wait\" messageRef=\"paid\"/><bpmn:boundaryEvent id=\"late\" attachedToRef=\"wait\">\
    <bpmn:timerEventDefinition><bpmn:timeDuration xsi:type=\"bpmn:tFormalExpression\">PT1H</bpmn:timeDuration>\
    </bpmn:timerEventDefinition></bpmn:boundaryEvent><bpmn:endEvent id=\"given_up\"/>";
