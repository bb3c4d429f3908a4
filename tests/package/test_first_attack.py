#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Judges no time.
"""The page "from a bare box to the first mitigated attack", executed as it is written.

All blocks of the page that are marked sh are run in order by one shell of a machine that
boots (machine.py); what a block of text after them shows has to be said, line by line and in
this order, where … stands for anything. So the page cannot promise what does not work.
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))
from machine import ROOT, Machine, expect, packages  # noqa: E402
from rig import main  # noqa: E402

PAGE = os.path.join(ROOT, "config/guide/first-attack.md")
MARK = "-=- the end of block %d, with exit code "


def blocks():
    """[number of the line, commands, expected lines]"""
    found, kind, text = [], None, []
    with open(PAGE, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            if line.startswith("```") and kind is None:
                kind, text = line[3:].strip(), []
            elif line.startswith("```"):
                if kind == "sh":
                    found.append([number, "".join(text), []])
                elif kind == "text":
                    expect(found and not found[-1][2], "line %d: a text that belongs to no commands" % number)
                    found[-1][2] = [t.rstrip("\n") for t in text]
                kind = None
            elif kind is not None:
                text.append(line)
    return found


def script(parts):
    """Each block stops at its first failure, and the whole with it."""
    lines = ["cd /root", "exec 2>&1"]
    for i, (number, commands, _) in enumerate(parts):
        lines += ["set -e", "trap 'echo \"%s$?\"' EXIT" % (MARK % i), "# line %d" % number, commands,
                  "echo \"%s0\"" % (MARK % i)]
    return "\n".join(lines + ["trap - EXIT", ""])


def outputs(text, n):
    """What each block said, and how it ended."""
    found = []
    for i in range(n):
        part, mark, rest = text.partition(MARK % i)
        code = re.match(r"\d+", rest)
        found.append((part, int(code.group()) if mark and code else None))
        text = rest[code.end():] if mark and code else ""
    return found


def says(output, wanted):
    """The first wanted line that is missing, or None."""
    lines = iter(output.split("\n"))
    for line in wanted:
        pattern = re.compile(".*".join(re.escape(part) for part in line.split("…")) + r"\s*$")
        if not any(pattern.match(said) for said in lines):
            return line
    return None


def the_page_is_true():
    parts = blocks()
    expect(len(parts) >= 8, "the page has %d blocks of commands" % len(parts))
    debs = [d for d in packages() if "dbgsym" not in d]
    machine = Machine()
    try:
        # There is no network in there, so what is only recommended cannot be fetched.
        machine.write("/etc/apt/apt.conf.d/99test", 'APT::Install-Recommends "false";\nAPT::Get::Assume-Yes "true";\n')
        for deb in debs:
            machine.bring(deb)
        machine.write("/root/page.sh", script(parts))
        try:
            said = machine.run("bash", "/root/page.sh", code=None, timeout=180)
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode(errors="replace")
        for (number, commands, wanted), (output, code) in zip(parts, outputs(said, len(parts))):
            expect(code == 0, "line %d: exit code %s of\n%s%s\n%s" % (number, code, commands, output, machine.journal()))
            missing = says(output, wanted)
            expect(missing is None, "line %d: '%s' is not said by\n%s%s" % (number, missing, commands, output))
    finally:
        machine.close()


if __name__ == "__main__":
    main(the_page_is_true)
