// SPDX-License-Identifier: BSD-3-Clause
// main - which document feeds which part of the page, and how often.

import { $ } from "./dom.js";
import { poll, startPolling } from "./api.js";
import { known, showFreshness, showLive } from "./banner.js";
import { remember } from "./rings.js";
import { drawChart, startChart, useHistory } from "./chart.js";
import { replaceServices, startServices, takeServices } from "./services.js";
import { attackOf, startAttacks, takeAttacks, takeRunning } from "./attacks.js";
import { takeReasonTexts, takeReasons } from "./reasons.js";
import { takeHealth, takePorts, takeStatus, takeWorkers } from "./box.js";
import { startTalkers, takeTalkers, talkersPath } from "./talkers.js";
import { drawBlocks, startBlocks, takeBlocks, takeLists, takeRuleBlock } from "./blocks.js";
import { addBlock, changeBypass, changeMode } from "./actions.js";
import { historyPath, joined, lookAt, missHistory, takeHistory } from "./history.js";
import { takeCustomers } from "./customers.js";
import { eventsPath, missEvents, startEvents, takeEvents } from "./events.js";
import { startCaptures, takeCaptures } from "./captures.js";
import { openService } from "./service.js";
import { openAddress, openAttack } from "./attack.js";
import { startSession } from "./session.js";
import { startTheme } from "./theme.js";

const LIVE_SERVICES = 64; // with more, the live document has the busiest and the list comes now and then

function takeLive(live) {
	live.services = live.services || [];
	known.live = live;
	known.at = performance.now();
	remember(live);
	showLive(live);
	showFreshness();
	takeServices(live.services);
	takeRunning(live.attacks, attacks.now);
	takeReasons(live.reasons);
	takeCustomers(live.customers);
	drawChart();
	drawBlocks();
}

const live = poll(`live?limit=${LIVE_SERVICES}`, 1000, takeLive, showFreshness);
poll("reasons", 600000, (d) => takeReasonTexts(d.reasons));
const services = poll("services", 10000, (d) => replaceServices(d.services));
const attacks = poll("attacks?since=7d&limit=100", 10000, (d) => takeAttacks(d.attacks));
poll("status", 5000, takeStatus);
poll("health", 5000, (d) => { known.health = d; takeHealth(d); });
poll("ports", 3000, (d) => { known.ports = d.ports; takePorts(d.ports); });
poll("workers", 3000, (d) => { known.workers = d.workers; takeWorkers(d.workers); });
const talkers = poll(talkersPath, 3000, takeTalkers);
const blocks = poll("blocks", 5000, takeBlocks);
const history = poll(historyPath, 2000, (d) => { takeHistory(d); drawChart(); }, missHistory);
const events = poll(() => eventsPath(known.live === null ? undefined : known.live.events_seq), 1000, takeEvents, missEvents);
const captures = poll("captures", 5000, takeCaptures);
poll("lists", 20000, (d) => takeLists(d.lists));

const soon = [live.now, services.now, events.now];
const blocked = [blocks.now, events.now];

startTheme(() => drawChart(true));
startSession();
startChart();
useHistory(joined, (view) => { lookAt(view); history.now(); });
startServices((name) => openService(name, soon));
startAttacks((id) => openAttack(attackOf(id)));
startTalkers((address) => addBlock("deny", address, blocked), (address) => openAddress(address, blocked), talkers.now);
startBlocks(blocks.now);
startEvents(takeRuleBlock);
startCaptures(captures.now);
$("mode-all").addEventListener("click", () => changeMode(null, known.live && known.live.mode, soon));
$("bypass").addEventListener("click", () => changeBypass(known.live !== null && known.live.bypass, soon));
$("explain").addEventListener("submit", (event) => {
	event.preventDefault();
	if ($("explain-address").value.trim() !== "")
		openAddress($("explain-address").value.trim(), blocked);
});
setInterval(showFreshness, 500);
startPolling();
