"""Rules, alerts and their routing, by promtool and amtool."""

import concurrent.futures
import os
import re
import sys

import yaml

from delivery import ROOT, must, run, tools

RULES = sorted((ROOT / "deploy/observability/prometheus").glob("alerts-*.yaml"))
RECORDING = ROOT / "deploy/observability/prometheus/recording.yaml"
# As text: 0x9 is nine zeros more, and no hexadecimal number.
CASES = yaml.load((ROOT / "tests/deploy/alert_cases.yaml").read_text(), Loader=yaml.BaseLoader)


def alerts():
    return {rule["alert"]: rule for file in RULES for group in yaml.safe_load(file.read_text())["groups"]
            for rule in group["rules"]}


def promtool(*words):
    return must(tools("prometheus") / "promtool", *words)


def test_rules_are_well_formed():
    for file in [RECORDING, *RULES]:
        promtool("check", "rules", "--lint=all", "--lint-fatal", file)


def test_the_configuration_is_prometheus_own(tmp_path):
    text = (ROOT / "deploy/observability/prometheus/prometheus.yaml").read_text()
    given = tmp_path / "prometheus.yaml"
    # The files of a pod's account and of the image are not on this machine.
    (tmp_path / "token").write_text("")
    text = re.sub(r"/var/run/secrets/kubernetes\.io/serviceaccount/(ca\.crt|token)", str(tmp_path / "token"), text)
    rules = ", ".join(f'"{file}"' for file in [RECORDING, *RULES])
    text = text.replace("[/etc/prometheus/rules/*.yaml]", f"[{rules}]")
    given.write_text(text)
    said = promtool("check", "config", "--lint=all", given)
    assert f"{len(RULES) + 1} rule files found" in said, said


def expectation(case):
    name, fires = case
    alert = alerts()[name]
    labels = {"__name__": "ALERTS", "alertname": name, "alertstate": "firing", "severity": alert["labels"]["severity"],
              **(fires.get("labels") or {})}
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items() if key != "__name__")
    return "ALERTS{" + inside + "}"


def history(name, what, fires):
    asked = {"expr": f'ALERTS{{alertname="{name}",alertstate="firing"}}', "eval_time": what["at"],
             "exp_samples": [{"labels": expectation((name, what)), "value": 1}] if fires else []}
    return {"interval": "1m", "name": f"{name} {'fires' if fires else 'is quiet'}", "promql_expr_test": [asked],
            "input_series": [{"series": series, "values": str(values)} for series, values in what["series"].items()]}


def test_each_alert_has_a_history_in_which_it_fires_and_one_in_which_it_does_not():
    seen = {case["alert"]: case for case in CASES}
    assert len(seen) == len(CASES)
    assert set(seen) == set(alerts())
    assert {name for name, case in seen.items() if "fires" not in case} == set()
    assert {name for name, case in seen.items() if "quiet" not in case} == {"Watchdog"}


def verdicts(tmp_path, histories):
    """promtool's, a program a history: its name, and whether it came out as expected. Days are looked at every ten minutes."""
    def one(at):
        case = histories[at]
        long = case["promql_expr_test"][0]["eval_time"].endswith("h") and int(case["promql_expr_test"][0]["eval_time"][:-1]) > 4
        given = tmp_path / f"{at}.yaml"
        files = files_of(case["name"].split()[0])
        order = [group["name"] for file in files for group in yaml.safe_load(file.read_text())["groups"]]
        given.write_text(yaml.safe_dump({"rule_files": [str(file) for file in files], "tests": [case], "group_eval_order": order,
                                         "evaluation_interval": "10m" if long else "1m"}, sort_keys=False))
        done = run(tools("prometheus") / "promtool", "test", "rules", given)
        return case["name"], done.returncode == 0, done.stdout + done.stderr

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, range(len(histories))))


def files_of(alert):
    return [RECORDING, *(file for file in RULES if f"alert: {alert}\n" in file.read_text())]


def histories(expected):
    return [history(case["alert"], case[word], word.startswith("fires") == expected) for case in CASES for word in case if word != "alert"]


def test_alerts_fire_when_they_should_and_only_then(tmp_path):
    wrong = [(name, said[-600:]) for name, good, said in verdicts(tmp_path, histories(True)) if not good]
    assert not wrong, wrong


def test_a_history_with_the_other_ending_is_seen(tmp_path):
    """Of one alert a file, so that no history comes out as expected whatever the rule says."""
    some = ("OutboxWaits", "ConsumerLags", "RequestsShed", "ErrorBudgetBurnsFast")
    passed = [name for name, good, _ in verdicts(tmp_path, [each for each in histories(False) if each["name"].split()[0] in some]) if good]
    assert not passed, passed


def test_each_alert_has_a_runbook_and_each_runbook_an_alert():
    text = (ROOT / "docs/operations.md").read_text()
    book = text[text.index("## Runbooks"):]
    book = book[:book.index("\n## ", 5)] if "\n## " in book[5:] else book
    written = re.findall(r"^### (\w+)$", book, re.MULTILINE)
    assert sorted(written) == sorted(alerts())
    for name, alert in alerts().items():
        assert alert["annotations"]["runbook_url"].endswith(f"#{name.lower()}"), name
        body = re.search(rf"^### {name}\n(.*?)(?=^### |\Z)", book, re.MULTILINE | re.DOTALL)[1]
        assert len(body.split()) >= 12, f"{name}: what it means and what to do"


def test_alertmanager_takes_its_file_and_routes_by_severity():
    file = ROOT / "deploy/observability/alertmanager/alertmanager.yaml"
    amtool = tools("alertmanager") / "amtool"
    must(amtool, "check-config", file)
    goes = {"page": "pager", "ticket": "tickets", "info": "nobody", "none": "heartbeat"}
    for name, alert in alerts().items():
        severity = alert["labels"]["severity"]
        said = must(amtool, "config", "routes", "test", f"--config.file={file}", f"alertname={name}", f"severity={severity}",
                    "service=order-service")
        # A way out that is stopped cannot say so.
        to = ["tickets", "pager"] if name == "AlertmanagerNotificationsFail" else [goes[severity]]
        assert re.split(r"[,\s]+", said.strip()) == to, (name, severity, said)
    assert {alert["labels"]["severity"] for alert in alerts().values()} == set(goes)


def test_the_operators_rules_are_the_same():
    must(sys.executable, "-B", "deploy/observability/for_operator.py", "--check")
