#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the pages say exists: every link of every page, every command and option they show.

Links go to files of the checkout, and to headings in them. Words that look like a use of
tidegate, tidegated or of something in tools/ are compared with what these really know.
"""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("TIDEGATE_BUILD") or os.path.join(ROOT, "build")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
# A name in a page that stands for any verb, and words after the command that are none.
ANY = {"VERB", "…", "..."}


def pages(*endings):
    """Every page of the checkout, but for what is in .git and build folders."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if not f.startswith((".", "build")) and f != "node_modules"]
        found += [os.path.join(folder, n) for n in names if n.endswith(endings)]
    return sorted(found)


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def anchors(text):
    """The names that headings get where pages are shown."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.M):
        plain = re.sub(r"[`*_]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


def wrong_links():
    found = []
    for page in pages(".md"):
        # A link in a block of code is an example.
        text = re.sub(r"^```.*?^```", "", text_of(page), flags=re.M | re.S)
        for target in LINK.findall(text):
            path, _, anchor = target.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            whole = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
            if not os.path.exists(whole):
                found.append("%s: %s is not there" % (os.path.relpath(page, ROOT), target))
            elif anchor and whole.endswith(".md") and anchor not in anchors(text_of(whole)):
                found.append("%s: %s has no such heading" % (os.path.relpath(page, ROOT), target))
    return found


def verbs_of(command):
    done = subprocess.run([os.path.join(BUILD, command), "--help"], capture_output=True, text=True, check=True)
    return set(re.findall(r"^  ([a-z][a-z-]*) +\S", done.stdout, re.M))


def uses(text):
    """Pieces of a page in which commands stand: code in lines, and blocks."""
    blocks = re.findall(r"^```(?:sh|console)?\n(.*?)^```", text, re.M | re.S)
    blocks += re.findall(r"^(?: {4}|\t)(.*)$", text, re.M)
    return [line for piece in blocks + CODE.findall(text) for line in piece.split("\n")]


def wrong_commands():
    known = {"tidegate": verbs_of("app/tidegate/tidegate") | {"help"},
             "tidegated": verbs_of("app/tidegated/tidegated")}
    found = []
    for page in pages(".md", ".scd"):
        text = text_of(page)
        if page.endswith(".scd"):
            text = re.sub(r"\*((?:tidegated?|tools/\w+) [^*]*)\*", r"`\1`", text)
        for line in uses(text):
            for program, rest in re.findall(r"(?:^\s*|[|$(;&]\s*|sudo )(tidegated?) +([^#|;)&\n]*)", line):
                words = [w for w in rest.split() if not w.startswith(("-", "_", "$"))]
                # Options with a value may stand before the verb.
                while len(words) > 1 and re.search(r"--(api|token-file)[ =]+" + re.escape(words[0]), rest):
                    words.pop(0)
                if words and words[0] not in known[program] | ANY and re.fullmatch(r"[a-z-]+", words[0]):
                    found.append("%s: there is no `%s %s`" % (os.path.relpath(page, ROOT), program, words[0]))
            for tool in re.findall(r"(?:^|[\s(])(tools/[a-z][\w/.-]*)", line):
                if not os.path.exists(os.path.join(ROOT, tool.rstrip("/."))):
                    found.append("%s: there is no %s" % (os.path.relpath(page, ROOT), tool))
    return sorted(set(found))


def missing_paths():
    """Paths of the API that pages name and the daemon does not answer to."""
    done = subprocess.run([os.path.join(BUILD, "app/tidegated/tidegated"), "print-api"], capture_output=True,
                          text=True, check=True)
    known = [re.compile(re.sub(r"\\{\w+\\}", "[^/ ]+", re.escape(path)) + "$")
             for path in re.findall(r"^[A-Z]+ (/\S+)$", done.stdout, re.M) + ["/api/v1/openapi.json"]]
    found = []
    for page in pages(".md", ".scd"):
        for path in re.findall(r"(/api/v1/[\w/{}.-]*[a-z0-9}])", text_of(page)):
            if not any(k.match(path) for k in known):
                found.append("%s: the API has no %s" % (os.path.relpath(page, ROOT), path))
    return sorted(set(found))


def forgotten_operations():
    """What openapi.json has and the manual page of the API does not, or the other way round."""
    program = os.path.join(BUILD, "app/tidegated/tidegated")
    said = {}
    for option in ("--json", "--manual"):
        done = subprocess.run([program, "print-api", option], capture_output=True, text=True, check=True)
        said[option] = done.stdout
    described = {(method.upper(), path) for path, methods in json.loads(said["--json"])["paths"].items()
                 for method in methods}
    written = set(re.findall(r"^## ([A-Z]+) (\S+)$", said["--manual"], re.M))
    return sorted("%s %s stands in one of the two only" % pair for pair in described ^ written)


def main():
    bad = 0
    for name, check in (("every link of every page leads somewhere", wrong_links),
                        ("every command in the pages exists", wrong_commands),
                        ("every path of the API in the pages exists", missing_paths),
                        ("the manual page of the API has every operation", forgotten_operations)):
        found = check()
        print("%s %s" % ("not ok" if found else "ok", name))
        for line in found:
            print("  " + line)
        bad += len(found)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
