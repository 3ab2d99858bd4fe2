// Numbers, times and commands as people read them. Pure; tests/browser/format.test.mjs.

// A number and its unit stay on one line.
const NB = "\u00a0";
const grouped = new Intl.NumberFormat("en");

export const count = (number) => grouped.format(number);

/** "1 slave", "2 slaves". */
export const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** "3.4 %"; what is there never reads as nothing, nor what is not full as all. */
export function percent(part, whole) {
    if (!(whole > 0)) return "–";
    const value = (100 * part) / whole;
    if (value > 0 && value < 0.1) return `<${NB}0.1${NB}%`;
    if (value > 99.9 && value < 100) return `>${NB}99.9${NB}%`;
    return `${value < 10 && value % 1 !== 0 ? value.toFixed(1) : Math.round(value * 10) / 10}${NB}%`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

export function bytes(number) {
    let value = number, unit = 0;
    while (value >= 999.5 && unit < UNITS.length - 1) {
        value /= 1000;
        unit++;
    }
    return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)}${NB}${UNITS[unit]}`;
}

export const rate = (bytesPerSecond) => `${bytes(bytesPerSecond)}/s`;

/** The two largest units of a time that passed: "3 s", "4 min", "2 h 05 min", "3 d 4 h". */
export function age(ms) {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    if (seconds < 60) return `${seconds}${NB}s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes}${NB}min`;
    const hours = Math.floor(minutes / 60);
    if (hours < 24) return `${hours}${NB}h ${String(minutes % 60).padStart(2, "0")}${NB}min`;
    return `${count(Math.floor(hours / 24))}${NB}d ${hours % 24}${NB}h`;
}

/** "13:05:12" of this place. */
export function clock(time) {
    const date = new Date(time);
    return [date.getHours(), date.getMinutes(), date.getSeconds()]
        .map((part) => String(part).padStart(2, "0")).join(":");
}

/** "2026-11-23 13:05:12" of this place. */
export function moment(time) {
    const date = new Date(time);
    const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()]
        .map((part) => String(part).padStart(2, "0")).join("-");
    return `${day} ${clock(time)}`;
}

/** "host:port", with the brackets that an IPv6 address needs. */
export const address = (host, port) => `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** What an operator types to reach a device's port. */
export const sshCommand = (host, port) => `ssh -p ${port} user@${host}`;

/**
 * What an operator types to reach a device by its name, through the slave at host:port; "" where no
 * shell and no ssh takes such a name. ssh writes names in lower case, so others go by -W.
 */
export function jumpCommand(host, port, clientKey) {
    if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(clientKey)) return "";
    if (clientKey === clientKey.toLowerCase())
        return `ssh -J ops@${port === 22 ? host : address(host, port)} user@${clientKey}`;
    return `ssh -o ProxyCommand='ssh -p ${port} -W ${clientKey}:22 ops@${host}' user@${clientKey}`;
}

/** "client_closed" as words. */
export const words = (name) => name.replaceAll("_", " ");
