// Who did what to whom, newest first, as the gateway reads it back from the stream.
import { byId, element, setText } from "./dom.js";
import { bindFilter, filters } from "./filters.js";
import { moment, words } from "./format.js";
import { List } from "./list.js";

// What is before a dot finds all of its kind.
const ACTIONS = ["connect", "disconnect", "refuse", "access", "kick", "drain", "revoke", "ban", "lift", "device",
    "device.add", "device.approve", "device.reject", "device.change", "device.disable", "device.remove",
    "config.reload", "start", "stop"];
const HOUR_MS = 3600000;
let since = "";

const list = new List("audit", {
    path: "/v1/audit", member: "audit", thing: "entry", things: "audit entries",
    query: () => ({ actor: filters.actor, action: filters.action, target: filters.target, since }),
    keyOf: ({ id }) => id,
    createRow, fillRow,
    emptyText: () => (filters.actor || filters.action || filters.target || since
        ? "Nothing of that kind is kept." : "Nothing was done yet."),
});

const filtering = (name, row) => element("button", { type: "button", class: "link",
    on: { click: () => filters.set({ [name]: row().entry[name] }) } });

function createRow() {
    const row = element("tr", {},
        element("th", { scope: "row" }, element("time")),
        ...["actor", "action", "target"].map((name) => element("td", {}, filtering(name, () => row))),
        element("td", { class: "wide" }), element("td", { class: "wide why" }));
    return row;
}

function fillRow(row, entry) {
    const [time, actor, action, target, from, why] = row.children;
    row.entry = entry;
    setText(time.firstElementChild, moment(entry.time));
    time.firstElementChild.dateTime = entry.time;
    time.title = `told by ${entry.source}`;
    for (const [cell, text] of [[actor, entry.actor], [action, entry.action], [target, entry.target]]) {
        setText(cell.firstElementChild, text ?? "");
        cell.firstElementChild.hidden = !text;
    }
    setText(from, entry.remote_address ?? "");
    setText(why, [entry.reason && words(entry.reason), entry.detail, entry.error].filter(Boolean).join(" · "));
    why.classList.toggle("error", Boolean(entry.error));
}

for (const name of ["actor", "action", "target"]) bindFilter(byId(`audit-${name}`), name);
byId("audit-actions").append(...ACTIONS.map((value) => element("option", { value })));
byId("audit-since").addEventListener("change", ({ target }) => {
    since = target.value === "" ? "" : new Date(Date.now() - target.value * HOUR_MS).toISOString();
    list.refresh();
});
list.follow("audit");
