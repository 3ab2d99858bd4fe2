// What the masters say of the cluster, kept fresh, and whether they can be heard.
//
// Dispatches "data" when `summary` and `slaves` are new, "connection" when `connection` is.
import { Problem, get } from "./api.js";
import { Poller } from "./poller.js";

const EVERY_MS = 2000;
// With more pages than one of slaves, their list is asked for less often.
const LONG_LIST_MS = 10000;

export class Cluster extends EventTarget {
    summary = null;
    slaves = [];
    /** Bytes per second through a slave, both ways, by its id. */
    traffic = new Map();
    /** `since`: when it came to be so; `heardAt`: the last answer. */
    connection = { state: "loading", since: Date.now(), heardAt: 0, problem: null };
    #poller = new Poller(EVERY_MS, () => this.#ask());
    #longListAt = 0;

    start() {
        this.#poller.start();
    }

    stop() {
        this.#poller.stop();
    }

    refresh() {
        return this.#poller.now();
    }

    get nextAt() {
        return this.#poller.nextAt;
    }

    async #ask() {
        try {
            this.summary = await get("/v1/cluster");
            if (Date.now() - this.#longListAt >= LONG_LIST_MS) await this.#askSlaves();
        } catch (error) {
            if (!(error instanceof Problem)) throw error;
            this.#is("away", error);
            return false;
        }
        this.connection.heardAt = Date.now();
        this.#is("live", null);
        this.dispatchEvent(new Event("data"));
        return true;
    }

    async #askSlaves() {
        const slaves = [];
        let token = "", pages = 0;
        do {
            const page = await get(`/v1/slaves?page_size=500&page_token=${token}`);
            slaves.push(...page.slaves);
            token = page.next_page_token;
            pages++;
        } while (token !== "");
        this.#measure(slaves);
        this.slaves = slaves;
        this.#longListAt = pages > 1 ? Date.now() : 0;
    }

    /** Slaves count bytes since their start; two answers make a rate. */
    #measure(slaves) {
        const before = new Map(this.slaves.map((slave) => [slave.slave_id, slave]));
        for (const slave of slaves) {
            const old = before.get(slave.slave_id);
            const ms = old ? Date.parse(slave.last_seen_at) - Date.parse(old.last_seen_at) : 0;
            if (ms < 1000) continue; // no newer report yet, or none
            const grown = slave.bytes_from_device + slave.bytes_to_device
                - old.bytes_from_device - old.bytes_to_device;
            this.traffic.set(slave.slave_id, Math.max(0, (1000 * grown) / ms));
        }
    }

    #is(state, problem) {
        const { connection } = this;
        if (connection.state !== state) Object.assign(connection, { state, since: Date.now() });
        connection.problem = problem;
        this.dispatchEvent(new Event("connection"));
    }
}
