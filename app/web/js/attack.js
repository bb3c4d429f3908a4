// SPDX-License-Identifier: BSD-3-Clause
// attack - one attack: what, when, how strong, what was done, who was hit; and one address.

import { el, keyed, put } from "./dom.js";
import { UNKNOWN, bits, clock, count, duration, milliseconds, packets, percent, vectorName } from "./units.js";
import { ask } from "./api.js";
import { facts, openDrawer } from "./drawer.js";
import { attacksBeside, stateOf } from "./attacks.js";
import { addBlock } from "./actions.js";
import { allow } from "./session.js";

const KINDS = { random: "all different: forged, or seen once", repeating: "few that come again", mixed: "some that come again" };

function trigger(a) {
	const t = a.trigger;

	if (!t)
		return UNKNOWN;
	const show = t.metric === "bits_per_second" ? bits : packets;
	return `${show(t.value)} over ${show(t.threshold)}`;
}

function list(a) {
	const others = attacksBeside(a).map((o) => vectorName(o.vector));

	return [
		["Vectors", [vectorName(a.vector), ...others].join(", "), "of the same service at the same time"],
		["Service", a.network ? `${a.service}, network ${a.network}` : a.service],
		["State", stateOf(a)[1]],
		["Began", clock(a.start)],
		["Seen after", milliseconds(a.detected_after_ms)],
		["Mitigated after", milliseconds(a.mitigated_after_ms), "until what passed was no more than the threshold allows"],
		["Ended", a.end === null ? "it runs" : clock(a.end)],
		["Lasts", duration(a.duration_seconds)],
		["Why it counts as one", trigger(a), "the rate measured and the threshold it passed"],
		["Peak", `${packets(a.peak_packets_per_second)} · ${bits(a.peak_bits_per_second)}`],
		["Packets, and bytes", `${count(a.packets)} · ${count(a.bytes)}`],
		["Dropped or answered", a.packets > 0 ? `${count(a.dropped_packets)} · ${percent(a.dropped_packets / a.packets, 1)}` : UNKNOWN],
		["Spared by the mode", count(a.would_packets)],
		["Of proven customers", `${count(a.verified_dropped_packets)} dropped`],
		["Countermeasure", `${a.step}, at most ${a.highest_step}`, "police: limited; challenge: senders must prove themselves; block: sources are shut out"],
		["Waves", count(a.pulses)],
		["Sources", a.sources ? `≈ ${count(a.sources.estimate)}, ${KINDS[a.sources.kind] || a.sources.kind}` : UNKNOWN, "of its last whole second"],
	];
}

// Forged addresses belong to somebody else: blocking them would hurt only those.
function forgedSource(s) {
	return el("li", {}, el("span", { class: "name mono" }, s.address), el("span", { class: "n" }, `≈ ${packets(s.packets_per_second)}`));
}

function source(s) {
	const button = el("button", { type: "button", class: "small", "data-needs-token": "", on: { click: () => addBlock("deny", s.address, []) } }, "Block …");

	allow(button);
	return el("li", {}, el("span", { class: "name mono" }, s.address), el("span", { class: "n" }, `≈ ${packets(s.packets_per_second)} `, button));
}

function sample(s) {
	return el("li", {}, el("span", { class: "name mono" }, s.summary || `${s.src_ip} → ${s.dest_ip}`), el("span", { class: "n" }, s.reason || s.verdict),
		el("p", { class: "help mono bytes" }, `${clock(s.time)} · ${s.length} bytes${s.bytes ? ` · ${s.bytes.slice(0, 96)}${s.bytes.length > 96 ? "…" : ""}` : ""}`));
}

async function fill(ul, path, pick, make, words) {
	try {
		const items = pick(await ask("GET", path));

		keyed(ul, items, (x) => JSON.stringify(x), make, () => {});
		ul.dataset.empty = items.length === 0 ? words : "";
		if (items.length > 0)
			delete ul.dataset.empty;
	} catch {
		ul.dataset.empty = "This gate does not tell.";
	}
}

export function openAttack(a) {
	const dl = facts();
	const sources = el("ul", { class: "bars" });
	const samples = el("ul", { class: "bars" });
	const report = (end, words) => el("a", { class: "button", href: `/api/v1/attacks/${encodeURIComponent(a.attack_id)}/report${end}`, target: "_blank", rel: "noopener" }, words);
	const id = encodeURIComponent(a.attack_id);

	const isForged = a.sources !== null && a.sources.kind === "random";

	dl.show(list(a));
	openDrawer({
		title: `${vectorName(a.vector)} on ${a.service}`, note: a.attack_id, buttons: [report(".html", "Report to print"), report("", "as JSON")], path: `attacks/${id}`, every: 2000,
		body: el("div", {}, dl, el("h3", {}, a.status === "ended" ? "Loudest sources of the box while it was strongest" : "Top sources now, estimated, of the whole box"), isForged ? el("p", { class: "note" }, "Its sources are forged or come once: they are challenged, and blocking them would only hurt those whose addresses they are.") : null, sources, el("h3", {}, "Sample packets"), samples),
		draw: (document) => dl.show(list(document.attack || document)),
	});
	if (a.status === "ended")
		fill(sources, `attacks/${id}/report`, (d) => d.sources || [], isForged ? forgedSource : source, "Nobody stood out.");
	else
		fill(sources, "top?by=sources&limit=10", (d) => d.top, isForged ? forgedSource : source, "Nobody stands out.");
	fill(samples, `samples?attack=${id}&limit=10`, (d) => d.samples, sample, "None was kept.");
}

// All the box knows of one address: the answer on the phone.
export function openAddress(address, after) {
	const sentence = el("p", { class: "effect" });
	const dl = facts();
	const drops = el("ul", { class: "bars" });
	const block = el("button", { type: "button", "data-needs-token": "", on: { click: () => addBlock("deny", address, after) } }, "Block …");
	const let_in = el("button", { type: "button", "data-needs-token": "", on: { click: () => addBlock("allow", address, after) } }, "Allow …");

	allow(block);
	allow(let_in);
	openDrawer({
		title: address, note: "why its packets pass or not", buttons: [block, let_in], path: `explain?ip=${encodeURIComponent(address)}`, every: 2000,
		body: el("div", {}, sentence, dl, el("h3", {}, "Last drops"), drops),
		draw: (d) => {
			put(sentence, d.sentence);
			dl.show([
				...(d.lists || []).map((l) => [`List ${l.list}`, l.action]),
				...(d.services || []).map((s) => [`Service ${s.service}`, "protects it"]),
				...(d.meters || []).slice(0, 12).map((m) => [`${m.stage}: ${m.what}${m.service ? ` for ${m.service}` : ""}`, `${m.value} of ${m.threshold} · ${m.verdict}`]),
				...(d.facts || []).slice(0, 12).map((f) => [`${f.stage}: ${f.what}`, f.verdict]),
			]);
			keyed(drops, (d.drops || []).slice(0, 10), (x) => `${x.stage} ${x.verdict} ${x.service}`, (x) => el("li", {}, el("span", { class: "name mono" }, x.verdict), el("span", { class: "n" })), (e, x) => put(e.lastChild, `${duration(x.age_seconds)} ago${x.service ? `, ${x.service}` : ""}`));
			drops.dataset.empty = "None that is remembered.";
			if ((d.drops || []).length > 0)
				delete drops.dataset.empty;
		},
	});
}
