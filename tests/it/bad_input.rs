//! Bad input on the command line: named by code, place and way out, exit code 2, nothing kept.

use crate::procos::{Place, example};

const START: &str =
    r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">"#;

#[test]
fn a_bad_model_is_refused_with_code_and_way_out_and_nothing_is_kept() {
    let whole = std::fs::read_to_string(example("trading-order.bpmn")).expect("the example is there");
    let cases = [
        ("truncated.bpmn", whole[..whole.len() / 2].to_owned()),
        ("doctype.bpmn", format!("<!DOCTYPE d [<!ENTITY a \"b\">]>{START}</definitions>")),
        ("empty.bpmn", String::new()),
        ("text.bpmn", "no xml at all".to_owned()),
        ("nothing.bpmn", format!("{START}</definitions>")),
        (
            "dangling.bpmn",
            format!(
                r#"{START}<process id="p" isExecutable="true"><startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="nowhere"/></process></definitions>"#
            ),
        ),
    ];
    for (name, content) in cases {
        for more in [&["--data-dir", "data"][..], &[], &["--dry-run"]] {
            let place = Place::empty();
            let file = place.file(name, &content);
            let ended = place.procos(&[&["run", &file][..], more].concat());
            assert_eq!(ended.code, 2, "{name} {more:?}: {ended:?}");
            assert!(!ended.error_code().is_empty() && ended.stdout.is_empty(), "{ended:?}");
            if more.contains(&"data") {
                let kept = place.procos(&["export", "--json", "--data-dir", "data"]).fine().json();
                assert_eq!(kept["processes"].as_array().map(Vec::len), Some(0), "{name}");
            }
        }
    }
}

#[test]
fn a_wrong_call_says_so_with_exit_code_two() {
    let place = Place::empty();
    let file = example("trading-order.bpmn");
    let calls: [(&[&str], &str); 9] = [
        (&["run", "missing.bpmn"], "CLI-0003"),
        (&["run", &file, "--vars", "[1]"], "CLI-0004"),
        (&["run", &file, "--result", "a={}"], "CLI-0002"),
        (&["run", &file, "--dry-run", "--result", "a"], "CLI-0001"),
        (&["ps"], "CLI-0007"),
        (&["trail", "verify", "--data-dir", "nowhere"], "CLI-0007"),
        (&["restore", "."], "CLI-0015"),
        (&["import", &example("tools/r.toml")], "CLI-0014"),
        (&["ps", "--server", "127.0.0.1:9"], "CLI-0010"),
    ];
    for (arguments, code) in calls {
        let ended = place.procos(arguments);
        assert_eq!(ended.error_code(), code, "{ended:?}");
        assert_eq!(ended.code, if code == "CLI-0010" { 1 } else { 2 }, "{ended:?}");
        assert!(ended.stderr.contains("\nhint: "), "{ended:?}");
    }
    for arguments in [&["fly"][..], &["run"], &["kill", "-3"], &["ps", "--state", "odd"], &[]] {
        assert_eq!(place.procos(arguments).code, 2, "{arguments:?}");
    }
    let left: Vec<_> = std::fs::read_dir(place.path(".")).expect("it is there").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_failure_is_json_where_json_is_asked_for() {
    let ended = Place::empty().procos(&["run", "missing.bpmn", "--json"]);
    let failure: serde_json::Value = serde_json::from_str(&ended.stderr).expect("stderr is JSON");
    assert_eq!(failure["error"]["code"], "CLI-0003");
    assert!(ended.stdout.is_empty());
}

#[test]
fn a_slip_of_the_pen_in_the_configuration_is_named() {
    let place = Place::empty();
    let file = place.file("procos.toml", "listn = \"127.0.0.1:1\"\n");
    let ended = place.procos(&["doctor", "--config", &file]);
    assert_eq!((ended.code, ended.error_code().as_str()), (2, "CLI-0005"));
    assert!(ended.stderr.contains("listn"), "{}", ended.stderr);
}

#[test]
fn help_teaches_every_command_and_check_finds_what_is_wrong() {
    let place = Place::empty();
    let help = place.procos(&["--help"]).fine().stdout;
    for command in ["run", "bootstrap", "ps", "trail", "memory", "doctor", "backup"] {
        assert!(help.contains(&format!("  {command}")), "{command} is missing in {help}");
        assert!(!place.procos(&[command, "--help"]).fine().stdout.is_empty());
    }
    place.procos(&["check", &example("trading-order.bpmn")]).fine();
    let open = format!(
        r#"{START}<process id="p" isExecutable="true"><startEvent id="s"/><callActivity id="c"/><sequenceFlow id="f" sourceRef="s" targetRef="c"/></process></definitions>"#
    );
    let checked = place.procos(&["check", &place.file("open.bpmn", open), "--json"]);
    let found = checked.json();
    let finding = &found["findings"][0];
    assert_eq!(checked.code, 1, "{found}");
    assert!(finding["code"].is_string() && finding["hint"].is_string(), "{found}");
}
