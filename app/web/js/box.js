// SPDX-License-Identifier: BSD-3-Clause
// box - wires and cores: is something down, lost, late or full?

import { $, bar, el, emptyLine, keyed, mark, put, putSentence, row } from "./dom.js";
import { bits, count, duration, packets, percent } from "./units.js";

export function takePorts(list) {
	keyed($("ports").tBodies[0], list, (p) => `${p.link}/${p.side}`, () => row($("ports"), {}), (tr, p) => {
		const [name, link, received, sent, lost] = tr.cells;
		const missed = p.missed_packets + p.buffer_failures + p.errors;

		put(name, `${p.name} · ${p.side}`);
		name.title = `${p.driver}, link ${p.link}`;
		put(link, p.up ? `● up${p.speed_bits_per_second > 0 ? `, ${bits(p.speed_bits_per_second)}` : ""}` : "✕ down");
		mark(tr, "data-state", p.up ? null : "fault");
		put(received, packets(p.rates.received.packets_per_second));
		received.title = bits(p.rates.received.bits_per_second);
		put(sent, packets(p.rates.sent.packets_per_second));
		sent.title = bits(p.rates.sent.bits_per_second);
		put(lost, count(missed));
		lost.title = `ring full ${p.missed_packets}, no buffer ${p.buffer_failures}, errors ${p.errors}, since the start`;
		mark(lost, "data-some", missed > 0 ? "yes" : null);
	});
	emptyLine($("ports"), "No ports.");
}

export function takeWorkers(list) {
	keyed($("workers").tBodies[0], list, (w) => w.worker, () => {
		const tr = row($("workers"), {});

		tr.bar = bar("busy");
		tr.cells[5].append(tr.bar);
		return tr;
	}, (tr, w) => {
		const [name, state, rate, cycles, fill] = tr.cells;
		const isDead = w.heartbeat_age_seconds > 2;

		put(name, `${w.worker}${w.lcore >= 0 ? ` · core ${w.lcore}` : ""}`);
		put(state, isDead ? `✕ still for ${duration(w.heartbeat_age_seconds)}` : "● moves");
		mark(tr, "data-state", isDead ? "fault" : null);
		put(rate, packets(w.packets_per_second));
		put(cycles, count(w.cycles_per_packet));
		put(fill, w.packets_per_burst.toFixed(1));
		tr.bar.show(w.busy_ratio, percent(w.busy_ratio), w.busy_ratio > 0.95 ? "over" : w.busy_ratio > 0.8 ? "near" : null);
	});
	emptyLine($("workers"), "No workers.");
}

const LEVELS = { fault: "✕", warning: "▲", note: "○" };

// What the gate finds wrong along the way of a packet, and what helps.
export function takeHealth(document) {
	const list = document.findings.filter((f) => f.level !== "note");

	keyed($("warnings"), list, (f) => `${f.name} ${f.subject}`, () => el("li", {}, el("b", {}), el("span", {})), (e, f) => {
		mark(e, "data-level", f.level);
		put(e.firstChild, `${LEVELS[f.level] || ""} ${f.sentence}`);
		putSentence(e.lastChild, f.remedy ? ` ${f.remedy}` : "");
	});
}

export function takeStatus(status) {
	put($("n-box"), `up ${duration(status.uptime_seconds)} · books ${status.total.books.balanced ? "balance" : status.total.books.plausible ? "balance but for packets in flight" : "DO NOT BALANCE"}`);
	put($("version"), `Tidegate ${status.version} on DPDK ${status.dpdk_version} · ${status.config.file || "no file"} · generation ${status.config.generation ?? "–"}`);
}
