"""The credit process in Prosimos: prints the CPU time per case beyond its start, without a log.

Run by `make bench-simulate` with the interpreter of an environment that holds prosimos: credit_prosimos.py CASES.
"""
import json
import os
import resource
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

CASES = int(sys.argv[1])
MODEL = Path(__file__).with_name("credit.bpmn")
ALWAYS = [{"from": "MONDAY", "to": "SUNDAY", "beginTime": "00:00:00", "endTime": "23:59:59.999999"}]
# Who does what, for how long on average, in seconds. Prosimos has no work without a resource.
TASKS = {
    "history": ("clerk1", 600),
    "income": ("clerk2", 1200),
    "assess": ("officer1", 1200),
    "offer": ("officer2", 600),
    "notify": ("officer2", 600),
    "feedback": ("post", 60),
}
AMOUNTS = {"clerk1": 1, "clerk2": 1, "officer1": 1, "officer2": 1, "post": 50}


def exponential(mean):
    return {
        "distribution_name": "expon",
        "distribution_params": [{"value": mean}, {"value": 0}, {"value": 10_000_000}],
    }


def parameters():
    gateways = {"decide": {"decide-offer": 0.8, "decide-notify": 0.2}, "back": {"back-merge": 0.2, "back-refused": 0.8}}
    return {
        "resource_profiles": [
            {
                "id": name,
                "name": name,
                "resource_list": [
                    {
                        "id": name,
                        "name": name,
                        "cost_per_hour": 1,
                        "amount": amount,
                        "calendar": "always",
                        "assignedTasks": [task for task, (by, _) in TASKS.items() if by == name],
                    }
                ],
            }
            for name, amount in AMOUNTS.items()
        ],
        "arrival_time_distribution": exponential(1800),
        "arrival_time_calendar": ALWAYS,
        "gateway_branching_probabilities": [
            {"gateway_id": gateway, "probabilities": [{"path_id": path, "value": share} for path, share in ways.items()]}
            for gateway, ways in gateways.items()
        ],
        "task_resource_distribution": [
            {"task_id": task, "resources": [{"resource_id": by, **exponential(mean)}]}
            for task, (by, mean) in TASKS.items()
        ],
        "resource_calendars": [{"id": "always", "name": "always", "time_periods": ALWAYS}],
    }


def model():
    """The same process as Prosimos takes it: plain tasks, one end event."""
    text = MODEL.read_text().replace("bpmn:userTask", "bpmn:task")
    text = text.replace('targetRef="offered"', 'targetRef="over"').replace('targetRef="refused"', 'targetRef="over"')
    one_end = '<bpmn:exclusiveGateway id="over"/><bpmn:sequenceFlow id="over-offered" sourceRef="over" targetRef="offered"/>'
    return text.replace('<bpmn:endEvent id="refused"/>', one_end)


def cpu_seconds(cases, folder):
    """User and system time of a whole run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [
        str(Path(sys.executable).with_name("prosimos")),
        "start-simulation",
        "--bpmn_path", str(folder / "credit.bpmn"),
        "--json_path", str(folder / "credit.json"),
        "--total_cases", str(cases),
        "--stat_out_path", str(folder / "stats.csv"),
        "--starting_at", "2026-01-05T00:00:00.000000+00:00",
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=None, env=os.environ)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    (folder / "credit.bpmn").write_text(model())
    (folder / "credit.json").write_text(json.dumps(parameters()))
    start, whole = cpu_seconds(1, folder), cpu_seconds(CASES, folder)
print(f"Prosimos {version('prosimos')}: {(whole - start) / CASES * 1e9:.1f} ns/case CPU beyond its start ({start:.1f} s), {CASES} cases")
