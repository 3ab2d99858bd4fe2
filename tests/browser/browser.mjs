// Chromium without a window, and a page of which everything that went wrong is kept.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"] });

/** `page.faults`: errors on the console (those of the policy among them) and in scripts. */
export async function open(browser, url, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    page.faults = [];
    page.on("console", (message) => message.type() === "error"
        && page.faults.push(`${message.text()} ${message.location().url}`));
    page.on("pageerror", (error) => page.faults.push(error.stack));
    page.setDefaultTimeout(15000);
    await page.goto(url);
    return page;
}

/** What axe finds that keeps people out. It is run beside the page's policy, which forbids it. */
export async function barriers(page) {
    const session = await page.context().newCDPSession(page);
    await session.send("Runtime.evaluate", { expression: axe });
    const { result } = await session.send("Runtime.evaluate", { awaitPromise: true, returnByValue: true,
        expression: "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target)}`))" });
    await session.detach();
    return result.value;
}

/** How far the page is wider than its window. */
export const overflow = (page) =>
    page.evaluate(() => document.scrollingElement.scrollWidth - window.innerWidth);
