//! XML namespaces that occur in BPMN files, and the prefixes they are written with.

/// BPMN 2.0 semantic model.
pub const BPMN: &str = "http://www.omg.org/spec/BPMN/20100524/MODEL";
/// BPMN diagram interchange.
pub const BPMN_DI: &str = "http://www.omg.org/spec/BPMN/20100524/DI";
/// Diagram definition: bounds and points.
pub const DC: &str = "http://www.omg.org/spec/DD/20100524/DC";
/// Diagram definition: waypoints.
pub const DI: &str = "http://www.omg.org/spec/DD/20100524/DI";
/// XML Schema instance.
pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// The `xml` prefix.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// ProcOS extensions.
pub const PROCOS: &str = "https://w3id.org/procos/bpmn/1.0";
/// Target namespace of files that ProcOS makes.
pub const PROCOS_FILES: &str = "https://w3id.org/procos/processes";
/// Camunda 8 extensions.
pub const ZEEBE: &str = "http://camunda.org/schema/zeebe/1.0";
/// Camunda 7 extensions.
pub const CAMUNDA: &str = "http://camunda.org/schema/1.0/bpmn";
/// Camunda Modeler.
pub const MODELER: &str = "http://camunda.org/schema/modeler/1.0";
/// bpmn.io colours.
pub const BIO_COLOR: &str = "http://bpmn.io/schema/bpmn/biocolor/1.0";
/// Colours of the OMG's non-normative extension.
pub const OMG_COLOR: &str = "http://www.omg.org/spec/BPMN/non-normative/color/1.0";

/// BPSim 1.0: parameters of simulations (WfMC).
pub const BPSIM: &str = "http://www.bpsim.org/schemas/1.0";

/// Namespaces whose attributes mean what Camunda 7's mean: its own, its forks' and its ancestor's.
pub const CAMUNDA_FAMILY: [&str; 4] =
    [CAMUNDA, "http://operaton.org/schema/1.0/bpmn", "http://activiti.org/bpmn", "http://flowable.org/bpmn"];

/// Prefixes used when writing.
pub(crate) const PREFERRED: [(&str, &str); 13] = [
    ("bpmn", BPMN),
    ("bpmndi", BPMN_DI),
    ("dc", DC),
    ("di", DI),
    ("xsi", XSI),
    ("procos", PROCOS),
    ("zeebe", ZEEBE),
    ("camunda", CAMUNDA),
    ("modeler", MODELER),
    ("bioc", BIO_COLOR),
    ("color", OMG_COLOR),
    ("bpsim", BPSIM),
    ("xml", XML),
];
