// SPDX-License-Identifier: BSD-3-Clause
// talkers - who sends or receives most, which is an estimate and says so.

import { $, choice, el, emptyLine, keyed, put, row } from "./dom.js";
import { bits, packets } from "./units.js";
import { allow } from "./session.js";

let by = "sources";
let act = () => {};
let look = () => {};

export const talkersPath = () => `top?by=${by}&limit=12`;

function make(t) {
	const tr = row($("talkers"), {});
	const button = el("button", { type: "button", class: "small", "data-needs-token": "", "aria-label": `Block ${t.address}`, on: { click: () => act(t.address) } }, "Block …");

	tr.cells[0].append(el("button", { type: "button", class: "link mono", title: "What the box knows of it", on: { click: () => look(t.address) } }, t.address));
	tr.cells[3].append(button);
	allow(button);
	tr.block = button;
	return tr;
}

export function takeTalkers(document) {
	if (document.by !== by)
		return;
	keyed($("talkers").tBodies[0], document.top, (t) => `${by} ${t.address}`, make, (tr, t) => {
		put(tr.cells[1], `≈ ${packets(t.packets_per_second)}`);
		tr.cells[1].title = `at most ${packets(t.error_packets_per_second)} of it are somebody else's`;
		put(tr.cells[2], `≈ ${bits(t.bits_per_second)}`);
		tr.block.hidden = by !== "sources";
	});
	emptyLine($("talkers"), "Nobody sends enough to be seen in the samples.");
}

export function startTalkers(block, explain, again) {
	act = block;
	look = explain;
	choice($("p-talkers"), "by", (value) => {
		by = value;
		again();
	});
}
