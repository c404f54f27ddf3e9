// SPDX-License-Identifier: Apache-2.0
// The queue under another page: painted, so that it is back at once, and out of reach.
import assert from "node:assert/strict";
import { currentId, keys, queueReady } from "./steps.mjs";

const TABS = 80;

/** Where the focus goes with Tab, more often than there are places on the page. */
async function tabbed(page) {
    const where = { page: 0, queue: 0 };
    for (let i = 0; i < TABS; i++) {
        await page.keyboard.press("Tab");
        const at = await page.evaluate(() => {
            const on = document.activeElement;
            return on?.closest(".queue-page") ? "queue" : on?.closest(".cover") ? "page" : null;
        });
        if (at) where[at]++;
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
    await page.locator(".incident-page .card-timeline").waitFor();

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
    const { page: shown, queue: covered } = await tabbed(page);
    assert.ok(shown > 3, `${shown} places of the page had the focus`);
    assert.equal(covered, 0, "Tab does not lead into it");

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
