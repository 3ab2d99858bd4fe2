// The live events: the newest on top, a bounded number. One that comes alone is shown at once, of
// many those of half a second together.
import { byId, element, setText } from "./dom.js";
import { filters } from "./filters.js";
import { address, age, bytes, clock, count, counted, moment, words } from "./format.js";

const KEPT_MAX = 500;
const SHOWN_MAX = 60;
const REDRAW_MS = 500;

const KINDS = [
    { name: "connects", label: "Connects", types: ["connect"] },
    { name: "disconnects", label: "Disconnects", types: ["disconnect"] },
    { name: "refusals", label: "Refusals", types: ["refuse", "flapping"] },
    { name: "accesses", label: "Accesses", types: ["access"] },
    { name: "slaves", label: "Slaves", types: ["start", "drain", "stop", "reload"] },
];
const hidden = new Set();
const kept = [];
let paused = null; // what was there when the reader stopped it
let state = "connecting";
let redraw = 0;
let drawnAt = 0;

// ---- an event in words ----

const device = (key) => element("button", { type: "button", class: "link",
    on: { click: () => filters.set({ tunnel: key }) } }, key);

const ACCESSES = {
    opened: (access) => ["reaches ", device(access.client_key), `, port ${access.port}, from ${access.remote_address}`],
    closed: (access) => ["left ", device(access.client_key), ` after ${age(access.duration_ms)}, `
        + `${bytes(access.bytes_from_device + access.bytes_to_device)}`],
    refused: (access) => ["may not reach ", device(access.client_key), `, port ${access.port}, `
        + `from ${access.remote_address}${access.detail ? `: ${access.detail}` : ""}`],
};

const SENTENCES = {
    connect: ({ slave_id, connect: { tunnel } }) =>
        [device(tunnel.client_key), ` is up on ${slave_id}, port ${tunnel.port}, from ${tunnel.remote_address}`],
    disconnect: ({ slave_id, disconnect: gone }) => [device(gone.client_key),
        ` left ${slave_id} after ${age(gone.duration_ms)}: ${words(gone.reason)}, `
        + `${bytes(gone.bytes_from_device + gone.bytes_to_device)}`],
    refuse: ({ slave_id, refuse }) => [
        ...(refuse.client_key ? [device(refuse.client_key)] : [refuse.remote_address || "A device"]),
        ` was refused by ${slave_id}: ${words(refuse.reason)}${refuse.detail ? ` (${refuse.detail})` : ""}`],
    flapping: ({ slave_id, flapping }) => [device(flapping.client_key),
        ` flaps on ${slave_id}: ${counted(flapping.evictions, "eviction")} in ${age(flapping.window_ms)}, `
        + `now ${flapping.remote_address}${flapping.owner_address ? ` against ${flapping.owner_address}` : ""}`],
    access: ({ access }) => [`${access.operator} `, ...ACCESSES[access.phase](access)],
    start: ({ slave_id, start: { info } }) =>
        [`${slave_id} started: version ${info.version}, room for ${count(info.capacity)}, at ${address(info.host, info.port)}`],
    drain: ({ slave_id, drain }) => [`${slave_id} drains: ${counted(drain.tunnels, "device")} left`],
    reload: ({ slave_id, reload: { actor, settings, error } }) => [error
        ? `${slave_id} keeps its settings: ${error}`
        : `${slave_id} took over ${settings.join(", ") || "its settings, none of them new"}${actor ? `, by ${actor}` : ""}`],
    stop: ({ slave_id }) => [`${slave_id} stopped`],
};

const ofKey = (event) => event.connect?.tunnel.client_key ?? event.disconnect?.client_key
    ?? event.refuse?.client_key ?? event.flapping?.client_key ?? event.access?.client_key ?? "";

function line(event) {
    return element("li", { "data-type": event.type },
        element("time", { datetime: event.time, title: moment(event.time) }, clock(event.time)),
        element("span", { class: "kind" }, event.type),
        element("span", { class: "what" }, ...SENTENCES[event.type](event)));
}

// ---- the list ----

function isWanted(event) {
    if (filters.region && event.region !== filters.region) return false;
    if (filters.slave && event.slave_id !== filters.slave) return false;
    return !KINDS.some(({ name, types }) => hidden.has(name) && types.includes(event.type));
}

function noteText(shown) {
    if (state === "missing") return "This gateway has no live events; figures and lists are asked for every few seconds.";
    if (state === "connecting" && kept.length === 0) return "Waiting for the gateway's events.";
    if (shown === 0) return kept.length === 0 ? "Nothing has happened since this page was opened."
        : "Nothing of that kind has happened since this page was opened.";
    return "";
}

const lines = new WeakMap();

function draw() {
    redraw = 0;
    drawnAt = Date.now();
    const shown = (paused ?? kept).filter(isWanted).slice(0, SHOWN_MAX);
    const nodes = shown.map((event) => {
        if (!lines.has(event)) lines.set(event, line(event));
        return lines.get(event);
    });
    const list = byId("feed");
    const focused = document.activeElement;
    // Nodes that stay keep their place in the document, and so the focus and the reader's selection.
    const wanted = new Set(nodes);
    for (const node of [...list.children]) if (!wanted.has(node)) node.remove();
    nodes.forEach((node, i) => {
        if (list.children[i] !== node) list.insertBefore(node, list.children[i] ?? null);
    });
    if (focused !== document.activeElement && list.contains(focused)) focused.focus();
    const note = noteText(shown.length);
    setText(byId("feed-note"), note);
    byId("feed-note").hidden = note === "";
    list.hidden = shown.length === 0;
    const newer = paused === null ? 0 : paused.length === 0 ? kept.length : kept.indexOf(paused[0]);
    setText(byId("feed-pause"), paused === null ? "Pause"
        : newer === 0 ? "Go on" : `Go on: ${newer < 0 ? `${KEPT_MAX}+` : count(newer)} newer`);
}

function drawSoon() {
    if (!redraw) redraw = setTimeout(draw, Math.max(0, drawnAt + REDRAW_MS - Date.now()));
}

byId("feed-pause").addEventListener("click", () => {
    paused = paused === null ? [...kept] : null;
    byId("feed-pause").setAttribute("aria-pressed", String(paused !== null));
    draw();
});

for (const { name, label } of KINDS) {
    const box = element("input", { type: "checkbox", checked: true, on: { change: () => {
        if (box.checked) hidden.delete(name);
        else hidden.add(name);
        draw();
    } } });
    byId("feed-kinds").append(element("label", { class: "chip" }, box, label));
}
filters.addEventListener("change", drawSoon);

// ---- what others call ----

export function addEvent(event) {
    // A drain is said again and again while it goes on: the latest is enough.
    if (event.type === "drain") {
        const before = kept.findIndex(({ type, slave_id }) => type === "drain" && slave_id === event.slave_id);
        if (before >= 0) kept.splice(before, 1);
    }
    kept.unshift(event);
    if (kept.length > KEPT_MAX) kept.pop();
    drawSoon();
}

export function setFeedState(now) {
    state = now;
    drawSoon();
}

/** Lines of the events of one device, newest first. */
export const linesOf = (clientKey) => kept.filter((event) => ofKey(event) === clientKey).map(line);
