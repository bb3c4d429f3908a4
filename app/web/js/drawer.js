// SPDX-License-Identifier: BSD-3-Clause
// drawer - one thing and all that is known of it: a service, an attack, an address.

import { $, el, keyed, mark, put } from "./dom.js";
import { ask } from "./api.js";

let shown = null; // { path, every, draw } of what is open
let timer = 0;

async function refresh() {
	const one = shown;

	try {
		const document = await ask("GET", one.path);
		if (shown === one)
			one.draw(document);
		put(one.error, "");
	} catch (why) {
		if (shown === one)
			put(one.error, `Not to be had now: ${why.message}`);
	}
	if (shown === one && one.every > 0)
		timer = setTimeout(refresh, one.every);
}

/*
 * Open with a title, buttons and a body that draw(document) fills; `path` is asked
 * at once and every so many ms while it is open.
 */
export function openDrawer({ title, note, buttons, path, every, body, draw }) {
	const dialog = $("drawer");
	const error = el("p", { class: "error", role: "alert" });
	const close = el("button", { type: "button", "aria-label": "Close", on: { click: () => dialog.close() } }, "✕");

	clearTimeout(timer);
	shown = { path, every: every || 0, draw, error };
	dialog.replaceChildren(
		el("header", {}, el("div", {}, el("h2", { id: "drawer-title" }, title), note ? el("p", { class: "note" }, note) : null), close),
		el("div", { class: "buttons" }, ...(buttons || [])), error, body);
	dialog.onclose = () => {
		clearTimeout(timer);
		shown = null;
	};
	if (!dialog.open)
		dialog.showModal();
	refresh();
}

// A list of facts that is kept the same: [["Peak", "1.2 Mpps", "more words"], ...]
export function facts() {
	const dl = el("dl", { class: "facts" });

	dl.show = (list) => keyed(dl, list, (f) => f[0], (f) => el("div", {}, el("dt", {}, f[0]), el("dd", {})), (e, f) => {
		put(e.lastChild, f[1]);
		mark(e, "title", f[2] || null);
	});
	return dl;
}

export const closeDrawer = () => $("drawer").close();
