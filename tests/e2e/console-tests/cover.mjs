// SPDX-License-Identifier: Apache-2.0
// The queue under another page: painted, so that it is back at once, and out of reach.
import assert from "node:assert/strict";
import { currentId, keys, queueReady } from "./steps.mjs";

/** Where the focus goes from one Tab to the next, until it comes to where it was. */
async function tabOrder(page) {
    const where = [];
    for (let i = 0; i < 200; i++) {
        await page.keyboard.press("Tab");
        const at = await page.evaluate(() => {
            const on = document.activeElement;
            return { start: on === document.body, queue: !!on?.closest(".queue-page") };
        });
        if (at.start) break;
        where.push(at.queue);
    }
    return where;
}

const skipped = (page) =>
    page
        .locator(".queue-page")
        .evaluate((queue) => getComputedStyle(queue).contentVisibility === "hidden");

export async function coveredQueue(stage) {
    const page = await stage.signedIn();
    await queueReady(page);
    await keys(page, "j", "j");
    const id = await currentId(page);
    await keys(page, "o");
    await page.locator(".incident-page .incident-head h1").waitFor();

    const reached = await page.evaluate(() => {
        const { left, top, width, height } = document
            .querySelector(".queue-page")
            .getBoundingClientRect();
        const hits = [];
        for (let x = 1; x < 20; x++)
            for (let y = 1; y < 20; y++)
                hits.push(
                    document.elementFromPoint(left + (width * x) / 20, top + (height * y) / 20),
                );
        return hits.filter((at) => at?.closest(".queue-page")).length;
    });
    assert.equal(reached, 0, "no point of the queue can be seen");
    assert.ok(await page.evaluate(() => document.activeElement === document.body));
    assert.equal(await page.getByRole("grid").count(), 0, "nor is it read aloud");
    const order = await tabOrder(page);
    assert.ok(order.length > 3, `${order.length} places for the focus`);
    assert.ok(!order.includes(true), "Tab does not lead into it");

    assert.equal(await skipped(page), false, "it stays painted");
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator(".queue-page").isVisible(), false, "it is not printed");
    await page.emulateMedia({ media: "screen" });
    await page.keyboard.press("Control+f");
    assert.equal(await skipped(page), true, "the browser's search does not find its rows");
    await page.evaluate(() => document.activeElement.blur());
    await keys(page, "Escape");
    await queueReady(page);
    assert.equal(await skipped(page), false);
    assert.equal(await currentId(page), id);
    assert.ok(
        await page.evaluate(() => document.activeElement === document.querySelector(".rows")),
    );
}
