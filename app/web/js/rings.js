// SPDX-License-Identifier: BSD-3-Clause
// rings - what this page has seen itself, second by second, in memory of a fixed size.

const SECONDS = 3600;
const SERVICE_SECONDS = 300;
const SERVICES = 128;

export const METRICS = ["received", "forwarded", "dropped", "answered", "would"];

class Ring {
	constructor(room) {
		this.room = room;
		this.n = 0; // written ever
		this.times = new Float64Array(room);
		this.values = {};
		for (const unit of ["packets", "bits"])
			for (const metric of METRICS)
				this.values[`${metric}.${unit}`] = new Float64Array(room);
	}

	push(time, rates) {
		const at = this.n % this.room;

		this.times[at] = time;
		for (const metric of METRICS) {
			const rate = rates[metric];

			this.values[`${metric}.packets`][at] = rate ? rate.packets_per_second : NaN;
			this.values[`${metric}.bits`][at] = rate && rate.bits_per_second !== undefined ? rate.bits_per_second : NaN;
		}
		this.n++;
	}

	// Points since `from`, oldest first: { times, <metric>: [] }, means of `step` seconds, gaps as null.
	read(from, step, unit) {
		const out = { times: [] };
		const first = Math.max(0, this.n - this.room);

		for (const metric of METRICS)
			out[metric] = [];
		let slot = -1, held = 0, last = 0;
		for (let i = first; i < this.n; i++) {
			const at = i % this.room, time = this.times[at];

			if (time < from)
				continue;
			if (last > 0 && time - last > Math.max(4, 2 * step)) {
				out.times.push(last + step);
				for (const metric of METRICS)
					out[metric].push(null);
				slot = -1;
			}
			last = time;
			const here = Math.floor(time / step);
			if (here !== slot) {
				slot = here;
				held = 0;
				out.times.push(time);
				for (const metric of METRICS)
					out[metric].push(0);
			}
			held++;
			for (const metric of METRICS) {
				const value = this.values[`${metric}.${unit}`][at], list = out[metric], end = list.length - 1;

				list[end] = Number.isNaN(value) || list[end] === null ? null : list[end] + (value - list[end]) / held;
			}
		}
		return out;
	}

	// The last `n` values of one metric, oldest first.
	tail(metric, n) {
		const list = this.values[`${metric}.packets`], out = [];

		for (let i = Math.max(0, this.n - Math.min(n, this.room)); i < this.n; i++)
			out.push(list[i % this.room]);
		return out;
	}
}

const box = new Ring(SECONDS);
const services = new Map();

const wouldOf = (holder) => (holder.would_packets_per_second === undefined ? null : { packets_per_second: holder.would_packets_per_second });

// What came from outside, and what became of it; gates that do not tell it apart tell of both sides.
export const inboundOf = (live) => live.inbound || live.total;

// Keep what one live document says; the same moment twice is kept once.
let lastTime = 0;

export function remember(live) {
	const time = Date.parse(live.time) / 1000;

	if (!(time > lastTime))
		return;
	lastTime = time;
	const flow = inboundOf(live);

	box.push(time, { ...flow, answered: flow.replied, would: wouldOf(live.total) });
	for (const s of live.services || []) {
		let ring = services.get(s.name);

		if (ring === undefined) {
			if (services.size >= SERVICES)
				services.delete(services.keys().next().value);
			ring = new Ring(SERVICE_SECONDS);
		} else {
			services.delete(s.name); // the one last seen stands last
		}
		services.set(s.name, ring);
		ring.push(time, { ...s.rates, answered: null, would: wouldOf(s.rates) });
	}
}

// The ring of a service, or of the whole box when the name is null.
export const ringOf = (name) => (name === null ? box : services.get(name) || null);
