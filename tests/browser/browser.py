# SPDX-License-Identifier: BSD-3-Clause
"""browser - Debian's Chromium in the gate's namespace, and what a page there shows.

Needs node, chromium and the npm package playwright-core, which tools/lib.sh fetches
by name (ensure_npm); what is missing is a reason to skip, and is told.
"""
import json
import os
import shutil
import subprocess

from rig import Failed, Skipped, expect, within

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CHROMIUM = "/usr/bin/chromium"


def build_folder():
    return os.environ.get("TIDEGATE_BUILD") or os.path.join(ROOT, "build")


def playwright():
    """Where playwright-core is."""
    wanted = [os.environ.get("TIDEGATE_NPM") or os.path.join(ROOT, "build-npm")]
    for folder in wanted:
        path = os.path.join(folder, "node_modules", "playwright-core")
        if os.path.exists(os.path.join(path, "index.mjs")):
            return path
    raise Skipped("playwright-core is not installed: tools/test browser fetches it with npm")


class Browser:
    """Pages of one browser; run() is JavaScript beside the page, see() inside it."""

    def __init__(self, namespace):
        if shutil.which("node") is None:
            raise Skipped("node is not installed")
        if not os.access(CHROMIUM, os.X_OK):
            raise Skipped("chromium is not installed")
        self.process = subprocess.Popen(
            [*within(namespace), "node", os.path.join(HERE, "page.mjs"), playwright(), CHROMIUM],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, code):
        """The value that `code` returns, where page, open, seen and browser are known."""
        try:
            self.process.stdin.write(json.dumps({"code": code}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failed("the browser is gone")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed("%s\nin: %s" % (answer["error"], code))
        return answer["value"]

    def see(self, expression):
        """The value of an expression in the page."""
        return self.run("return page.evaluate(() => (%s));" % expression)

    def text(self, selector):
        return self.see("document.querySelector(%s)?.innerText ?? null" % json.dumps(selector))

    def wait(self, expression, sentence, seconds=5):
        """Until an expression in the page is true."""
        code = "try { await page.waitForFunction(() => (%s), null, { timeout: %d, polling: 50 }); return true; } " \
               "catch (e) { if (!/Timeout/.test(String(e))) throw e; return false; }" % (expression, 1000 * seconds)
        expect(self.run(code), "%s: %s" % (sentence, self.text("#banner")))

    def open(self, **options):
        self.run("const p = await open(%s); await p.goto('http://127.0.0.1:9686/'); return null;" % json.dumps(options))
        self.wait("document.body.classList.contains('waiting') === false", "no figures came")

    def click(self, selector):
        self.run("await page.click(%s, { timeout: 4000 });" % json.dumps(selector))

    def fill(self, selector, text):
        self.run("await page.fill(%s, %s, { timeout: 4000 });" % (json.dumps(selector), json.dumps(text)))

    def last(self, document):
        """The body of a document as the page got it last."""
        return json.loads(self.run("return seen.last[%s] ?? 'null';" % json.dumps(document)))

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
