// The figures of the whole cluster, its charts, regions and masters.
import { barChart, lineChart } from "./chart.js";
import { byId, element, reconcile, setText } from "./dom.js";
import { filters } from "./filters.js";
import { age, count, counted, moment, percent } from "./format.js";
import { Counts, Samples, windowSince } from "./history.js";
import { fillLoad } from "./load.js";

const SPAN_MS = 15000;
const opened = Date.now();
const tunnels = new Samples();
const changes = new Counts(SPAN_MS);
const drawTunnels = lineChart(byId("chart-tunnels"), tunnels);
const drawConnects = barChart(byId("chart-connects"), changes, "connect", "disconnect");

function figure(name, value, note, level = "") {
    setText(byId(`figure-${name}`), value);
    setText(byId(`note-${name}`), note);
    byId(`note-${name}`).dataset.level = level;
}

function showFigures(cluster) {
    const away = cluster.slaves - cluster.slaves_ready;
    const silent = cluster.masters.filter(({ last_seen_at }) => isSilent(last_seen_at)).length;

    figure("tunnels", count(cluster.tunnels),
        cluster.capacity > 0 ? `${percent(cluster.tunnels, cluster.capacity)} of ${count(cluster.capacity)}` : "no room");
    figure("channels", count(cluster.channels), "through tunnels");
    figure("slaves", count(cluster.slaves), away === 0 ? "all ready" : `${count(away)} not ready`,
        away === 0 ? "" : "warn");
    figure("masters", count(cluster.masters.length), cluster.synced ? silent > 0
        ? `${count(silent)} silent` : "in step" : "learning", cluster.synced && silent === 0 ? "" : "warn");
    figure("flapping", count(cluster.flapping),
        cluster.flapping === 0 ? "no key used twice" : "keys that several devices use",
        cluster.flapping === 0 ? "" : "warn");
}

// ---- regions ----

const regionRow = () => {
    const button = element("button", { type: "button", on: {
        click: () => filters.set({ region: button.dataset.region, slave: "" }) } },
    element("span", { class: "name" }), element("span", { class: "load" }, element("span")),
    element("span", { class: "note" }));
    return element("li", {}, button);
};

function fillRegion(row, { region, name, slaves, slaves_ready, tunnels: up, capacity }) {
    const button = row.firstElementChild;
    const [title, load, note] = button.children;
    button.dataset.region = region;
    button.setAttribute("aria-pressed", String(filters.region === region));
    setText(title, name);
    fillLoad(load, up, capacity);
    setText(note, `${counted(up, "tunnel")} on ${slaves === slaves_ready ? counted(slaves, "slave")
        : `${count(slaves_ready)} of ${counted(slaves, "slave")}`}`);
}

function showRegions(cluster) {
    const all = { ...cluster, region: "", name: "All regions" };
    const rows = [all, ...cluster.regions.map((region) => ({ ...region, name: region.region }))];
    // A region that is gone and still looked at stays, so that the way back is there.
    if (filters.region && !rows.some(({ region }) => region === filters.region))
        rows.push({ region: filters.region, name: filters.region, slaves: 0, slaves_ready: 0, tunnels: 0, capacity: 0 });
    reconcile(byId("regions"), rows, ({ region }) => `region ${region}`, regionRow, fillRegion);
    byId("regions").parentElement.hidden = cluster.regions.length < 2 && !filters.region;
}

// ---- masters ----

const SILENT_MS = 10000;
const isSilent = (seen) => seen !== null && Date.now() - Date.parse(seen) > SILENT_MS;

const masterRow = () => element("tr", {}, element("th", { scope: "row" }), element("td"),
    element("td", { class: "number" }));

function fillMaster(row, master) {
    const [name, version, up] = row.children;
    const silent = isSilent(master.last_seen_at);
    row.dataset.state = silent ? "silent" : "ready";
    setText(name, master.master_id);
    setText(version, master.version);
    setText(up, silent ? `silent for ${age(Date.now() - Date.parse(master.last_seen_at))}`
        : age(Date.now() - Date.parse(master.started_at)));
    up.title = `started ${moment(master.started_at)}`;
}

// ---- what others call ----

export function showSummary({ summary }) {
    showFigures(summary);
    showRegions(summary);
    reconcile(byId("masters").tBodies[0], summary.masters, ({ master_id }) => master_id, masterRow, fillMaster);
    const versions = new Set(summary.masters.map(({ version }) => version));
    setText(byId("versions"), `mas4h ${[...versions].join(", ")} · answered by ${summary.master_id}`);
    tunnels.add(Date.now(), summary.tunnels);
}

export const countChange = (type) => changes.add(Date.now(), type);

export function drawCharts() {
    const now = Date.now();
    const windowMs = windowSince(opened, now);
    drawTunnels(now, windowMs);
    drawConnects(now, windowMs);
}
