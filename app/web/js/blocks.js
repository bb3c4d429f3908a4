// SPDX-License-Identifier: BSD-3-Clause
// blocks - timed entries that somebody made, and the lists of the configuration.

import { $, el, emptyLine, keyed, mark, put, row } from "./dom.js";
import { clock, count, duration } from "./units.js";
import { allow } from "./session.js";
import { addBlock, removeBlock } from "./actions.js";

let again = () => {};

function make(b) {
	const tr = row($("blocks"), {});
	const words = b.action === "allow" ? "Take back …" : "Unblock …";
	const button = el("button", { type: "button", class: "small", "data-needs-token": "", "aria-label": `${words.slice(0, -2)} ${b.prefix}`, on: { click: () => removeBlock(b, [again]) } }, words);

	tr.cells[0].classList.add("mono");
	put(tr.cells[0], b.prefix);
	put(tr.cells[1], b.action === "allow" ? "◇ allowed" : "■ blocked");
	mark(tr, "data-action", b.action);
	put(tr.cells[3], b.reason || "–");
	tr.cells[3].title = b.reason || "";
	tr.cells[4].append(button);
	allow(button);
	return tr;
}

// Entries with the moment they end, so that the time left runs without asking.
let entries = [];

export function drawBlocks() {
	const now = performance.now();
	const left = (b) => (b.ends === null ? null : Math.max(0, (b.ends - now) / 1000));

	entries = entries.filter((b) => b.ends === null || b.ends > now);
	keyed($("blocks").tBodies[0], entries, (b) => `${b.action} ${b.prefix} ${b.reason}`, make, (tr, b) => {
		put(tr.cells[2], b.ends === null ? "no end" : duration(left(b)));
		tr.cells[2].title = b.until ? `until ${clock(b.until)}` : "until somebody takes it back";
	});
	emptyLine($("blocks"), "Nobody is blocked or allowed by hand.");
}

export function takeBlocks(document) {
	const now = performance.now();

	entries = document.blocks.slice(0, 500).map((b) => ({ ...b, ends: b.remaining_seconds === null ? null : now + 1000 * b.remaining_seconds }));
	put($("n-blocks"), document.total === 0 ? "" : `${document.total} by hand${document.total > entries.length ? `, ${entries.length} shown` : ""}`);
	drawBlocks();
}

export function takeLists(list) {
	keyed($("lists").tBodies[0], list, (l) => l.name, () => row($("lists"), {}), (tr, l) => {
		const [name, action, prefixes, hits, file] = tr.cells;
		const failed = l.file && l.file.state === "failed";

		put(name, l.name);
		put(action, l.action);
		put(prefixes, count(l.prefixes));
		put(hits, count(l.hits));
		put(file, l.file ? (failed ? "✕ refused, the old one holds" : "● loaded") : "–");
		mark(tr, "data-state", failed ? "fault" : null);
	});
	mark($("lists"), "hidden", list.length === 0);
}

export function startBlocks(askAgain) {
	again = askAgain;
	$("block-add").addEventListener("click", () => addBlock("deny", "", [again]));
	$("allow-add").addEventListener("click", () => addBlock("allow", "", [again]));
}
