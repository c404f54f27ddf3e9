// SPDX-License-Identifier: Apache-2.0
// Screenshots for the guides: every page, light and dark, at 1920x1080; queue and incident on a phone
// and at 200 %.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

export async function takeScreenshots(stage) {
    mkdirSync(stage.shots, { recursive: true });
    livelyQueue(stage.mock);
    for (const colorScheme of ["light", "dark"]) {
        const shot = (page, name) =>
            page.screenshot({ path: join(stage.shots, `console-${name}-${colorScheme}.png`) });
        const page = await stage.page({ colorScheme });
        await page.goto(stage.url);
        await page.getByLabel("User").fill("regional1");
        await shot(page, "login");
        await stage.signIn(page);
        await page.locator(".pane .card-timeline").waitFor();
        await page.waitForTimeout(400);
        await shot(page, "queue");
        await page.keyboard.press("o");
        await page.locator(".eve-line").first().click();
        await page.waitForTimeout(300);
        await page.locator(".incident-page").evaluate((element) => element.scrollTo(0, 0));
        await shot(page, "incident");
        await stage.close();
        await takePages(stage, colorScheme);
    }
    for (const [name, viewport] of SMALL) await takeSmall(stage, name, viewport);
}

/** A phone, and what is left of 1920x1080 when everything is twice as large. */
const SMALL = [
    ["phone", { width: 390, height: 844 }],
    ["zoomed", { width: 960, height: 540 }],
];

async function takeSmall(stage, name, viewport) {
    const page = await stage.signedIn("regional1", { viewport, deviceScaleFactor: 2 });
    const shot = (what) =>
        page.screenshot({ path: join(stage.shots, `console-${name}-${what}.png`) });
    await page.locator(".rows .row").first().waitFor();
    await shot("queue");
    await page.locator(".row").first().click();
    await page.keyboard.press("Enter");
    await page.locator(".incident-page .card-timeline").waitFor();
    await page.waitForTimeout(300);
    await shot("incident");
    await stage.close();
}

/** What must stand on each page before it is worth a picture. */
const PAGES = [
    ["shift", ".brief-row"],
    ["campaigns", ".map .tile"],
    ["notifications", ".board .notice-card"],
    ["sensors", ".sensors tbody"],
    ["feeds", ".scatter"],
    ["reports", ".bars"],
    ["archive", ".form-row"],
    ["audit", ".list-table"],
    ["admin/users", ".list-table"],
    ["admin/contacts", ".list-table"],
    ["admin/suppressions", ".list-table"],
];

async function takePages(stage, colorScheme) {
    const page = await stage.signedIn("admin", { colorScheme });
    for (const [path, ready] of PAGES) {
        await page.goto(`${stage.url}/#/${path}`);
        await page.locator(ready).first().waitFor();
        if (path === "sensors") {
            await page.getByRole("button", { name: "Details of bb-gov-bgi" }).click();
            await page.locator(".hours").waitFor();
        }
        if (path === "campaigns") {
            await page.locator(".list-table tbody tr").first().click();
            await page.locator(".lanes").waitFor();
        }
        if (path === "archive") {
            await page.getByLabel("Value").fill("198.51.100.23");
            await page.getByRole("button", { name: "Search" }).click();
            await page.locator(".kept .eve-line").first().waitFor();
        }
        await page.waitForTimeout(500);
        const name = `console-${path.replace("/", "-")}-${colorScheme}.png`;
        await page.screenshot({ path: join(stage.shots, name) });
    }
    await stage.close();
}

/** A queue in the middle of a shift: some claimed, some confirmed, one waiting, notes on a few. */
function livelyQueue(mock) {
    const rows = [...mock.incidents.values()].sort(
        (a, b) => a.tier - b.tier || (a.deadline < b.deadline ? -1 : 1),
    );
    const me = (user) => ({ user, role: "regional", states: ["*"] });
    rows.slice(3, 30).forEach((row, i) => {
        if (i % 3 === 0) mock.verb(me(i % 2 ? "regional1" : "regional2"), row, "claim", {});
        if (i % 6 === 0)
            mock.verb(me(row.claimed_by), row, "transition", {
                to: "confirmed",
                rsit: row.rsit,
                tlp: "amber",
                victim: row.victim,
            });
        if (i % 7 === 3)
            mock.verb(me("regional1"), row, "note", {
                text: "Operator called, answers after 14:00",
            });
        if (i === 8)
            mock.verb(me("regional1"), row, "wait", {
                until: new Date(Date.now() + 7200_000).toISOString(),
            });
    });
}
