// Asks again and again: soon while all is well, ever later while it is not, seldom while nobody looks.

const HIDDEN_MS = 30000;
const LATEST_MS = 15000;

export class Poller {
    #timer = 0;
    #running = false;
    #again = false;
    #stopped = true;
    #failures = 0;

    /** `work` is awaited; it returns false, or throws, where it failed. */
    constructor(everyMs, work) {
        this.everyMs = everyMs;
        this.work = work;
        this.nextAt = 0;
        document.addEventListener("visibilitychange", () => {
            if (!document.hidden) this.now();
        });
    }

    start() {
        this.#stopped = false;
        this.now();
    }

    stop() {
        this.#stopped = true;
        clearTimeout(this.#timer);
    }

    /** At once; again at once where it is under way. */
    async now() {
        if (this.#stopped) return;
        if (this.#running) {
            this.#again = true;
            return;
        }
        clearTimeout(this.#timer);
        this.#running = true;
        this.#again = false;
        let failed = false;
        try {
            failed = (await this.work()) === false;
        } catch (error) {
            console.error(error);
            failed = true;
        }
        this.#running = false;
        this.#failures = failed ? this.#failures + 1 : 0;
        if (this.#again && !failed) this.now();
        else this.#plan();
    }

    #plan() {
        if (this.#stopped) return;
        const backoff = Math.min(LATEST_MS, this.everyMs * 2 ** Math.max(0, this.#failures - 1));
        const waitMs = document.hidden ? HIDDEN_MS : this.#failures > 0 ? backoff : this.everyMs;
        this.nextAt = Date.now() + waitMs;
        this.#timer = setTimeout(() => this.now(), waitMs);
    }
}
