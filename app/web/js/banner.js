// SPDX-License-Identifier: BSD-3-Clause
// banner - the worst that is going on, in words; below it the box in six figures.

import { $, mark, put, putSentence } from "./dom.js";
import { bits, clock, count, duration, packets, percent, vectorName } from "./units.js";
import { inboundOf } from "./rings.js";

const STALE_MS = 3500;

// What the page knows; each part is null until it came.
export const known = { live: null, at: 0, health: null, ports: null, workers: null };

export function isStale() {
	return known.live === null || performance.now() - known.at > STALE_MS;
}

const peakOf = (a) => a.peak_packets_per_second;
const isSpared = (a) => a.mode !== "mitigate";

function attackWords(live) {
	const attacks = live.attacks || [];
	const worst = attacks.reduce((a, b) => (peakOf(b) > peakOf(a) ? b : a));
	const seconds = worst.duration_seconds;
	const stopped = inboundOf(live).dropped.packets_per_second + inboundOf(live).replied.packets_per_second;
	const would = live.total.would_packets_per_second;
	const hurt = attacks.reduce((sum, a) => sum + a.verified_dropped_packets, 0);
	const all = attacks.length === 1 ? `${vectorName(worst.vector)} on ${worst.service}`
		: `${attacks.length} attacks, the strongest a ${vectorName(worst.vector)} on ${worst.service}`;
	const effect = [attacks.every(isSpared) ? "" : `${packets(stopped)} dropped or answered`,
		attacks.some(isSpared) ? `${packets(would)} would be dropped, but the mode spares them` : ""].filter((w) => w).join(" · ");
	const customers = hurt === 0 ? "no packet of a proven customer dropped"
		: `${count(hurt)} packets of proven customers dropped`;

	return {
		state: attacks.some((a) => isSpared(a) || a.mitigated === null) ? "open" : "attack",
		headline: `${all}, ${duration(seconds)}`,
		subline: `${effect} · peak ${packets(peakOf(worst))} · ${customers}`,
	};
}

// The first thing that is wrong with wires and cores, or null.
function boxWords(live) {
	const down = (known.ports || []).find((p) => !p.up);
	const dead = (known.workers || []).find((w) => w.heartbeat_age_seconds > 2);

	if (dead)
		return { state: "fault", headline: `Worker ${dead.worker} stands still`, subline: `It has not moved for ${duration(dead.heartbeat_age_seconds)}; its packets wait or are lost.` };
	if (down)
		return { state: "fault", headline: `Link ${down.link}: ${down.name} is down`, subline: "Nothing can pass there; the other end is taken down too unless configured otherwise." };
	if (live.box.missed_packets_per_second > 0)
		return { state: "fault", headline: `${packets(live.box.missed_packets_per_second)} are lost by the card`, subline: "Workers do not empty the ring fast enough: customers may notice." };
	return faultWords((f) => ["link", "rx", "tx"].includes(f.step));
}

// The first fault that the gate finds in itself and that fits, or null.
function faultWords(fits) {
	const fault = known.health === null ? undefined : known.health.findings.find((f) => f.level === "fault" && fits(f));

	return fault === undefined ? null : { state: "fault", headline: fault.sentence, subline: fault.remedy || "" };
}

function calmWords(live) {
	const alarms = (live.services || []).filter((s) => s.state === "alarm");
	const findings = known.health === null ? [] : known.health.findings.filter((f) => f.level === "warning");

	if (alarms.length > 0)
		return { state: "alarm", headline: alarms.length === 1 ? `${alarms[0].name} is above its alarm rate` : `${alarms.length} services are above their alarm rates`, subline: "It is told, and nothing is done yet." };
	const rest = `${packets(inboundOf(live).forwarded.packets_per_second)} forwarded`;
	if (findings.length > 0)
		return { state: "calm", headline: "Calm", subline: `No attack. ${rest} · ${findings.length === 1 ? findings[0].sentence : `${findings.length} warnings of the box below`}` };
	return { state: "calm", headline: "Calm", subline: `No attack. ${rest}, ${packets(inboundOf(live).dropped.packets_per_second)} dropped.` };
}

// The worst first.
function words(live) {
	if (live.bypass)
		return { state: "bypass", headline: "Bypass: everything passes, nothing is judged", subline: live.attacks.length > 0 ? "Attacks that began before are still listed below." : "Attacks are neither seen nor stopped." };
	return boxWords(live) || (live.attacks.length > 0 ? attackWords(live) : faultWords(() => true) || calmWords(live));
}

function showFigures(live) {
	const total = live.total, flow = inboundOf(live);
	const rows = { received: flow.received, forwarded: flow.forwarded, dropped: flow.dropped, answered: flow.replied };

	for (const [name, rate] of Object.entries(rows)) {
		put($(`f-${name}`), packets(rate.packets_per_second));
		put($(`f-${name}-bits`), bits(rate.bits_per_second));
	}
	put($("f-would"), packets(total.would_packets_per_second));
	put($("f-busy"), percent(live.box.worker_busy_max_ratio));
	put($("f-missed"), `${packets(live.box.missed_packets_per_second)} lost by cards`);
	if (live.outbound)
		put($("f-outbound"), `out ${bits(live.outbound.forwarded.bits_per_second)}`);
	for (const name of ["dropped", "would", "answered"])
		mark(document.querySelector(`[data-key="${name}"]`), "data-some",
			(name === "would" ? total.would_packets_per_second : rows[name].packets_per_second) > 0 ? "yes" : null);
}

function say({ state, headline, subline }) {
	mark($("banner"), "data-state", state);
	put($("headline"), headline);
	putSentence($("subline"), subline);
}

export function showLive(live) {
	put($("node"), live.node || "");
	put($("mode"), live.mode);
	mark($("mode"), "data-mode", live.mode);
	put($("bypass"), live.bypass ? "bypass ON" : "bypass off");
	mark($("bypass"), "data-on", live.bypass ? "yes" : null);
	put($("hash"), `config ${(live.config_sha256 || "").slice(0, 12)}`);
	$("hash").title = `SHA-256 of the configuration in force: ${live.config_sha256 || "none"}`;
	showFigures(live);
	say(words(live));
	document.title = `${live.attacks.length > 0 ? `(${live.attacks.length}) ` : ""}Tidegate ${live.node || ""}`;
}

// Every second, whether anything came or not: old figures must never look like calm.
export function showFreshness() {
	const stale = isStale();

	document.body.classList.toggle("stale", stale && known.live !== null);
	document.body.classList.toggle("waiting", known.live === null);
	if (known.live === null) {
		if (performance.now() > STALE_MS)
			say({ state: "stale", headline: "The gate does not answer", subline: "There are no figures yet; asking on." });
		return;
	}
	put($("clock"), stale ? `no data since ${clock(known.live.time)}` : clock(known.live.time));
	if (stale) {
		say({
			state: "stale",
			headline: `No data since ${clock(known.live.time)}`,
			subline: `What stands below is ${duration((performance.now() - known.at) / 1000)} old and says nothing of now. Asking on.`,
		});
		document.title = "(no data) Tidegate";
	}
}
