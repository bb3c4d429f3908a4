// SPDX-License-Identifier: BSD-3-Clause
// theme - dark or light as the system says, until somebody chooses here.

import { $ } from "./dom.js";

const KEY = "tidegate-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function chosen() {
	return localStorage.getItem(KEY);
}

function apply() {
	document.documentElement.dataset.theme = chosen() || (system.matches ? "dark" : "light");
}

export function startTheme(changed) {
	apply();
	system.addEventListener("change", () => {
		apply();
		changed();
	});
	$("theme").addEventListener("click", () => {
		localStorage.setItem(KEY, document.documentElement.dataset.theme === "dark" ? "light" : "dark");
		apply();
		changed();
	});
}
