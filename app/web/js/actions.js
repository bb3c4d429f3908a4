// SPDX-License-Identifier: BSD-3-Clause
// actions - everything that changes something: a dialog that names the effect, then the call.

import { $, el, put } from "./dom.js";
import { Refused, ask } from "./api.js";
import { forgetToken, mayAct } from "./session.js";

export function toast(words, kind) {
	const line = el("p", { "data-kind": kind || null }, words);

	$("toasts").append(line);
	setTimeout(() => line.remove(), 8000);
}

export const DURATIONS = [["10m", "10 minutes"], ["1h", "1 hour"], ["8h", "8 hours"], ["24h", "24 hours"], ["", "until taken back"]];

export function select(id, options, chosen) {
	const e = el("select", { id });

	for (const [value, words] of options)
		e.append(el("option", { value, selected: value === chosen }, words));
	return e;
}

export const field = (words, input) => [el("label", { for: input.id }, words), input];

/*
 * What { title, effect(), fields, verb, danger, call(), done } needs: the effect is a
 * sentence made anew whenever a field changes; call() gives a promise.
 */
export function confirmAction(what) {
	const dialog = $("act");
	const effect = el("p", { class: "effect", id: "act-effect" });
	const error = el("p", { class: "error", role: "alert" });
	const go = el("button", { type: "submit", class: what.danger ? "main danger" : "main" }, what.verb);
	const cancel = el("button", { type: "button", on: { click: () => dialog.close() } }, "Cancel");
	const form = el("form", { method: "dialog", "aria-describedby": "act-effect" },
		el("h2", { id: "act-title" }, what.title), ...(what.fields || []).flat(), effect, error,
		el("footer", {}, cancel, go));
	const tell = () => put(effect, what.effect());

	if (!mayAct())
		return;
	form.addEventListener("input", tell);
	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		put(error, "");
		go.disabled = true;
		try {
			await what.call();
			dialog.close();
			toast(what.done());
			for (const act of what.after || [])
				act();
		} catch (why) {
			put(error, why instanceof Refused ? `Refused: ${why.message}` : "The gate does not answer; whether it was done is not known.");
			if (why instanceof Refused && why.status === 401)
				forgetToken();
		} finally {
			go.disabled = false;
		}
	});
	dialog.replaceChildren(form);
	tell();
	dialog.showModal();
	(form.querySelector("input, select") || cancel).focus();
}

const until = (text) => (text === "" ? "until somebody takes it back" : `for ${(DURATIONS.find((d) => d[0] === text) || [text, text])[1]}`);
const withFor = (body, text) => (text === "" ? body : { ...body, for: text });

const MODES = {
	learn: "Nothing is judged: traffic is only measured.",
	monitor: "Attacks are told and counted, and every packet passes.",
	mitigate: "Attacks are stopped: packets will be dropped and senders challenged.",
	configured: "The mode of the configuration file comes back.",
};

// name: a service, or null for all of them.
export function changeMode(name, present, after) {
	const whom = name === null ? "all services" : `the service ${name}`;
	const mode = select("act-mode", Object.keys(MODES).map((m) => [m, m]), present === "mitigate" ? "monitor" : "mitigate");
	const time = select("act-for", DURATIONS, "");

	confirmAction({
		title: name === null ? "Mode of all services" : `Mode of ${name}`,
		fields: [field("Mode", mode), field("For", time)],
		effect: () => `${MODES[mode.value]} This holds for ${whom}${mode.value === "configured" ? "" : `, ${until(time.value)}`}.`,
		verb: "Change the mode",
		danger: true,
		call: () => ask("PUT", name === null ? "mode" : `services/${encodeURIComponent(name)}/mode`,
			mode.value === "configured" ? { mode: mode.value } : withFor({ mode: mode.value }, time.value)),
		done: () => `${whom}: ${mode.value}`,
		after,
	});
}

export function changeBypass(isOn, after) {
	const time = select("act-for", DURATIONS, "10m");

	confirmAction({
		title: isOn ? "End the bypass" : "Bypass the gate",
		fields: isOn ? [] : [field("For", time)],
		effect: () => (isOn ? "Every packet is judged again, and attacks are stopped where the mode says so."
			: `Every packet is forwarded and none is judged, ${until(time.value)}. No attack is stopped meanwhile.`),
		verb: isOn ? "Judge again" : "Bypass",
		danger: !isOn,
		call: () => ask("PUT", "bypass", isOn ? { enabled: false } : withFor({ enabled: true }, time.value)),
		done: () => (isOn ? "The bypass is over" : "Bypass is on"),
		after,
	});
}

export function addBlock(action, address, after) {
	const prefix = el("input", { id: "act-prefix", required: true, autocomplete: "off", spellcheck: "false", value: address || null, placeholder: "198.51.100.7 or 2001:db8::/48" });
	const time = select("act-for", DURATIONS, "1h");
	const reason = el("input", { id: "act-reason", maxlength: "80", autocomplete: "off", placeholder: "for those who find it later" });
	const isAllow = action === "allow";

	confirmAction({
		title: isAllow ? "Allow an address" : "Block an address",
		fields: [field("Address or prefix", prefix), field("For", time), field("Why", reason)],
		effect: () => `${isAllow ? "Packets" : "No packet"} from ${prefix.value || "it"} will ${isAllow ? "pass without being judged" : "pass, also not of customers who share it"}, ${until(time.value)}.`,
		verb: isAllow ? "Allow" : "Block",
		danger: !isAllow,
		call: () => {
			const body = withFor({ prefix: prefix.value.trim(), action: isAllow ? "allow" : "deny" }, time.value);

			if (reason.value.trim() !== "")
				body.reason = reason.value.trim();
			return ask("POST", "blocks", body);
		},
		done: () => `${isAllow ? "Allowed" : "Blocked"}: ${prefix.value.trim()}`,
		after,
	});
}

export function removeBlock(block, after) {
	const isAllow = block.action === "allow";

	confirmAction({
		title: isAllow ? "Take the allowance back" : "Unblock",
		effect: () => (isAllow ? `Packets from ${block.prefix} are judged like all others again.`
			: `Packets from ${block.prefix} are let in again, and judged like all others.`),
		verb: isAllow ? "Take back" : "Unblock",
		call: () => ask("DELETE", "blocks", { prefix: block.prefix, action: block.action }),
		done: () => `${isAllow ? "No longer allowed" : "Unblocked"}: ${block.prefix}`,
		after,
	});
}
