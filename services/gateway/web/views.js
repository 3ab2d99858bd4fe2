// The parts of the page, of which one is shown: the cluster, devices, bans, the audit.
import { byId } from "./dom.js";
import { filters } from "./filters.js";

const sections = [...document.querySelectorAll(".view")];
const links = [...byId("views").querySelectorAll("a")];
const watchers = new Map(); // by name: called with whether it is shown

const nameOf = (section) => section.id.replace("view-", "");
let shown = null;

function follow() {
    const wanted = sections.find((section) => nameOf(section) === filters.view) ?? sections[0];
    if (wanted === shown) return;
    shown = wanted;
    for (const section of sections) {
        section.hidden = section !== shown;
        watchers.get(nameOf(section))?.(section === shown);
    }
    for (const link of links) {
        if (link.dataset.view === nameOf(shown)) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
    }
}

document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, select, textarea, dialog");
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
    event.preventDefault();
    shown?.querySelector("[aria-keyshortcuts='/']")?.focus();
});

/** `watcher(isShown)` is called when that view comes and goes, and by startViews(). */
export const onView = (name, watcher) => watchers.set(name, watcher);

export function startViews() {
    filters.addEventListener("change", follow);
    shown = null;
    follow();
}

/** All are told that they are shown no more. */
export function stopViews() {
    filters.removeEventListener("change", follow);
    for (const watcher of watchers.values()) watcher(false);
}
