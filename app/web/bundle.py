#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""bundle - the dashboard's files as one table of C.

usage: bundle.py OUT.c DEPFILE FILE... --uplot FOLDER...

uPlot is taken from the first of the folders that has it; where none has, the page tells
that charts are missing, and the next build looks again.

The modules, in the order they are named, become one, each a function that gives what
it exports. So a browser asks four or five times and not twenty, and compression finds
more that is alike. Comments and indentation stay at home.

A module may import from earlier modules only, and only what they export; that is
checked here, for the browser would tell much later.
"""
import gzip
import hashlib
import os
import re
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([a-z_]+\.js)";$', re.M)
EXPORT = re.compile(r"^export (?:async )?(?:function\*?|const|class) ([\w$]+)", re.M)


def fail(words):
    sys.exit("bundle.py: " + words)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def variable(name):
    return "in_" + os.path.splitext(name)[0]


def smaller(text):
    """Without indentation, empty lines and whole lines of comment; strings end on their line here."""
    text = re.sub(r"^[ \t]*/\*.*?\*/[ \t]*$", "", text, flags=re.M | re.S)
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//")) + "\n"


def one_module(paths):
    """All modules as one: each a function of its own that gives what it exports."""
    exports, parts = {}, []
    for path in paths:
        name, text = os.path.basename(path), read(path)
        for names, source in IMPORT.findall(text):
            if source not in exports:
                fail("%s imports from %s, which does not come before it" % (name, source))
            for word in (w.strip() for w in names.split(",")):
                if word and word not in exports[source]:
                    fail("%s wants '%s', which %s does not export" % (name, word, source))
        text = IMPORT.sub(lambda m: "const {%s} = %s;" % (" ".join(m[1].split()), variable(m[2])), text)
        if re.search(r"^\s*import[ (]|^export (default|let|\{|\*)", text, re.M):
            fail("%s has an import or export in a form that is not known here" % name)
        exports[name] = EXPORT.findall(text)
        parts.append("const %s = (() => {\n%sreturn { %s };\n})();\n" % (
            variable(name), smaller(re.sub(r"^export ", "", text, flags=re.M)), ", ".join(exports[name])))
    return "".join(parts)


def assets(pages, modules, uplot):
    """(path, type, text) of everything that is served."""
    made = {}
    for page in pages:
        text = read(page)
        made["/" + os.path.basename(page)] = text if page.endswith(".html") else smaller(text)
    made["/app.js"] = one_module(modules)
    if uplot:
        script, style, licence = uplot
        made["/uplot.js"] = "/*!\n%s*/\n%s" % (read(licence), read(script))
        made["/style.css"] = read(style) + "\n" + made["/style.css"]
    else:
        made["/index.html"] = re.sub(r"^.*/uplot\.js.*\n", "", made["/index.html"], flags=re.M)
    made = {"/" if path == "/index.html" else path: (TYPES[os.path.splitext(path)[1]], text)
            for path, text in made.items()}
    return [(path, kind, gzip.compress(text.encode(), 9, mtime=0)) for path, (kind, text) in sorted(made.items())]


def as_c(files):
    out = ["/* SPDX-License-Identifier: BSD-3-Clause */", "/* Made by bundle.py. */", '#include "web.h"', ""]
    for i, (_, _, data) in enumerate(files):
        out.append("static const unsigned char file%d[] = {" % i)
        out += ["\t" + "".join("%d," % byte for byte in data[at:at + 40]) for at in range(0, len(data), 40)]
        out.append("};")
    out.append("\nconst struct api_asset web_assets[] = {")
    for i, (path, kind, data) in enumerate(files):
        etag = hashlib.sha256(data).hexdigest()[:24]
        out.append('\t{ "%s", "%s", "\\"%s\\"", file%d, sizeof(file%d) },' % (path, kind, etag, i, i))
    out.append("\t{ 0 },\n};\n")
    return "\n".join(out)


def find_uplot(folders):
    """Its script, style and licence, or nothing."""
    for folder in folders:
        files = [os.path.join(folder, name) for name in ("dist/uPlot.iife.min.js", "dist/uPlot.min.css", "LICENSE")]
        if all(os.path.isfile(f) for f in files):
            return files
    return []


def write_if_new(path, text):
    """What has not changed keeps its time, so that nothing is compiled again."""
    if not os.path.isfile(path) or read(path) != text:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


def main(words):
    split = words.index("--uplot")
    out, depfile, files, folders = words[0], words[1], words[2:split], words[split + 1:]
    uplot = find_uplot(folders)
    modules = [f for f in files if f.endswith(".js")]
    made = assets([f for f in files if f not in modules], modules, uplot)
    write_if_new(out, as_c(made))
    # A file that is not there yet is waited for: ninja calls again until it is.
    needs = uplot or [os.path.join(folders[-1], "dist/uPlot.iife.min.js")]
    with open(depfile, "w", encoding="utf-8") as f:
        f.write("%s: %s\n" % (out, " ".join(n.replace(" ", "\\ ") for n in needs)))


if __name__ == "__main__":
    main(sys.argv[1:])
