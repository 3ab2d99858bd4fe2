// What the reader looks at: a view, and in it a region, a slave, devices by the beginning of their
// name, one tunnel, records of a state, what somebody did.
// It is kept in the fragment of the address, so that a link or a reload shows the same.
//
// Dispatches "change".

const NAMES = ["view", "region", "slave", "prefix", "tunnel", "record", "state", "banned",
    "actor", "action", "target"];

class Filters extends EventTarget {
    constructor() {
        super();
        this.#read();
        window.addEventListener("hashchange", () => {
            this.#read();
            this.dispatchEvent(new Event("change"));
        });
    }

    /** Takes what is named, leaves the rest. `null` or "" is none. */
    set(changed) {
        Object.assign(this, changed);
        const kept = new URLSearchParams();
        for (const name of NAMES) if (this[name]) kept.set(name, this[name]);
        const hash = kept.size > 0 ? `#${kept}` : " ";
        history.replaceState(null, "", hash === " " ? location.pathname : hash);
        this.dispatchEvent(new Event("change"));
    }

    #read() {
        const given = new URLSearchParams(location.hash.slice(1));
        for (const name of NAMES) this[name] = given.get(name) ?? "";
    }
}

export const filters = new Filters();

const TYPING_MS = 200;

/** A field holds the filter of that name, and the other way round; a text when it was typed. */
export function bindFilter(field, name) {
    let typing = 0;
    const take = () => filters.set({ [name]: field.value.trim() });
    field.addEventListener("input", () => {
        clearTimeout(typing);
        if (field.localName === "select") take();
        else typing = setTimeout(take, TYPING_MS);
    });
    const show = () => {
        if (document.activeElement !== field || field.localName === "select") field.value = filters[name];
    };
    filters.addEventListener("change", show);
    show();
}
