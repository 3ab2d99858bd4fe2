// What people type of a device or an operator, and the members of REST's documents that it means.
// Pure; tests/browser/fields.test.mjs. What cannot be read throws an Error with words for the reader.

const split = (text, by) => text.split(by).map((part) => part.trim()).filter((part) => part !== "");

/** { site: "berlin" } as "site=berlin". */
export const labelsText = (labels) =>
    Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`).join(", ");

export function labelsOf(text) {
    const labels = {};
    for (const part of split(text, ",")) {
        const at = part.indexOf("=");
        if (at < 1) throw new Error(`“${part}” is no label: write name=value.`);
        labels[part.slice(0, at).trim()] = part.slice(at + 1).trim();
    }
    return labels;
}

/** [22, "8000-8010"] as "22, 8000-8010". */
export const portsText = (ports) => (ports ?? []).join(", ");

export const portsOf = (text) => split(text, ",").map((part) => {
    if (!/^\d{1,5}(-\d{1,5})?$/.test(part)) throw new Error(`“${part}” is no port: write 22, or 8000-8010.`);
    return part.includes("-") ? part : Number(part);
});

/** Which devices an operator may reach, a rule a line: "berlin-* site=berlin 22,8000-8010". */
export const rulesText = (rules) => (rules ?? []).map(({ devices, labels, ports }) =>
    [devices || "*", labelsText(labels).replaceAll(", ", ","), portsText(ports).replaceAll(", ", ",")]
        .filter((part) => part !== "").join(" ")).join("\n");

export const rulesOf = (text) => split(text, "\n").map((line) => {
    const [devices, ...rest] = split(line, /\s+/);
    const rule = { devices };
    for (const part of rest) {
        if (part.includes("=")) rule.labels = { ...rule.labels, ...labelsOf(part) };
        else rule.ports = [...(rule.ports ?? []), ...portsOf(part)];
    }
    return rule;
});

/** Of what is called so in REST, either a key or a device, the member that names it. */
export const subjectOf = (text) => (text.startsWith("SHA256:") ? { key_fingerprint: text } : { client_key: text });
