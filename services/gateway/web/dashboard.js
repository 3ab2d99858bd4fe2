// The page as a whole: who is told what, and when it starts, signs in and ends.
import { Cluster } from "./cluster.js";
import { toast } from "./confirm.js";
import { showConnection, showRetry } from "./connection.js";
import "./audit.js";
import { byId, setText } from "./dom.js";
import { Events } from "./events.js";
import { addEvent, setFeedState } from "./feed.js";
import { filters } from "./filters.js";
import { pendingChanged, startRecords, stopRecords } from "./records.js";
import "./revocations.js";
import { session } from "./session.js";
import { showSlaves } from "./slaves.js";
import { countChange, drawCharts, showSummary } from "./summary.js";
import { startTunnel, tunnelChanged } from "./tunnel.js";
import { startTunnels, stopTunnels, tunnelsChanged } from "./tunnels.js";
import { startViews, stopViews } from "./views.js";

const cluster = new Cluster();
const events = new Events();
let isRunning = false;

// ---- from the gateway to the page ----

function showCluster() {
    byId("cluster").hidden = false;
    showSummary(cluster);
    showSlaves(cluster);
    drawCharts();
}

let tunnelsBefore = null;
cluster.addEventListener("data", () => {
    showCluster();
    // Without live events, or where one was missed, the figure tells that the list is old.
    if (cluster.summary.tunnels !== tunnelsBefore) tunnelsChanged();
    tunnelsBefore = cluster.summary.tunnels;
});
cluster.addEventListener("connection", () => {
    if (cluster.connection.problem?.status === 401) session.lost();
    else showConnection(cluster, events);
});
filters.addEventListener("change", () => cluster.summary && showCluster());

events.addEventListener("state", () => {
    setFeedState(events.state);
    showConnection(cluster, events);
});
events.addEventListener("gap", () => tunnelsChanged());
events.addEventListener("event", ({ detail }) => {
    addEvent(detail);
    if (detail.type === "refuse" && detail.refuse.reason === "key_denied") pendingChanged();
    if (detail.type === "access") tunnelChanged(detail.access.client_key);
    if (detail.type !== "connect" && detail.type !== "disconnect") return;
    countChange(detail.type);
    tunnelsChanged();
    tunnelChanged(detail.connect?.tunnel.client_key ?? detail.disconnect.client_key);
});

byId("banner-retry").addEventListener("click", () => cluster.refresh());
setInterval(() => {
    showRetry(cluster);
    if (cluster.summary) drawCharts();
}, 1000);

// ---- who may look ----

function start() {
    if (isRunning) return;
    isRunning = true;
    cluster.start();
    events.start();
    startTunnels(cluster);
    startTunnel(cluster);
    startRecords();
    startViews();
}

function stop() {
    if (!isRunning) return;
    isRunning = false;
    cluster.stop();
    events.stop();
    stopTunnels();
    stopRecords();
    stopViews();
}

function showSession() {
    const isOut = session.state === "signed-out";
    const lacks = session.state === "signed-in" && !session.mayRead;

    byId("sign-in").hidden = !isOut && !lacks;
    byId("cluster").hidden = isOut || lacks || cluster.summary === null;
    byId("views").hidden = isOut || lacks || session.state === "unknown";
    for (const node of document.querySelectorAll("[data-needs=operate]")) node.hidden = !session.mayOperate;
    byId("sign-out").hidden = session.state !== "signed-in";
    byId("who").hidden = session.state !== "signed-in";
    setText(byId("who"), session.name);
    if (lacks) setText(byId("sign-in-error"), `The token of ${session.name} may not read the cluster.`);
    if (isOut || lacks) {
        stop();
        byId("banner").hidden = true;
        byId("liveness").dataset.state = "loading";
        setText(byId("liveness"), "Signed out");
        byId("token").focus();
    } else if (session.state !== "unknown") {
        start();
    }
    if (cluster.summary && isRunning) showCluster();
}
session.addEventListener("change", showSession);

byId("sign-in-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.submitter ?? event.target.querySelector("button");
    button.disabled = true;
    setText(byId("sign-in-error"), "");
    try {
        await session.signIn(byId("token").value.trim());
        byId("token").value = "";
        byId("main").focus();
    } catch (error) {
        setText(byId("sign-in-error"), error.status === 401 ? "The gateway does not know this token."
            : error.message);
        byId("token").select();
    } finally {
        button.disabled = false;
    }
});
byId("sign-out").addEventListener("click", async () => {
    try {
        await session.signOut();
        location.reload(); // nothing of what was seen stays in the page
    } catch (error) {
        toast(`You are still signed in. ${error.message}`);
    }
});

async function begin() {
    try {
        await session.look();
    } catch {
        // It cannot say now: the cluster's poller shows why, and asks until it can.
        start();
        setTimeout(begin, 5000);
    }
}

// ---- colours ----

const theme = byId("theme");
theme.value = document.documentElement.dataset.theme ?? "";
theme.addEventListener("change", () => {
    if (theme.value) document.documentElement.dataset.theme = theme.value;
    else delete document.documentElement.dataset.theme;
    try {
        if (theme.value) localStorage.setItem("theme", theme.value);
        else localStorage.removeItem("theme");
    } catch {
        // It holds until the page is left, then.
    }
});

begin();
