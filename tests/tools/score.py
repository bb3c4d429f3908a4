#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""score.py - prove that tools/score tells what happened: an attack that is stopped, one that is
not, and customers who pay for it. Prints `ok NAME` or `not ok NAME` with what was seen."""
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONFIG = os.path.join(ROOT, "tests/replay/score.conf")
BUILD = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("TIDEGATE_BUILD",
                                                             os.path.join(ROOT, "build"))


def score(folder, change, *vectors):
    """The document of a run with the configuration changed so."""
    with open(CONFIG, encoding="utf-8") as f:
        text = change(f.read())
    config, out = os.path.join(folder, "gate.conf"), os.path.join(folder, "score.json")
    with open(config, "w", encoding="utf-8") as f:
        f.write(text)
    done = subprocess.run(
        [os.path.join(ROOT, "tools/score"), "--config", config, "--json", out,
         *[word for vector in vectors for word in ("--vector", vector)]],
        capture_output=True, text=True, check=False,
        env={**os.environ, "TIDEGATE_BUILD": os.path.abspath(BUILD)})
    assert done.returncode == 0, done.stderr
    with open(out, encoding="utf-8") as f:
        document = json.load(f)
    # A line of text for each row, and one above them.
    assert len(done.stdout.splitlines()) == len(document["rows"]) + 1, done.stdout
    return document, done.stdout


def each(rows):
    return sorted((row["duplex"], row["family"]) for row in rows)


FOUR = [(d, f) for d in ("ingress", "inline") for f in ("IPv4", "IPv6")]


def a_flood_is_stopped(folder):
    document, text = score(folder, lambda t: t, "bad_flags", "udp_random_ports")
    for name in ("bad_flags", "udp_random_ports"):
        rows = [row for row in document["rows"] if row["name"] == name]
        assert each(rows) == FOUR, "%s: rows %s" % (name, each(rows))
        for row in rows:
            assert row["attack_packets"] == 90000, row
            assert row["stopped_share"] > 0.95, row
            assert row["packets"] == row["attack_packets"] + row["customers_packets"], row
            # About a hundredth: half of it to twice as much from outside.
            if row["duplex"] == "ingress":
                assert 45000 * 8 / 3 / 100 < row["customers_packets"] < 180000 * 8 / 3 / 100, row
    assert text.count("bad_flags") == 4, text
    flags = [row for row in document["rows"] if row["name"] == "bad_flags"]
    assert all(row["stopped_share"] == 1 and row["customers_dropped"] == 0 and
               row["excess_stopped_share"] in (None, 1) for row in flags), flags


def a_flood_that_passes_is_told(folder):
    document, text = score(folder, lambda t: t.replace('"mitigate"', '"monitor"'),
                           "udp_random_ports")
    for row in document["rows"]:
        assert (row["attack_stopped"], row["customers_dropped"]) == (0, 0), row
        assert row["excess_stopped_share"] == 0 and row["mitigated_after_ms"] is None, row
        assert 0 < row["detected_after_ms"] < 100, row
    assert text.count("gets through, late") == 4, text


def customers_that_pay_are_counted(folder):
    # Limits far below what customers send: without them nothing would be lost.
    def strict(text):
        text = re.sub(r'activate_rate = "\w+"', 'activate_rate = "10pps"', text)
        text = re.sub(r'alarm_rate = "\w+"', 'alarm_rate = "5pps"', text)
        return re.sub(r'(max|network)_rate = "\w+"', r'\1_rate = "10pps"', text)
    document, text = score(folder, strict, "icmp_echo")
    for row in document["rows"]:
        reasons = sum(row["reasons"].values())
        mine = (row["customers_dropped"] + row["customers_challenged"] +
                row["customers_dropped_after_challenge"])
        assert row["customers_dropped"] > 50, row
        # Every packet that the report says was stopped is the attack's or a customer's.
        assert reasons == row["attack_stopped"] + mine, row
    assert text.count("customers") == 4, text


def one_family_has_two_rows(folder):
    document, _ = score(folder, lambda t: t, "icmp6_neighbour")
    assert each(document["rows"]) == [("ingress", "IPv6"), ("inline", "IPv6")], document["rows"]


def wrong_names_are_refused(_folder):
    done = subprocess.run([os.path.join(ROOT, "tools/score"), "--vector", "nothing"],
                          capture_output=True, text=True, check=False,
                          env={**os.environ, "TIDEGATE_BUILD": os.path.abspath(BUILD)})
    assert done.returncode == 1 and "there is no vector nothing" in done.stderr, done.stderr


def a_broken_configuration_ends_it(folder):
    config = os.path.join(folder, "broken.conf")
    with open(config, "w", encoding="utf-8") as f:
        f.write("version = 1;\nnothing = 2;\n")
    done = subprocess.run([os.path.join(ROOT, "tools/score"), "--vector", "land", "--config", config],
                          capture_output=True, text=True, check=False, timeout=60,
                          env={**os.environ, "TIDEGATE_BUILD": os.path.abspath(BUILD)})
    assert done.returncode == 1 and "land: replay failed (status 78)" in done.stderr, done.stderr


def main():
    failed = 0
    for test in (a_flood_is_stopped, a_flood_that_passes_is_told, customers_that_pay_are_counted,
                 one_family_has_two_rows, wrong_names_are_refused,
                 a_broken_configuration_ends_it):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(folder)
                print("ok " + test.__name__, flush=True)
            except AssertionError as error:
                failed += 1
                print("not ok %s\n    %s" % (test.__name__, str(error)[:500]), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
