// SPDX-License-Identifier: BSD-3-Clause
// attacks - those that run and those that are over, newest first.

import { $, el, emptyLine, keyed, mark, put, row } from "./dom.js";
import { clock, count, duration, milliseconds, packets, vectorName } from "./units.js";

const SHOWN = 100;
const all = new Map();
let open = () => {};

export function stateOf(a) {
	if (a.status === "ended")
		return ["ended", "□ over"];
	if (a.mode !== "mitigate")
		return ["open", "◆ told only"];
	return a.mitigated === null ? ["open", "◆ being stopped"] : ["held", "◆ held"];
}

function make(a) {
	const tr = row($("attacks"), {});

	tr.cells[0].append(el("button", { type: "button", class: "link", on: { click: () => open(a.attack_id) } }, vectorName(a.vector)));
	tr.sign = el("span", { class: "state" });
	tr.cells[2].append(tr.sign);
	return tr;
}

function change(tr, a) {
	const [, on, , since, lasts, peak, dropped, sources, mitigated] = tr.cells;
	const [state, words] = stateOf(a);

	mark(tr, "data-state", state);
	put(tr.sign, words);
	put(on, a.network ? `${a.service} · ${a.network}` : a.service);
	put(since, clock(a.start));
	put(lasts, duration(a.duration_seconds));
	put(peak, packets(a.peak_packets_per_second));
	put(dropped, a.mode === "mitigate" ? count(a.dropped_packets) : `(${count(a.would_packets)})`);
	dropped.title = a.mode === "mitigate" ? "packets dropped" : "packets that would be dropped";
	put(sources, a.sources ? `≈ ${count(a.sources.estimate)}` : "–");
	put(mitigated, milliseconds(a.mitigated_after_ms));
}

export function drawAttacks() {
	const list = [...all.values()].sort((a, b) => (a.status === "ended") - (b.status === "ended") || (a.start < b.start ? 1 : -1));

	for (const a of list.slice(SHOWN))
		all.delete(a.attack_id);
	keyed($("attacks").tBodies[0], list.slice(0, SHOWN), (a) => a.attack_id, make, change);
	emptyLine($("attacks"), "No attack so far.");
	const active = list.filter((a) => a.status !== "ended").length;
	put($("n-attacks"), list.length === 0 ? "" : `${active} now, ${list.length - active} over`);
}

// Those that run, each second; one that is not among them any more is over soon.
export function takeRunning(list, askAgain) {
	const running = new Set(list.map((a) => a.attack_id));

	for (const a of list)
		all.set(a.attack_id, a);
	if ([...all.values()].some((a) => a.status !== "ended" && !running.has(a.attack_id)))
		askAgain();
	drawAttacks();
}

export function takeAttacks(list) {
	for (const a of list)
		all.set(a.attack_id, a);
	drawAttacks();
}

// Others of the same service that ran at the same time.
export function attacksBeside(a) {
	const end = (x) => x.end || "9";

	return [...all.values()].filter((o) => o.attack_id !== a.attack_id && o.service === a.service && o.start <= end(a) && a.start <= end(o));
}

export const attackOf = (id) => all.get(id) || null;

export function startAttacks(openAttack) {
	open = openAttack;
}
