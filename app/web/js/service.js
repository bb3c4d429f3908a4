// SPDX-License-Identifier: BSD-3-Clause
// service - one service: what it may get, what it gets, and how far each threshold is.

import { el, keyed, mark, put } from "./dom.js";
import { bits, count, duration, packets, vectorName } from "./units.js";
import { closeDrawer, openDrawer } from "./drawer.js";
import { setScope } from "./chart.js";
import { changeMode } from "./actions.js";
import { helpOf } from "./reasons.js";
import { allow } from "./session.js";

const LIMITS = [["alarm_rate", "alarm"], ["activate_rate", "activate"], ["max_rate", "max"]];
const unitOf = (limit) => (limit.bits_per_second !== undefined ? "bits_per_second" : "packets_per_second");
const inUnit = (value, unit) => (unit === "bits_per_second" ? bits(value) : packets(value));

// Thresholds of all vectors as lines for the chart.
export function limitsOf(service) {
	const out = [];

	for (const v of service.vectors)
		for (const [key, word] of LIMITS)
			if (v[key])
				out.push({ name: `${word}, ${vectorName(v.vector)}`, packets: v[key].packets_per_second, bits: v[key].bits_per_second });
	return out;
}

// A bar of the present rate, with a mark where each threshold is.
function gauge() {
	const fill = el("i", {});
	const marks = el("span", { class: "marks" });
	const e = el("div", { class: "gauge" }, fill, marks);

	e.show = (value, limits, unit, state) => {
		const top = 1.15 * Math.max(value, ...limits.map((l) => l.value), 1);

		fill.style.width = `${(100 * value) / top}%`;
		mark(e, "data-state", state);
		keyed(marks, limits, (l) => l.word, (l) => el("u", { "data-limit": l.word }), (m, l) => {
			m.style.left = `${(100 * l.value) / top}%`;
			mark(m, "title", `${l.word} ${inUnit(l.value, unit)}`);
		});
	};
	return e;
}

function makeVector(v) {
	const e = el("li", {});

	e.gauge = gauge();
	e.state = el("span", { class: "state" });
	e.now = el("b", {});
	e.note = el("p", { class: "help" });
	e.append(el("div", { class: "line" }, el("span", {}, vectorName(v.vector)), e.state, e.now), e.gauge, e.note);
	return e;
}

function drawVector(e, v, window) {
	const limits = LIMITS.filter(([key]) => v[key]).map(([key, word]) => ({ word, unit: unitOf(v[key]), value: v[key][unitOf(v[key])] }));
	const unit = limits.length > 0 ? limits[0].unit : "packets_per_second";
	const words = limits.map((l) => `${l.word} ${inUnit(l.value, l.unit)}`);

	for (const [key, word] of [["network_rate", "each network"], ["address_rate", "each address"]])
		if (v[key])
			words.push(`${word} ${inUnit(v[key][unitOf(v[key])], unitOf(v[key]))}`);
	mark(e, "data-state", v.state);
	put(e.state, v.state);
	put(e.now, inUnit(v[unit], unit));
	e.gauge.show(v[unit], limits.filter((l) => l.unit === unit), unit, v.state);
	e.gauge.hidden = limits.length === 0;
	put(e.note, words.length === 0 ? "no threshold: nothing is done against it"
		: `${words.join(" · ")} · measured over ${duration(window)} and for the whole service`);
	if (window < 1)
		put(e.note, e.note.textContent.replace(duration(window), `${Math.round(1000 * window)}\u202fms`));
}

function drawReasons(list, reasons) {
	keyed(list, [...reasons].sort((a, b) => b.packets + b.would_packets - a.packets - a.would_packets).slice(0, 30), (r) => r.reason, (r) => {
		const e = el("li", {}, el("span", { class: "name mono" }, r.reason), el("span", { class: "n" }), el("p", { class: "help" }, helpOf(r.reason)));

		e.n = e.children[1];
		return e;
	}, (e, r) => put(e.n, r.packets > 0 ? count(r.packets) : `(${count(r.would_packets)})`));
	mark(list, "data-empty", reasons.length === 0 ? "Nothing was stopped so far." : null);
}

export function openService(name, after) {
	let last = null;
	const target = el("p", { class: "mono" });
	const vectors = el("ul", { class: "vectors" });
	const reasons = el("ul", { class: "bars" });
	const mode = el("button", { type: "button", "data-needs-token": "", on: { click: () => changeMode(name, last && last.mode, after) } }, "Mode …");
	const draw = el("button", { type: "button", on: { click: () => { setScope(name, last === null ? [] : limitsOf(last)); closeDrawer(); document.getElementById("p-traffic").scrollIntoView({ block: "center" }); } } }, "Show in the chart");

	allow(mode);
	openDrawer({
		title: name, buttons: [draw, mode], path: `services/${encodeURIComponent(name)}`, every: 1500,
		body: el("div", {}, target, el("h3", {}, "Thresholds"), vectors, el("h3", {}, "Why its packets were stopped, since the start"), reasons),
		draw: (document) => {
			const s = document.service;

			last = s;
			put(target, `${s.prefixes.length === 0 ? "all other addresses" : s.prefixes.join(", ")} · ${s.protocol}${s.ports.length > 0 ? ` ${s.ports.join(", ")}` : ""} · policy ${s.policy} · ${s.mode}`);
			keyed(vectors, s.vectors, (v) => v.vector, makeVector, (e, v) => drawVector(e, v, document.detection_window_seconds));
			drawReasons(reasons, s.reasons);
		},
	});
}
