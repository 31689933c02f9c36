//! What is read before it is made, and by whom it can be given.

use serde_json::json;

use super::*;
use crate::compile::compile;
use crate::model::Builder;

fn program(builder: &Builder) -> Program {
    compile(&builder.clone().finish(), None).unwrap().remove(0)
}

fn names(inputs: &[Input]) -> Vec<&str> {
    inputs.iter().map(|input| input.name.as_str()).collect()
}

fn file(name: &str) -> Program {
    let path = format!("{}/../examples/{name}", env!("CARGO_MANIFEST_DIR"));
    let definitions = crate::xml::read(&std::fs::read(path).unwrap()).unwrap();
    compile(&definitions, None).unwrap().remove(0)
}

#[test]
fn what_is_made_before_it_is_read_is_no_input() {
    let mut builder = Builder::process("p");
    builder.start("s").feel_task("a", "", "x + y", "z").feel_task("b", "", "z * 2 + w", "x").end("e");
    builder.flow("s", "a").flow("a", "b").flow("b", "e");
    let inputs = at_start(&program(&builder));
    assert_eq!(names(&inputs), ["x", "y", "w"]);
    assert!(inputs.iter().all(|input| input.certain));
    assert_eq!(inputs[2].read_by, ["b"]);
}

#[test]
fn after_a_choice_only_what_every_branch_made_is_known_and_after_a_fork_what_any_made() {
    let chosen = |exclusive: bool| {
        let mut builder = Builder::process("p");
        builder.start("s");
        let gateway = |builder: &mut Builder, id: &str| {
            if exclusive {
                builder.exclusive(id, "")
            } else {
                builder.parallel(id, "")
            };
        };
        gateway(&mut builder, "split");
        builder.feel_task("a", "", "1", "x").feel_task("b", "", "2", "y");
        gateway(&mut builder, "join");
        builder.feel_task("c", "", "x + y", "z").end("e");
        builder.flow("s", "split");
        if exclusive {
            builder.flow_if("split", "a", "", "k = 1").flow_default("split", "b", "");
        } else {
            builder.flow("split", "a").flow("split", "b");
        }
        builder.flow("a", "join").flow("b", "join").flow("join", "c").flow("c", "e");
        program(&builder)
    };
    assert_eq!(names(&at_start(&chosen(true))), ["k", "x", "y"]);
    assert!(at_start(&chosen(false)).is_empty());
}

#[test]
fn a_value_that_stands_for_a_missing_input_is_its_default() {
    let inputs = at_start(&file("light-aircraft/size-aircraft.bpmn"));
    let expected = [
        ("payload_kg", json!(30)),
        ("crew_kg", json!(170)),
        ("range_km", json!(1000)),
        ("cruise_lift_to_drag", json!(11)),
        ("propeller_efficiency", json!(0.8)),
        ("specific_fuel_consumption_kg_per_kwh", json!(0.28)),
        ("reserve_fraction", json!(0.06)),
        ("empty_mass_a", json!(1.68)),
        ("empty_mass_c", json!(-0.18)),
    ];
    let found: Vec<(&str, Value)> =
        inputs.iter().map(|input| (input.name.as_str(), input.default.clone().unwrap_or_default())).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_is_read_after_a_person_and_made_by_nobody_may_come_from_that_person() {
    let order = file("trading-order.bpmn");
    let answers = at_task(&order, "approve_order_above_limit");
    assert_eq!(names(&answers), ["approved"]);
    assert!(!answers[0].certain);
    assert!(answers[0].compared.iter().all(Value::is_boolean), "{:?}", answers[0].compared);
    let inputs = at_start(&order);
    let side = inputs.iter().find(|input| input.name == "side").unwrap();
    assert_eq!((side.default.clone(), side.certain), (Some(json!("buy")), true));
}
