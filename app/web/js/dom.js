// SPDX-License-Identifier: BSD-3-Clause
// dom - elements are made once and changed only where something is new.
// Whatever comes from the wire or the configuration becomes text, never markup.

export const $ = (id) => document.getElementById(id);

// el("td", { class: "n", title: t }, "text", child, ...)
export function el(tag, attributes, ...children) {
	const e = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes || {})) {
		if (name === "on")
			for (const [event, act] of Object.entries(value))
				e.addEventListener(event, act);
		else if (value === true)
			e.setAttribute(name, "");
		else if (value !== false && value !== null && value !== undefined)
			e.setAttribute(name, value);
	}
	e.append(...children.filter((c) => c !== null && c !== undefined));
	return e;
}

// Change text only when it is another one: no needless layout, and selections stay.
export function put(e, text) {
	const next = String(text);

	if (e.firstChild !== null && e.childNodes.length === 1 && e.firstChild.nodeType === Node.TEXT_NODE) {
		if (e.firstChild.data !== next)
			e.firstChild.data = next;
	} else if (e.textContent !== next || e.childNodes.length > 0) {
		e.textContent = next;
	}
}

// Sentences of the gate: what stands between backticks is a name or a command.
export function putSentence(e, text) {
	if (e.sentence === text)
		return;
	e.sentence = text;
	e.replaceChildren(...String(text).split("`").map((part, i) => (i % 2 === 1 ? el("code", {}, part) : part)));
}

export function mark(e, name, value) {
	if (value === null || value === undefined || value === false) {
		if (e.hasAttribute(name))
			e.removeAttribute(name);
	} else if (e.getAttribute(name) !== String(value)) {
		e.setAttribute(name, value === true ? "" : value);
	}
}

/*
 * Keep the children of `parent` the same as `items`, by key: what stays is moved at
 * most, so focus and selection survive. make(item) gives an element with what
 * change(element, item) needs.
 */
export function keyed(parent, items, key, make, change) {
	const old = parent.keyedChildren || new Map();
	const wanted = new Map();
	const now = new Map();

	for (const item of items)
		if (!wanted.has(key(item)))
			wanted.set(key(item), item);
	for (const [k, e] of old)
		if (!wanted.has(k))
			e.remove();
	let at = parent.firstChild;
	for (const [k, item] of wanted) {
		const e = old.get(k) || make(item);
		now.set(k, e);
		change(e, item);
		if (e === at)
			at = at.nextSibling;
		else
			parent.insertBefore(e, at);
	}
	parent.keyedChildren = now;
}

// A row of `n` cells; the classes of the head's cells are theirs too.
export function row(table, attributes) {
	const heads = table.tHead.rows[0].cells;
	const tr = el("tr", attributes);

	for (const head of heads)
		tr.append(el("td", { class: head.className || null, "data-head": head.textContent }));
	return tr;
}

// A bar that shows a share and says it too.
export function bar(kind) {
	const fill = el("i", {});
	const words = el("span", { class: "share" });
	const e = el("span", { class: "bar", "data-kind": kind || null }, fill, words);

	e.show = (ratio, text, level) => {
		fill.style.width = `${Math.max(0, Math.min(1, ratio || 0)) * 100}%`;
		put(words, text);
		mark(e, "data-level", level || null);
	};
	return e;
}

// Buttons of which one is pressed: choice(section, "unit", (value) => ...).
export function choice(root, name, act) {
	const buttons = [...root.querySelectorAll(`[data-${name}]`)];

	for (const b of buttons)
		b.addEventListener("click", () => {
			for (const other of buttons)
				mark(other, "aria-pressed", String(other === b));
			act(b.dataset[name]);
		});
}

// One line at the bottom of a table that has nothing else to show.
export function emptyLine(table, words) {
	const body = table.tBodies[0];

	mark(table, "data-empty", body.rows.length === 0 ? "yes" : null);
	if (body.rows.length === 0 && !table.caption)
		table.append(el("caption", {}, words));
	else if (table.caption)
		put(table.caption, body.rows.length === 0 ? words : "");
}
