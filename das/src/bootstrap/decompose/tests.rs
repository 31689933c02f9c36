//! Decomposition: what is built, what contradicts, what is covered.

use ontology::architecture;

use super::super::{read, reference_architectures};
use super::*;

const AIRCRAFT: &str = include_str!("../../../../examples/light-aircraft/requirements.md");

fn of(name: &str, file: &str, text: &str) -> Decomposition {
    let architectures: Vec<_> =
        reference_architectures().iter().map(|(_, turtle)| architecture::read(turtle).unwrap()).collect();
    decompose(name, &read::read(file, text.as_bytes()).unwrap(), &architectures)
}

fn lines(text: &str) -> Decomposition {
    of("Thing", "a.txt", text)
}

fn pairs(model: &Decomposition) -> Vec<Vec<String>> {
    model.conflicts.iter().map(|c| c.requirements.clone()).collect()
}

fn component_of<'a>(model: &'a Decomposition, requirement: &str) -> Vec<&'a str> {
    model
        .links
        .iter()
        .filter(|l| l.kind == "allocated_to" && l.source == requirement)
        .filter_map(|l| model.components.iter().find(|c| c.id == l.target).map(|c| c.name.as_str()))
        .collect()
}

#[test]
fn the_shipped_architectures_are_well_formed() {
    for (name, turtle) in reference_architectures() {
        assert_eq!(architecture::read(turtle).unwrap().name, name);
    }
}

#[test]
fn budget_shares_of_siblings_do_not_exceed_the_whole() {
    for (_, turtle) in reference_architectures() {
        let architecture = architecture::read(turtle).unwrap();
        let mut sums: BTreeMap<(String, String), f64> = BTreeMap::new();
        for component in &architecture.components {
            for (property, share) in &component.shares {
                *sums.entry((component.parent.clone().unwrap(), property.clone())).or_default() += share;
            }
        }
        for (place, sum) in sums {
            assert!(sum <= 1.05, "{place:?}: {sum}");
        }
    }
}

#[test]
fn an_aircraft_is_built_from_its_reference() {
    let model = of("Light aircraft", "requirements.md", AIRCRAFT);
    assert_eq!(model.architecture.as_deref(), Some("fixed-wing-aircraft"));
    assert_eq!(model.requirements.len(), 54);
    assert!(model.conflicts.is_empty(), "{:?}", model.conflicts);
    for (requirement, component) in [
        ("R-6", "Wing"),
        ("R-7", "Propulsion"),
        ("R-14", "High-lift devices"),
        ("R-18", "Landing gear"),
        ("R-19", "Landing gear"),
        ("R-21", "Engine"),
        ("R-24", "Propeller"),
        ("R-25", "Fuel system"),
        ("R-28", "Flight controls"),
        ("R-36", "Avionics"),
        ("R-38", "Electrical system"),
        ("R-43", "Occupant accommodation and safety"),
        ("R-2", "Light aircraft"),
        ("R-51", "Maintenance and support"),
    ] {
        assert!(
            component_of(&model, requirement).contains(&component),
            "{requirement}: {:?}",
            component_of(&model, requirement)
        );
    }
    let unallocated: Vec<_> =
        model.requirements.iter().filter(|r| component_of(&model, &r.id).is_empty()).collect();
    assert!(unallocated.iter().all(|r| r.unallocated_reason.is_some()), "{unallocated:?}");
    assert!(model.requirements.iter().all(|r| r.verification.is_some() && r.criterion.is_some()));
    assert!(
        model.requirements.iter().all(|r| r.pattern != "unparsed"),
        "every example sentence is understood"
    );
    let vague: Vec<_> =
        model.requirements.iter().filter(|r| !r.findings.is_empty()).map(|r| r.id.as_str()).collect();
    for id in ["R-48", "R-53", "R-54"] {
        assert!(vague.contains(&id), "{vague:?}");
    }
    assert!(vague.len() <= 8, "{vague:?}");
}

#[test]
fn the_mass_budget_sums_along_the_tree() {
    let model = of("Light aircraft", "requirements.md", AIRCRAFT);
    let budgets: Vec<_> =
        model.constraints.iter().filter(|c| c.kind == "budget" && c.property == "mass").collect();
    let root = budgets.iter().find(|c| c.subject == model.components[0].id).unwrap();
    assert!((root.si_value - 650.0).abs() < 1e-9);
    for budget in &budgets {
        let sum: f64 = budget.parts.iter().map(|(_, value, _)| value).sum();
        assert!(sum <= budget.si_value + 1e-3, "{}: {sum}", budget.name);
        if let Some(above) =
            budgets.iter().find(|b| b.parts.iter().any(|(part, _, _)| *part == budget.subject))
        {
            let share = above.parts.iter().find(|(part, _, _)| *part == budget.subject).unwrap().1;
            assert!((share - budget.si_value).abs() < 1e-9);
        }
    }
    assert!(budgets.len() >= 3);
    assert!(root.parts.iter().all(|(_, _, assumed)| *assumed));
}

#[test]
fn a_part_has_one_budget_for_a_property_and_the_tighter_limit_holds() {
    let budgets = |own: &str| {
        let text = format!("{AIRCRAFT}\n- Q-1: {own}\n");
        let model = of("Light aircraft", "requirements.md", &text);
        let mut seen: Vec<(String, String)> = Vec::new();
        for budget in model.constraints.iter().filter(|c| c.kind == "budget") {
            let place = (budget.subject.clone(), budget.property.clone());
            assert!(!seen.contains(&place), "two budgets: {}", budget.name);
            seen.push(place);
        }
        let airframe = model.components.iter().find(|c| c.name == "Airframe").unwrap().id.clone();
        let of_airframe =
            |c: &&Constraint| c.kind == "budget" && c.property == "mass" && c.subject == airframe;
        model.constraints.iter().find(of_airframe).cloned().unwrap()
    };
    let own = budgets("The airframe shall have a mass of at most 90 kg.");
    assert!((own.si_value - 90.0).abs() < 1e-9 && !own.origin.assumed, "{own:?}");
    assert!(own.name.ends_with("(its own bound; its share from above is 90 kg)"), "{}", own.name);
    assert!(own.origin.sources.contains(&"Q-1".to_owned()) && own.origin.sources.len() > 1, "{own:?}");
    let both = budgets(
        "The airframe shall have a mass of at most 90 kg.\n- Q-2: The airframe shall weigh no more than 80 kg.",
    );
    assert!((both.si_value - 80.0).abs() < 1e-9, "{both:?}");
    let share = budgets("The airframe shall have a mass of at most 900 kg.");
    assert!((share.si_value - 650.0).abs() < 1e-9 && share.origin.assumed, "{share:?}");
    assert!(share.name.ends_with("(its share from above; its own bound is 900 kg)"), "{}", share.name);
}

#[test]
fn interfaces_have_both_ends_item_and_direction() {
    let model = of("Light aircraft", "requirements.md", AIRCRAFT);
    assert!(model.interfaces.len() >= 10);
    for interface in &model.interfaces {
        for end in [&interface.source, &interface.target] {
            assert!(model.components.iter().any(|c| c.id == *end));
        }
        assert!(!interface.item.is_empty() && !interface.direction.is_empty());
    }
}

#[test]
fn a_web_service_is_built_from_its_reference() {
    let text = "- The API shall answer at least 500 requests per second.\n- The API shall respond within 300 ms.\n- The web page shall load within 2 s.\n- When a user logs in with a wrong password three times, the service shall lock the account.\n- The service shall keep each session for at most 30 min.\n- The database shall be backed up at least once per day.\n- All traffic shall be encrypted with TLS.\n- The service shall be available 99.9 % of the time.\n";
    let model = of("Shop", "a.md", text);
    assert_eq!(model.architecture.as_deref(), Some("web-service"));
    assert!(component_of(&model, "R-1").contains(&"API"));
    assert!(component_of(&model, "R-6").contains(&"Data store"));
    assert!(model.constraints.iter().any(|c| c.kind == "bound" && c.si_unit == "1/s"));
}

#[test]
fn an_unknown_domain_is_built_from_its_own_words() {
    let text = "# Infusion pump\n\n## Delivery\n- P-1: The pump shall deliver between 0.1 mL/h and 999 mL/h.\n- P-2: The pump motor shall stop within 0.5 s when the door opens.\n- P-3: The air detector shall report bubbles to the alarm unit.\n## Alarms\n- P-4: If air is detected, then the alarm unit shall sound within 1 s.\n- P-5: The alarm unit shall show the cause on the display.\n- P-6: The display shall be readable from 2 m.\n## Power\n- P-7: The battery shall supply the pump for at least 8 h.\n- P-8: The pump shall weigh no more than 2.5 kg.\n";
    let model = of("Infusion pump", "pump.md", text);
    assert_eq!(model.architecture, None);
    let names: Vec<&str> = model.components.iter().map(|c| c.name.as_str()).collect();
    for name in ["Infusion pump", "Alarm unit", "Air detector", "Display", "Battery", "Pump motor"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(
        model.interfaces.iter().any(|i| i.name.starts_with("Air detector to Alarm unit")),
        "{:?}",
        model.interfaces
    );
    assert_eq!(component_of(&model, "P-4"), ["Alarm unit"]);
    for requirement in &model.requirements {
        assert_eq!(component_of(&model, &requirement.id).len(), 1, "{}", requirement.id);
    }
    assert!(model.functions.iter().any(|f| f.name.starts_with("show the cause")), "{:?}", model.functions);
}

#[test]
fn contradictory_quantities_are_found_across_units() {
    let model = lines(
        "A1: The aircraft shall have a mass of at most 600 kg.\nA2: The aircraft shall have a mass of at least 700 kg.\nA3: The mass of the aircraft shall not exceed 1,700 lb.\nA4: The range of the aircraft shall be at least 500 km.\n",
    );
    assert_eq!(pairs(&model), [["A1", "A2"]]);
    assert!(model.conflicts[0].why.contains("mass"));
    assert!(model.links.iter().any(|l| l.kind == "conflicts_with" && l.source == "A1"));
    let model = lines(
        "B1: The pump shall weigh no more than 1000 g.\nB2: The pump shall have a mass of at least 3 lb.\n",
    );
    assert_eq!(pairs(&model), [["B1", "B2"]]);
    let model = lines(
        "D1: The maximum take-off mass shall not exceed 600 kg.\nD2: The take-off mass shall be at least 700 kg.\n",
    );
    assert_eq!(pairs(&model), [["D1", "D2"]]);
    let model =
        lines("E1: The supply shall have a voltage of 5 V.\nE2: The supply shall have a voltage of 12 V.\n");
    assert_eq!(pairs(&model), [["E1", "E2"]]);
}

#[test]
fn what_can_both_hold_is_no_contradiction() {
    for text in [
        "The mass shall be at most 600 kg.\nThe mass shall be at least 500 kg.\n",
        "The maximum speed shall be at least 120 kt.\nThe minimum speed shall be at most 45 kt.\n",
        "The pump mass shall be at most 1 kg.\nThe battery mass shall be at least 2 kg.\n",
        "While climbing, the aircraft shall keep a speed of at least 70 kt.\nWhile landing, the aircraft shall keep a speed of at most 60 kt.\n",
        "When the temperature exceeds 80 °C, the fan shall start.\nThe temperature shall be at most 70 °C.\n",
        "The left door shall weigh at most 5 kg.\nThe right door shall weigh at least 6 kg.\n",
        "The length shall be at most 1 m.\nThe length shall be at least 1000 mm.\n",
    ] {
        assert!(lines(text).conflicts.is_empty(), "{text}{:?}", lines(text).conflicts);
    }
}

#[test]
fn the_same_text_gives_the_same_system_and_ids_do_not_collide() {
    let one = of("Light aircraft", "requirements.md", AIRCRAFT);
    assert_eq!(one, of("Light aircraft", "requirements.md", AIRCRAFT));
    let model = lines("C-pump: The valve shall close.\nF-close: The pump shall run.\n");
    let mut ids: Vec<String> = model.nodes().iter().map(|n| n.id().to_owned()).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn what_cannot_be_allocated_says_why() {
    let model = lines("The pump shall run.\nNice colours\n");
    assert_eq!(
        model.requirements[1].unallocated_reason.as_deref(),
        Some("it names no subject that could be a component")
    );
}
