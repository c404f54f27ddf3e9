// SPDX-License-Identifier: Apache-2.0
// What every scene does: find rows, press keys, wait until something is true.
import assert from "node:assert/strict";

export const row = (page, id) => page.locator(`[id="row-${id}"]`);
export const current = (page) => page.locator(".row.current");
export const currentId = async (page) =>
    (await current(page).getAttribute("id")).slice("row-".length);
export const notice = (page, text) => page.locator(".notice", { hasText: text });

export async function queueReady(page) {
    await page.locator(".rows .row").first().waitFor();
}

export async function keys(page, ...pressed) {
    for (const key of pressed) await page.keyboard.press(key);
}

export async function eventually(what, test, ms = 60_000) {
    const end = Date.now() + ms;
    for (;;) {
        if (await test()) return;
        if (Date.now() > end) assert.fail(`never came true: ${what}`);
        await new Promise((done) => setTimeout(done, 50));
    }
}

/** As on a computer that is so many times slower. */
export async function throttle(page, rate) {
    const session = await page.context().newCDPSession(page);
    await session.send("Emulation.setCPUThrottlingRate", { rate });
}
