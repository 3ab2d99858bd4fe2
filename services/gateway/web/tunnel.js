// One tunnel in a sheet at the side: how to reach it, what is known of it, and the ways to kick and to revoke it.
import { Problem, command, get } from "./api.js";
import { confirm, toast } from "./confirm.js";
import { byId, element, setText } from "./dom.js";
import { labelsText } from "./fields.js";
import { linesOf } from "./feed.js";
import { filters } from "./filters.js";
import { address, age, jumpCommand, moment, sshCommand } from "./format.js";
import { Poller } from "./poller.js";
import { askToRevoke } from "./revocations.js";
import { session } from "./session.js";

const EVERY_MS = 4000;
const dialog = byId("tunnel");
const poller = new Poller(EVERY_MS, load);
let wanted = ""; // its client key
let shown = null;
let cluster = null;

const path = (clientKey) => `/v1/tunnels/${encodeURIComponent(clientKey)}`;

// ---- how to reach it ----

/** Into the clipboard; where the browser keeps that from plain HTTP, selected for the reader. */
async function copy(text, code, button) {
    try {
        await navigator.clipboard.writeText(text);
        setText(button, "Copied");
    } catch {
        getSelection().selectAllChildren(code);
        setText(button, document.execCommand("copy") ? "Copied" : "Selected");
    }
    setTimeout(() => setText(button, "Copy"), 2000);
}

function commandLine(what, text) {
    const code = element("code", {}, text);
    const button = element("button", { type: "button", "aria-label": `Copy: ${text}`,
        on: { click: () => copy(text, code, button) } }, "Copy");
    return element("li", {}, element("span", { class: "note" }, what), code, button);
}

function showCommands(tunnel) {
    const slave = cluster.slaves.find(({ slave_id }) => slave_id === tunnel.slave_id);
    const jump = slave ? jumpCommand(slave.host, slave.port, tunnel.client_key) : "";
    const text = JSON.stringify([tunnel.host, tunnel.ports, jump]);
    if (dialog.dataset.reach === text) return; // what the reader has selected stays
    dialog.dataset.reach = text;
    const byName = jump === "" ? [] : [commandLine("by its name, with an operator's key", jump)];
    byId("tunnel-commands").replaceChildren(...byName, ...tunnel.ports.flatMap((port) => [
        commandLine("where its SSH server is behind the port", sshCommand(tunnel.host, port)),
        commandLine("for any other program", address(tunnel.host, port)),
    ]));
}

// ---- what is known ----

function showFacts(tunnel) {
    const facts = {
        Slave: `${tunnel.slave_id} in ${tunnel.region}`,
        Up: `${age(Date.now() - Date.parse(tunnel.connected_at))}, since ${moment(tunnel.connected_at)}`,
        "Connects from": tunnel.remote_address,
        Labels: labelsText(tunnel.labels) || "none",
        "SSH client": tunnel.client_version,
        Key: tunnel.key_fingerprint,
        "Tunnel id": tunnel.tunnel_id,
    };
    byId("tunnel-facts").replaceChildren(...Object.entries(facts).map(([name, value]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, value || "not known"))));
}

function showEvents() {
    const lines = linesOf(wanted);
    byId("tunnel-events").replaceChildren(...(lines.length > 0 ? lines
        : [element("li", { class: "note" }, "Nothing yet.")]));
}

function show(tunnel, state, level) {
    shown = tunnel ?? shown;
    setText(byId("tunnel-state"), state);
    byId("tunnel-state").hidden = state === "";
    byId("tunnel-state").dataset.level = level;
    byId("tunnel-body").hidden = shown === null;
    byId("tunnel-kick").hidden = tunnel === null || !session.mayOperate;
    byId("tunnel-revoke").hidden = !session.mayOperate; // who is away can be banned, too
    if (shown === null) return;
    showCommands(shown);
    showFacts(shown);
    showEvents();
}

async function load() {
    const mine = wanted;
    if (mine === "") return true;
    try {
        const tunnel = await get(path(mine));
        if (mine === wanted)
            show(tunnel, tunnel.flapping ? "Several live devices use this key and throw each other out." : "", "warn");
    } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (mine !== wanted) return true;
        if (error.status !== 404) {
            show(null, error.detail, "bad");
            return false;
        }
        show(null, shown ? "This tunnel is gone; below is what was known." : "No such device is connected now.", "warn");
    }
    return true;
}

// ---- kick, open, close ----

byId("tunnel-kick").addEventListener("click", () => {
    const clientKey = wanted;
    confirm({
        title: `Kick ${clientKey}?`,
        text: "Its connection and those of its operators are closed at once. A device that keeps trying is back within seconds.",
        button: "Kick",
        action: async () => {
            await command("DELETE", path(clientKey));
            toast(`${clientKey} was kicked.`);
            poller.now();
        },
    });
});

byId("tunnel-revoke").addEventListener("click", () => askToRevoke(wanted));

function follow() {
    if (filters.tunnel === wanted) return;
    wanted = filters.tunnel;
    shown = null;
    delete dialog.dataset.reach;
    if (wanted === "") {
        dialog.close();
        poller.stop();
        return;
    }
    setText(byId("tunnel-title"), wanted);
    byId("tunnel-record").href = `#${new URLSearchParams({ view: "devices", record: wanted })}`;
    byId("tunnel-audit").href = `#${new URLSearchParams({ view: "audit", target: wanted })}`;
    show(null, "Asking the cluster.", "");
    if (!dialog.open) dialog.showModal();
    poller.start();
}

byId("tunnel-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => filters.set({ tunnel: "" }));
// A click beside the sheet is on the dialog itself.
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
session.addEventListener("change", () => {
    if (session.state === "signed-out") dialog.close();
});

export function startTunnel(knownCluster) {
    cluster = knownCluster;
    filters.addEventListener("change", follow);
    follow();
}

/** Something happened to a device. */
export function tunnelChanged(clientKey) {
    if (clientKey === wanted) poller.now();
}
