#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The files for Prometheus and Grafana: rules, alerts and the dashboard's form.

What they ask of a living gate is tested in tests/net/test_prometheus.py.
"""
import json
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONFIG = os.path.join(ROOT, "config/prometheus")
DASHBOARD = os.path.join(ROOT, "config/grafana/tidegate.json")
PAGE = os.path.join(ROOT, "lib/telemetry/METRICS.md")
KINDS = {"row", "stat", "timeseries", "table"}
UNITS = {"short", "none", "pps", "bps", "percentunit", "s", "reqps"}


class Skipped(Exception):
    """What is missing here."""


def expect(holds, sentence):
    if not holds:
        raise AssertionError(sentence)


def promtool(*arguments):
    if shutil.which("promtool") is None:
        raise Skipped("promtool is not installed")
    done = subprocess.run(["promtool", *arguments], cwd=CONFIG, capture_output=True, text=True, check=False)
    expect(done.returncode == 0, done.stdout + done.stderr)


def known():
    """Names of the page beside the code."""
    with open(PAGE, encoding="utf-8") as f:
        return set(re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in f if line.startswith("| `"))))


def used(text):
    """Metrics in expressions; those of the rules' own names, which have a colon, are left out."""
    names = set(re.findall(r"(?<!:)\btidegate_(\w+)", text))
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


def rules_and_example_are_valid():
    promtool("check", "rules", "tidegate.rules.yml")
    promtool("check", "config", "tidegate.yml")


def each_alert_comes_and_stays_away():
    promtool("test", "rules", *sorted(f for f in os.listdir(CONFIG) if f.endswith(".test.yml")))


def each_alert_is_tested_and_says_what_to_do():
    with open(os.path.join(CONFIG, "tidegate.rules.yml"), encoding="utf-8") as f:
        text = f.read()
    tests = ""
    for name in os.listdir(CONFIG):
        if name.endswith(".test.yml"):
            with open(os.path.join(CONFIG, name), encoding="utf-8") as f:
                tests += f.read()
    alerts = re.split(r"- alert: ", text)[1:]
    expect(len(alerts) > 15, "%d alerts" % len(alerts))
    for alert in alerts:
        name = alert.split()[0]
        expect('"%s"' % name in tests or "alertname: %s" % name in tests, "%s has no test" % name)
        expect(re.search(r"severity: (page|warn|info)\n", alert), "%s has no severity" % name)
        expect("summary:" in alert and len(alert.split("description: >-")[1].split()) > 12, "%s says too little" % name)


def rules_and_dashboard_use_metrics_that_exist():
    names = known()
    for path in (os.path.join(CONFIG, "tidegate.rules.yml"), DASHBOARD):
        with open(path, encoding="utf-8") as f:
            text = re.sub(r'"uid": "tidegate"', "", f.read())
        unknown = used(text) - names
        expect(not unknown and len(used(text)) > 15, "%s uses %s" % (os.path.basename(path), unknown))


def check_panel(panel, seen):
    title = panel["title"]
    expect(panel["type"] in KINDS and title and panel["id"] not in seen, "panel %s" % title)
    seen.add(panel["id"])
    if panel["type"] == "row":
        return
    expect(panel["description"].endswith("."), "%s is not described" % title)
    expect(panel["datasource"]["uid"] == "${datasource}", "%s has a data source of its own" % title)
    unit = panel["fieldConfig"]["defaults"].get("unit", "none")
    expect(unit in UNITS, "%s has the unit %s" % (title, unit))
    expect(panel["targets"], "%s asks nothing" % title)
    letters = [target["refId"] for target in panel["targets"]]
    expect(len(set(letters)) == len(letters), "%s: letters twice" % title)
    for target in panel["targets"]:
        expect(target["datasource"]["uid"] == "${datasource}" and "$node" in target["expr"],
               "%s does not follow the variables: %s" % (title, target["expr"]))


def the_dashboard_has_the_form_that_grafana_reads():
    with open(DASHBOARD, encoding="utf-8") as f:
        dashboard = json.load(f)
    expect(dashboard["schemaVersion"] >= 36 and dashboard["uid"] == "tidegate" and "id" not in dashboard, "head")
    names = [variable["name"] for variable in dashboard["templating"]["list"]]
    expect(names == ["datasource", "node", "service"], "variables: %s" % names)
    seen, taken, rows = set(), set(), []
    for panel in dashboard["panels"]:
        check_panel(panel, seen)
        rows += [panel["title"]] if panel["type"] == "row" else []
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        expect(at["x"] >= 0 and at["x"] + at["w"] <= 24 and not cells & taken, "%s lies on another" % panel["title"])
        taken |= cells
    expect(rows == ["Overview", "Services", "Attacks", "Reasons", "Customers", "Box health"], "rows: %s" % rows)


def main():
    failed = False
    for test in (rules_and_example_are_valid, each_alert_comes_and_stays_away, each_alert_is_tested_and_says_what_to_do,
                 rules_and_dashboard_use_metrics_that_exist, the_dashboard_has_the_form_that_grafana_reads):
        try:
            test()
            print("ok", test.__name__, flush=True)
        except Skipped as why:
            print("skip", test.__name__, why, flush=True)
        except Exception as why:  # pylint: disable=broad-except
            failed = True
            print("not ok", test.__name__, flush=True)
            print("  %s: %s" % (type(why).__name__, why), file=sys.stderr, flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
