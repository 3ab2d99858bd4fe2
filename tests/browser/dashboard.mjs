// The dashboard before a real cluster, in a real browser: one cluster, one story.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, launch, open, overflow } from "./browser.mjs";
import { Cluster, until } from "./cluster.mjs";

let cluster, browser, page;

before(async () => {
    cluster = new Cluster("--regions", "eu,us", "--slaves", "2", "--gateways", "2");
    browser = await launch();
    page = await open(browser, cluster.url);
});

after(async () => {
    await browser?.close();
    cluster?.down();
});

const shown = (selector, text) => page.locator(selector, { hasText: text }).first().waitFor();
const textOf = (selector) => page.locator(selector).innerText();
const rowOf = (name) => page.locator("#tunnels tbody tr", { hasText: name });

function assertNoFaults() {
    assert.deepEqual(page.faults.splice(0), []);
}

test("a cluster without devices says so", async () => {
    await shown("#tunnels-empty", "No device is connected");
    assert.equal(await textOf("#figure-tunnels"), "0");
    assert.equal(await textOf("#figure-slaves"), "2");
    assert.deepEqual(await page.locator("#slaves tbody th button").allInnerTexts(), ["slave-1", "slave-2"]);
    assert.deepEqual(await barriers(page), []);
    assertNoFaults();
});

test("a device that connects is shown without a reload", async () => {
    const tunnel = await cluster.connect("door-7");
    await rowOf("door-7").waitFor();
    assert.match(await rowOf("door-7").innerText(), new RegExp(`${tunnel.host}:${tunnel.port}`));
    await shown("#feed li", `door-7 is up on ${tunnel.slave_id}, port ${tunnel.port}`);
    assert.equal(await textOf("#liveness"), "Live");
    await until(async () => (await textOf("#figure-tunnels")) === "1", "the figure of tunnels");
});

test("the name of a device is text, whatever is in it", async () => {
    const name = "<img/src=x/onerror=alert(1)>";
    await cluster.connect(name);
    await rowOf(name).waitFor();
    assert.equal(await page.locator("#tunnels img").count(), 0);
    assertNoFaults();
});

test("by keyboard alone a device is found, looked at and kicked", async () => {
    await page.keyboard.press("/");
    await page.keyboard.type("door");
    await shown("#tunnels-note", "1 device");
    await rowOf("door-7").getByRole("button").focus();
    await page.keyboard.press("Enter");
    const { host, port } = await cluster.get("/v1/tunnels/door-7");
    await shown("#tunnel-commands code", `ssh -p ${port} user@${host}`);
    assert.match(page.url(), /#.*tunnel=door-7/);
    assert.deepEqual(await barriers(page), []);
    while ((await page.evaluate(() => document.activeElement.id)) !== "tunnel-kick")
        await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await shown("#confirm-title", "Kick door-7?");
    assert.equal(await page.evaluate(() => document.activeElement.id), "confirm-no");
    assert.deepEqual(await barriers(page), []);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await shown("#toast", "door-7 was kicked");
    await shown("#tunnel-state", "This tunnel is gone");
    await shown("#tunnel-events li", "kicked");
    assert.equal(await cluster.get("/v1/tunnels/door-7"), null);
    await page.keyboard.press("Escape");
    await shown("#tunnels-empty", "No device whose name begins with “door”");
    assert.equal(await page.locator("#tunnel[open]").count(), 0);
    // The sheet asks for a tunnel that is gone: the browser notes the 404.
    page.faults = page.faults.filter((fault) => !/404.*\/v1\/tunnels\/door-7$/.test(fault));
    assertNoFaults();
    await page.getByRole("button", { name: "Show all tunnels" }).click();
});

test("pages lead through all tunnels, forth and back, and filters narrow them", async (t) => {
    const simulated = cluster.simulate(3, 120);
    if (simulated === null) return t.skip("the benches are not built");
    await until(async () => (await textOf("#figure-tunnels")) === "121", "121 tunnels");
    await shown("#tunnels-note", "1 to 50 of 121");
    const names = async () => page.locator("#tunnels tbody th button").allInnerTexts();
    const first = await names();
    await page.getByRole("button", { name: "Next" }).click();
    await shown("#tunnels-note", "51 to 100 of 121");
    const second = await names();
    assert.equal(new Set([...first, ...second]).size, 100);
    await page.getByRole("button", { name: "Next" }).click();
    await shown("#tunnels-note", "101 to 121 of 121");
    assert.ok(await page.getByRole("button", { name: "Next" }).isDisabled());
    await page.getByRole("button", { name: "Back" }).click();
    await shown("#tunnels-note", "51 to 100 of 121");
    assert.deepEqual(await names(), second);
    const { regions } = await cluster.get("/v1/cluster");
    await page.locator("#regions button[data-region=us]").click();
    await shown("#tunnels-note", `${regions.find(({ region }) => region === "us").tunnels} devices`);
    const where = await page.locator("#tunnels tbody td:nth-child(3)").evaluateAll((cells) => cells.map(({ title }) => title));
    assert.deepEqual([...new Set(where)], ["in us"]);
    await page.locator("#regions button", { hasText: "All regions" }).click();
    await shown("#tunnels-note", "1 to 50 of 121");
    return undefined;
});

test("on a phone nothing is wider than the window", async () => {
    const phone = await open(browser, cluster.url, { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
    await phone.locator("#tunnels tbody tr").first().waitFor();
    assert.ok((await overflow(phone)) <= 0);
    assert.deepEqual(await barriers(phone), []);
    await phone.locator("#tunnels tbody th button").first().click();
    await phone.locator("#tunnel-commands code").first().waitFor();
    assert.ok((await overflow(phone)) <= 0);
    await phone.context().close();
});

test("chosen colours outlast a reload", async () => {
    await page.selectOption("#theme", "dark");
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await ground();
    await page.reload();
    assert.equal(await ground(), dark);
    await page.selectOption("#theme", "light");
    assert.notEqual(await ground(), dark);
    await page.selectOption("#theme", "");
});

test("a drain is asked for twice, and then shown", async () => {
    await page.getByRole("button", { name: "Drain slave-2" }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    assert.equal((await cluster.get("/v1/slaves/slave-2")).state, "ready");
    await page.getByRole("button", { name: "Drain slave-2" }).click();
    await page.locator("#confirm-yes").click();
    await shown("#toast", "slave-2 drains");
    await shown("#slaves tr[data-state=draining]", "slave-2");
    assert.equal(await page.getByRole("button", { name: "Drain slave-2" }).count(), 0);
    assertNoFaults();
});

test("a gateway that is gone is told at once, and its return too", async () => {
    const gateway = cluster.description.gateways[0];
    await cluster.kill(gateway);
    await shown("#banner", "Disconnected since");
    await shown("#liveness", "Disconnected since");
    assert.match(await page.title(), /^Disconnected/);
    assert.ok((await page.locator("#tunnels tbody tr").count()) > 0, "what was known stays to be read");
    assert.deepEqual(await barriers(page), []);
    await cluster.start(gateway);
    await page.getByRole("button", { name: "Try now" }).click();
    await page.locator("#banner").waitFor({ state: "hidden" });
    assert.equal(await page.title(), "mas4h");
});

test("with tokens a reader signs in, sees no command that the token does not allow, and signs out", async () => {
    const gateway = cluster.description.gateways[1];
    const [reader, operator] = await cluster.guard(gateway, "read", "operate");
    const guarded = await open(browser, gateway.url);
    const field = guarded.getByLabel("Token");

    await field.fill("m4h_wrong");
    await guarded.getByRole("button", { name: "Sign in" }).click();
    await guarded.locator("#sign-in-error", { hasText: "does not know this token" }).waitFor();
    assert.deepEqual(await barriers(guarded), []);
    await field.fill(reader);
    await guarded.keyboard.press("Enter");
    await guarded.locator("#tunnels tbody tr").first().waitFor();
    await guarded.locator("#liveness", { hasText: "Live" }).waitFor();
    assert.equal(await guarded.locator("#who").innerText(), "read-person");
    assert.equal(await guarded.getByRole("button", { name: /^Drain/ }).count(), 0);
    assert.equal(await guarded.evaluate(() => document.cookie), "", "no script may read the token");

    await guarded.getByRole("button", { name: "Sign out" }).click();
    await field.fill(operator);
    await guarded.keyboard.press("Enter");
    await guarded.getByRole("button", { name: /^Drain/ }).first().waitFor();
    await guarded.locator("#tunnels tbody th button").first().click();
    await guarded.locator("#tunnel-kick").waitFor();
    await guarded.context().close();
});
