// The table of slaves: load, state, and the way to drain one.
import { command } from "./api.js";
import { confirm, toast } from "./confirm.js";
import { byId, element, reconcile, setText } from "./dom.js";
import { filters } from "./filters.js";
import { address, age, clock, count, counted, moment, percent, rate } from "./format.js";
import { fillLoad } from "./load.js";
import { session } from "./session.js";

const SHOWN_MAX = 200;
const SEARCH_FROM = 12;
let known = null;

const filterInput = byId("slaves-filter");
filterInput.addEventListener("input", () => showSlaves(known));

function drain(slave) {
    confirm({
        title: `Drain ${slave.slave_id}?`,
        text: `It takes no new device and sends its ${counted(slave.tunnels, "device")} away; they connect `
            + "again elsewhere. A slave that drains takes devices only after it was started anew.",
        button: `Drain ${slave.slave_id}`,
        action: async () => {
            const { tunnels } = await command("POST", `/v1/slaves/${slave.slave_id}/drain`);
            toast(`${slave.slave_id} drains: ${counted(tunnels, "device")} to leave.`);
        },
    });
}

function createRow(slave) {
    const row = element("tr", {},
        element("th", { scope: "row" }, element("button", { type: "button", class: "link",
            on: { click: () => filters.set({ slave: slave.slave_id }) } }),
        element("span", { class: "note" })),
        element("td", {}, element("span", { class: "state" })),
        element("td", { class: "tunnels" }, element("span", { class: "gauge" },
            element("span", { class: "load" }, element("span")), element("span", { class: "note" }))),
        element("td", { class: "number wide" }), element("td", { class: "number wide" }),
        element("td", { class: "number wide" }), element("td", { class: "wide version" }),
        element("td", { class: "number wide" }),
        element("td", { class: "actions" }, element("button", { type: "button", class: "danger quiet",
            on: { click: () => drain(row.slave) } }, "Drain")));
    return row;
}

function stateText(slave) {
    if (slave.state === "draining" && slave.drain_deadline) return `draining, until ${clock(slave.drain_deadline)}`;
    if (slave.state === "silent") return `silent for ${age(Date.now() - Date.parse(slave.last_seen_at))}`;
    return slave.state;
}

function fillRow(row, slave) {
    const [name, state, tunnels, channels, traffic, cpu, version, up, actions] = row.children;
    row.slave = slave;
    row.dataset.state = slave.state;
    setText(name.firstElementChild, slave.slave_id);
    name.firstElementChild.setAttribute("aria-label", `${slave.slave_id}: show its tunnels`);
    name.firstElementChild.setAttribute("aria-pressed", String(filters.slave === slave.slave_id));
    setText(name.lastElementChild, slave.region);
    name.title = `devices connect to ${address(slave.host, slave.port)}`;
    setText(state.firstElementChild, stateText(slave));
    state.firstElementChild.dataset.state = slave.state;
    const [load, note] = tunnels.firstElementChild.children;
    fillLoad(load, slave.tunnels, slave.capacity);
    setText(note, `${count(slave.tunnels)} of ${count(slave.capacity)} · ${percent(slave.tunnels, slave.capacity)}`);
    setText(channels, count(slave.channels));
    setText(traffic, known.traffic.has(slave.slave_id) ? rate(known.traffic.get(slave.slave_id)) : "–");
    setText(cpu, `${Math.round(slave.cpu_permille / 10)} %`);
    setText(version, slave.version);
    setText(up, age(Date.now() - Date.parse(slave.started_at)));
    up.title = `started ${moment(slave.started_at)}`;
    actions.firstElementChild.setAttribute("aria-label", `Drain ${slave.slave_id}`);
    actions.firstElementChild.hidden = !session.mayOperate || slave.state !== "ready";
}

export function showSlaves(cluster) {
    known = cluster;
    const here = cluster.slaves.filter(({ region }) => !filters.region || region === filters.region);
    const wanted = filterInput.value.trim().toLowerCase();
    const found = here.filter(({ slave_id }) => slave_id.includes(wanted));
    const shown = found.slice(0, SHOWN_MAX);

    reconcile(byId("slaves").tBodies[0], shown, ({ slave_id }) => slave_id, createRow, fillRow);
    byId("slaves-search").hidden = here.length < SEARCH_FROM && wanted === "";
    byId("slaves").hidden = shown.length === 0;
    byId("slaves-empty").hidden = shown.length > 0;
    setText(byId("slaves-empty"), wanted !== "" ? `No slave's name has “${wanted}” in it.`
        : filters.region ? `There is no slave in ${filters.region} now.`
            : "No slave has been heard. Start one, and it is here within seconds.");
    setText(byId("slaves-note"), found.length > shown.length
        ? `the first ${count(shown.length)} of ${count(found.length)}` : "");
}
