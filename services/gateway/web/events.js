// The gateway's event stream (GET /v1/events), as long as the page is open.
//
// Dispatches "event" (detail: the document) and "state" when `state` changes: "connecting",
// "live", "missing" (this gateway has none). The browser connects again by itself where the
// connection broke, and says which event it had last; where the gateway refused, we do.

const TYPES = ["connect", "disconnect", "start", "drain", "stop", "refuse", "flapping", "access", "reload"];
const AGAIN_MS = 5000;
const AGAIN_MISSING_MS = 60000;

export class Events extends EventTarget {
    state = "connecting";
    #source = null;
    #timer = 0;

    start() {
        this.stop();
        this.#source = new EventSource("/v1/events");
        this.#source.onopen = () => this.#is("live");
        this.#source.onerror = () => this.#broken();
        for (const name of [...TYPES, "message"])
            this.#source.addEventListener(name, (message) => this.#take(message));
        this.#source.addEventListener("gap", () => this.dispatchEvent(new Event("gap")));
    }

    stop() {
        clearTimeout(this.#timer);
        this.#source?.close();
        this.#source = null;
    }

    #take(message) {
        let detail;
        try {
            detail = JSON.parse(message.data);
        } catch {
            return; // of a newer gateway
        }
        if (TYPES.includes(detail?.type)) this.dispatchEvent(new CustomEvent("event", { detail }));
    }

    async #broken() {
        this.#is("connecting");
        const source = this.#source;
        if (source?.readyState !== EventSource.CLOSED) return;
        // EventSource does not say why; a HEAD does, and costs nothing.
        let status = 0;
        try {
            status = (await fetch("/v1/events", { method: "HEAD" })).status;
        } catch {
            // The gateway is away: the banner says so.
        }
        if (source !== this.#source) return; // stopped, or started anew, meanwhile
        if (status === 404) this.#is("missing");
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.start(), status === 404 ? AGAIN_MISSING_MS : AGAIN_MS);
    }

    #is(state) {
        if (this.state === state) return;
        this.state = state;
        this.dispatchEvent(new Event("state"));
    }
}
