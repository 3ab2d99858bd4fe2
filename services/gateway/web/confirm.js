// "Are you sure?": a dialog that does the thing itself, so that a failure is told where it was asked for.
import { byId, setText } from "./dom.js";

const reason = byId("confirm-reason");
const dialog = byId("confirm");
const yes = byId("confirm-yes");
let act = null;

byId("confirm-no").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => (act = null));
yes.addEventListener("click", async () => {
    const mine = act;
    if (mine === null) return;
    yes.disabled = true;
    setText(byId("confirm-error"), "");
    try {
        await mine({ reason: reason.value.trim() });
        if (act === mine) dialog.close();
    } catch (error) {
        if (act === mine) setText(byId("confirm-error"), error.message);
    } finally {
        yes.disabled = false;
    }
});

reason.addEventListener("keydown", (event) => event.key === "Enter" && yes.click());

/**
 * Asks; `action({ reason })` is awaited when the answer is yes. With `asksReason` there is a field
 * for one.
 */
export function confirm({ title, text, button, action, asksReason = false }) {
    reason.value = "";
    reason.parentElement.hidden = !asksReason;
    setText(byId("confirm-title"), title);
    setText(byId("confirm-text"), text);
    setText(byId("confirm-error"), "");
    setText(yes, button);
    act = action;
    dialog.showModal();
}

let fading = 0;

/** Says for some seconds that something was done. */
export function toast(text) {
    const node = byId("toast");
    setText(node, text);
    node.dataset.shown = "";
    clearTimeout(fading);
    fading = setTimeout(() => {
        delete node.dataset.shown;
        setText(node, "");
    }, 6000);
}
