// The bar that shows how full a slave or a region is.

const WARN_FROM = 0.8;
const BAD_FROM = 0.95;

/** `bar`: an element of class "load" with one child. What has no room at all is full. */
export function fillLoad(bar, tunnels, capacity) {
    const part = capacity > 0 ? Math.min(1, tunnels / capacity) : 1;
    bar.dataset.level = capacity === 0 ? "" : part > BAD_FROM ? "bad" : part > WARN_FROM ? "warn" : "";
    // One device in ten thousand is to be seen, too.
    bar.firstElementChild.style.width = capacity > 0 && tunnels > 0 ? `max(2px, ${100 * part}%)` : "0";
}
