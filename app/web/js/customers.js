// SPDX-License-Identifier: BSD-3-Clause
// customers - those who proved to be real, and how they fare. Whoever floods is not in here.

import { $, el, keyed, mark, put } from "./dom.js";
import { UNKNOWN, count, percent, withUnit } from "./units.js";

const perSecond = (n) => withUnit(n, "/s");

function rows(c) {
	const challenged = c.challenges_sent_per_second > 0;

	return [
		["Connections that proved themselves", count(c.verified_flows), "TCP flows whose client acknowledged what the server sent: nobody can forge that."],
		["Handshakes completed", perSecond(c.flows_proven_per_second), "Connections that proved themselves, each second; after a start of the gate also older ones."],
		["Verified addresses", count(c.verified_sources), "Sources with such a connection now or lately; some of them may be limited or blocked."],
		["Flows that look good", count(c.likely_flows), "Datagrams both ways for a while and the like: a forger could do that too, with effort."],
		["Connections reset", perSecond(c.resets_per_second), "Proven connections that one side ended with a reset, each second."],
		["Challenges sent", perSecond(c.challenges_sent_per_second), "SYN cookies and the like. Forgers never see them."],
		["… and passed", challenged ? `${perSecond(c.challenges_passed_per_second)} · ${percent(c.challenge_pass_ratio, 1)}` : UNKNOWN, "In a flood of forged packets nearly nobody passes, and that is well."],
		["Packets of customers dropped", perSecond(c.verified_dropped_packets_per_second), "Of connections that proved themselves. Anything but 0 deserves a look.", c.verified_dropped_packets_per_second > 0],
		["Customers hit, last minute", c.hit_estimate === undefined ? UNKNOWN : c.hit_estimate === 0 ? "0" : `≈ ${count(c.hit_estimate)}`, "Addresses whose proven connections lost a packet here, estimated.", c.hit_estimate > 0],
	];
}

export function takeCustomers(c) {
	if (!c)
		return;
	keyed($("customers"), rows(c), (r) => r[0], (r) => el("div", { title: r[2] }, el("dt", {}, r[0]), el("dd", {})), (e, r) => {
		put(e.lastChild, r[1]);
		mark(e, "data-bad", r[3] ? "yes" : null);
	});
}
