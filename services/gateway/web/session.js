// Who the reader is to the gateway, and what they may do. The token itself is in a cookie that no
// script can read.
//
// Dispatches "change".
import { Problem, command, get } from "./api.js";

class Session extends EventTarget {
    /** "unknown", "open" (the gateway asks nobody), "signed-in", "signed-out". */
    state = "unknown";
    name = "";
    scopes = [];

    get mayOperate() {
        return this.state === "open" || this.scopes.includes("operate");
    }

    get mayRead() {
        return this.mayOperate || this.scopes.includes("read");
    }

    /** Asks the gateway. Throws the Problem of one that cannot say. */
    async look() {
        try {
            const { name = "", scopes = [], open = false } = await get("/v1/session");
            this.#is(open ? "open" : "signed-in", name, scopes);
        } catch (error) {
            if (!(error instanceof Problem)) throw error;
            if (error.status === 401) this.#is("signed-out");
            else if (error.status === 404) this.#is("open"); // a gateway without tokens
            else throw error;
        }
    }

    /** Throws the Problem of a token that the gateway does not take. */
    async signIn(token) {
        await command("POST", "/v1/session", { headers: { Authorization: `Bearer ${token}` } });
        await this.look();
    }

    async signOut() {
        await command("DELETE", "/v1/session");
    }

    /** The gateway takes the cookie no more. */
    lost() {
        this.#is("signed-out");
    }

    #is(state, name = "", scopes = []) {
        const same = this.state === state && this.name === name
            && this.scopes.join() === scopes.join();
        Object.assign(this, { state, name, scopes });
        if (!same) this.dispatchEvent(new Event("change"));
    }
}

export const session = new Session();
