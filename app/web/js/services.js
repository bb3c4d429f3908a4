// SPDX-License-Identifier: BSD-3-Clause
// services - one row each: state, mode, rates, how much is free below the next threshold.

import { $, bar, el, emptyLine, keyed, mark, put, row } from "./dom.js";
import { ringOf } from "./rings.js";
import { packets, percent } from "./units.js";

const SHOWN = 100; // rows at once; the filter finds the others
const RANK = { active: 0, alarm: 1, quiet: 2 };
const SIGNS = { active: "◆", alarm: "▲", quiet: "○" };
const all = new Map(); // by name, as last told
let open = () => {};

// The path of a line through the values, 100 wide and 20 high.
function path(values) {
	const top = Math.max(...values.filter((v) => !Number.isNaN(v)), 1);
	const step = values.length > 1 ? 100 / (values.length - 1) : 100;

	return values.map((v, i) => `${i === 0 ? "M" : "L"}${(i * step).toFixed(1)} ${(19 - 18 * (Number.isNaN(v) ? 0 : v) / top).toFixed(1)}`).join("");
}

function spark() {
	const space = "http://www.w3.org/2000/svg";
	const svg = document.createElementNS(space, "svg");
	const line = document.createElementNS(space, "path");

	svg.setAttribute("viewBox", "0 0 100 20");
	svg.setAttribute("preserveAspectRatio", "none");
	svg.setAttribute("class", "spark");
	svg.setAttribute("aria-hidden", "true");
	svg.append(line);
	svg.show = (values) => line.setAttribute("d", values.length > 1 ? path(values) : "");
	return svg;
}

// Every third value is enough for a line of 100 pixels.
function thinned(values) {
	const out = [];

	for (let i = values.length - 1; i >= 0; i -= 3)
		out.unshift(values[i]);
	return out;
}

function make(service) {
	const tr = row($("services"), {});
	const [name, state, , , , , , headroom, minutes] = tr.cells;

	tr.button = el("button", { type: "button", class: "link", on: { click: () => open(service.name) } }, service.name);
	tr.sign = el("span", { class: "state" });
	tr.bar = bar("headroom");
	tr.spark = spark();
	name.append(tr.button);
	state.append(tr.sign);
	headroom.append(tr.bar);
	minutes.append(tr.spark);
	return tr;
}

function change(tr, s) {
	const [, , mode, received, clean, dropped, would] = tr.cells;
	const used = 1 - s.headroom_ratio;
	const ring = ringOf(s.name);

	put(tr.sign, `${SIGNS[s.state] || "?"} ${s.state}`);
	mark(tr, "data-state", s.state);
	put(mode, s.mode);
	mark(mode, "data-mode", s.mode);
	put(received, packets(s.rates.received.packets_per_second));
	put(clean, packets(s.rates.forwarded.packets_per_second));
	put(dropped, packets(s.rates.dropped.packets_per_second));
	mark(dropped, "data-some", s.rates.dropped.packets_per_second > 0 ? "yes" : null);
	put(would, packets(s.rates.would_packets_per_second));
	tr.bar.show(used, `${percent(s.headroom_ratio)} free`, used >= 1 ? "over" : used > 0.7 ? "near" : null);
	tr.spark.show(ring === null ? [] : thinned(ring.tail("received", 300)));
}

// Trouble first, then by name: rows move only when a state changes.
function order(a, b) {
	return (RANK[a.state] ?? 3) - (RANK[b.state] ?? 3) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

function fits(s, words) {
	const text = `${s.name} ${s.state} ${s.mode} ${s.policy || ""}`.toLowerCase();

	return words.every((w) => text.includes(w));
}

export function drawServices() {
	const words = $("find-service").value.toLowerCase().split(/\s+/).filter((w) => w !== "");
	const found = [...all.values()].filter((s) => fits(s, words)).sort(order);
	const part = found.slice(0, SHOWN);

	keyed($("services").tBodies[0], part, (s) => s.name, make, change);
	emptyLine($("services"), all.size === 0 ? "No services are configured." : "No service fits the filter.");
	put($("n-services"), part.length < found.length ? `${part.length} of ${found.length}; filter to see others`
		: `${found.length}${found.length < all.size ? ` of ${all.size}` : ""}`);
}

// The live document, which may have the busiest only.
export function takeServices(list) {
	for (const s of list)
		all.set(s.name, { ...all.get(s.name), ...s });
	drawServices();
}

// The whole list: what is not in it is gone.
export function replaceServices(list) {
	const names = new Set(list.map((s) => s.name));

	for (const name of [...all.keys()])
		if (!names.has(name))
			all.delete(name);
	takeServices(list);
}

export function startServices(openService) {
	open = openService;
	$("find-service").addEventListener("input", drawServices);
}
