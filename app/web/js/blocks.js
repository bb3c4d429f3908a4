// SPDX-License-Identifier: BSD-3-Clause
// blocks - timed entries that somebody made, and the lists of the configuration.

import { $, el, emptyLine, keyed, mark, put, row } from "./dom.js";
import { clock, count, duration } from "./units.js";
import { allow } from "./session.js";
import { addBlock, removeBlock } from "./actions.js";

let again = () => {};

function make(b) {
	const tr = row($("blocks"), {});
	const words = b.rule ? "Allow …" : b.action === "allow" ? "Take back …" : "Unblock …";
	const act = b.rule ? () => addBlock("allow", b.prefix.replace(/[/](32|128)$/, ""), [again]) : () => removeBlock(b, [again]);
	const button = el("button", { type: "button", class: "small", "data-needs-token": "", "aria-label": `${words.slice(0, -2)} ${b.prefix}`, on: { click: act } }, words);

	tr.cells[0].classList.add("mono");
	put(tr.cells[0], b.prefix);
	put(tr.cells[1], b.rule ? "■ by a rule" : b.action === "allow" ? "◇ allowed" : "■ blocked");
	mark(tr, "data-action", b.action);
	put(tr.cells[3], b.reason || "–");
	tr.cells[3].title = b.reason || "";
	tr.cells[4].append(button);
	allow(button);
	return tr;
}

let made = 0; // by hand, also those beyond what is shown

// Entries with the moment they end, so that the time left runs without asking.
let entries = [];

// Sources that workers shut out by themselves, as far as events tell of it.
const byRule = new Map();
const RULES_KEPT = 500;

export function takeRuleBlock(event) {
	const b = event.block || event.unblock;

	if (b.made_by !== "rule")
		return;
	const key = `${b.prefix} ${event.service || ""}`;
	const ends = event.block && b.until ? performance.now() + Date.parse(b.until) - Date.now() : 0;

	byRule.delete(key);
	if (event.block && ends > performance.now() && byRule.size < RULES_KEPT)
		byRule.set(key, { prefix: b.prefix, action: "deny", reason: `${b.reason || ""}${event.service ? `, ${event.service}` : ""}`, until: b.until, ends, rule: true });
}

export function drawBlocks() {
	const now = performance.now();
	const left = (b) => (b.ends === null ? null : Math.max(0, (b.ends - now) / 1000));

	entries = entries.filter((b) => b.ends === null || b.ends > now);
	for (const [key, b] of byRule)
		if (b.ends <= now)
			byRule.delete(key);
	keyed($("blocks").tBodies[0], [...entries, ...byRule.values()], (b) => `${b.action} ${b.prefix} ${b.reason}`, make, (tr, b) => {
		put(tr.cells[2], b.ends === null ? "no end" : duration(left(b)));
		tr.cells[2].title = b.until ? `until ${clock(b.until)}` : "until somebody takes it back";
	});
	put($("n-blocks"), [made > 0 ? `${made} by hand` : "", byRule.size > 0 ? `${byRule.size} by rules` : ""].filter((w) => w).join(", "));
	emptyLine($("blocks"), "Nobody is blocked or allowed, by hand or by a rule.");
}

export function takeBlocks(document) {
	const now = performance.now();

	entries = document.blocks.slice(0, 500).map((b) => ({ ...b, ends: b.remaining_seconds === null ? null : now + 1000 * b.remaining_seconds }));
	made = document.total;
	drawBlocks();
}

export function takeLists(list) {
	keyed($("lists").tBodies[0], list, (l) => l.name, () => row($("lists"), {}), (tr, l) => {
		const [name, action, prefixes, hits, file] = tr.cells;
		const failed = l.wanted && l.wanted.state === "failed";

		put(name, l.name);
		put(action, l.action);
		put(prefixes, count(l.prefixes));
		put(hits, count(l.hits));
		put(file, l.file ? (failed ? "✕ refused, the old one holds" : "● loaded") : "–");
		file.title = l.file || "";
		mark(tr, "data-state", failed ? "fault" : null);
	});
	mark($("lists"), "hidden", list.length === 0);
}

export function startBlocks(askAgain) {
	again = askAgain;
	$("block-add").addEventListener("click", () => addBlock("deny", "", [again]));
	$("allow-add").addEventListener("click", () => addBlock("allow", "", [again]));
}
