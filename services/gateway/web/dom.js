// Elements. Text that came from elsewhere goes in as text only: nothing here reads markup.

export const byId = (id) => document.getElementById(id);

/** An element with attributes; `on` holds listeners, a child is a node or a text. */
export function element(name, { on = {}, ...attributes } = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (value === true) made.setAttribute(key, "");
        else if (value !== false && value != null) made.setAttribute(key, value);
    }
    for (const [kind, listener] of Object.entries(on)) made.addEventListener(kind, listener);
    made.append(...children);
    return made;
}

/** Writes a text where it differs, so that screen readers hear of changes only. */
export function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
}

/**
 * Makes the children of `parent` those of `items`, and keeps the nodes of those that stay: what
 * has the focus keeps it. `create(item)` makes a node, `update(node, item)` fills it.
 */
export function reconcile(parent, items, keyOf, create, update) {
    const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
    let at = parent.firstElementChild;
    for (const item of items) {
        const key = String(keyOf(item));
        let node = old.get(key);
        if (node) old.delete(key);
        else (node = create(item)).dataset.key = key;
        update(node, item);
        if (node === at) at = at.nextElementSibling;
        else parent.insertBefore(node, at);
    }
    for (const node of old.values()) node.remove();
}
