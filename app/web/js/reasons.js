// SPDX-License-Identifier: BSD-3-Clause
// reasons - why packets stop, or would: what each reason means stands below its name.

import { $, bar, el, keyed, mark, put, putSentence } from "./dom.js";
import { packets } from "./units.js";

const SHOWN = 14;
const meaning = new Map();
const recent = new Map(); // name -> { decided, would, seen }: shown for a while after its last packet
const LINGER_MS = 15000;

// What becomes of a sender: an address that is throttled or asked is not accused of anything.
const KINDS = [
	["blocked", "Blocked", "Senders on a list, blocked by hand or by a rule: nothing of theirs passes."],
	["throttled", "Throttled", "Above a limit: what fits it passes. The sender is not accused."],
	["challenged", "Asked", "Senders who have to show that answers reach them."],
	["refused", "Refused", "Packets that are broken, forged or unasked for, whoever sent them."],
];

function kindOf(name) {
	if ((meaning.get(name) || {}).class === "challenge")
		return "challenged";
	if (/[._](blocked|denied)$|^filters[.]/.test(name))
		return "blocked";
	if (/^shape[.]|^sources[.]|metered|quota|rate$|over_|_open$|[.](answers|queries|random_names|beyond_budget|connections|half_open|no_room)$/.test(name))
		return "throttled";
	return "refused";
}

function drawKinds(list) {
	const sum = new Map(KINDS.map(([kind]) => [kind, 0]));

	for (const r of list)
		sum.set(kindOf(r.name), sum.get(kindOf(r.name)) + r.decided);
	keyed($("kinds"), KINDS, (k) => k[0], (k) => el("div", { title: k[2], "data-kind": k[0] }, el("dt", {}, k[1]), el("dd", {})),
		(e, k) => put(e.lastChild, packets(sum.get(k[0]))));
}

function make(r) {
	const li = el("li", {});

	li.name = el("span", { class: "name mono" }, r.name);
	li.rate = el("span", { class: "n" });
	li.bar = bar("reason");
	li.help = el("p", { class: "help" });
	li.append(li.name, li.rate, li.bar, li.help);
	return li;
}

export function takeReasonTexts(list) {
	for (const r of list)
		meaning.set(r.reason, r);
}

export const helpOf = (name) => (meaning.get(name) || {}).help || "";

export function takeReasons(list) {
	const now = performance.now();

	for (const old of recent.values())
		old.decided = old.would = 0;
	for (const r of list)
		recent.set(r.reason, { name: r.reason, decided: r.packets_per_second, would: r.would_packets_per_second, seen: now });
	for (const [name, r] of recent)
		if (now - r.seen > LINGER_MS)
			recent.delete(name);
	draw();
}

function draw() {
	drawKinds([...recent.values()]);
	const list = [...recent.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
	const strongest = list.map((r) => r.decided + r.would).sort((a, b) => b - a).slice(0, SHOWN);
	const least = strongest.at(-1) || 0;
	const top = strongest[0] || 1;

	keyed($("reasons"), list.filter((r) => r.decided + r.would >= least).slice(0, SHOWN), (r) => r.name, make, (li, r) => {
		const told = meaning.get(r.name);
		const isWould = r.decided === 0 && r.would > 0;

		put(li.rate, isWould ? `(${packets(r.would)})` : packets(r.decided));
		li.rate.title = isWould ? "would be stopped; the mode spares them" : "stopped";
		li.bar.show((r.decided + r.would) / top, "", null);
		mark(li, "data-class", isWould ? "would" : told ? told.class : "drop");
		putSentence(li.help, told ? told.help : "");
	});
	mark($("reasons"), "data-empty", list.length === 0 ? "Nothing is stopped." : null);
}
