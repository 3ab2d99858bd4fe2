// What the dashboard shows of records, bans and the audit, and changes: before a real cluster.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, launch, open, overflow } from "./browser.mjs";
import { Cluster, until } from "./cluster.mjs";

let cluster, browser, page;
const door = { name: "door-7" }, gate = { name: "gate-1" };

before(async () => {
    process.env.MAS4H_MASTER_ENROLMENT_ENABLED = "yes";
    cluster = new Cluster("--slaves", "1", "--gateways", "2");
    browser = await launch();
    page = await open(browser, `${cluster.url}/#view=devices`);
    door.key = cluster.key();
    gate.key = cluster.key();
});

after(async () => {
    await browser?.close();
    cluster?.down();
});

const shown = (selector, text) => page.locator(selector, { hasText: text }).first().waitFor();
const gone = (selector, text) => page.locator(selector, { hasText: text }).first().waitFor({ state: "hidden" });
const press = (name) => page.getByRole("button", { name, exact: true }).click();
const view = (name) => page.locator("#views").getByRole("link", { name }).click();

function assertNoFaults() {
    assert.deepEqual(page.faults.splice(0), []);
}

test("a device is added by the line of its public key, and let in", async () => {
    await shown("#devices-empty", "There are no records");
    assert.deepEqual(await barriers(page), []);
    await page.locator("#devices-add").click();
    await page.keyboard.insertText(door.key.line);
    await page.locator("#record-name").fill(door.name);
    await page.locator("#record-labels").fill("site");
    assert.deepEqual(await barriers(page), []);
    await page.keyboard.press("Enter");
    await shown("#record-error", "“site” is no label");
    await page.locator("#record-labels").fill("site=berlin, floor=2");
    await page.keyboard.press("Enter");
    await shown("#toast", "door-7 was added");
    await shown("#devices tbody tr", /door-7.*enabled.*floor=2, site=berlin/s);
    await cluster.knock(door.key);
    await until(() => cluster.get("/v1/tunnels/door-7"), "the device is let in");
    assertNoFaults();
});

test("a key that nobody knows waits, is approved as a name, and comes in", async () => {
    await cluster.knock(gate.key);
    await shown("#pending-badge", "1");
    await shown("#pending tbody tr", "127.0.0.1");
    assert.deepEqual(await barriers(page), []);
    await page.locator("#pending").getByRole("button", { name: /^Approve/ }).click();
    await page.keyboard.type(gate.name);
    await page.keyboard.press("Enter");
    await shown("#toast", "gate-1 was approved");
    await shown("#devices tbody tr", "gate-1");
    await page.locator("#pending-panel").waitFor({ state: "hidden" });
    await cluster.knock(gate.key);
    await until(() => cluster.get("/v1/tunnels/gate-1"), "the device is let in");
});

test("a key that is rejected waits no more", async () => {
    const stranger = cluster.key();
    await cluster.knock(stranger);
    await page.locator("#pending").getByRole("button", { name: /^Reject/ }).click();
    await page.locator("#confirm-reason").fill("not ours");
    await page.locator("#confirm-yes").click();
    await shown("#toast", "The key was rejected");
    await page.locator("#pending-panel").waitFor({ state: "hidden" });
    assert.equal(await page.locator("#devices tbody tr:visible").count(), 2);
});

test("records are found by name and by state, and the address keeps what is looked for", async () => {
    await page.keyboard.press("/");
    await page.keyboard.type("gate");
    await shown("#devices-note", "1 record");
    assert.match(page.url(), /record=gate/);
    await page.selectOption("#devices-state", "disabled");
    await shown("#devices-empty", "No record has a name that begins with “gate”");
    await page.selectOption("#devices-state", "");
    await page.reload();
    await shown("#devices-note", "1 record");
    await page.locator("#devices-search").fill("");
    await shown("#devices-note", "2 records");
});

test("a record is changed, disabled with its device cut, and enabled again", async () => {
    await press("Edit gate-1");
    assert.equal(await page.locator("#record-name").inputValue(), "gate-1");
    await page.locator("#record-comment").fill("<b>north</b>");
    await press("Save");
    await shown("#devices tbody tr", "<b>north</b>");
    await press("Disable gate-1");
    assert.ok(await cluster.get("/v1/tunnels/gate-1"), "it asks first");
    await page.locator("#confirm-yes").click();
    await shown("#devices tr", /gate-1.*disabled/s);
    await until(async () => (await cluster.get("/v1/tunnels/gate-1")) === null, "the device is cut");
    await press("Enable gate-1");
    await page.locator("#confirm-yes").click();
    await shown("#devices tr", /gate-1.*enabled/s);
    await press("Remove gate-1");
    await page.locator("#confirm-yes").click();
    await gone("#devices tr", "gate-1");
    assertNoFaults();
});

test("an operator's rules are shown as they were written", async () => {
    await page.locator("#devices-add").click();
    await page.locator("#record-key").fill(cluster.key().line);
    await page.getByLabel("It belongs to").selectOption("operator");
    await page.locator("#record-name").fill("alice");
    await page.locator("#record-rules").fill("door-* site=berlin 22,8000-8010");
    assert.deepEqual(await barriers(page), []);
    await page.locator("#record-save").click();
    await shown("#devices tr", /alice.*operator/s);
    await press("Edit alice");
    assert.equal(await page.locator("#record-rules").inputValue(), "door-* site=berlin 22,8000-8010");
    await press("Cancel");
});

test("a tunnel says how it is reached by name, and its device is banned for a reason", async () => {
    const { slaves } = await cluster.get("/v1/slaves");
    await press("door-7");
    await shown("#tunnel-commands code", `ssh -J ops@${slaves[0].host}:${slaves[0].port} user@door-7`);
    await shown("#tunnel-facts", "floor=2, site=berlin");
    await press("Revoke or ban");
    await page.locator("#revoke-reason").fill("stolen");
    await page.getByLabel("Ban it, too").check();
    assert.deepEqual(await barriers(page), []);
    await press("Revoke and ban");
    await shown("#toast", "door-7 is banned");
    await shown("#tunnel-state", "This tunnel is gone");
    await page.keyboard.press("Escape");
    page.faults = page.faults.filter((fault) => !/404.*\/v1\/tunnels\/door-7$/.test(fault));
    assertNoFaults();
});

test("a ban is in the list with its reason, until it is lifted", async () => {
    await view("Revocations");
    await page.selectOption("#revocations-banned", "true");
    await shown("#revocations tbody tr", /door-7.*banned.*stolen/s);
    assert.deepEqual(await barriers(page), []);
    await press("Lift the ban of door-7");
    await page.locator("#confirm-yes").click();
    await shown("#revocations-empty", "Nobody is banned");
    await cluster.knock(door.key);
    await until(() => cluster.get("/v1/tunnels/door-7"), "the device is let in again");
});

test("the audit tells who did what, and narrows to one device", async () => {
    await view("Audit");
    await shown("#audit tbody tr", "connect");
    await page.getByLabel("Done to").fill("door-7");
    await until(async () => (await page.locator("#audit tbody tr").count()) > 0
        && (await page.locator("#audit tbody td:nth-child(4)").allInnerTexts()).every((target) => target.includes("door-7")),
    "entries of that device only");
    assert.match(page.url(), /view=audit.*target=door-7/);
    await page.getByLabel("Action").fill("nothing-like-it");
    await shown("#audit-empty", "Nothing of that kind is kept");
    assert.deepEqual(await barriers(page), []);
    assertNoFaults();
});

test("on a phone, in the dark, each view fits", async () => {
    const phone = await open(browser, cluster.url, { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
    for (const name of ["devices", "revocations", "audit"]) {
        await phone.goto(`${cluster.url}/#view=${name}`);
        await phone.locator(`#${name} tbody tr:visible`).first().waitFor();
        assert.ok((await overflow(phone)) <= 0, name);
        assert.deepEqual(await barriers(phone), []);
    }
    await phone.context().close();
});

test("who may only read sees no button that changes anything, and a failure in words", async () => {
    const gateway = cluster.description.gateways[1];
    const [reader] = await cluster.guard(gateway, "read");
    const guarded = await open(browser, `${gateway.url}/#view=devices`);
    await guarded.getByLabel("Token").fill(reader);
    await guarded.keyboard.press("Enter");
    await guarded.locator("#devices tbody tr").first().waitFor();
    assert.equal(await guarded.locator("#devices-add:visible, #devices .actions button:visible").count(), 0);
    await guarded.route("**/v1/devices?*", (route) => route.fulfill({ status: 503, contentType: "application/problem+json",
        body: JSON.stringify({ status: 503, code: "unavailable", detail: "No master answers." }) }));
    await guarded.getByLabel("Records of devices").fill("door");
    await guarded.locator("#devices-empty", { hasText: "No master can tell records of devices now" }).waitFor();
    assert.deepEqual(await barriers(guarded), []);
    await guarded.context().close();
});
