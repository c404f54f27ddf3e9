// SPDX-License-Identifier: Apache-2.0
// Screenshots for the guides: every page, light and dark, at 1920x1080.
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
        const admin = await stage.signedIn("admin", { colorScheme }, "/#/sensors");
        await admin.getByRole("button", { name: "Details of bb-gov-bgi" }).click();
        await shot(admin, "sensors");
        await stage.close();
    }
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
