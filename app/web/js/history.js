// SPDX-License-Identifier: BSD-3-Clause
// history - what the gate remembers from before this page was opened.
// Older points come from there; the newest seconds are those this page has seen.

import { METRICS } from "./rings.js";

const EVERY_S = { 300: 20, 3600: 60, 86400: 120 };

let held = null; // { key, points, at } of the last answer
let view = null;

const keyOf = (v) => `${v.scope} ${v.unit} ${v.range}`;

// What to ask now; "" for nothing.
export function historyPath() {
	if (view === null)
		return "";
	const fresh = held !== null && held.key === keyOf(view) && performance.now() - held.at < 1000 * EVERY_S[view.range];
	if (fresh)
		return "";
	const service = view.scope === null ? "" : `&service=${encodeURIComponent(view.scope)}`;

	return `history?metric=${view.unit}&from=${view.range}s&step=${view.range <= 300 ? 1 : view.range <= 3600 ? 60 : 120}s${service}`;
}

/*
 * The gate says "dropped" of all that was stopped; of the whole box we show what was
 * answered apart, as its live figures do.
 */
export function takeHistory(document) {
	const series = document.series, points = { times: document.times };
	const empty = document.times.map(() => null);

	for (const metric of METRICS)
		points[metric] = series[metric] || empty;
	if (document.service === null && series.answered)
		points.dropped = points.dropped.map((v, i) => (v === null ? null : Math.max(0, v - (series.answered[i] || 0))));
	if (document.service !== null)
		points.answered = empty;
	held = { key: keyOf({ scope: document.service, unit: document.metric, range: view.range }), points, at: performance.now() };
}

// Remember that nothing came, so that it is not asked for each second.
export function missHistory() {
	if (view !== null)
		held = { key: keyOf(view), points: null, at: performance.now() };
}

export function lookAt(v) {
	view = { ...v };
}

// History up to where it ends, then what the page saw itself.
export function joined(v, from, own) {
	if (held === null || held.key !== keyOf(v) || held.points === null)
		return own;
	const past = held.points, out = { times: [] };
	let last = past.times.length - 1;

	while (last >= 0 && past.received[last] === null)
		last--;
	const end = last >= 0 ? past.times[last] : 0;
	const first = past.times.findIndex((t) => t >= from);
	const newer = own === null ? 0 : own.times.findIndex((t) => t > end);
	const pick = (list, mine) => [...(first < 0 ? [] : list.slice(first, last + 1)), ...(own === null || newer < 0 ? [] : mine.slice(newer))];

	out.times = pick(past.times, own === null ? [] : own.times);
	for (const metric of METRICS)
		out[metric] = pick(past[metric], own === null ? [] : own[metric]);
	return out;
}
