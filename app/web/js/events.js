// SPDX-License-Identifier: BSD-3-Clause
// events - the tail of what the gate wrote down, newest first.

import { $, emptyLine, keyed, mark, put, row } from "./dom.js";
import { bits, clock, count, packets, vectorName } from "./units.js";

const KEPT = 500;
const SHOWN = 200;
let list = [], since = 0, isThere = true, tellBlock = () => {};

// The live document says which is the newest; "" asks for nothing while we have it.
export function eventsPath(newest) {
	if (newest !== undefined && newest === since && since > 0)
		return "";
	return since > 0 ? `events?since=${since}&limit=200` : "events?limit=200";
}

// The peak, or what it began with while there is none.
function measured(a) {
	if (a.peak_packets_per_second > 0)
		return `, peak ${packets(a.peak_packets_per_second)}`;
	const t = a.trigger;
	const show = t && t.metric === "bits_per_second" ? bits : packets;

	return t ? `, ${show(t.value)} over ${show(t.threshold)}` : "";
}

const known = {
	attack: (e) => `${vectorName(e.attack.vector)} on ${e.attack.service || e.service}: ${e.attack.status}${measured(e.attack)}`,
	mode: (e) => `${e.service || "all services"}: ${e.mode.mode} (${e.mode.cause})`,
	bypass: (e) => `bypass ${e.bypass.enabled ? "on" : "off"} (${e.bypass.cause})`,
	trouble: (e) => `${e.trouble.message}${e.trouble.status === "end" ? ": over" : ""}`,
	daemon: (e) => `the daemon: ${e.daemon.status}${e.daemon.version ? `, version ${e.daemon.version}` : ""}`,
	config: (e) => `configuration: ${e.config.status || e.config.result || ""}${e.config.errors && e.config.errors.length > 0 ? `, ${e.config.errors[0].message}` : ""}`,
	block: (e) => `${e.block.prefix || e.src_ip} ${e.block.action === "allow" ? "allowed" : "blocked"}${e.block.reason || e.reason ? `: ${e.block.reason || e.reason}` : ""}`,
	unblock: (e) => `${e.unblock.prefix || e.src_ip} is let in again${e.unblock.cause ? ` (${e.unblock.cause})` : ""}`,
	audit: (e) => `${e.audit.who || "somebody without a token"}: ${e.audit.what}, ${e.audit.status}`,
	port: (e) => `${e.port.name} (${e.port.link}, ${e.port.side}): ${e.port.status}`,
	worker: (e) => `worker ${e.worker.worker}: ${e.worker.status}`,
	list: (e) => `list ${e.list.name || e.list.list || ""}: ${e.list.status || ""}`,
	events: (e) => (e.events && e.events.dropped ? `${count(e.events.dropped)} events were lost` : ""),
};

// A sentence of what we know, else the fields of the event as they are.
function wordsOf(e) {
	let text = "";

	try {
		text = known[e.event_type] ? known[e.event_type](e) : "";
	} catch {
		text = "";
	}
	if (text !== "")
		return text;
	const inner = e[e.event_type];
	return JSON.stringify(inner === undefined ? e : inner).slice(0, 300);
}

export function drawEvents() {
	const words = $("find-event").value.toLowerCase().split(/\s+/).filter((w) => w !== "");
	const found = list.filter((e) => words.every((w) => e.find.includes(w)));

	keyed($("events").tBodies[0], found.slice(0, SHOWN), (e) => e.seq, (e) => {
		const tr = row($("events"), {});

		put(tr.cells[0], clock(e.time));
		put(tr.cells[1], e.type);
		put(tr.cells[2], e.words);
		mark(tr, "data-type", e.type);
		return tr;
	}, () => {});
	emptyLine($("events"), !isThere ? "This gate gives no events to read; they are in its file or journal."
		: list.length === 0 ? "Nothing has happened since it started." : "No event fits the filter.");
	put($("n-events"), list.length === 0 ? "" : found.length === list.length ? `the last ${list.length}` : `${found.length} of ${list.length}`);
}

export function takeEvents(document) {
	// A daemon that began anew counts anew.
	if (document.last_seq < since) {
		since = 0;
		list = [];
		return;
	}
	isThere = true;
	for (const e of document.events) {
		const words = wordsOf(e);

		if (e.event_type === "block" || e.event_type === "unblock")
			tellBlock(e);
		list.unshift({ seq: e.seq, time: e.timestamp.replace(/(\+0000)$/, "Z"), type: e.event_type, words, find: `${e.event_type} ${words}`.toLowerCase() });
		since = Math.max(since, e.seq);
	}
	list.length = Math.min(list.length, KEPT);
	drawEvents();
}

export function missEvents(error) {
	isThere = !(error && error.status === 404);
	drawEvents();
}

// Told of each block and unblock, oldest first.
export function startEvents(block) {
	tellBlock = block;
	$("find-event").addEventListener("input", drawEvents);
}
