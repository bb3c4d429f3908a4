// SPDX-License-Identifier: BSD-3-Clause
// api - one question after the other over one connection, the urgent one first.
// A page that nobody looks at asks seldom; a gate that does not answer is asked on.

const ROOT = "/api/v1/";
const PATIENCE_MS = 5000;
const ABSENT_MS = 60000; // until a document that is not there is asked for again
const HIDDEN_MS = 15000;

let token = sessionStorage.getItem("tidegate-token") || "";

export function tokenInUse() {
	return token;
}

// Kept for this tab only: memory, and the session's storage so that a reload keeps it.
export function useToken(text) {
	token = text;
	if (text === "")
		sessionStorage.removeItem("tidegate-token");
	else
		sessionStorage.setItem("tidegate-token", text);
}

export class Refused extends Error {
	constructor(status, problem) {
		super(problem.detail || problem.title || `status ${status}`);
		this.status = status;
		this.problem = problem;
	}
}

// A file, for who holds a token.
export async function fetchFile(path) {
	const answer = await fetch(ROOT + path, { headers: { Authorization: `Bearer ${token}` }, cache: "no-store", credentials: "omit", redirect: "error" });

	if (!answer.ok)
		throw new Refused(answer.status, await answer.json().catch(() => ({})));
	return answer.blob();
}

// The document that comes back; throws Refused, or what fetch throws when nobody answers.
export async function ask(method, path, body, withToken = token) {
	const headers = {};
	const control = new AbortController();
	const timer = setTimeout(() => control.abort(), PATIENCE_MS);

	if (withToken !== "")
		headers.Authorization = `Bearer ${withToken}`;
	if (body !== undefined)
		headers["Content-Type"] = "application/json";
	try {
		const answer = await fetch(ROOT + path, {
			method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: control.signal,
			cache: "no-store", credentials: "omit", redirect: "error",
		});
		const text = await answer.text();
		let document = {};

		try {
			document = JSON.parse(text);
		} catch {
			document = { detail: text.slice(0, 200) };
		}
		if (!answer.ok)
			throw new Refused(answer.status, document);
		return document;
	} finally {
		clearTimeout(timer);
	}
}

const jobs = [];
let busy = false;

/*
 * Ask for a document every so often. `take(document)` gets it, `miss(error)` what went
 * wrong. `path` may be a function; one that gives "" is not asked now. Returns the job,
 * whose `now()` asks at the next turn.
 */
export function poll(path, everyMs, take, miss) {
	const job = { path, everyMs, take, miss, next: 0, urgent: jobs.length === 0 };

	job.now = () => {
		job.next = 0;
		job.again = true;
		turn();
	};
	jobs.push(job);
	return job;
}

const isAbsent = (error) => error instanceof Refused && [404, 405, 501].includes(error.status);

async function serve(job, path) {
	const began = performance.now();

	job.again = false;
	try {
		const document = await ask("GET", path);
		// Who was told "now" meanwhile may have changed something after it was asked.
		job.next = job.again ? 0 : began + (isHidden() ? Math.max(HIDDEN_MS, job.everyMs) : job.everyMs);
		job.take(document);
	} catch (error) {
		job.next = began + (isAbsent(error) ? ABSENT_MS : Math.max(1000, job.everyMs));
		if (job.miss)
			job.miss(error);
		else if (!(error instanceof Refused) && !(error instanceof TypeError) && error.name !== "AbortError")
			console.error(error);
	}
}

function isHidden() {
	return document.visibilityState === "hidden";
}

// Whoever is due, the urgent one first, then who has waited longest.
function nextJob() {
	const now = performance.now();
	let best = null;

	for (const job of jobs) {
		if (job.next > now || (isHidden() && !job.urgent))
			continue;
		if (best === null || (job.urgent && !best.urgent) || (job.urgent === best.urgent && job.next < best.next))
			best = job;
	}
	return best;
}

async function turn() {
	if (busy)
		return;
	busy = true;
	try {
		for (let job = nextJob(); job !== null; job = nextJob()) {
			const path = typeof job.path === "function" ? job.path() : job.path;

			if (path === "")
				job.next = performance.now() + 1000;
			else
				await serve(job, path);
		}
	} finally {
		busy = false;
	}
}

export function startPolling() {
	setInterval(turn, 100);
	document.addEventListener("visibilitychange", () => {
		for (const job of jobs)
			job.next = 0;
		turn();
	});
	turn();
}
