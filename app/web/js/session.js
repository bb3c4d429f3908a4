// SPDX-License-Identifier: BSD-3-Clause
// session - who sits at the desk: nobody (read only), or the holder of a token.

import { $, el, mark, put } from "./dom.js";
import { Refused, ask, tokenInUse, useToken } from "./api.js";

const RANKS = { read: 1, operate: 2, admin: 3 };
let who = null; // { name, role } of the token in use
const followers = [];

export const mayAct = () => who !== null && RANKS[who.role] >= RANKS.operate;

// Called at once and after every change of who sits here.
export function whenSessionChanges(act) {
	followers.push(act);
	act(who);
}

function changed(next) {
	who = next;
	put($("token"), who === null ? "Read only" : `${who.name} · ${who.role}`);
	$("token").title = who === null ? "Enter a token to change anything" : "Forget the token";
	for (const button of document.querySelectorAll("[data-needs-token]"))
		allow(button);
	for (const act of followers)
		act(who);
}

// A button that changes something: it can be used only by who may.
export function allow(button) {
	button.disabled = !mayAct();
	mark(button, "data-locked", mayAct() ? null : "yes");
	if (!button.dataset.title)
		button.dataset.title = button.title || " ";
	button.title = mayAct() ? button.dataset.title.trim() : "Read only: enter a token first";
}

async function tryToken(text) {
	const answer = await ask("GET", "whoami", undefined, text);

	useToken(text);
	changed(answer);
}

// The answer to a write said that the token is not known any more.
export function forgetToken() {
	useToken("");
	changed(null);
}

function openDialog() {
	const dialog = $("act");
	const input = el("input", { type: "password", id: "token-text", autocomplete: "off", spellcheck: "false", required: true });
	const error = el("p", { class: "error", role: "alert" });
	const form = el("form", { method: "dialog" },
		el("h2", { id: "act-title" }, "Enter a token"),
		el("p", {}, "With it this page may change modes, blocks and bypass. It stays in this tab until you close it, and is sent to nobody but this gate."),
		el("label", { for: "token-text" }, "Token"), input, error,
		el("footer", {},
			el("button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
			el("button", { type: "submit", class: "main" }, "Use it")));

	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		put(error, "");
		try {
			await tryToken(input.value.trim());
			dialog.close();
		} catch (why) {
			put(error, why instanceof Refused ? `Refused: ${why.message}` : "The gate does not answer.");
			input.select();
		}
	});
	dialog.replaceChildren(form);
	dialog.showModal();
	input.focus();
}

export function startSession() {
	$("token").addEventListener("click", () => (who === null ? openDialog() : forgetToken()));
	changed(null);
	if (tokenInUse() !== "")
		tryToken(tokenInUse()).catch((why) => {
			if (why instanceof Refused && why.status < 500)
				forgetToken();
		});
}
