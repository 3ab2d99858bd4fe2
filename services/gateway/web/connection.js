// How the page stands to the gateway: a word on top while all is well, a banner when it is not.
import { byId, setText } from "./dom.js";
import { age, clock } from "./format.js";

const liveness = byId("liveness");
const banner = byId("banner");

function say(state, text) {
    liveness.dataset.state = state;
    setText(liveness, text);
}

function bannerText({ heardAt, since, problem }) {
    const stale = heardAt > 0 ? ` What you see is of ${clock(heardAt)}.` : "";
    return `Disconnected since ${clock(heardAt || since)}. ${problem.detail}${stale}`;
}

export function showConnection(cluster, events) {
    const { state, heardAt, since } = cluster.connection;
    const away = state === "away";

    document.body.classList.toggle("stale", away);
    banner.hidden = !away;
    if (away) {
        say("away", `Disconnected since ${clock(heardAt || since)}`);
        setText(byId("banner-text"), bannerText(cluster.connection));
    } else if (state === "loading") {
        say("loading", "Connecting");
    } else if (events.state === "live") {
        say("live", "Live");
    } else {
        say("polling", events.state === "missing" ? "Asked every 2 s" : "Live events are connecting");
    }
    document.title = away ? "Disconnected · mas4h" : "mas4h";
}

/** What changes by itself, each second. */
export function showRetry(cluster) {
    if (cluster.connection.state !== "away") return;
    const waitMs = cluster.nextAt - Date.now();
    setText(byId("banner-next"), waitMs > 500 ? `Trying again in ${age(waitMs + 500)}.` : "Trying again.");
}
