// Records of devices and operators, and the keys that wait for approval: what masters keep of them
// (their validator `database`), and the ways to change it.
import { command } from "./api.js";
import { confirm, toast } from "./confirm.js";
import { byId, element, setText } from "./dom.js";
import { labelsText, rulesText } from "./fields.js";
import { bindFilter, filters } from "./filters.js";
import { age, count, moment } from "./format.js";
import { List } from "./list.js";
import { editRecord } from "./record.js";
import { session } from "./session.js";

const CHANGED_MS = 1000;

const path = ({ key_fingerprint }) => `/v1/devices/${encodeURIComponent(key_fingerprint)}`;
const nameOf = ({ client_key, operator, key_fingerprint }) => client_key || operator?.name || key_fingerprint;
const since = (time) => (time ? `${age(Date.now() - Date.parse(time))} ago` : "");

function button(text, action, kind = "quiet") {
    return element("button", { type: "button", class: kind, on: { click: action } }, text);
}

/** The names of a row's buttons, for who does not see the row. */
function nameButtons(cell, name) {
    for (const node of cell.children) node.setAttribute("aria-label", `${node.textContent} ${name}`);
}

// ---- what is known ----

const devices = new List("devices", {
    path: "/v1/devices", member: "devices", thing: "record", things: "records of devices",
    query: () => ({ state: filters.state, client_key_prefix: filters.record }),
    keyOf: ({ key_fingerprint }) => key_fingerprint,
    accepts: ({ state }) => state !== "pending", // they have their own table
    createRow, fillRow, emptyText,
});

function emptyText() {
    if (filters.record) return `No record has a name that begins with “${filters.record}”.`;
    if (filters.state) return `No record is ${filters.state}.`;
    return "There are no records. Add a device by its public key; devices of the other validators (as a file of "
        + "authorized keys) need none.";
}

function createRow() {
    const row = element("tr", {},
        element("th", { scope: "row" }, button("", () => filters.set({ tunnel: row.device.client_key }), "link"),
            element("span"), element("span", { class: "note" })),
        element("td", {}, element("span", { class: "state" })),
        element("td", { class: "wide labels" }), element("td", { class: "wide code key" }), element("td", { class: "wide" }),
        element("td", { class: "actions" }, button("Edit", () => edit(row.device)),
            button("Disable", () => (row.device.state === "disabled" ? enable(row.device) : disable(row.device))),
            button("Remove", () => remove(row.device), "danger quiet")));
    return row;
}

function fillRow(row, device) {
    const [name, state, labels, key, changed, actions] = row.children;
    const [link, text, note] = name.children;
    row.device = device;
    link.hidden = !device.client_key;
    setText(link, device.client_key ?? "");
    setText(text, device.client_key ? "" : nameOf(device));
    setText(note, [device.operator && "operator", device.comment].filter(Boolean).join(" · "));
    note.title = device.operator ? `may reach\n${rulesText(device.operator.rules)}` : "";
    setText(state.firstElementChild, device.state);
    state.firstElementChild.dataset.state = device.state;
    setText(labels, labelsText(device.labels));
    setText(key, device.key_fingerprint);
    setText(changed, since(device.changed_at) + (device.actor ? ` by ${device.actor}` : ""));
    changed.title = device.changed_at ? moment(device.changed_at) : "";
    setText(actions.children[1], device.state === "disabled" ? "Enable" : "Disable");
    for (const node of actions.children) node.hidden = !session.mayOperate;
    nameButtons(actions, nameOf(device));
}

// ---- who waits ----

const pending = new List("pending", {
    path: "/v1/devices", member: "devices", thing: "key", things: "keys that wait",
    query: () => ({ state: "pending" }),
    keyOf: ({ key_fingerprint }) => key_fingerprint,
    createRow: createPendingRow, fillRow: fillPendingRow, emptyText: () => "", onShown: showPending,
});

function createPendingRow() {
    const row = element("tr", {},
        element("th", { scope: "row", class: "code key" }),
        element("td"), element("td", { class: "wide" }), element("td", { class: "number wide" }),
        element("td", { class: "wide" }),
        element("td", { class: "actions" }, button("Approve", () => approve(row.device), "primary"),
            button("Reject", () => reject(row.device), "danger quiet")));
    return row;
}

function fillPendingRow(row, device) {
    const [key, from, as, tries, at, actions] = row.children;
    row.device = device;
    setText(key, device.key_fingerprint);
    setText(from, device.remote_address ?? "");
    setText(as, device.username ?? "");
    setText(tries, count(device.attempts ?? 0));
    setText(at, since(device.created_at));
    at.title = device.created_at ? moment(device.created_at) : "";
    for (const node of actions.children) node.hidden = !session.mayOperate;
    nameButtons(actions, device.key_fingerprint);
}

function showPending(waiting) {
    byId("pending-panel").hidden = waiting.length === 0;
    byId("pending-badge").hidden = waiting.length === 0;
    setText(byId("pending-count"), count(waiting.length));
}

// ---- changes ----

function refresh() {
    devices.refresh();
    pending.refresh();
}

async function change(method, where, document, done) {
    await command(method, where, { document });
    toast(done);
    refresh();
}

const add = () => editRecord({
    title: "Add a device or an operator", button: "Add",
    save: (record) => change("POST", "/v1/devices", record, `${nameOf(record)} was added.`),
});

const edit = (device) => editRecord({
    title: `Edit ${nameOf(device)}`, button: "Save", device,
    save: (record) => change("PATCH", path(device), record, `${nameOf(record)} was changed.`),
});

const approve = (device) => editRecord({
    title: "Approve a key", button: "Approve", device,
    save: (record) => change("POST", `${path(device)}/approve`, record, `${nameOf(record)} was approved.`),
});

const enable = (device) => confirm({
    title: `Enable ${nameOf(device)}?`, text: "Its key is taken again from now on.", button: "Enable",
    action: () => change("PATCH", path(device), { state: "enabled" }, `${nameOf(device)} was enabled.`),
});

const disable = (device) => confirm({
    title: `Disable ${nameOf(device)}?`, button: "Disable",
    text: "Its connections are cut at once, and its key is refused until the record is enabled again.",
    action: () => change("PATCH", path(device), { state: "disabled" }, `${nameOf(device)} was disabled.`),
});

const removal = (reason) => (reason === "" ? "" : `?reason=${encodeURIComponent(reason)}`);

const remove = (device) => confirm({
    title: `Remove ${nameOf(device)}?`, button: "Remove", asksReason: true,
    text: "The record goes for good, and its connections are cut. Its key is refused unless another validator knows it.",
    action: ({ reason }) => change("DELETE", path(device) + removal(reason), undefined, `${nameOf(device)} was removed.`),
});

const reject = (device) => confirm({
    title: "Reject this key?", button: "Reject", asksReason: true,
    text: `${device.key_fingerprint} from ${device.remote_address ?? "an unknown address"} is refused, and does not wait again.`,
    action: ({ reason }) => change("DELETE", path(device) + removal(reason), undefined, "The key was rejected."),
});

// ---- what others call ----

byId("devices-add").addEventListener("click", add);
bindFilter(byId("devices-state"), "state");
bindFilter(byId("devices-search"), "record");
devices.follow("devices");

export const startRecords = () => pending.start();
export const stopRecords = () => pending.stop();

let soon = 0;
/** A key was refused, maybe because it waits: asked for at most once a second. */
export function pendingChanged() {
    if (soon) return;
    soon = setTimeout(() => {
        soon = 0;
        pending.refresh();
    }, CHANGED_MS);
}
