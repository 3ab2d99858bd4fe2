// A table of documents from REST. What is shown is asked for again while it is one page; more pages
// come when the reader wants them, and stay as they are until something is changed here.
//
// Of a table with the id X: X-note (how many), X-empty (why there is none), X-more (a button).
import { Problem, get } from "./api.js";
import { byId, element, reconcile, setText } from "./dom.js";
import { filters } from "./filters.js";
import { clock, count, counted } from "./format.js";
import { Poller } from "./poller.js";
import { onView } from "./views.js";

const PAGE_SIZE = 50;
const EVERY_MS = 10000;
// So many pages of which nothing is shown are passed over without the reader's asking.
const PAGES_MAX = 20;

/** A failure in words that help; `things` are what was asked for. */
export function failureText({ status, detail }, things) {
    if (status === 403) return `Your token may not read ${things}. ${detail}`;
    if (status === 404) return `This gateway has no ${things}: is it of an earlier version?`;
    if (status === 503) return `No master can tell ${things} now. ${detail} This page keeps asking.`;
    return detail;
}

export class List {
    #documents = null;
    #next = "";
    #asked = "";
    #heardAt = 0;
    #isWanted = false; // by more than the time that has passed
    #poller = new Poller(EVERY_MS, () => this.#refresh());

    /**
     * `things` in words ("records"), `path` and `member` of REST, `query()` gives its parameters;
     * keyOf, createRow and fillRow are as in reconcile(); `emptyText()` says what it means that
     * there is none. What `accepts(document)` is false for is passed over. `onShown(documents)` is
     * called when they are new.
     */
    constructor(id, options) {
        Object.assign(this, { id, onShown: () => {}, accepts: () => true, query: () => ({}), ...options });
        this.table = byId(id);
        this.moreButton = byId(`${id}-more`);
        this.moreButton?.addEventListener("click", () => this.#more());
    }

    start() {
        this.#isWanted = true;
        this.#poller.start();
    }

    stop() {
        this.#poller.stop();
    }

    /** Asks while that view is shown, and at once when the reader looks for something else. */
    follow(view) {
        let isShown = false;
        onView(view, (shown) => {
            isShown = shown;
            if (shown) this.start();
            else this.stop();
        });
        filters.addEventListener("change", () => {
            if (isShown && this.#wantedQuery() !== this.#asked) this.refresh();
        });
    }

    /** Something was changed, or something else is looked for: at once. */
    refresh() {
        this.#isWanted = true;
        this.#poller.now();
    }

    #wantedQuery() {
        const given = Object.entries({ page_size: PAGE_SIZE, ...this.query() }).filter(([, value]) => value !== "");
        return new URLSearchParams(given).toString();
    }

    async #page(query, token) {
        const more = token === "" ? "" : `&page_token=${encodeURIComponent(token)}`;
        const page = await get(`${this.path}?${query}${more}`);
        return { documents: page[this.member].filter(this.accepts), next: page.next_page_token };
    }

    async #refresh() {
        const query = this.#wantedQuery();
        if (query !== this.#asked) this.#documents = null;
        else if (!this.#isWanted && this.#documents?.length > PAGE_SIZE) return true;
        this.#isWanted = false;
        this.#asked = query;
        const atLeast = this.#documents?.length ?? 0;
        const documents = [];
        let token = "", pages = 0;
        this.table.setAttribute("aria-busy", "true");
        try {
            do {
                const page = await this.#page(query, token);
                documents.push(...page.documents);
                token = page.next;
                pages++;
            } while (token !== "" && (documents.length < atLeast || (documents.length === 0 && pages < PAGES_MAX)));
        } catch (error) {
            if (!(error instanceof Problem)) throw error;
            if (query === this.#wantedQuery()) this.#show(error);
            return false;
        } finally {
            this.table.removeAttribute("aria-busy");
        }
        if (query !== this.#wantedQuery()) return true; // the reader has gone on meanwhile
        this.#documents = documents;
        this.#next = token;
        this.#heardAt = Date.now();
        this.#show(null);
        return true;
    }

    async #more() {
        const before = this.#documents;
        this.moreButton.disabled = true;
        try {
            const page = await this.#page(this.#asked, this.#next);
            if (before !== this.#documents) return; // they were asked for anew meanwhile
            before.push(...page.documents);
            this.#next = page.next;
            this.#show(null);
        } catch (error) {
            if (!(error instanceof Problem)) throw error;
            this.#show(error);
        } finally {
            this.moreButton.disabled = false;
        }
    }

    #show(error) {
        // What was known stays while nobody can say anything newer, but not while it is forbidden.
        const mayStay = !error || error.status === 0 || error.status >= 500;
        const shown = mayStay ? (this.#documents ?? []) : [];
        reconcile(this.table.tBodies[0], shown, this.keyOf, this.createRow, this.fillRow);
        this.table.hidden = shown.length === 0;
        const empty = byId(`${this.id}-empty`);
        empty.hidden = shown.length > 0;
        if (shown.length === 0)
            empty.replaceChildren(element("p", error ? { class: "error" } : {},
                error ? failureText(error, this.things) : this.emptyText()));
        setText(byId(`${this.id}-note`), this.#note(shown.length, error));
        if (this.moreButton) this.moreButton.hidden = this.#next === "" || !mayStay;
        this.onShown(shown);
    }

    #note(shown, error) {
        if (shown === 0) return "";
        if (error) return `as of ${clock(this.#heardAt)}: ${failureText(error, this.things)}`;
        return this.#next === "" ? counted(shown, this.thing) : `the first ${count(shown)}`;
    }
}
