// SPDX-License-Identifier: BSD-3-Clause
// captures - packets taken as they come, for Wireshark; started, fetched and forgotten here.

import { $, el, emptyLine, keyed, mark, put, row } from "./dom.js";
import { count, duration } from "./units.js";
import { ask, fetchFile } from "./api.js";
import { confirmAction, field, select, toast } from "./actions.js";
import { allow } from "./session.js";

const VERDICTS = [["any", "every packet"], ["dropped", "dropped"], ["answered", "answered by a challenge"], ["would", "spared by the mode"], ["passed", "passed"]];
const TIMES = [["10", "10 seconds"], ["60", "1 minute"], ["600", "10 minutes"]];
let again = () => {};

function start() {
	const verdict = select("act-verdict", VERDICTS, "any");
	const service = el("input", { id: "act-service", autocomplete: "off", spellcheck: "false", placeholder: "any" });
	const words = el("input", { id: "act-expression", autocomplete: "off", spellcheck: "false", placeholder: "udp and src port 53" });
	const most = el("input", { id: "act-packets", type: "number", min: "1", max: "1000000", value: "1000", required: true });
	const time = select("act-seconds", TIMES, "60");

	confirmAction({
		title: "Capture packets",
		fields: [field("Which", verdict), field("Service", service), field("Expression of tcpdump", words), field("Packets, at most", most), field("For, at most", time)],
		effect: () => `Up to ${most.value || "…"} packets are kept in the memory of the gate with their verdict and reason; they hold addresses and perhaps more. No packet is delayed or changed.`,
		verb: "Capture",
		call: () => {
			const body = { verdict: verdict.value, packets: Number(most.value), seconds: Number(time.value) };

			if (service.value.trim() !== "")
				body.service = service.value.trim();
			if (words.value.trim() !== "")
				body.expression = words.value.trim();
			return ask("POST", "captures", body);
		},
		done: () => "The capture runs; it is listed below the events",
		after: [again],
	});
}

async function save(id) {
	try {
		const url = URL.createObjectURL(await fetchFile(`captures/${id}/file`));
		const link = el("a", { href: url, download: `capture-${id}.pcapng` });

		link.click();
		setTimeout(() => URL.revokeObjectURL(url), 60000);
	} catch (why) {
		toast(`Not to be had: ${why.message}`, "bad");
	}
}

function forget(id) {
	confirmAction({
		title: `Forget the capture ${id}`,
		effect: () => "It ends if it runs, and what it has is gone.",
		verb: "Forget",
		call: () => ask("DELETE", `captures/${id}`, {}),
		done: () => `The capture ${id} is gone`,
		after: [again],
	});
}

function make(c) {
	const tr = row($("captures"), {});
	const buttons = [el("button", { type: "button", class: "small", "data-needs-token": "", "aria-label": `Save capture ${c.id}`, on: { click: () => save(c.id) } }, "Save"),
		el("button", { type: "button", class: "small", "data-needs-token": "", "aria-label": `Forget capture ${c.id}`, on: { click: () => forget(c.id) } }, "Forget …")];

	put(tr.cells[0], c.id);
	put(tr.cells[2], [c.verdict, c.reason, c.service, c.expression].filter((w) => w).join(" · ") || "every packet");
	tr.cells[5].append(...buttons);
	buttons.forEach(allow);
	return tr;
}

export function takeCaptures(document) {
	keyed($("captures").tBodies[0], document.captures, (c) => c.id, make, (tr, c) => {
		put(tr.cells[1], c.state === "running" ? "● runs" : "□ ended");
		put(tr.cells[3], count(c.packets));
		put(tr.cells[4], `${count(c.limits.packets)} or ${duration(c.limits.seconds)}`);
	});
	mark($("captures"), "hidden", document.captures.length === 0);
	emptyLine($("captures"), "");
}

export function startCaptures(askAgain) {
	again = askAgain;
	$("capture").addEventListener("click", start);
}
