// The list of tunnels, a page at a time: a master knows the order, we know the way back.
import { Problem, get } from "./api.js";
import { byId, element, reconcile, setText } from "./dom.js";
import { bindFilter, filters } from "./filters.js";
import { address, age, count, counted, moment } from "./format.js";
import { Poller } from "./poller.js";

const PAGE_SIZE = 50;
const EVERY_MS = 10000;
const CHANGED_MS = 1000;

// Tokens of the pages up to the one that is shown; the first page has none.
let tokens = [""];
let next = "";
let loaded = null;
let cluster = null;
let asked = "";
const poller = new Poller(EVERY_MS, load);

const query = () => new URLSearchParams(Object.entries({
    page_size: PAGE_SIZE, page_token: tokens.at(-1), client_key_prefix: filters.prefix,
    region: filters.region, slave: filters.slave,
}).filter(([, value]) => value !== "")).toString();

async function load() {
    const mine = query();
    byId("tunnels").setAttribute("aria-busy", "true");
    try {
        const page = await get(`/v1/tunnels?${mine}`);
        if (mine !== query()) return true; // the reader has gone on meanwhile
        loaded = page.tunnels;
        next = page.next_page_token;
        show(null);
    } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (mine === query()) show(error);
        return false;
    } finally {
        byId("tunnels").removeAttribute("aria-busy");
    }
    return true;
}

// ---- the way through the pages ----

function turn(to) {
    tokens = to;
    poller.now();
}

byId("page-first").addEventListener("click", () => turn([""]));
byId("page-back").addEventListener("click", () => turn(tokens.slice(0, -1)));
byId("page-next").addEventListener("click", () => turn([...tokens, next]));

// ---- what is looked for ----

const prefixInput = byId("prefix");
bindFilter(prefixInput, "prefix");
byId("slave-chip").addEventListener("click", () => filters.set({ slave: "" }));

function onFilter() {
    const wanted = `${filters.region}\n${filters.slave}\n${filters.prefix}`;
    byId("slave-chip").hidden = !filters.slave;
    setText(byId("slave-chip"), `on ${filters.slave} ×`);
    byId("slave-chip").setAttribute("aria-label", `Only of ${filters.slave}: show all`);
    if (wanted === asked) return;
    asked = wanted;
    turn([""]);
}

// ---- what is shown ----

function createRow() {
    const open = () => filters.set({ tunnel: row.tunnel.client_key });
    const row = element("tr", { on: { click: (event) => event.target.closest("button") || open() } },
        element("th", { scope: "row" }, element("button", { type: "button", class: "link", on: { click: open } }),
            element("span", { class: "state", "data-state": "flapping" }, "flapping")),
        element("td", { class: "code" }), element("td", { class: "wide" }), element("td", { class: "wide code" }),
        element("td", { class: "number" }));
    return row;
}

function fillRow(row, tunnel) {
    const [name, reach, slave, from, up] = row.children;
    row.tunnel = tunnel;
    setText(name.firstElementChild, tunnel.client_key);
    name.lastElementChild.hidden = !tunnel.flapping;
    setText(reach, address(tunnel.host, tunnel.port) + (tunnel.ports.length > 1 ? ` +${tunnel.ports.length - 1}` : ""));
    setText(slave, tunnel.slave_id);
    slave.title = `in ${tunnel.region}`;
    setText(from, tunnel.remote_address);
    setText(up, age(Date.now() - Date.parse(tunnel.connected_at)));
    up.title = `since ${moment(tunnel.connected_at)}`;
}

/** How many there are in all, where the cluster's figures tell. */
function total() {
    if (filters.prefix || !cluster?.summary) return null;
    if (filters.slave) return cluster.slaves.find(({ slave_id }) => slave_id === filters.slave)?.tunnels ?? null;
    const { regions, tunnels } = cluster.summary;
    return filters.region ? (regions.find(({ region }) => region === filters.region)?.tunnels ?? 0) : tunnels;
}

function showPlace() {
    const from = (tokens.length - 1) * PAGE_SIZE;
    const all = total();
    const isAll = tokens.length === 1 && next === "";
    const range = `${count(from + 1)} to ${count(from + loaded.length)}`;
    setText(byId("tunnels-note"), loaded.length === 0 ? "" : isAll ? counted(loaded.length, "device")
        : all !== null && all >= from + loaded.length ? `${range} of ${count(all)}` : range);
    setText(byId("page-number"), `Page ${count(tokens.length)}`);
    byId("page-first").disabled = byId("page-back").disabled = tokens.length === 1;
    byId("page-next").disabled = next === "";
    document.querySelector(".pages").hidden = isAll;
}

function emptyText() {
    if (tokens.length > 1) return "The tunnels of this page are gone.";
    const where = filters.slave ? ` on ${filters.slave}` : filters.region ? ` in ${filters.region}` : "";
    if (filters.prefix) return `No device${where} whose name begins with “${filters.prefix}” is connected.`;
    return where ? `No device is connected${where}.`
        : "No device is connected. The first one that comes is shown here at once.";
}

function showEmpty(error) {
    const isFiltered = filters.prefix || filters.slave || filters.region;
    const box = byId("tunnels-empty");
    box.replaceChildren(element("p", error ? { class: "error" } : {}, error ? error.detail : emptyText()));
    if (!error && isFiltered)
        box.append(element("button", { type: "button", on: {
            click: () => {
                prefixInput.value = "";
                filters.set({ prefix: "", slave: "", region: "" });
            } } }, "Show all tunnels"));
}

function show(error) {
    const rows = error && error.status !== 0 && error.status < 500 ? [] : (loaded ?? []);
    reconcile(byId("tunnels").tBodies[0], rows, ({ client_key }) => client_key, createRow, fillRow);
    byId("tunnels").hidden = rows.length === 0;
    byId("tunnels-empty").hidden = rows.length > 0;
    if (rows.length === 0 && (error || loaded)) showEmpty(error);
    if (loaded && !error) showPlace();
}

// ---- what others call ----

let soon = 0;
/** A tunnel came or went: the page is asked for again, at most once a second. */
export function tunnelsChanged() {
    if (soon) return;
    soon = setTimeout(() => {
        soon = 0;
        poller.now();
    }, CHANGED_MS);
}

export function startTunnels(knownCluster) {
    cluster = knownCluster;
    filters.addEventListener("change", onFilter);
    onFilter();
    poller.start();
}

export const stopTunnels = () => poller.stop();
