// Revocations: whom a decision was taken back from, who is banned, and the way to lift that.
import { command } from "./api.js";
import { confirm, toast } from "./confirm.js";
import { byId, element, setText } from "./dom.js";
import { subjectOf } from "./fields.js";
import { bindFilter, filters } from "./filters.js";
import { age, moment } from "./format.js";
import { List } from "./list.js";
import { session } from "./session.js";

const nameOf = ({ client_key, key_fingerprint, name }) => client_key || key_fingerprint || name;

const list = new List("revocations", {
    path: "/v1/revocations", member: "revocations", thing: "revocation", things: "revocations",
    query: () => ({ banned: filters.banned }),
    keyOf: ({ name }) => name,
    createRow, fillRow,
    emptyText: () => (filters.banned ? "Nobody is banned." : "Nothing was revoked."),
});

function createRow() {
    const row = element("tr", {},
        element("th", { scope: "row" }), element("td", {}, element("span", { class: "state" })),
        element("td", { class: "wide" }), element("td", { class: "wide" }), element("td"),
        element("td", { class: "actions" }, element("button", { type: "button", class: "quiet",
            on: { click: () => lift(row.revocation) } }, "Lift")));
    return row;
}

function fillRow(row, revocation) {
    const [name, state, reason, actor, at, actions] = row.children;
    row.revocation = revocation;
    setText(name, nameOf(revocation));
    name.className = revocation.client_key ? "" : "code key";
    setText(state.firstElementChild, revocation.banned ? "banned" : "revoked");
    state.firstElementChild.dataset.state = revocation.banned ? "banned" : "";
    setText(reason, revocation.reason || "–");
    setText(actor, revocation.actor || "–");
    setText(at, `${age(Date.now() - Date.parse(revocation.at))} ago`);
    at.title = moment(revocation.at);
    actions.firstElementChild.hidden = !revocation.banned || !session.mayOperate;
    actions.firstElementChild.setAttribute("aria-label", `Lift the ban of ${nameOf(revocation)}`);
}

const lift = (revocation) => confirm({
    title: `Lift the ban of ${nameOf(revocation)}?`, button: "Lift", asksReason: true,
    text: "The validators decide about its key again from now on.",
    action: async ({ reason }) => {
        const why = reason === "" ? "" : `?reason=${encodeURIComponent(reason)}`;
        await command("DELETE", `/v1/revocations/${encodeURIComponent(revocation.name)}${why}`);
        toast(`The ban of ${nameOf(revocation)} was lifted.`);
        list.refresh();
    },
});

// ---- to revoke ----

const dialog = byId("revoke");
const subject = byId("revoke-subject");
const error = byId("revoke-error");
const ban = byId("revoke-ban");
const yes = byId("revoke-yes");

/** Asks what to revoke, with the name of a device, or a key's fingerprint, filled in. */
export function askToRevoke(name = "") {
    byId("revoke-form").reset();
    subject.value = name;
    setText(error, "");
    setText(yes, "Revoke");
    dialog.showModal();
    (name === "" ? subject : byId("revoke-reason")).focus();
}

ban.addEventListener("change", () => setText(yes, ban.checked ? "Revoke and ban" : "Revoke"));
byId("revoke-cancel").addEventListener("click", () => dialog.close());
byId("revoke-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = subject.value.trim();
    if (name === "") {
        setText(error, "Which device, or which key?");
        return;
    }
    yes.disabled = true;
    setText(error, "");
    try {
        await command("POST", "/v1/revocations", { document: {
            ...subjectOf(name), ban: ban.checked, reason: byId("revoke-reason").value.trim() } });
        toast(ban.checked ? `${name} is banned.` : `${name} was revoked.`);
        dialog.close();
        list.refresh();
    } catch (problem) {
        setText(error, problem.message);
    } finally {
        yes.disabled = false;
    }
});

byId("revocations-add").addEventListener("click", () => askToRevoke());
bindFilter(byId("revocations-banned"), "banned");
list.follow("revocations");
