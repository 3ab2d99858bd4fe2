// The gateway's REST. Every failure is a Problem, also where no answer came.

const TIMEOUT_MS = 8000;

export class Problem extends Error {
    /** `status` 0: no answer. */
    constructor(status, code, detail) {
        super(detail);
        Object.assign(this, { status, code, detail });
    }
}

async function problemOf(response) {
    let document = {};
    try {
        document = await response.json();
    } catch {
        // An answer of something between here and the gateway.
    }
    const detail = document.detail || document.title || `The gateway answered ${response.status}.`;
    return new Problem(response.status, document.code ?? "unknown", detail);
}

async function request(method, path, headers, body) {
    let response;
    try {
        response = await fetch(path, { method, headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
        const slow = error.name === "TimeoutError";
        throw new Problem(0, slow ? "timeout" : "unreachable",
            slow ? "The gateway took too long to answer." : "The gateway cannot be reached.");
    }
    if (!response.ok) throw await problemOf(response);
    if (response.status === 204) return null;
    try {
        return await response.json();
    } catch {
        throw new Problem(0, "unreachable", "The gateway's answer broke off.");
    }
}

export const get = (path) => request("GET", path, { Accept: "application/json" });

// The header shows that a page of this origin asks: no other one can set it.
export function command(method, path, { headers = {}, document } = {}) {
    const marked = { "X-Mas4h-Request": "1", ...headers };
    if (document === undefined) return request(method, path, marked);
    return request(method, path, { "Content-Type": "application/json", ...marked }, JSON.stringify(document));
}
