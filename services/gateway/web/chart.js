// Two small charts. They draw what history.js holds; what they show is said in words beside it.
import { element } from "./dom.js";
import { age, count } from "./format.js";
import { niceCeiling } from "./history.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 600, HEIGHT = 90;

function shape(name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
}

function frame(host) {
    const svg = shape("svg", {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true",
    });
    const high = element("span", { class: "axis high" });
    const low = element("span", { class: "axis low" });
    const from = element("span", { class: "from" });
    const words = element("p", { class: "words" });
    host.replaceChildren(element("div", { class: "plot" }, svg, high, low),
        element("div", { class: "times" }, from, element("span", {}, "now")), words);
    return { svg, high, low, from, words };
}

const x = (time, now, windowMs) => WIDTH * Math.max(0, 1 - (now - time) / windowMs);
const at = (number) => number.toFixed(1);

/** A line over time with its area; the axis fits what is there. Returns what draws it. */
export function lineChart(host, samples) {
    const { svg, high, low, from, words } = frame(host);
    high.parentElement.classList.add("fitted");
    const area = shape("path", { class: "area" });
    const line = shape("path", { class: "line", "vector-effect": "non-scaling-stroke" });
    svg.append(area, line);

    return (now, windowMs) => {
        const { points } = samples;
        if (points.length === 0) return;
        const range = samples.range();
        // Small changes of a large number are to be seen; a steady one is a line in the middle.
        const margin = Math.max(range.high - range.low, range.high * 0.02, 2) * 0.25;
        const end = range.high + margin;
        const begin = Math.max(0, range.low - margin);
        const y = (value) => at(HEIGHT * (1 - (value - begin) / (end - begin)));
        const start = at(x(points[0].time, now, windowMs));
        let path = `M${start} ${y(points[0].value)}`;
        for (const { time, value } of points.slice(1)) path += `H${at(x(time, now, windowMs))}V${y(value)}`;
        path += `H${WIDTH}`;
        line.setAttribute("d", path);
        area.setAttribute("d", `${path}V${HEIGHT}H${start}Z`);
        // Each number stands where the line has it.
        high.style.top = `${(100 * y(range.high)) / HEIGHT}%`;
        low.style.top = `${(100 * y(range.low)) / HEIGHT}%`;
        high.textContent = count(range.high);
        low.textContent = range.low === range.high ? "" : count(range.low);
        from.textContent = `${age(windowMs)} ago`;
        words.textContent = range.low === range.high ? `steady at ${count(range.high)}`
            : `between ${count(range.low)} and ${count(range.high)}`;
    };
}

/** Bars for each span: `up` above the middle, `down` below it. Returns what draws them. */
export function barChart(host, counts, up, down) {
    const { svg, high, low, from, words } = frame(host);
    const middle = HEIGHT / 2;

    return (now, windowMs) => {
        const end = niceCeiling(Math.max(counts.highest(up), counts.highest(down)));
        const bars = [shape("line", { class: "zero", x1: 0, x2: WIDTH, y1: middle, y2: middle,
            "vector-effect": "non-scaling-stroke" })];
        for (const [time, span] of counts.spans) {
            const left = x(time, now, windowMs);
            const width = (x(time + counts.spanMs, now, windowMs) - left) * 0.85;
            for (const [kind, name] of [[up, "up"], [down, "down"]]) {
                const height = (middle * (span[kind] ?? 0)) / end;
                if (height > 0 && width > 0)
                    bars.push(shape("rect", { class: name, x: at(left), width: at(width),
                        y: at(name === "up" ? middle - height : middle), height: at(height) }));
            }
        }
        svg.replaceChildren(...bars);
        const quiet = counts.highest(up) + counts.highest(down) === 0;
        high.textContent = low.textContent = quiet ? "" : count(end);
        from.textContent = `${age(windowMs)} ago`;
        words.textContent = `${count(counts.total(up))} connects, ${count(counts.total(down))} disconnects;`
            + ` a bar is ${age(counts.spanMs)}`;
    };
}
