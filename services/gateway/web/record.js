// The dialog in which a record is written: of a new key, one that waits, or one that is known.
import { byId, setText } from "./dom.js";
import { labelsOf, labelsText, portsOf, portsText, rulesOf, rulesText } from "./fields.js";

const dialog = byId("record");
const field = (name) => byId(`record-${name}`);
let known = null; // the record as it is; null: a new one
let save = null;

function showKind() {
    const isOperator = field("kind").value === "operator";
    field("device").hidden = isOperator;
    field("rules-field").hidden = !isOperator;
}
field("kind").addEventListener("change", showKind);

/** What the fields say, as REST takes it. Throws an Error for what cannot be read. */
function written() {
    const isOperator = field("kind").value === "operator";
    const name = field("name").value.trim();
    if (name === "") throw new Error("It needs a name.");
    const record = { labels: labelsOf(field("labels").value), comment: field("comment").value.trim() };
    if (known === null) {
        record.public_key = field("key").value.trim();
        if (record.public_key === "") throw new Error("Its public key is missing.");
    }
    if (isOperator)
        return { ...record, operator: { ...known?.operator, name, rules: rulesOf(field("rules").value) } };
    return { ...record, client_key: name, ports: portsOf(field("ports").value),
        region: field("region").value.trim() || null };
}

byId("record-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const mine = save;
    field("save").disabled = true;
    setText(field("error"), "");
    try {
        await mine(written());
        if (save === mine) dialog.close();
    } catch (error) {
        if (save === mine) setText(field("error"), error.message);
    } finally {
        field("save").disabled = false;
    }
});
field("cancel").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => (save = null));

/** Opens it, filled with `device` where one is known; `save(record)` is awaited. */
export function editRecord({ title, button, device = null, save: action }) {
    known = device;
    save = action;
    setText(field("title"), title);
    setText(field("save"), button);
    setText(field("error"), "");
    setText(field("of"), device?.key_fingerprint ?? "");
    field("key-field").hidden = device !== null;
    const values = {
        key: "", kind: device?.operator ? "operator" : "device", name: device?.client_key || device?.operator?.name || "",
        ports: portsText(device?.ports), region: device?.region ?? "", rules: rulesText(device?.operator?.rules),
        labels: labelsText(device?.labels), comment: device?.comment ?? "",
    };
    for (const [name, value] of Object.entries(values)) field(name).value = value;
    showKind();
    dialog.showModal();
    (device ? field("name") : field("key")).focus();
}
