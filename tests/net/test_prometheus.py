#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Judges no time.
"""A real Prometheus scrapes a real gate during an attack.

Every expression of the dashboard and of the rules is asked of it and must have an
answer; the page itself is checked by promtool, against its own documentation, and for
what its labels say. Prometheus lives in the gate's namespace and keeps nothing.
"""
import http.client
import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse

from load import start_sending
from rig import IN4, IN6, TOKEN, Rig, Skipped, expect, inside, main, wait_until, within

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DASHBOARD = os.path.join(ROOT, "config/grafana/tidegate.json")
RULES = os.path.join(ROOT, "config/prometheus/tidegate.rules.yml")
PAGE = os.path.join(ROOT, "lib/telemetry/METRICS.md")

# Names as odd as the configuration allows; to Prometheus some of them are words of its own.
SHOP, GUEST = "__name__", "-le..job_"
CONFIG = """
lists = ( { name = "instance"; action = "deny"; file = "%(list)s"; } );
policies = (
  { name = "web"; mode = "mitigate"; detection = { clear_after = "1s"; hold_for = "1s"; };
    sanity = { private_sources = "allow"; };
    vectors = ( { vector = "udp_flood"; activate_rate = "500pps"; max_rate = "300pps"; } ); },
  { name = "watch"; mode = "monitor"; detection = { clear_after = "1s"; hold_for = "1s"; };
    sanity = { private_sources = "allow"; };
    vectors = ( { vector = "udp_flood"; activate_rate = "500pps"; } ); } );
services = (
  { name = "%(guest)s"; prefixes = [ "%(v4)s/32", "%(v6)s/128" ]; protocol = "udp"; ports = [ "7000" ]; policy = "watch"; },
  { name = "%(shop)s"; prefixes = [ "%(v4)s/32", "%(v6)s/128" ]; policy = "web"; } );
"""

# What a label may say beside names of the configuration: words of the program's own tables.
WORDS = {
    "side": {"external", "internal"}, "class": {"drop", "challenge", "unearned", "earning", "earned"},
    "mode": {"learn", "monitor", "mitigate"}, "level": {"alarm", "activate", "max"},
    "result": {"ok", "refused"}, "of": {"vectors", "reasons", "attacks", "hits", "received", "judged"},
    "countermeasure": {"police", "challenge", "block"}, "action": {"allow", "deny", "tag", "never_block"},
    "method": {"GET", "HEAD", "POST", "PUT", "DELETE", "other"},
    "vector": {"tcp_syn_flood", "tcp_other_flood", "udp_flood", "icmp_flood", "fragment_flood", "other_flood"},
    "service": {"default", SHOP, GUEST}, "link": {"uplink"}, "pool": {"uplink"}, "list": {"instance"},
    "sink": {"file", "journal", "webhook"}, "part": {"file", "journal", "webhook", "samples", "history"}, "node": {"rig"}, "worker": {"0"},
}
SHAPES = {"reason": r"[a-z]+\.[a-z_0-9]+", "stage": r"[a-z]+", "name": r"[-\w.]+", "code": r"\d+", "le": r"[-+.\deInf]+",
          "version": r"[\d.]+", "dpdk_version": r"[\d.]+(-rc\d+)?", "revision": r"[-\w.]+", "sha256": r"[0-9a-f]{64}"}
SAMPLE = re.compile(r'^(tidegate_\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)",?')


class Watched:
    """A gate under attack and a Prometheus that looks at it every second."""

    def __init__(self):
        if shutil.which("prometheus") is None or shutil.which("promtool") is None:
            raise Skipped("prometheus is not installed")
        self.rig = Rig()
        self.prometheus = self.sender = None
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self):
        with open(self.rig.path("denied.txt"), "w", encoding="ascii") as f:
            f.write("198.51.100.0/24\n")
        text = self.rig.config(more=CONFIG % {"list": self.rig.path("denied.txt"), "v4": IN4, "v6": IN6, "shop": SHOP,
                                              "guest": GUEST})
        text = text.replace('listen = [ "unix:', 'listen = [ "127.0.0.1:9686", "unix:')
        expect(self.rig.start(text), self.rig.log)
        self._start_prometheus()
        parts = ("udp,sources=hosts:40,from=198.18.0.0/16,dst=%s,dport=7001,rate=1500" % IN4,
                 "udp,sources=hosts:40,from=198.18.0.0/16,dst=%s,dport=7000,rate=1500" % IN4,
                 "udp,sources=hosts:9,from=198.51.100.0/24,dst=%s,dport=7001,rate=300" % IN4)
        words = []
        for part in parts:
            words += ["--part", part + ",family=4,duration=60s"]
        self.sender = start_sending(self.rig, "--duration", "60s", *words)

    def _start_prometheus(self):
        shutil.copy(RULES, self.rig.path("tidegate.rules.yml"))
        with open(self.rig.path("prometheus.yml"), "w", encoding="ascii") as f:
            f.write("global: { scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s }\n"
                    "rule_files: [ tidegate.rules.yml ]\n"
                    "scrape_configs: [ { job_name: tidegate, static_configs: [ { targets: [ '127.0.0.1:9686' ],\n"
                    "  labels: { instance: rig } } ] } ]\n")
        self.prometheus = subprocess.Popen(
            [*within(self.rig.gate), "prometheus", "--config.file=" + self.rig.path("prometheus.yml"),
             "--storage.tsdb.path=" + self.rig.path("tsdb"), "--web.listen-address=127.0.0.1:9690",
             "--log.level=warn"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def get(self, port, path):
        """GET by TCP in the gate's namespace: (status, text)."""
        with inside(self.rig.gate):
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.settimeout(10)
            sock.connect(("127.0.0.1", port))
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.sock = sock
        connection.request("GET", path)
        answer = connection.getresponse()
        try:
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ask(self, path, **query):
        """The data of one answer of Prometheus' API."""
        status, text = self.get(9690, "/api/v1/%s?%s" % (path, urllib.parse.urlencode(query)))
        answer = json.loads(text)
        expect(status == 200 and answer["status"] == "success", "%s %s: %s" % (path, query, text[:300]))
        return answer["data"]

    def query(self, expression):
        return self.ask("query", query=expression)["result"]

    def has(self, expression):
        try:
            return bool(self.query(expression))
        except (OSError, ValueError):
            return False

    def page(self):
        status, text = self.get(9686, "/metrics")
        expect(status == 200, "/metrics: %d" % status)
        return text

    def close(self):
        for process in (self.sender, self.prometheus):
            if process is not None:
                process.send_signal(signal.SIGTERM)
                process.wait(20)
        self.rig.close()


WATCHED = []


def watched():
    if not WATCHED:
        WATCHED.append(Watched())
    return WATCHED[0]


def samples(text):
    """[(name, {label: value}, value)] of a page."""
    out = []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        found = SAMPLE.match(line)
        expect(found is not None, "no sample: %s" % line)
        out.append((found[1], dict(LABEL.findall(found[2] or "")), float(found[3])))
    return out


def families(text):
    return dict(re.findall(r"^# TYPE tidegate_(\w+) (\w+)$", text, re.M))


def promtool_has_no_complaint_during_an_attack():
    w = watched()
    wait_until(lambda: "tidegate_attacks_active{" in w.page(), "no attack is told", 15)
    done = subprocess.run(["promtool", "check", "metrics"], input=w.page(), capture_output=True, text=True, check=False)
    expect(done.returncode == 0, done.stdout + done.stderr)


def the_page_has_what_its_documentation_says():
    exported = set(families(watched().page()))
    with open(PAGE, encoding="utf-8") as f:
        rows = [line.split("|")[1] for line in f if line.startswith("| `")]
    explained = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    expect(exported == explained, "only exported: %s; only explained: %s" % (exported - explained, explained - exported))


def labels_say_only_what_the_configuration_and_the_program_name():
    found = samples(watched().page())
    for name, labels, _ in found:
        for label, value in labels.items():
            if label in WORDS:
                expect(value in WORDS[label], "%s of %s says %r" % (label, name, value))
            else:
                expect(label in SHAPES and re.fullmatch(SHAPES[label], value), "%s of %s says %r" % (label, name, value))
    expect(len(found) < 1500, "two services have %d series" % len(found))


def prometheus_takes_every_sample():
    w = watched()
    # Not by its own idea of a label: `__name__` and the like are values here, never names.
    wait_until(lambda: w.has('tidegate_attacks_active{service="%s"}' % SHOP), "Prometheus sees no attack", 20)
    expect(w.has('tidegate_mode{service="%s", mode="monitor"}' % GUEST), "an odd name is not found")
    target = w.ask("targets")["activeTargets"][0]
    expect(target["health"] == "up" and not target["lastError"], "target: %s" % target)


def expressions():
    """(where, expression) of the dashboard, its variables set."""
    with open(DASHBOARD, encoding="utf-8") as f:
        dashboard = json.load(f)
    out = []
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            out.append((panel["title"], target["expr"]))
    for annotation in dashboard["annotations"]["list"]:
        out.append((annotation["name"], annotation["expr"]))
    for name, value in (("$__rate_interval", "8s"), ("$__range", "1m"), ("$node", ".+"), ("$service", ".+")):
        out = [(where, text.replace(name, value)) for where, text in out]
    return out


def every_expression_of_the_dashboard_has_an_answer():
    w = watched()
    wait_until(lambda: w.has("tidegate_attack_sources"), "sources are not counted", 10)
    wait_until(lambda: w.has("sum(rate(tidegate_would_drop_packets_total[8s])) > 0"), "monitor counts nothing", 15)
    wrong = []
    for where, text in expressions():
        if "$" in text:
            wrong.append("%s: a variable is left in %s" % (where, text))
        elif not w.query(text):
            wrong.append("%s: nothing for %s" % (where, text))
    expect(not wrong, "\n".join(wrong))
    for text in ("sum by (le) (tidegate_detection_delay_seconds_bucket)",
                 "sum by (le) (rate(tidegate_forwarding_latency_seconds_bucket[8s]))"):
        value = float(w.query("histogram_quantile(0.99, %s)" % text)[0]["value"][1])
        expect(math.isfinite(value) and 0 < value < 10, "%s: %s" % (text, value))


def figures_in_prometheus_are_those_of_the_gate():
    """Counters by two ways; the flood goes on, so the later reading is the larger one."""
    w = watched()
    before = w.rig.ports()["external"]["received_packets"]
    time.sleep(1.5)
    value = float(w.query('tidegate_port_received_packets_total{side="external"}')[0]["value"][1])
    expect(before <= value <= w.rig.ports()["external"]["received_packets"], "%d is not after %d" % (value, before))


def rules_are_evaluated_and_the_attack_raises_its_alerts():
    w = watched()
    wait_until(lambda: w.has('ALERTS{alertname="TidegateAttackInMonitor", service="%s"}' % GUEST),
               "monitor is not told", 15)
    names = set(families(w.page()))
    alerts = recorded = 0
    for group in w.ask("rules")["groups"]:
        for rule in group["rules"]:
            expect(rule["health"] == "ok" and not rule.get("lastError"), "%s: %s" % (rule["name"], rule))
            used = set(re.findall(r"(?<!:)\btidegate_(\w+?)(?:_bucket)?\b", rule["query"]))
            expect(used <= names, "%s uses %s, which no page has" % (rule["name"], used - names))
            if rule["type"] == "recording":
                recorded += 1
                expect(w.query(rule["name"]), "%s records nothing" % rule["name"])
            else:
                alerts += 1
    expect(alerts > 15 and recorded > 5, "%d alerts, %d recorded" % (alerts, recorded))
    firing = {(a["metric"]["alertname"], a["metric"].get("service")) for a in w.query('ALERTS{alertstate="firing"}')}
    # The wire of this rig may lose something when the machine is busy; nothing else may be wrong.
    noise = {"TidegatePacketLoss", "TidegateWorkerBusy", "TidegateWorkerStuck", "TidegateDetectionSlow"}
    wrong = {f for f in firing if f[0] not in noise | {"TidegateAttackActive", "TidegateAttackInMonitor"}}
    expect(("TidegateAttackActive", SHOP) in firing and not wrong, "firing: %s" % firing)


def faults_of(value, schema, shared, where):
    """Where a value is not what its schema says; what is not described is a fault too."""
    if value is None:
        return [] if schema.get("nullable") else ["%s is null" % where]
    schema = schema["allOf"][0] if "allOf" in schema else schema
    if "$ref" in schema:
        schema = shared[schema["$ref"].rpartition("/")[2]]
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
    kind = schema.get("type")
    if kind and (not isinstance(value, kinds[kind]) or isinstance(value, bool) != (kind == "boolean")):
        return ["%s is no %s: %r" % (where, kind, value)]
    if value.__class__ is int and value < schema.get("minimum", value):
        return ["%s is %d" % (where, value)]
    found = []
    if isinstance(value, list):
        for one in value:
            found += faults_of(one, schema["items"], shared, where + "[]")
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        found += ["%s.%s is missing" % (where, name) for name in schema.get("required", ()) if name not in value]
        for name, one in value.items():
            found += faults_of(one, known[name], shared, "%s.%s" % (where, name)) if name in known else [
                "%s.%s is not described" % (where, name)]
    return found


def answers_have_the_form_that_openapi_describes():
    w = watched()
    described = w.rig.get("openapi.json")
    attack = w.rig.get("attacks")["attacks"][0]["attack_id"]
    wrong, asked = [], 0
    for path, methods in described["paths"].items():
        if "get" not in methods or not path.startswith("/api/v1/") or path.endswith(("/file", "/captures/{name}", ".html")):
            continue
        name = {"services": SHOP, "lists": "instance", "attacks": attack}.get(path.split("/")[3], "none")
        real = path[len("/api/v1/"):].replace("{name}", urllib.parse.quote(name))
        asks = {"explain": "?ip=198.18.1.1", "thresholds": "?force=true&service=" + urllib.parse.quote(SHOP)}
        answer = w.rig.get(real + asks.get(real, ""))
        schema = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        if "properties" not in schema:
            continue
        wrong += faults_of(answer, schema, described["components"]["schemas"], real)
        asked += 1
    expect(asked > 18 and not wrong, "%d asked; mend lib/api/forms.c:\n%s" % (asked, "\n".join(sorted(set(wrong)))))


def counters_go_on_through_a_reload():
    w = watched()

    def counters():
        text = w.page()
        kinds = families(text)
        return {(name, tuple(sorted(labels.items()))): value for name, labels, value in samples(text)
                if kinds.get(name[len("tidegate_"):]) == "counter"}
    before = counters()
    w.rig.post("config/reload", {})
    after = counters()
    lost = [key for key, value in before.items() if after.get(key, -1) < value]
    expect(not lost and len(before) > 50, "of %d counters went back or away: %s" % (len(before), lost[:5]))
    with open(w.rig.path("gate.conf"), "a", encoding="ascii") as f:
        f.write("nonsense = 1;\n")
    status, _ = w.rig.ask("POST", "/api/v1/config/reload", "{}", {"Authorization": "Bearer " + TOKEN,
                                                                  "Content-Type": "application/json"})
    expect(status == 422, "nonsense is taken: %d" % status)
    wait_until(lambda: w.has("tidegate_config_last_reload_successful == 0"), "a refused reload is not told")


if __name__ == "__main__":
    try:
        main(promtool_has_no_complaint_during_an_attack, the_page_has_what_its_documentation_says,
             labels_say_only_what_the_configuration_and_the_program_name, prometheus_takes_every_sample,
             every_expression_of_the_dashboard_has_an_answer, figures_in_prometheus_are_those_of_the_gate,
             rules_are_evaluated_and_the_attack_raises_its_alerts,
             answers_have_the_form_that_openapi_describes, counters_go_on_through_a_reload)
    finally:
        for opened in WATCHED:
            opened.close()
