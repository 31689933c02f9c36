//! The five patterns, quantities, findings: a table of requirements and what must be read from them.

use super::*;

/// Quantity as `property | comparator | value [.. upper] | unit`.
fn shown(q: &Quantity) -> String {
    let value = match q.upper {
        Some(upper) => format!("{}..{upper}", q.value),
        None => q.value.to_string(),
    };
    format!("{}|{}|{value}|{}", q.property.as_deref().unwrap_or("-"), q.comparator, q.unit)
}

struct Row(&'static str, &'static str, &'static str, &'static [&'static str]);

/// Text; pattern; subject; quantities.
const ROWS: &[Row] = &[
    Row("The aircraft shall fly.", "ubiquitous", "aircraft", &[]),
    Row("While taxiing, the brakes shall hold.", "state", "brakes", &[]),
    Row("During descent, the display shall show altitude.", "state", "display", &[]),
    Row("When the door opens, the alarm shall sound.", "event", "alarm", &[]),
    Row("Upon power loss, the controller shall save its state.", "event", "controller", &[]),
    Row("Once the order is paid, the shop shall confirm it.", "event", "shop", &[]),
    Row("Where a heater is fitted, the unit shall warm the cabin.", "option", "unit", &[]),
    Row("If the sensor fails, then the pump shall stop.", "unwanted", "pump", &[]),
    Row("If the sensor fails the pump shall stop.", "unwanted", "pump", &[]),
    Row("In the event of fire, the crew alert shall sound.", "unwanted", "crew alert", &[]),
    Row("While armed, when motion is detected, the alarm shall sound.", "complex", "alarm", &[]),
    Row("While armed, if motion is detected, then the panel shall call.", "complex", "panel", &[]),
    Row("The pump shall stop when the tank is full.", "event", "pump", &[]),
    Row("The pump shall alarm if air is detected.", "unwanted", "pump", &[]),
    Row("The valve shall stay closed while the tank is full.", "state", "valve", &[]),
    Row("Fast and cheap.", "unparsed", "", &[]),
    Row("Maximum weight 600 kg", "unparsed", "", &["maximum weight|<=|600|kg"]),
    Row("The system must log every call.", "ubiquitous", "system", &[]),
    Row("Each seat shall have a belt.", "ubiquitous", "seat", &[]),
    Row(
        "The take-off mass shall not exceed 600 kg.",
        "ubiquitous",
        "take-off mass",
        &["take-off mass|<=|600|kg"],
    ),
    Row("The mass of the pump shall be at most 2.5 kg.", "ubiquitous", "pump", &["mass|<=|2.5|kg"]),
    Row("The aircraft shall have a mass of at least 700 kg.", "ubiquitous", "aircraft", &["mass|>=|700|kg"]),
    Row("The aircraft shall weigh no more than 1,320 lb.", "ubiquitous", "aircraft", &["mass|<=|1320|lb"]),
    Row(
        "The aircraft shall have a range of at least 1,000 km.",
        "ubiquitous",
        "aircraft",
        &["range|>=|1000|km"],
    ),
    Row("The aircraft shall have a range of 540 nmi.", "ubiquitous", "aircraft", &["range|=|540|nmi"]),
    Row("The stall speed shall be less than 45 kt.", "ubiquitous", "stall speed", &["stall speed|<|45|kt"]),
    Row(
        "The stall speed of the aircraft shall be below 45 knots.",
        "ubiquitous",
        "aircraft",
        &["stall speed|<|45|knots"],
    ),
    Row(
        "The engine shall provide a climb rate of at least 4 m/s.",
        "ubiquitous",
        "engine",
        &["climb rate|>=|4|m/s"],
    ),
    Row("The API shall respond within 200 ms.", "ubiquitous", "API", &["response time|<=|200|ms"]),
    Row(
        "The monitor shall detect a fault within 2 s.",
        "ubiquitous",
        "monitor",
        &["time to detect a fault|<=|2|s"],
    ),
    Row(
        "The service shall handle at least 1,000 concurrent users.",
        "ubiquitous",
        "service",
        &["concurrent users|>=|1000|"],
    ),
    Row(
        "The API shall serve 500 requests per second.",
        "ubiquitous",
        "API",
        &["requests rate|=|500|requests per second"],
    ),
    Row(
        "The API shall serve at least 30000 requests/min.",
        "ubiquitous",
        "API",
        &["requests rate|>=|30000|requests/min"],
    ),
    Row(
        "The availability shall be at least 99.9 %.",
        "ubiquitous",
        "availability",
        &["availability|>=|99.9|%"],
    ),
    Row(
        "The battery shall have a capacity of at least 20 Ah.",
        "ubiquitous",
        "battery",
        &["capacity|>=|20|Ah"],
    ),
    Row(
        "The supply voltage shall be 5 V ± 0.25 V.",
        "ubiquitous",
        "supply voltage",
        &["supply voltage|between|4.75..5.25|V"],
    ),
    Row(
        "The supply voltage shall be 5 V ± 10 %.",
        "ubiquitous",
        "supply voltage",
        &["supply voltage|between|4.5..5.5|V"],
    ),
    Row(
        "The temperature shall stay between 18 °C and 25 °C.",
        "ubiquitous",
        "temperature",
        &["temperature|between|18..25|°C"],
    ),
    Row(
        "The temperature shall stay between 18 and 25 °C.",
        "ubiquitous",
        "temperature",
        &["temperature|between|18..25|°C"],
    ),
    Row(
        "The sensor shall work from -40 to 85 °C.",
        "ubiquitous",
        "sensor",
        &["work temperature|between|-40..85|°C"],
    ),
    Row(
        "The pump shall deliver 0.1–999 mL/h.",
        "ubiquitous",
        "pump",
        &["deliver flow|between|0.1..999|mL/h"],
    ),
    Row("The error shall be within ±2 %.", "ubiquitous", "error", &["error|between|-2..2|%"]),
    Row(
        "The noise level shall not exceed 45 dB(A).",
        "ubiquitous",
        "noise level",
        &["noise level|<=|45|dB(A)"],
    ),
    Row("The device shall draw no more than 15 W.", "ubiquitous", "device", &["consumption|<=|15|W"]),
    Row("The pump shall cost no more than 2,500 USD.", "ubiquitous", "pump", &["cost|<=|2500|USD"]),
    Row("The price of the pump shall not exceed $2,500.", "ubiquitous", "pump", &["price|<=|2500|USD"]),
    Row("The pressure shall not exceed 1e6 Pa.", "ubiquitous", "pressure", &["pressure|<=|1000000|Pa"]),
    Row("The tank shall hold up to 100 L.", "ubiquitous", "tank", &["hold volume|<=|100|L"]),
    Row("The tank shall hold a minimum of 100 litres.", "ubiquitous", "tank", &["hold volume|>=|100|litres"]),
    Row("The motor shall produce a torque of exactly 12 Nm.", "ubiquitous", "motor", &["torque|=|12|Nm"]),
    Row("The link shall carry 10 Mbit/s or more.", "ubiquitous", "link", &["carry data rate|>=|10|Mbit/s"]),
    Row("The file size shall be ≤ 20 MB.", "ubiquitous", "file size", &["file size|<=|20|MB"]),
    Row("The file size shall be <= 20 MB.", "ubiquitous", "file size", &["file size|<=|20|MB"]),
    Row("The pump shall run for at least 8 h on battery.", "ubiquitous", "pump", &["run time|>=|8|h"]),
    Row("The battery shall last 30 minutes.", "ubiquitous", "battery", &["duration|=|30|minutes"]),
    Row("The unit shall meet IEC 60601 and ISO 9001.", "ubiquitous", "unit", &[]),
    Row("The unit shall use a CR2032 cell.", "ubiquitous", "unit", &[]),
    Row("The gear shall survive at least three landings.", "ubiquitous", "gear", &["landings|>=|3|"]),
    Row("The wing shall have an area of no less than 12 m².", "ubiquitous", "wing", &["area|>=|12|m²"]),
    Row("The rotor shall turn at 3,000 rpm.", "ubiquitous", "rotor", &["turn rotational speed|=|3000|rpm"]),
    Row(
        "When the temperature exceeds 80 °C, the fan shall start within 1 s.",
        "event",
        "fan",
        &["temperature|>|80|°C", "start time|<=|1|s"],
    ),
    Row("The seat shall withstand a crash load of 18 g.", "ubiquitous", "seat", &["crash load|=|18|g"]),
    Row("The bolt shall have a length of 5 in.", "ubiquitous", "bolt", &["length|=|5|in"]),
    Row("The backup shall be kept for at least 30 days.", "ubiquitous", "backup", &["kept time|>=|30|days"]),
    Row("The flow rate shall be 5 L/min or more.", "ubiquitous", "flow rate", &["flow rate|>=|5|L/min"]),
    Row(
        "The take-off distance over a 15 m obstacle shall be no more than 450 m.",
        "ubiquitous",
        "take-off distance",
        &["take-off distance|>|15|m", "take-off distance over a 15 m obstacle|<=|450|m"],
    ),
    Row(
        "The speed of the wing in the landing configuration shall be at least 45 kt.",
        "ubiquitous",
        "wing",
        &["speed in the landing configuration|>=|45|kt"],
    ),
    Row(
        "The flaps shall lower the stall speed by at least 6 kt.",
        "ubiquitous",
        "flaps",
        &["stall speed change|>=|6|kt"],
    ),
    Row(
        "The alternator shall supply at least 40 A at 14 V.",
        "ubiquitous",
        "alternator",
        &["supply current|>=|40|A", "-|=|14|V"],
    ),
    Row(
        "The battery shall supply the loads for at least 30 min.",
        "ubiquitous",
        "battery",
        &["supply time|>=|30|min"],
    ),
    Row(
        "The crew shall be able to leave the cabin within 30 s.",
        "ubiquitous",
        "crew",
        &["time to leave the cabin|<=|30|s"],
    ),
    Row("The beacon shall broadcast its position at least once per second.", "ubiquitous", "beacon", &[]),
];

#[test]
fn the_table_is_read_as_it_says() {
    assert!(ROWS.len() >= 60);
    let mut wrong = Vec::new();
    for Row(text, pattern, subject, quantities) in ROWS {
        let parsed = parse(text);
        let found: Vec<String> = parsed.quantities.iter().map(shown).collect();
        let same = parsed.pattern == *pattern
            && parsed.subject.as_deref().unwrap_or("") == *subject
            && found == *quantities;
        if !same {
            wrong.push(format!(
                "{text}\n   is {} / {:?} / {found:?}\n   not {pattern} / {subject} / {quantities:?}",
                parsed.pattern, parsed.subject
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ROWS.len(), wrong.join("\n"));
}

#[test]
fn condition_and_response_are_separated() {
    let parsed = parse("While armed, when motion is detected, the alarm shall sound within 1 s.");
    assert_eq!(parsed.condition.as_deref(), Some("While armed, when motion is detected"));
    assert_eq!(parsed.response.as_deref(), Some("sound within 1 s"));
}

#[test]
fn known_units_carry_their_iri_and_si_value() {
    let parsed = parse("The stall speed shall not exceed 45 kt.");
    let quantity = &parsed.quantities[0];
    assert_eq!(quantity.unit_iri.as_deref(), Some("http://qudt.org/vocab/unit/KN"));
    assert_eq!(quantity.si_unit.as_deref(), Some("m/s"));
    assert!((quantity.si_value.unwrap() - 23.15).abs() < 1e-9);
    let text = "The stall speed shall not exceed 45 kt.";
    assert_eq!(&text[quantity.span.0..quantity.span.1], "45 kt");
}

fn kinds(text: &str) -> Vec<String> {
    parse(text).findings.into_iter().map(|finding| finding.kind).collect()
}

#[test]
fn vague_double_unparsed_and_unknown_units_are_found() {
    assert_eq!(kinds("The seat shall be comfortable."), ["vague"]);
    assert_eq!(kinds("The UI shall be user-friendly and fast."), ["vague"]);
    assert_eq!(kinds("The pump shall run and shall stop."), ["double"]);
    assert_eq!(kinds("The pump shall run. The valve shall close."), ["double"]);
    assert_eq!(kinds("Blue paint"), ["unparsed"]);
    assert_eq!(kinds("The mass shall not exceed 600 blorps."), ["unit"]);
    assert_eq!(kinds("The pump shall weigh at most 3 smoots."), ["unit"]);
    assert_eq!(kinds("The response time shall be less than 5 flurb."), ["unit"]);
    assert!(kinds("The pump shall stop within 2 s.").is_empty());
}

#[test]
fn a_quantity_with_an_unknown_unit_stays_without_si_value() {
    let parsed = parse("The mass shall not exceed 600 blorps.");
    assert_eq!(parsed.quantities[0].unit, "blorps");
    assert_eq!(parsed.quantities[0].si_value, None);
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_parser(text in "\\PC{0,120}") {
        let parsed = parse(&text);
        for quantity in parsed.quantities {
            proptest::prop_assert!(text.get(quantity.span.0..quantity.span.1).is_some());
        }
    }

    #[test]
    fn no_mixture_of_its_words_breaks_the_parser(
        words in proptest::collection::vec(proptest::sample::select(vec![
            "The", "pump", "shall", "while", "When", ",", "±", "5", "1,000", "between", "and", "to", "kg", "°C", "-", "if",
            "then", "of the", "≤", "%", ".", "2e9", "per second", "$", "at least", "m²", "É", "not exceed", "–",
        ]), 0..30)
    ) {
        let _ = parse(&words.join(" "));
        let _ = parse(&words.concat());
    }
}
