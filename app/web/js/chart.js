// SPDX-License-Identifier: BSD-3-Clause
// chart - received, forwarded, answered and dropped over time. uPlot draws where it was built in.

import { $, choice, el, mark, put } from "./dom.js";
import { METRICS, ringOf } from "./rings.js";
import { UNKNOWN, bits, clock, packets, two } from "./units.js";

const LEAST_HEIGHT = 230;
const STACK = ["forwarded", "answered", "dropped"]; // from the bottom
const NAMES = { received: "Received", forwarded: "Forwarded", answered: "Answered", dropped: "Dropped", would: "Would drop" };

const view = { unit: "packets", scale: "linear", range: 300, scope: null, limits: [] };
let plot = null, shown = null, history = null, wanted = () => {};

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const isLog = () => view.scale === "log";
const inUnit = (value) => (view.unit === "bits" ? bits(value) : packets(value));

// What is only spared is hatched: it is inside what was forwarded.
function hatched() {
	const canvas = el("canvas", { width: 8, height: 8 });
	const c = canvas.getContext("2d");

	c.strokeStyle = colour("would");
	c.lineWidth = 2;
	c.beginPath();
	c.moveTo(-2, 10);
	c.lineTo(10, -2);
	c.stroke();
	return c.createPattern(canvas, "repeat");
}

function line(name, more) {
	return { label: NAMES[name], stroke: colour(name), width: 1.5, points: { show: false }, spanGaps: false, ...more };
}

// The stack is painted from its top downwards, each part over the one above.
function seriesOfPlot() {
	if (isLog())
		return [{}, ...METRICS.map((name) => line(name, name === "would" ? { dash: [4, 4] } : {}))];
	return [{}, ...[...STACK].reverse().map((name) => line(name, { fill: colour(`${name}-fill`) })),
		line("would", { fill: hatched, dash: [4, 4] }), line("received", { width: 1.2 })];
}

const atLeastOne = (list) => list.map((v) => (v === null ? null : Math.max(1, v)));

function dataOfPlot(points) {
	if (isLog())
		return [points.times, ...METRICS.map((name) => atLeastOne(points[name]))];
	const sums = [];

	for (const name of STACK) {
		const below = sums.at(-1);
		sums.push(points[name].map((v, i) => (below === undefined ? v : (v || 0) + (below[i] === null ? 0 : below[i]))));
	}
	return [points.times, ...sums.reverse(), points.would, points.received];
}

// Lines of the thresholds of the service that is drawn.
function drawLimits(u) {
	const c = u.ctx;

	c.save();
	c.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
	for (const limit of view.limits) {
		const value = limit[view.unit];
		const y = value === undefined ? NaN : u.valToPos(value, "y", true);

		if (!(y > u.bbox.top && y < u.bbox.top + u.bbox.height))
			continue;
		c.strokeStyle = c.fillStyle = colour("limit");
		c.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
		c.beginPath();
		c.moveTo(u.bbox.left, y);
		c.lineTo(u.bbox.left + u.bbox.width, y);
		c.stroke();
		c.fillText(limit.name, u.bbox.left + 6 * devicePixelRatio, y - 4 * devicePixelRatio);
	}
	c.restore();
}

// The highest of what is drawn, and a little air; never so flat that noise looks like a flood.
function rangeOfY(u, low, high) {
	const top = Math.max(high || 0, view.unit === "bits" ? 10000 : 10);

	return isLog() ? [1, top * 2] : [0, top * 1.08];
}

function timesOfAxis(u, splits) {
	return splits.map((s) => {
		const d = new Date(s * 1000);
		return `${two(d.getHours())}:${two(d.getMinutes())}${view.range <= 300 ? `:${two(d.getSeconds())}` : ""}`;
	});
}

// What the panel leaves for the chart, without its padding.
const size = () => ({ width: Math.max(200, $("chart").clientWidth - 16), height: Math.max(LEAST_HEIGHT, $("chart").clientHeight - 8) });

function makePlot(data) {
	const axis = { stroke: colour("muted"), grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
	const now = () => Date.now() / 1000;

	return new globalThis.uPlot({
		...size(), legend: { show: false }, drawOrder: ["series", "axes"],
		cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
		scales: { x: { time: true, range: () => [now() - view.range, now()] }, y: { distr: isLog() ? 3 : 1, range: rangeOfY } },
		axes: [{ ...axis, values: timesOfAxis, space: 70 }, { ...axis, size: 78, values: (u, splits) => splits.map((v) => (v === null ? "" : inUnit(v))), space: 36 }],
		series: seriesOfPlot(), hooks: { draw: [drawLimits], setCursor: [showLegend] },
	}, data, $("chart"));
}

// Values under the pointer, else the last ones.
function showLegend() {
	const at = plot !== null && plot.cursor.idx !== null && plot.cursor.idx !== undefined && plot.cursor.left >= 0 ? plot.cursor.idx : null;
	const n = shown === null ? 0 : shown.times.length;
	const i = at === null ? n - 1 : Math.min(at, n - 1);

	for (const name of METRICS) {
		const item = $("legend").querySelector(`[data-key="${name}"] b`);
		const value = i >= 0 ? shown[name][i] : null;

		put(item, value === null || value === undefined ? UNKNOWN : inUnit(value));
	}
	put($("legend").querySelector("time"), i < 0 ? "" : at === null ? "now" : clock(shown.times[i] * 1000));
}

function points() {
	const from = Date.now() / 1000 - view.range;
	const ring = ringOf(view.scope);
	const own = ring === null ? null : ring.read(from, view.range > 300 ? Math.ceil(view.range / 360) : 1, view.unit);

	return history === null ? own : history(view, from, own);
}

// Draw again; called once a second and after each change of the view.
export function drawChart(isNew = false) {
	shown = points();
	if (shown === null)
		return;
	if (!globalThis.uPlot) {
		if ($("chart").childNodes.length === 0)
			$("chart").append(el("p", { class: "absent" }, "Charts are missing: this daemon was built without uPlot. All figures are in the tables."));
		showLegend();
		return;
	}
	const data = dataOfPlot(shown);
	if (plot === null || isNew) {
		if (plot !== null)
			plot.destroy();
		plot = makePlot(data);
	} else {
		plot.setData(data);
	}
	showLegend();
}

// A service with the thresholds of its vectors, or null for the whole box.
export function setScope(name, limits = []) {
	view.scope = name;
	view.limits = limits;
	wanted(view);
	$("scope").replaceChildren(name === null ? "whole box" : el("button", { type: "button", title: "Back to the whole box", on: { click: () => setScope(null) } }, `${name} ✕`));
	drawChart(true);
}

export const scopeOfChart = () => view.scope;

// `give(view, from, own)` gives points of longer ranges, `ask(view)` is told when some are wanted.
export function useHistory(give, ask) {
	history = give;
	wanted = ask;
	wanted(view);
}

export function startChart() {
	const panel = $("p-traffic");

	$("legend").append(el("time", {}, ""));
	for (const name of METRICS)
		$("legend").append(el("span", { "data-key": name }, el("i", {}), NAMES[name], " ", el("b", {}, UNKNOWN)));
	choice(panel, "unit", (v) => { view.unit = v; wanted(view); drawChart(true); });
	choice(panel, "scale", (v) => { view.scale = v; drawChart(true); });
	choice(panel, "range", (v) => { view.range = Number(v); wanted(view); drawChart(true); });
	setScope(null);
	new ResizeObserver(() => {
		const { width, height } = size();

		if (plot !== null && (plot.width !== width || plot.height !== height))
			plot.setSize({ width, height });
	}).observe($("chart"));
	mark($("chart"), "data-charts", globalThis.uPlot ? "yes" : "no");
}
