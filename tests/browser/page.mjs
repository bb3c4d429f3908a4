// SPDX-License-Identifier: BSD-3-Clause
// page - a browser that does what it is told, line by line.
//
// usage: node page.mjs FOLDER-OF-PLAYWRIGHT-CORE CHROMIUM
//
// Each line of standard input is {"code": "..."}: the body of an async function that may
// use `page`, `open(options)` and `seen`. Each answer is one line, {"value": ...} or
// {"error": "..."}. `seen` keeps what no test may overlook: errors, foreign requests,
// the last body of each document.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, executablePath] = process.argv.slice(2);
const { chromium } = await import(pathToFileURL(`${folder}/index.mjs`).href);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--js-flags=--expose-gc"] });
const seen = { errors: [], foreign: [], bytes: 0, last: {}, expectsErrors: false };
const ORIGIN = "http://127.0.0.1:9686";
let page = null;

// A page of its own, as if somebody came for the first time.
async function open(options = {}) {
	if (page !== null)
		await page.context().close();
	const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "dark", ...options });

	page = await context.newPage();
	seen.bytes = 0;
	page.on("console", (m) => {
		// A request that fails writes a line by itself, which is right while the daemon is down.
		// So does a document that this gate does not have: history may be left out.
		const isAnswer = /Failed to load resource/.test(m.text());
		const isAbsent = /\/api\/v1\/history/.test(m.location().url) && /40[45]|501/.test(m.text());

		if (m.type() === "error" && !(isAnswer && (seen.expectsErrors || isAbsent)))
			seen.errors.push(`${m.text()} ${m.location().url}`);
	});
	page.on("pageerror", (e) => seen.errors.push(e.message));
	page.on("request", (r) => {
		if (!r.url().startsWith(`${ORIGIN}/`))
			seen.foreign.push(r.url());
	});
	page.on("response", async (r) => {
		const path = r.url().slice(ORIGIN.length);

		if (path.startsWith("/api/v1/"))
			seen.last[path.slice(8).split("?")[0]] = await r.text().catch(() => "");
	});
	page.on("requestfinished", async (r) => {
		const sizes = await r.sizes().catch(() => null);

		if (sizes !== null && !r.url().includes("/api/"))
			seen.bytes += sizes.responseBodySize + sizes.responseHeadersSize;
	});
	return page;
}

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;

for await (const line of createInterface({ input: process.stdin })) {
	let answer;

	try {
		const act = new AsyncFunction("page", "open", "seen", "browser", JSON.parse(line).code);
		answer = { value: (await act(page, open, seen, browser)) ?? null };
	} catch (error) {
		answer = { error: String(error.stack || error) };
	}
	process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
