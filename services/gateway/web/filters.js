// What the reader looks at: a region, a slave, devices by the beginning of their name, one tunnel.
// It is kept in the fragment of the address, so that a link or a reload shows the same.
//
// Dispatches "change".

const NAMES = ["region", "slave", "prefix", "tunnel"];

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
