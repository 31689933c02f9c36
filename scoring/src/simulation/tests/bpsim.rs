//! Parameters in BPSim: as other tools write them, and through our own hands.

use bpmn::compile::compile;
use bpmn::model::Definitions;

use super::super::bpsim::{Declared, write};
use super::super::{Law, Model};

/// As modelers write it: minutes, a calendar, resources by selection, a second scenario, and things nobody simulates.
const FOREIGN: &str = r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
 xmlns:bpsim="http://www.bpsim.org/schemas/2.0" targetNamespace="x">
 <bpmn:resource id="clerk" name="Clerks"/>
 <bpmn:process id="p" isExecutable="true">
  <bpmn:startEvent id="s"/><bpmn:task id="check" name="Check"/><bpmn:exclusiveGateway id="g"/>
  <bpmn:task id="pay"/><bpmn:endEvent id="paid"/><bpmn:endEvent id="refused"/>
  <bpmn:sequenceFlow id="1" sourceRef="s" targetRef="check"/><bpmn:sequenceFlow id="2" sourceRef="check" targetRef="g"/>
  <bpmn:sequenceFlow id="3" sourceRef="g" targetRef="pay"/><bpmn:sequenceFlow id="4" sourceRef="g" targetRef="refused"/>
  <bpmn:sequenceFlow id="5" sourceRef="pay" targetRef="paid"/>
 </bpmn:process>
 <bpmn:relationship type="BPSimData"><bpmn:extensionElements><bpsim:BPSimData>
  <bpsim:Scenario id="busy" name="Busy week" inherits="usual">
   <bpsim:ScenarioParameters baseTimeUnit="min" baseCurrencyUnit="EUR" replication="30"/>
   <bpsim:ElementParameters elementRef="s"><bpsim:ControlParameters>
    <bpsim:InterTriggerTimer><bpsim:NegativeExponentialDistribution mean="12" validFor="office"/></bpsim:InterTriggerTimer>
    <bpsim:TriggerCount><bpsim:NumericParameter value="500"/></bpsim:TriggerCount></bpsim:ControlParameters></bpsim:ElementParameters>
   <bpsim:ElementParameters elementRef="check"><bpsim:TimeParameters>
     <bpsim:ProcessingTime><bpsim:TriangularDistribution min="5" mode="10" max="30"/></bpsim:ProcessingTime></bpsim:TimeParameters>
    <bpsim:ResourceParameters><bpsim:Selection><bpsim:ExpressionParameter value="bpsim:getResource('clerk',2)"/></bpsim:Selection>
    </bpsim:ResourceParameters><bpsim:CostParameters><bpsim:FixedCost><bpsim:FloatingParameter value="1.5"/></bpsim:FixedCost></bpsim:CostParameters>
    <bpsim:PriorityParameters><bpsim:Interruptible><bpsim:BooleanParameter value="true"/></bpsim:Interruptible>
     <bpsim:Priority><bpsim:NumericParameter value="4"/></bpsim:Priority></bpsim:PriorityParameters></bpsim:ElementParameters>
   <bpsim:ElementParameters elementRef="3"><bpsim:ControlParameters><bpsim:Probability>
     <bpsim:FloatingParameter value="0.75"/></bpsim:Probability></bpsim:ControlParameters></bpsim:ElementParameters>
   <bpsim:ElementParameters elementRef="4"><bpsim:ControlParameters><bpsim:Probability>
     <bpsim:FloatingParameter value="0.25"/></bpsim:Probability></bpsim:ControlParameters></bpsim:ElementParameters>
   <bpsim:Calendar id="office" name="Office">BEGIN:VCALENDAR
BEGIN:VEVENT
DTSTART:20260105T090000
DTEND:20260105T170000
RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR
END:VEVENT
END:VCALENDAR</bpsim:Calendar>
  </bpsim:Scenario>
  <bpsim:Scenario id="usual" name="Usual">
   <bpsim:ScenarioParameters baseTimeUnit="hour"/>
   <bpsim:ElementParameters elementRef="clerk"><bpsim:ResourceParameters>
     <bpsim:Quantity><bpsim:NumericParameter value="3" validFor="office"/></bpsim:Quantity></bpsim:ResourceParameters>
     <bpsim:CostParameters><bpsim:UnitCost><bpsim:FloatingParameter value="40"/></bpsim:UnitCost></bpsim:CostParameters></bpsim:ElementParameters>
   <bpsim:ElementParameters elementRef="check"><bpsim:TimeParameters>
     <bpsim:ProcessingTime><bpsim:NumericParameter value="9"/></bpsim:ProcessingTime></bpsim:TimeParameters></bpsim:ElementParameters>
   <bpsim:ElementParameters elementRef="pay"><bpsim:TimeParameters>
     <bpsim:SetUpTime><bpsim:DurationParameter value="PT2M"/></bpsim:SetUpTime>
     <bpsim:ProcessingTime><bpsim:LogNormalDistribution mean="0.1" standardDeviation="0.05"/></bpsim:ProcessingTime></bpsim:TimeParameters></bpsim:ElementParameters>
   <bpsim:Calendar id="office">BEGIN:VEVENT
DTSTART:20260105T080000
DURATION:PT10H
RRULE:FREQ=DAILY
END:VEVENT</bpsim:Calendar>
  </bpsim:Scenario></bpsim:BPSimData></bpmn:extensionElements>
  <bpmn:source>p</bpmn:source><bpmn:target>p</bpmn:target></bpmn:relationship>
</bpmn:definitions>"#;

fn declared(definitions: &Definitions) -> Declared {
    Declared::read(definitions, &definitions.processes[0]).unwrap()
}

#[test]
fn a_scenario_of_another_tool_is_read_with_what_it_inherits() {
    let definitions = bpmn::xml::read(FOREIGN.as_bytes()).unwrap();
    let found = declared(&definitions);
    let declaration = &found.declaration;
    assert_eq!(found.scenario.as_deref(), Some("Busy week"));
    assert_eq!(declaration.arrivals, Some(Law::Exponential(720.0)));
    assert_eq!(declaration.arrival_calendar, "Mon-Fri 09:00-17:00".parse().ok());
    assert_eq!(declaration.currency.as_deref(), Some("EUR"));
    let [clerk] = declaration.resources.as_slice() else { panic!("{:?}", declaration.resources) };
    assert_eq!((clerk.name.as_str(), clerk.capacity, clerk.hourly_cost), ("Clerks", 3, 40.0));
    // The calendar of the scenario that says how many there are.
    assert_eq!(clerk.calendar, "Mon-Sun 08:00-18:00".parse().ok());
    let check = &declaration.elements["check"];
    assert_eq!(check.duration, Some(Law::Triangular(300.0, 600.0, 1_800.0)));
    assert_eq!((check.resource.as_deref(), check.cost, check.priority), (Some("clerk"), 1.5, 4));
    assert!((declaration.elements["pay"].duration.as_ref().unwrap().mean() - 480.0).abs() < 1.0);
    assert_eq!((declaration.flows["3"].share, declaration.flows["4"].share), (0.75, 0.25));
    let said = found.lines().join("\n");
    for word in ["TriggerCount", "Interruptible", "2 of clerk", "replication"] {
        assert!(said.contains(word), "{word} is not in {said}");
    }
    let program = compile(&definitions, Some("p")).unwrap().remove(0);
    assert!(Model::build(&program, declaration).unwrap().is_contended());
}

#[test]
fn what_another_tool_wrote_goes_through_a_round_trip_unchanged() {
    let definitions = bpmn::xml::read(FOREIGN.as_bytes()).unwrap();
    let written = bpmn::xml::write(&definitions);
    let again = bpmn::xml::read(written.as_bytes()).unwrap();
    assert_eq!(again.others, definitions.others);
    assert_eq!(declared(&again), declared(&definitions));
}

const OURS: &str = r#"<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
 xmlns:procos="https://w3id.org/procos/bpmn/1.0" targetNamespace="x"><bpmn:process id="p" isExecutable="true">
 <bpmn:extensionElements><procos:simulation arrivals="gamma(600, 200)" calendar="Mon-Fri 08:00-18:00" currency="CHF">
  <procos:resource id="clerk" name="Clerk" capacity="2" hourlyCost="25" calendar="Mon-Fri 09:00-12:00 13:00-17:00"/>
  <procos:attribute name="tier" values="gold 0.2, other 0.8"/></procos:simulation></bpmn:extensionElements>
 <bpmn:startEvent id="s"/><bpmn:task id="t"><bpmn:extensionElements>
 <procos:simulation duration="lognormal(300, 100)" observed="12" resource="clerk" priority="3" cost="2" batch="4" batchWait="1h"/>
 </bpmn:extensionElements></bpmn:task><bpmn:exclusiveGateway id="g"/>
 <bpmn:endEvent id="x"/><bpmn:endEvent id="y"/><bpmn:sequenceFlow id="a" sourceRef="s" targetRef="t"/>
 <bpmn:sequenceFlow id="b" sourceRef="t" targetRef="g"/>
 <bpmn:sequenceFlow id="c" sourceRef="g" targetRef="x"><bpmn:extensionElements><procos:simulation count="7"/></bpmn:extensionElements></bpmn:sequenceFlow>
 <bpmn:sequenceFlow id="d" sourceRef="g" targetRef="y"><bpmn:extensionElements><procos:simulation count="1"/></bpmn:extensionElements></bpmn:sequenceFlow>
 </bpmn:process></bpmn:definitions>"#;

/// Takes everything of ours out of a file, so that BPSim alone speaks.
fn without_ours(definitions: &mut Definitions) {
    let process = &mut definitions.processes[0];
    process.element.extensions.clear();
    process.nodes.iter_mut().for_each(|node| node.element.extensions.clear());
    process.flows.iter_mut().for_each(|flow| flow.element.extensions.clear());
}

#[test]
fn what_is_declared_comes_back_from_the_scenario_that_is_written() {
    let mut definitions = bpmn::xml::read(OURS.as_bytes()).unwrap();
    let before = declared(&definitions).declaration;
    write(&mut definitions, "p", &before);
    // Twice is once.
    write(&mut definitions, "p", &before);
    without_ours(&mut definitions);
    let text = bpmn::xml::write(&definitions);
    assert_eq!(text.matches("<bpsim:Scenario ").count(), 1);
    assert!(text.contains("<bpsim:FloatingParameter value=\"0.8\" />"), "{text}");
    let found = declared(&bpmn::xml::read(text.as_bytes()).unwrap());
    let (now, before) = (&found.declaration, &before);
    assert_eq!(
        (now.attributes.clone(), now.flows.clone()),
        (before.attributes.clone(), before.flows.clone())
    );
    assert_eq!((&now.resources, &now.currency), (&before.resources, &before.currency));
    assert_eq!((&now.arrivals, &now.arrival_calendar), (&before.arrivals, &before.arrival_calendar));
    let (now, before) = (&now.elements["t"], &before.elements["t"]);
    let mean = |parameters: &super::super::Parameters| parameters.duration.as_ref().unwrap().mean();
    assert!((mean(now) - mean(before)).abs() < 1e-6);
    assert_eq!(
        (now.observed, now.batch, now.priority, now.cost),
        (before.observed, before.batch, before.priority, before.cost)
    );
    assert!(found.left_out.is_empty(), "{:?}", found.left_out);
}

#[test]
fn what_the_file_says_itself_goes_before_a_scenario() {
    let ours = FOREIGN.replace(
        "<bpmn:task id=\"check\" name=\"Check\"/>",
        "<bpmn:task id=\"check\"><bpmn:extensionElements><p:simulation xmlns:p=\"https://w3id.org/procos/bpmn/1.0\" \
         duration=\"60\"/></bpmn:extensionElements></bpmn:task>",
    );
    let definitions = bpmn::xml::read(ours.as_bytes()).unwrap();
    assert_eq!(declared(&definitions).declaration.elements["check"].duration, Some(Law::Constant(60.0)));
}

#[test]
fn every_distribution_of_the_standard_has_its_mean() {
    let law = |value: &str| {
        let text = FOREIGN.replace("<bpsim:TriangularDistribution min=\"5\" mode=\"10\" max=\"30\"/>", value);
        let definitions = bpmn::xml::read(text.as_bytes()).unwrap();
        Declared::read(&definitions, &definitions.processes[0])
            .map(|found| found.declaration.elements["check"].duration.clone().unwrap())
    };
    for (value, minutes) in [
        ("<bpsim:BetaDistribution shape=\"2\" scale=\"3\" timeUnit=\"hour\"/>", 24.0),
        ("<bpsim:BinomialDistribution probability=\"0.5\" trials=\"20\"/>", 10.0),
        ("<bpsim:ErlangDistribution k=\"3\" mean=\"9\"/>", 9.0),
        ("<bpsim:GammaDistribution shape=\"2\" scale=\"5\"/>", 10.0),
        ("<bpsim:LogNormalDistribution mean=\"10\" standardDeviation=\"4\"/>", 10.0),
        ("<bpsim:NormalDistribution mean=\"100\" standardDeviation=\"5\" timeUnit=\"s\"/>", 100.0 / 60.0),
        ("<bpsim:PoissonDistribution mean=\"800\"/>", 800.0),
        (
            "<bpsim:TruncatedNormalDistribution mean=\"10\" standardDeviation=\"3\" min=\"5\" max=\"15\"/>",
            10.0,
        ),
        ("<bpsim:UniformDistribution min=\"2\" max=\"4\"/>", 3.0),
        ("<bpsim:WeibullDistribution shape=\"1\" scale=\"7\"/>", 7.0),
        (
            "<bpsim:UserDistribution discrete=\"true\"><bpsim:UserDistributionDataPoint probability=\"0.25\">\
             <bpsim:NumericParameter value=\"4\"/></bpsim:UserDistributionDataPoint>\
             <bpsim:UserDistributionDataPoint probability=\"0.75\"><bpsim:DurationParameter value=\"PT8M\"/>\
             </bpsim:UserDistributionDataPoint></bpsim:UserDistribution>",
            7.0,
        ),
    ] {
        let mean = law(value).unwrap().mean() / 60.0;
        assert!((mean / minutes - 1.0).abs() < 1e-6, "{value}: {mean}");
    }
    let refused = law("<bpsim:UniformDistribution min=\"2\"/>").unwrap_err();
    assert!(refused.to_string().contains("lacks max"), "{refused}");
}
