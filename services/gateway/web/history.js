// What the charts show: samples of a number, and counts for each span of time. Pure;
// tests/browser/history.test.mjs.

export const WINDOW_MS = 15 * 60 * 1000;
const WINDOW_MIN_MS = 2 * 60 * 1000;

/** The time that charts show: since `begin`, but not less than some minutes nor more than they hold. */
export const windowSince = (begin, now) => Math.min(WINDOW_MS, Math.max(WINDOW_MIN_MS, now - begin));

/** A number over time. Samples come in order; those before the window go. */
export class Samples {
    constructor(windowMs = WINDOW_MS) {
        this.windowMs = windowMs;
        this.points = [];
    }

    add(time, value) {
        const points = this.points;
        const last = points.length - 1;
        // Between two equal ones a third says nothing.
        if (last > 0 && points[last].value === value && points[last - 1].value === value)
            points[last].time = time;
        else points.push({ time, value });
        while (points.length > 1 && points[1].time <= time - this.windowMs) points.shift();
    }

    /** { low, high }, of what is there. */
    range() {
        const values = this.points.map((point) => point.value);
        return { low: Math.min(...values), high: Math.max(...values) };
    }
}

/** How often something happened, in spans of `spanMs`. */
export class Counts {
    constructor(spanMs, windowMs = WINDOW_MS) {
        this.spanMs = spanMs;
        this.windowMs = windowMs;
        this.spans = new Map();
    }

    add(time, kind) {
        const from = Math.floor(time / this.spanMs) * this.spanMs;
        const span = this.spans.get(from) ?? {};
        span[kind] = (span[kind] ?? 0) + 1;
        this.spans.set(from, span);
        for (const old of this.spans.keys()) {
            if (old <= time - this.windowMs - this.spanMs) this.spans.delete(old);
        }
    }

    total(kind) {
        return [...this.spans.values()].reduce((sum, span) => sum + (span[kind] ?? 0), 0);
    }

    highest(kind) {
        return Math.max(0, ...[...this.spans.values()].map((span) => span[kind] ?? 0));
    }
}

/** The next 1, 2 or 5 times a power of ten: where an axis may end. */
export function niceCeiling(value) {
    if (value <= 0) return 1;
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 5, 10].map((step) => step * power).find((end) => end >= value);
}
