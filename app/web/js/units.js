// SPDX-License-Identifier: BSD-3-Clause
// units - numbers as people read them: three digits, a prefix, a unit. What is not known is a dash.

export const UNKNOWN = "–";
const PREFIXES = ["", "k", "M", "G", "T", "P"];

// Three digits that mean something: 0, 7, 123, 1.23 k, 12.3 k, 123 k.
function scaled(value) {
	let step = 0;
	let number = value;

	while (Math.abs(number) >= 999.5 && step < PREFIXES.length - 1) {
		number /= 1000;
		step++;
	}
	const digits = step === 0 || Math.abs(number) >= 99.95 ? 0 : Math.abs(number) >= 9.995 ? 1 : 2;
	return [number.toFixed(digits), PREFIXES[step]];
}

function isNumber(value) {
	return typeof value === "number" && Number.isFinite(value);
}

export function withUnit(value, unit) {
	if (!isNumber(value))
		return UNKNOWN;
	const [number, prefix] = scaled(value);
	return `${number}\u202f${prefix}${unit}`;
}

export const packets = (value) => withUnit(value, "pps");
export const bits = (value) => withUnit(value, "bit/s");

// A count without unit: "1.23 M".
export function count(value) {
	if (!isNumber(value))
		return UNKNOWN;
	const [number, prefix] = scaled(value);
	return prefix === "" ? number : `${number}\u202f${prefix}`;
}

export function percent(ratio, digits = 0) {
	return isNumber(ratio) ? `${(100 * ratio).toFixed(digits)}\u202f%` : UNKNOWN;
}

export const two = (n) => String(n).padStart(2, "0");

// "42 s", "3 m 12 s", "2 h 05 m", "3 d 04 h".
export function duration(seconds) {
	if (!isNumber(seconds))
		return UNKNOWN;
	const s = Math.max(0, Math.round(seconds));

	if (s < 60)
		return `${s}\u202fs`;
	if (s < 3600)
		return `${Math.floor(s / 60)}\u202fm ${two(s % 60)}\u202fs`;
	if (s < 86400)
		return `${Math.floor(s / 3600)}\u202fh ${two(Math.floor(s / 60) % 60)}\u202fm`;
	return `${Math.floor(s / 86400)}\u202fd ${two(Math.floor(s / 3600) % 24)}\u202fh`;
}

export function milliseconds(ms) {
	if (!isNumber(ms))
		return UNKNOWN;
	return ms < 1000 ? `${ms.toFixed(ms < 10 ? 1 : 0)}\u202fms` : `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)}\u202fs`;
}

// Time of day where the operator sits; with the day when it is another one.
export function clock(text, now = Date.now()) {
	const at = new Date(text);

	if (!text || Number.isNaN(at.getTime()))
		return UNKNOWN;
	const day = at.toDateString() === new Date(now).toDateString() ? ""
		: `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} `;
	return `${day}${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

const VECTORS = {
	tcp_syn_flood: "SYN flood", tcp_other_flood: "TCP flood", udp_flood: "UDP flood",
	icmp_flood: "ICMP flood", fragment_flood: "Fragment flood", other_flood: "Flood of other protocols",
};

// What people call a vector; one that we do not know is shown as it is named.
export const vectorName = (name) => VECTORS[name] || String(name).replaceAll("_", " ");
