// SPDX-License-Identifier: Apache-2.0
// What must hold in a browser. `real` scenes also run against a real collector; they find their own
// material there.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { KIND, incidentOf, makeHostile, random } from "./data.mjs";
import { aDayOpen, aheadOfTime, plantedLeaks } from "./day.mjs";
import { coveredQueue } from "./cover.mjs";
import { everyKey } from "./keypace.mjs";
import { takeScreenshots } from "./shots.mjs";
import {
    current,
    currentId,
    eventually,
    keys,
    notice,
    queueReady,
    row,
    throttle,
} from "./steps.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const SHIFT = 50;

/** Looks at the whole page, or at what stands over one that was looked at before. */
async function axe(stage, page, where, within = ":root") {
    await page.evaluate(AXE);
    // What is still fading in has not its colours yet.
    await page.evaluate(() => Promise.allSettled(document.getAnimations().map((a) => a.finished)));
    const { violations } = await page.evaluate(
        ([inside, tags]) => window.axe.run(inside, { runOnly: tags }),
        [within, RULES],
    );
    stage.axe += violations.length;
    const said = violations.map(
        (v) =>
            `${v.id}: ${v.help}\n      ${v.nodes
                .slice(0, 3)
                .map((n) => `${n.target} ${n.failureSummary?.split("\n")[1] ?? ""}`)
                .join("\n      ")}`,
    );
    assert.equal(violations.length, 0, `${where}: ${said.join("\n    ")}`);
}

async function signInAndOut(stage) {
    const page = await stage.page();
    await page.goto(stage.url);
    await page.getByLabel("User").fill(stage.user);
    await page.getByLabel("Password").fill("wrong");
    await keys(page, "Enter");
    await page.getByRole("alert").filter({ hasText: "do not match" }).waitFor();
    await page.getByLabel("Password").fill(stage.password);
    await keys(page, "Enter");
    await page.locator(".top").waitFor();
    await page.reload();
    await page.locator(".top").waitFor();
    const cookies = await page.context().cookies();
    const session = cookies.find((cookie) => cookie.name === "abeng_session");
    assert.ok(
        session.httpOnly && session.sameSite === "Strict",
        "the session cookie is out of reach",
    );
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Password").waitFor();
}

async function secondFactor(stage) {
    stage.mock.codes.set(stage.user, "314159");
    const page = await stage.page();
    await page.goto(stage.url);
    await page.getByLabel("User").fill(stage.user);
    await page.getByLabel("Password").fill(stage.password);
    await keys(page, "Enter");
    await page.getByLabel("Six digits").fill("000000");
    await keys(page, "Enter");
    await page.getByRole("alert").filter({ hasText: "not right" }).waitFor();
    await page.getByLabel("Six digits").fill("314159");
    await keys(page, "Enter");
    await page.locator(".top").waitFor();
}

async function shiftByKeyboard(stage) {
    const page = await stage.signedIn();
    await queueReady(page);
    const { total } = await stage.ask(page, "/incidents?limit=1");
    const decided = [];
    const pressed = { confirmed: 0, rejected: 0 };
    for (let i = 0; i < Math.min(SHIFT, total - 1); i++) {
        const id = await currentId(page);
        // A real collector may have one that was confirmed before: it can only be dismissed.
        const { status } = await stage.ask(page, `/incidents/${id}`);
        const confirms = i % 3 === 0 && ["new", "triage"].includes(status);
        const outcome = confirms ? "confirmed" : "rejected";
        decided.push([id, outcome]);
        const press = async (key) => {
            pressed[outcome]++;
            await keys(page, key);
        };
        // What is confirmed is claimed first, so that others see it; noise goes at once.
        if (confirms) await press("a");
        // A dialog is seen before it is answered, as a person would; on a busy machine the keys
        // would otherwise reach the queue.
        await press(confirms ? "c" : "d");
        await page.locator("dialog[open]").waitFor();
        await press(confirms ? "Enter" : String(1 + (i % 5)));
        await page.locator("dialog").waitFor({ state: "detached" });
        if (confirms) await press("j");
    }
    const each = (outcome) => {
        const count = decided.filter(([, is]) => is === outcome).length;
        return Math.round((10 * pressed[outcome]) / Math.max(1, count)) / 10;
    };
    stage.numbers.keys = { noise: each("rejected"), confirmed: each("confirmed") };
    assert.ok(stage.numbers.keys.noise <= 3, `${stage.numbers.keys.noise} keys for noise`);
    for (const [id, status] of decided) {
        const stands = async () => (await stage.ask(page, `/incidents/${id}`)).status === status;
        await eventually(`${id} is ${status} at the collector`, stands);
        const incident = await stage.ask(page, `/incidents/${id}`);
        assert.equal(incident.claimed_by, stage.user);
        assert.ok(
            status !== "rejected" || (incident.reason && incident.outcome),
            `${id} has its reason`,
        );
    }
    assert.deepEqual(await page.locator(".notice-problem").allTextContents(), []);
}

async function resolveAndClose(stage) {
    const incident = [...stage.mock.incidents.values()].find((i) => i.tier === 1);
    Object.assign(incident, { status: "confirmed", claimed_by: "regional1", version: 2 });
    const page = await stage.signedIn(undefined, {}, `/#/incident/${incident.id}`);
    await page.getByRole("button", { name: "Resolve" }).waitFor();
    await keys(page, "l");
    await page.locator("dialog textarea").fill("Asked the operator\nfor the disk image");
    await keys(page, "Control+Enter");
    await page.locator(".note", { hasText: "for the disk image" }).waitFor();
    await page.locator("dialog").waitFor({ state: "detached" });
    await keys(page, "r");
    await page.locator("dialog textarea").fill("Host rebuilt, keys changed");
    await keys(page, "Control+Enter");
    await page.locator(".incident-head .status-resolved").waitFor();
    await page.locator("dialog").waitFor({ state: "detached" });
    await keys(page, "e");
    await page.locator(".incident-head .status-closed").waitFor();
    // The page shows it before the collector has agreed.
    await eventually("closed at the collector", () => incident.status === "closed");
    assert.equal(incident.extra.notes.length, 2);
}

/**
 * A slow computer and a slow line: what the collector answered holds on the page before the
 * incident is read again, and no letter typed while a search is under way is lost.
 */
async function slowLosesNothing(stage) {
    const incident = [...stage.mock.incidents.values()].find((i) => i.tier === 1);
    Object.assign(incident, { status: "confirmed", claimed_by: "regional1", version: 2 });
    const page = await stage.signedIn(undefined, {}, `/#/incident/${incident.id}`);
    await page.getByRole("button", { name: "Resolve" }).waitFor();
    const late = { answered: false };
    late.over = new Promise((end) => (late.end = end));
    await page.route(`**/incidents/${incident.id}`, async (route) => {
        if (late.answered) await late.over;
        await route.continue();
    });
    page.on("response", (reply) => (late.answered ||= reply.url().endsWith(":transition")));
    await keys(page, "r");
    await page.locator("dialog textarea").fill("Host rebuilt");
    await keys(page, "Control+Enter");
    await eventually("the collector has answered", () => late.answered);
    await page.waitForTimeout(300);
    await page.locator(".incident-head .status-resolved").waitFor();
    await keys(page, "e");
    await page.locator(".incident-head .status-closed").waitFor();
    late.end();

    await page.goto(stage.url);
    await queueReady(page);
    await throttle(page, 10);
    for (const pause of [0, 230, 260, 290]) {
        await keys(page, "1", "0", "/");
        await page.keyboard.type("is:new", { delay: pause });
        assert.equal(await page.locator(".search input").inputValue(), "is:new", `${pause} ms`);
        await keys(page, "Escape");
        await page.waitForURL(/is%3Anew/);
        await keys(page, "0");
    }
}

/** Keys that come before the page has painted what the key before them did. */
async function keysAtOnce(stage) {
    const page = await stage.signedIn();
    await queueReady(page);
    await throttle(page, 10);
    const id = await currentId(page);
    await keys(page, "o", "d");
    await page.locator("dialog[open]").waitFor();
    await page.waitForTimeout(500);
    await keys(page, "1");
    await page.locator(".incident-head .status-rejected").waitFor();
    const rejected = () => stage.mock.incidents.get(id).status === "rejected";
    await eventually("the collector knows it", rejected);
    await keys(page, "/");
    await page.keyboard.type("dns");
    assert.equal(await page.locator(".search input").inputValue(), "dns");
    assert.equal(await page.locator("dialog").count(), 0, "no letter is a command");
}

/** What is typed while an answer is on its way stays, and goes on from where it was. */
async function typedMeanwhile(stage) {
    const incident = [...stage.mock.incidents.values()].find((i) => i.tier === 1);
    Object.assign(incident, { status: "confirmed", claimed_by: "regional1" });
    const page = await stage.signedIn(undefined, {}, `/#/incident/${incident.id}`);
    await page.route(/:note$|\/notifications\//, async (route) => {
        await new Promise((done) => setTimeout(done, 700));
        await route.continue();
    });
    const note = page.locator(".note-form textarea");
    await note.fill("The first note");
    await keys(page, "Control+Enter");
    await page.keyboard.type("The second");
    await page.locator(".note", { hasText: "The first note" }).waitFor();
    assert.equal(await note.inputValue(), "The second");

    await page.getByRole("button", { name: "Draft a notice" }).click();
    const dialog = page.locator("dialog");
    await dialog.getByLabel("Subject").fill("Host talks to a command server");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByLabel("Text").fill("Written while it was saved");
    const made = stage.mock.more.notices.at(-1);
    await eventually("saved", () => made.subject === "Host talks to a command server");
    stage.mock.evidence(incident.id, { count: 4711 });
    await page.locator(".card-facts", { hasText: "4 711" }).waitFor();
    await page.route("**/notifications?*", (route) => route.abort());
    stage.mock.evidence(incident.id, { count: 4712 });
    await page.locator(".card-facts", { hasText: "4 712" }).waitFor();
    await page.waitForTimeout(200);
    assert.equal(await dialog.getByLabel("Text").inputValue(), "Written while it was saved");
}

async function undo(stage) {
    const page = await stage.signedIn();
    await queueReady(page);
    const id = await currentId(page);
    await keys(page, "d", "1");
    await notice(page, `${id} dismissed`).waitFor();
    await row(page, id).waitFor({ state: "detached" });
    await keys(page, "z");
    await row(page, id).waitFor();
    const is = () => stage.mock.incidents.get(id).status;
    await eventually("back at the collector", () => is() === "triage");
}

async function bulk(stage) {
    const page = await stage.signedIn();
    await queueReady(page);
    await keys(page, "x", "x", "x", "d", "2");
    await notice(page, "3 incidents done").waitFor();
    const rejected = [...stage.mock.incidents.values()].filter((i) => i.status === "rejected");
    assert.equal(rejected.length, 3);
    assert.equal(new Set(rejected.map((i) => i.extra.reason)).size, 1);
}

async function twoOnOne(stage) {
    const first = await stage.signedIn();
    const [other, word] = await stage.somebody(first, "regional", ["*"]);
    const second = await stage.signedIn(other, {}, "/", word);
    await queueReady(first);
    await queueReady(second);
    const id = (await stage.ask(first, "/incidents?status=new&limit=1")).items[0].id;
    await row(first, id).click();
    await row(second, id).click();
    await keys(first, "a");
    await row(second, id).locator(".c-owner", { hasText: stage.user }).waitFor();
    await keys(second, "d");
    await notice(second, `claimed by ${stage.user}`).waitFor();
    await keys(first, "A");
    await row(second, id).locator(".c-owner", { hasText: "unclaimed" }).waitFor();
    // The second analyst's stream is cut, so that what they see is old when they decide.
    await second.route("**/api/v1/stream", (route) => route.abort());
    await second.evaluate(() => window.dispatchEvent(new Event("offline")));
    await second.locator(".link-state.down").waitFor();
    await keys(first, "d", "1");
    const rejected = async () => (await stage.ask(first, `/incidents/${id}`)).status === "rejected";
    await eventually("the first decision stands", rejected);
    await keys(second, "c", "Enter");
    await notice(second, `${stage.user} was first`).waitFor();
    assert.ok(await rejected(), "the second decision was not applied");
    assert.match(await row(second, id).getAttribute("class"), /gone/, "the row says that it left");
}

async function evidenceIsNoConflict(stage) {
    const page = await stage.signedIn();
    await queueReady(page);
    const id = await currentId(page);
    await page.route("**/api/v1/stream", (route) => route.abort());
    await page.evaluate(() => window.dispatchEvent(new Event("offline")));
    stage.mock.evidence(id, { count: 99_000 });
    await keys(page, "a");
    await notice(page, `${id} is yours`).waitFor();
    assert.equal(stage.mock.incidents.get(id).claimed_by, "regional1");
}

async function nothingMoves(stage) {
    const page = await stage.signedIn();
    await queueReady(page);
    await keys(page, "j", "j", "j", "j", "j");
    const id = await currentId(page);
    const before = (await current(page).boundingBox()).y;
    const fresh = incidentOf(KIND.beacon, 9000, "jm", Date.now() - 3600_000, random(5));
    stage.mock.add({ ...fresh, deadline: new Date(Date.now() - 3600_000).toISOString() });
    await page.locator(".new-above", { hasText: "1 new above" }).waitFor();
    const others = [...stage.mock.incidents.values()].filter((i) => i.tier > 1).slice(0, 5);
    for (const other of others) stage.mock.evidence(other.id, { tier: 1, count: 12_345 });
    await page.getByRole("button", { name: /Order has changed/ }).waitFor();
    assert.equal(await currentId(page), id);
    assert.equal(
        (await current(page).boundingBox()).y,
        before,
        "the row under the cursor stood still",
    );
    await keys(page, "g", "g");
    await row(page, "jm-9000").waitFor();
    await page.locator(".new-above").waitFor({ state: "detached" });
}

async function nationalSeesOwn(stage) {
    const foreign = [...stage.mock.incidents.values()].find((i) => i.state !== "jm");
    const page = await stage.signedIn("national-jm");
    await queueReady(page);
    const states = await page.locator(".row .state-code").allTextContents();
    assert.ok(states.length > 0 && states.every((code) => code === "JM"));
    stage.mock.evidence(foreign.id, { count: 1 });
    stage.mock.add(incidentOf(KIND.beacon, 9001, "bb", Date.now(), random(5)));
    stage.mock.add(incidentOf(KIND.beacon, 9002, "jm", Date.now(), random(5)));
    await row(page, "jm-9002").waitFor();
    assert.equal(await row(page, "bb-9001").count(), 0);
    await page.goto(`${stage.url}/#/incident/${foreign.id}`);
    await page.getByText(`There is no incident ${foreign.id}`).waitFor();
    await page.goto(`${stage.url}/#/sensors`);
    await page.locator(".sensors tbody").first().waitFor();
    assert.equal(await page.locator(".sensors tbody").count(), 1);
}

/** The same without the mock's help: a national user of one state on a collector that has several. */
async function scopeHolds(stage) {
    const all = await stage.signedIn();
    await queueReady(all);
    const { items } = await stage.ask(
        all,
        "/incidents?limit=500&status=new,triage,confirmed,rejected",
    );
    const own = items[0].state;
    const foreign = items.find((incident) => incident.state !== own);
    const [user, word] = await stage.somebody(all, "national", stage.real ? [own] : ["jm"]);
    const page = await stage.signedIn(user, {}, "/", word);
    const { states } = await stage.ask(page, "/me");
    const seen = await stage.ask(page, "/incidents?limit=500&q=is:any");
    assert.ok(seen.items.every((incident) => states.includes(incident.state)));
    if (!foreign || states.includes(foreign.state)) return;
    await page.goto(`${stage.url}/#/incident/${foreign.id}`);
    await page.getByText(`There is no incident ${foreign.id}`).waitFor();
}

async function auditorReads(stage) {
    const page = await stage.signedIn("auditor");
    await queueReady(page);
    await keys(page, "a", "d");
    assert.equal(await page.locator("dialog").count(), 0);
    await page.getByText("not decide on it").waitFor();
    assert.ok([...stage.mock.incidents.values()].every((i) => i.version === 1));
}

async function lineCut(stage) {
    const page = await stage.signedIn();
    await queueReady(page);
    const id = await currentId(page);
    await stage.mock.cut();
    await page.locator(".link-state.down").waitFor();
    await keys(page, "a");
    await notice(page, "no answer from the collector").waitFor();
    await row(page, id).locator(".c-owner", { hasText: "unclaimed" }).waitFor();
    stage.mock.evidence(id, { count: 77_000, title: "Changed while the line was cut" });
    await stage.mock.restore();
    await page.locator(".link-state.up").waitFor();
    await row(page, id).getByText("Changed while the line was cut").waitFor();
    await keys(page, "a");
    await notice(page, `${id} is yours`).waitFor();
}

async function sessionEnds(stage) {
    const page = await stage.signedIn(undefined, {}, "/#/queue?q=tier%3A1");
    await queueReady(page);
    await keys(page, "j");
    const id = await currentId(page);
    stage.mock.endSessions();
    await keys(page, "a");
    await page.getByText("Your session has ended").waitFor();
    await page.getByLabel("Password").fill(stage.password);
    await keys(page, "Enter");
    await page.locator(".expired").waitFor({ state: "detached" });
    assert.equal(await currentId(page), id, "the work is where it was");
    assert.match(page.url(), /tier%3A1/);
    await keys(page, "a");
    await notice(page, `${id} is yours`).waitFor();
}

async function hostileStrings(stage) {
    stage.mock.add(makeHostile(6666, "jm", Date.now()));
    const page = await stage.signedIn();
    await queueReady(page);
    await row(page, "jm-6666").click();
    await page.locator(".pane .timeline li").first().waitFor();
    await page.locator(".pane .eve-line").first().click();
    await page.locator(".pane .eve").waitFor();
    await page.goto(`${stage.url}/#/incident/jm-6666`);
    await page.locator(".eve-line").first().click();
    await page.getByRole("button", { name: "Raw JSON" }).click();
    await page.locator(".raw").waitFor();
    const seen = await page.evaluate(() => ({
        title: document.title,
        images: [...document.images].filter((image) => !image.src.endsWith("favicon.svg")).length,
        scripts: document.querySelectorAll("#app script").length,
        hidden: /[\u0000-\u0008\u202a-\u202e\u2066-\u2069\u200b\u001b]/.test(
            document.body.innerText,
        ),
        named: document.body.innerText.includes("U+202E"),
        wide: document.documentElement.scrollWidth <= innerWidth,
    }));
    assert.deepEqual(seen, {
        title: "Abeng",
        images: 0,
        scripts: 0,
        hidden: false,
        named: true,
        wide: true,
    });
}

/** What came from a packet through sensor and collector, in every field that it can fill. */
async function hostilePackets(stage) {
    const page = await stage.signedIn(undefined, {}, "/#/queue?q=hostile");
    await queueReady(page);
    await page.locator(".row .title", { hasText: "HOSTILE <img src=x onerror" }).waitFor();
    await keys(page, "o");
    await page.locator(".incident-page .eve-line").first().click();
    await page.locator(".eve", { hasText: "hostile-agent <img src=x onerror" }).waitFor();
    await page.getByRole("button", { name: "Raw JSON" }).click();
    await page.locator(".raw").waitFor();
    const seen = await page.evaluate(() => ({
        title: document.title,
        images: [...document.images].filter((image) => !image.src.endsWith("favicon.svg")).length,
        scripts: document.querySelectorAll("#app script").length,
        hidden: /[\u0000-\u0008\u202a-\u202e\u200b\u001b]/.test(document.body.innerText),
    }));
    assert.deepEqual(seen, { title: "Abeng", images: 0, scripts: 0, hidden: false });
}

/** The browser loses its network and gets it back: it says so, and then goes on. */
async function networkLost(stage) {
    const page = await stage.signedIn();
    await queueReady(page);
    const id = await currentId(page);
    await page.context().setOffline(true);
    await page.locator(".link-state.down").waitFor();
    await keys(page, "l");
    await page.locator("dialog textarea").fill("Written while the line was cut");
    await keys(page, "Control+Enter");
    await notice(page, "no answer from the collector").waitFor();
    await page.context().setOffline(false);
    await page.locator(".link-state.up").waitFor();
    await row(page, id).click();
    await keys(page, "l");
    const words = page.locator("dialog textarea");
    assert.equal(await words.inputValue(), "Written while the line was cut", "it is not lost");
    await words.fill("Written when it was back");
    await keys(page, "Control+Enter");
    await page.locator(".pane .note", { hasText: "Written when it was back" }).waitFor();
    const { notes } = await stage.ask(page, `/incidents/${id}`);
    assert.ok(!notes.some(({ text }) => text.includes("cut")), "what was refused is not there");
}

async function brokenAnswer(stage) {
    const page = await stage.signedIn();
    await queueReady(page);
    await page.route("**/api/v1/sensors*", (route) =>
        route.fulfill({ json: { items: [{ id: "x", name: "x", status: "active" }] } }),
    );
    await keys(page, "g", "s");
    await page.getByText("could not draw").waitFor();
    stage.faults.length = 0; // the error is on purpose, and stays in its page
    await keys(page, "g", "i");
    await queueReady(page);
}

async function hostileNote(stage) {
    const page = await stage.signedIn();
    await queueReady(page);
    await keys(page, "l");
    await page.locator("dialog textarea").fill("<b>bold</b> \u202egnp.exe \u0007 {{7*7}}");
    await keys(page, "Control+Enter");
    await page.locator(".pane .note", { hasText: "<b>bold</b>" }).waitFor();
    const text = await page.locator(".pane .note").first().innerText();
    assert.match(text, /U\+202E.*\\x07.*\{\{7\*7\}\}/);
}

async function claimAndRelease(stage) {
    const page = await stage.signedIn();
    await queueReady(page);
    const free = page.locator(".row:has(.c-owner .l1 > .dim:only-child)").first();
    await free.click();
    const id = await currentId(page);
    await keys(page, "a");
    await notice(page, `${id} is yours`).waitFor();
    await row(page, id).locator(".you").waitFor();
    await keys(page, "A");
    await notice(page, `${id} released`).waitFor();
    await keys(page, "o");
    await page.locator(".incident-page .card-why").waitFor();
    await page.locator(".incident-page .card-timeline li").first().waitFor();
    await keys(page, "Escape");
    await queueReady(page);
}

async function sensorsAndEnrolment(stage) {
    const page = await stage.signedIn("admin", {}, "/#/sensors");
    await page.getByRole("rowheader", { name: /^Details of jm-isp1-kgn/ }).waitFor();
    await page.getByText("1 silent").waitFor();
    await page.getByRole("button", { name: "Details of bb-gov-bgi" }).click();
    await page.getByText("capture.kernel").first().waitFor();
    await page.getByRole("button", { name: "Enrol a sensor" }).click();
    await page.getByRole("textbox", { name: "Name" }).fill("dm-isp1-ros");
    await keys(page, "Enter");
    await page.getByText("Choose at least one state").waitFor();
    await page.getByLabel(/Dominica/).check();
    await page.getByRole("button", { name: "Make token" }).click();
    await page.getByText("abeng-sensor enrol").waitFor();
    await page.locator(".buttons").getByRole("button", { name: "Close" }).click();
    await page.getByRole("rowheader", { name: /^Details of dm-isp1-ros/ }).waitFor();
    await page.getByRole("button", { name: "Details of ht-nren-pap" }).click();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByLabel("I compared it").check();
    await page.locator("dialog").getByRole("button", { name: "Approve" }).click();
    await eventually(
        "the sensor is active",
        () => stage.mock.sensors.find((s) => s.id === "ht-nren-pap").status === "active",
    );
}

async function accessible(stage) {
    for (const colorScheme of ["light", "dark"]) {
        const page = await stage.page({ colorScheme });
        await page.goto(stage.url);
        await page.getByLabel("User").waitFor();
        await axe(stage, page, `login ${colorScheme}`);
        await stage.signIn(page);
        await queueReady(page);
        await keys(page, "a");
        await page.locator(".pane .card-timeline, .pane .card-why").first().waitFor();
        await axe(stage, page, `queue ${colorScheme}`);
        for (const [key, name] of [
            ["d", "dismiss"],
            ["c", "confirm"],
            [".", "menu"],
            ["?", "help"],
            ["f", "state"],
        ]) {
            await keys(page, key);
            await page.locator("dialog").waitFor();
            await axe(stage, page, `${name} ${colorScheme}`, ".dialog-ground");
            await keys(page, "Escape");
            await page.locator("dialog").waitFor({ state: "detached" });
        }
        await keys(page, "o");
        await page.locator(".incident-page .eve-line").first().click();
        await axe(stage, page, `incident ${colorScheme}`);
        await axePages(stage, page, colorScheme);
        await stage.close();
    }
}

/** Every page that this user is shown, and every tab of the settings. */
async function axePages(stage, page, colorScheme) {
    const hrefs = (selector) =>
        page.locator(selector).evaluateAll((all) => all.map((a) => a.getAttribute("href")));
    const visit = async (href) => {
        await page.goto(`${stage.url}/${href}`);
        await page.locator("#content h1").waitFor();
        // A page may read several things at once.
        await page.waitForFunction(() => !document.querySelector(".loading"));
        await axe(stage, page, `${href} ${colorScheme}`);
    };
    const pages = await hrefs(".top nav a");
    assert.ok(pages.length >= 3, "pages are linked");
    for (const href of pages) await visit(href);
    if (!pages.includes("#/admin")) return;
    for (const href of await hrefs(".tabs a")) await visit(href);
}

async function smallAndZoomed(stage) {
    for (const viewport of [
        { width: 960, height: 540 },
        { width: 640, height: 400 },
        { width: 390, height: 844 },
    ]) {
        const page = await stage.signedIn(undefined, { viewport });
        await queueReady(page);
        await current(page).click();
        await keys(page, "Enter");
        await page.locator(".incident-page .card-timeline").waitFor();
        const wide = () => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.ok(!(await wide()), `incident at ${viewport.width}`);
        await page.goto(`${stage.url}/#/queue`);
        await queueReady(page);
        assert.ok(!(await wide()), `queue at ${viewport.width}`);
        await axe(stage, page, `queue at ${viewport.width}`);
        await stage.close();
    }
}

/** Chosen before signing in, kept after it; what the page says is that language's, titles and all. */
async function otherLanguages(stage) {
    const page = await stage.page();
    for (const [name, code, submit, queue] of [
        ["Français", "fr", "Se connecter", "File"],
        ["Español", "es", "Entrar", "Cola"],
        ["Nederlands", "nl", "Aanmelden", "Wachtrij"],
        ["Kreyòl ayisyen", "ht", "Konekte", "Fil"],
    ]) {
        await page.goto(stage.url);
        await page.locator("select").selectOption({ label: name });
        await page.getByRole("button", { name: submit }).waitFor();
        assert.equal(await page.evaluate(() => document.documentElement.lang), code);
        await page.locator("input[name=user]").fill(stage.user);
        await page.locator("input[name=password]").fill(stage.password);
        await page.keyboard.press("Enter");
        await page.locator("nav a", { hasText: queue }).first().waitFor();
        await queueReady(page);
        await page.goto(`${stage.url}/#/shift`);
        await page.locator(".shift-part").first().waitFor();
        await axe(stage, page, `my shift, ${code}`);
        await page.locator(".top button").last().click();
        await page.locator("input[name=user]").waitFor();
    }
}

async function searchAndFilters(stage) {
    const page = await stage.signedIn();
    await queueReady(page);
    await keys(page, "1");
    await eventually(
        "only tier 1",
        async () => (await page.locator(".row:not(.t1)").count()) === 0,
    );
    assert.match(page.url(), /tier%3A1/);
    await keys(page, "0", "/");
    await page.keyboard.type("state:jm is:new");
    await eventually("only Jamaica", async () =>
        (await page.locator(".row .state-code").allTextContents()).every((code) => code === "JM"),
    );
    await keys(page, "Escape");
    await page.goBack();
    await keys(page, "/");
    await page.keyboard.type("nothing-is-called-this");
    await page.getByText("No incident matches").waitFor();
}

/** Clocks of rows out of sight stand still for a while; in sight they are right with the next tick. */
async function clocksInSight(stage) {
    const page = await stage.page();
    await page.addInitScript(aheadOfTime);
    await stage.signIn(page);
    await queueReady(page);
    const seen = () => row(page, first).locator(".c-owner .l2").textContent();
    const first = await currentId(page);
    await keys(page, "End");
    await page.waitForTimeout(300);
    await page.evaluate(() => (window.ahead += 50 * 3600_000));
    await keys(page, "Home");
    await eventually("the row is two days older", async () => /2 d/.test(await seen()), 2000);
}

/** The way back to a search shows what was read before, however long the collector takes. */
async function backAtOnce(stage) {
    const page = await stage.signedIn();
    await queueReady(page);
    const kinds = (selector) => page.locator(`.row${selector}`).count();
    const answered = page.waitForResponse("**/api/v1/incidents?*tier=1");
    await keys(page, "1");
    await answered;
    await eventually("only tier 1", async () => (await kinds(":not(.t1)")) === 0);
    let asked = 0;
    await page.route("**/api/v1/incidents?*", async () => asked++); // and never answers
    await keys(page, "0");
    await page.locator(".row.t2").first().waitFor({ timeout: 2000 });
    await page.goBack();
    await page.locator(".row.t2").first().waitFor({ state: "detached", timeout: 2000 });
    assert.ok((await kinds(".t1")) > 0);
    assert.ok(asked > 0, "it is read again all the same");
}

async function handOver(stage) {
    const page = await stage.signedIn(undefined, {}, "/#/shift");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.locator(".shift-part").first().waitFor();
    await page.getByRole("button", { name: "Copy as hand-over" }).click();
    await page.locator(".notice", { hasText: "clipboard" }).waitFor();
    const text = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(text, /^Hand-over, /);
    const { items } = await stage.ask(page, "/incidents?limit=500&status=new,triage");
    const due = items.find(({ deadline }) => deadline && Date.parse(deadline) < Date.now());
    assert.ok(!due || text.includes(due.id), "what is over time is handed over");
    await page.getByRole("button", { name: "24 h" }).click();
    await page.locator(".heat a").first().click();
    await queueReady(page);
    assert.match(page.url(), /state%3A/);
}

async function savedViews(stage) {
    const page = await stage.signedIn();
    await queueReady(page);
    await keys(page, "2");
    await eventually(
        "only tier 2",
        async () => (await page.locator(".row:not(.t2)").count()) === 0,
    );
    await keys(page, "b");
    await page.getByLabel("Name for it").fill("Second tier");
    await page.getByRole("button", { name: "Keep" }).click();
    await page.getByRole("button", { name: /Second tier tier:2/ }).waitFor();
    await keys(page, "Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    await page.reload();
    await queueReady(page);
    await keys(page, "b");
    await page.locator("dialog[open]").waitFor();
    await keys(page, "1");
    await page.locator("dialog").waitFor({ state: "detached" });
    assert.ok(!page.url().includes("tier"));
    await keys(page, "b");
    await page.locator("dialog[open]").waitFor();
    await keys(page, "7");
    await eventually("the view is back", () => page.url().includes("tier%3A2"));
}

async function campaignReleased(stage) {
    const page = await stage.signedIn("national-jm", {}, "/#/campaigns");
    await page.getByRole("link", { name: "update.cdn.example.net" }).click();
    await page.getByText("counted only").or(page.getByText("shown to the others")).waitFor();
    assert.equal(await page.locator(".map .tile").count(), 1, "no state but our own is named");
    await page.getByRole("button", { name: "Show no longer" }).click();
    await page.getByLabel("Reason").fill("Investigation under way");
    await page.locator("dialog").getByRole("button", { name: "Show no longer" }).click();
    await page.locator("dialog").waitFor({ state: "detached" });
    const own = stage.mock.more.campaigns[0].states.find(({ state }) => state === "jm");
    assert.equal(own.released, false);
    await page.getByRole("button", { name: "Show to the others" }).waitFor();
    const region = await stage.signedIn("regional1", {}, page.url().slice(stage.url.length));
    await region.locator(".lanes tbody tr").nth(3).waitFor();
    assert.ok((await region.locator(".tile.on").count()) === 4);
}

async function noticeUpTheLadder(stage) {
    const incident = [...stage.mock.incidents.values()].find((i) => i.tier === 1);
    Object.assign(incident, { status: "confirmed", claimed_by: "regional1" });
    const page = await stage.signedIn(undefined, {}, `/#/incident/${incident.id}`);
    await page.locator(".incident-page .card-notices").waitFor();
    await keys(page, "n");
    await page.getByLabel("Subject").fill("Host talks to a command server");
    await page.locator("dialog").getByRole("button", { name: "Send" }).click();
    await page.locator("dialog .told").waitFor();
    const made = stage.mock.more.notices.at(-1);
    assert.equal(made.status, "sent");
    assert.equal(made.subject, "Host talks to a command server");
    await page.goto(`${stage.url}/#/notifications/${made.id}`);
    await page.getByRole("button", { name: "Acknowledge" }).click();
    await page.getByLabel("Note").fill("Duty officer has it");
    await page.locator("dialog form").getByRole("button", { name: "Acknowledge" }).click();
    await eventually("acknowledged", () => made.status === "acked");
    await page.locator("dialog").getByRole("button", { name: "Answer" }).click();
    await page.getByLabel("Answer").selectOption("fixed");
    await page.locator("dialog form").getByRole("button", { name: "Answer" }).click();
    await eventually("answered", () => made.feedback === "fixed");
}

/** Over a real collector: a phone contact is a task to call, so that no mail server is needed. */
async function contactIsCalled(stage) {
    const page = await stage.signedIn(undefined, {}, "/#/admin/contacts");
    await page.getByRole("button", { name: "Add" }).click();
    const { items } = await stage.ask(page, "/incidents?limit=1&status=new,triage");
    const dialog = page.locator("dialog");
    await dialog.getByRole("combobox", { name: "State" }).selectOption(items[0].state);
    await dialog.getByRole("textbox", { name: "Name" }).fill("Duty phone");
    await dialog.getByLabel("Way").selectOption("phone");
    await dialog.getByLabel("Address").fill("+1 246 555 0100");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    await page
        .getByRole("rowheader", { name: /Duty phone/ })
        .first()
        .waitFor();
    await page.goto(`${stage.url}/#/incident/${items[0].id}`);
    await page.getByRole("button", { name: "Confirm" }).waitFor();
    await keys(page, "c");
    await dialog.waitFor();
    await keys(page, "Enter");
    await dialog.waitFor({ state: "detached" });
    await page.locator(".incident-head .status-confirmed").waitFor();
    await page.getByRole("button", { name: "Draft a notice" }).click();
    await dialog.getByRole("button", { name: "Send" }).click();
    await dialog.getByRole("button", { name: "Acknowledge" }).click();
    await dialog.locator("form").getByRole("button", { name: "Acknowledge" }).click();
    await dialog.getByText("acknowledged", { exact: true }).waitFor();
    await keys(page, "Escape");
    await page.locator(".incident-head .status-handling").waitFor();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Resolve" }).waitFor();
    await keys(page, "r");
    await dialog.locator("textarea").fill("Host rebuilt");
    await keys(page, "Control+Enter");
    await page.locator(".incident-head .status-resolved").waitFor();
}

async function packetsAndMeasures(stage) {
    const incident = [...stage.mock.incidents.values()].find((i) => i.tier === 1);
    const page = await stage.signedIn(undefined, {}, `/#/incident/${incident.id}`);
    await page.locator(".incident-page .eve-line").first().click();
    await page.getByText("16 packets").waitFor();
    await page.getByLabel("What they are needed for").fill("Is it the same malware?");
    await keys(page, "Enter");
    await page.getByRole("link", { name: "Download the capture" }).waitFor();
    assert.equal(stage.mock.more.evidence[0].reason, "Is it the same malware?");
    await page.getByRole("button", { name: "Add countermeasure" }).click();
    await page.getByLabel("What is done").fill("Name blocked at the resolver");
    await page.locator(".card-measures form").getByRole("button", { name: "Add" }).click();
    await page.getByRole("button", { name: "In force" }).click();
    await page.getByRole("button", { name: "To be removed" }).waitFor();
    assert.equal(stage.mock.more.measures[0].status, "active");
}

async function mergeAndBack(stage) {
    const all = [...stage.mock.incidents.values()];
    const into = all.find((a) => all.some((b) => b !== a && b.state === a.state));
    const one = all.find((other) => other !== into && other.state === into.state);
    const page = await stage.signedIn(undefined, {}, `/#/incident/${one.id}`);
    await page.getByRole("button", { name: "Merge" }).waitFor();
    await keys(page, "m");
    await page.getByLabel("Another of the same state").fill(into.id);
    await keys(page, "Enter");
    await notice(page, `${one.id} merged into ${into.id}`).waitFor();
    await page.locator(".incident-head .status-merged").waitFor();
    await page.locator(".card-links").getByRole("link", { name: into.id }).waitFor();
    assert.deepEqual(into.merged, [one.id]);
    await keys(page, "z");
    await page.locator(".incident-head .status-new").waitFor();
    assert.deepEqual(into.merged, []);
}

async function listsAreKept(stage) {
    const page = await stage.signedIn("admin", {}, "/#/admin/users");
    await page.getByRole("button", { name: "Add user" }).click();
    await page.locator("dialog").getByLabel("User").fill("national-dm");
    await page
        .locator("dialog")
        .getByLabel(/Dominica/)
        .check();
    await page.locator("dialog").getByLabel("Password").fill("correct horse battery");
    await page.locator("dialog").getByRole("button", { name: "Add user" }).click();
    await page.getByRole("rowheader", { name: "national-dm" }).waitFor();
    await page.getByRole("link", { name: "Contacts" }).click();
    await page.getByRole("button", { name: "Import CSV" }).click();
    await page
        .getByLabel("Or its text")
        .fill("name,kind,address\nDesk,mail,desk@example.org\nbad\n");
    await page.locator("dialog").getByRole("button", { name: "Import" }).click();
    await page.getByText("1 added, 0 changed").waitFor();
    await page.getByText("Line 3: too few columns").waitFor();
    await page.locator("dialog").getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("link", { name: "Suppressions" }).click();
    await page.getByRole("button", { name: "End now" }).click();
    await page.getByText("Nothing is suppressed").waitFor();
    await page.goto(`${stage.url}/#/queue`);
    await queueReady(page);
    const id = await currentId(page);
    await keys(page, "t");
    await page.locator("dialog").getByLabel("Reason").fill("Scanner of our own");
    await page.locator("dialog").getByRole("button", { name: "Suppress" }).click();
    await notice(page, "Suppressed until").waitFor();
    assert.equal(stage.mock.more.suppressions[0].victim, stage.mock.incidents.get(id).victim);
}

async function auditAndArchive(stage) {
    const page = await stage.signedIn("auditor", {}, "/#/audit");
    await page.getByText("each entry carries the hash").waitFor();
    stage.mock.more.audit[4].hash = "0".repeat(64);
    await page.reload();
    await page.getByText("The chain is broken").waitFor();
    await page.goto(`${stage.url}/#/archive`);
    await page.getByLabel("Value").fill("198.51.100.23");
    await page.getByRole("button", { name: "Search" }).click();
    await page.locator(".kept .eve-line").first().click();
    await page.locator(".eve").first().waitFor();
    await page.getByLabel("Value").fill("203.0.113.250");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByText("Nobody has seen it").waitFor();
}

async function onlyWhatIsServed(stage) {
    const page = await stage.page();
    const plain = ["incidents", "sensors", "stats", "states", "stream", "me"];
    await page.route("**/api/v1/{me,session}", async (route) => {
        const reply = await route.fetch();
        const body = await reply.json().catch(() => ({}));
        await route.fulfill({ response: reply, json: { ...body, resources: plain } });
    });
    await stage.signIn(page);
    await queueReady(page);
    assert.deepEqual(await page.locator(".top nav a").allTextContents(), [
        "Queue",
        "My shift",
        "Sensors",
    ]);
    await page.goto(`${stage.url}/#/audit`);
    await page.getByText("not part of your role").waitFor();
    await page.goto(`${stage.url}/#/sensors`);
    await page.locator(".sensors tbody").first().waitFor();
}

/** Those that a real collector is asked too come first, and of them those that decide come last. */
export const SCENES = [
    { name: "sign in, wrong and right, stay signed in, sign out", run: signInAndOut, real: true },
    { name: "claim, release, incident page and back", run: claimAndRelease, real: true },
    { name: "a hostile note", run: hostileNote, real: true },
    { name: "axe finds nothing, light and dark", run: accessible, real: true },
    { name: "200 % zoom and a phone", run: smallAndZoomed, real: true },
    { name: "scope holds in lists and by address", run: scopeHolds, real: true },
    { name: "my shift is handed over", run: handOver, real: true },
    { name: "the network is lost and returns", run: networkLost, real: true },
    { name: "hostile strings from packets", run: hostilePackets, real: true, only: "real" },
    { name: "two analysts on one incident", run: twoOnOne, real: true },
    {
        name: "a shift of fifty decisions by keyboard alone",
        run: shiftByKeyboard,
        real: true,
        mock: { incidents: 70 },
    },
    { name: "a contact is called", run: contactIsCalled, real: true, only: "real" },
    { name: "a second factor is asked for", run: secondFactor },
    { name: "note, resolve and close on the incident page", run: resolveAndClose },
    { name: "a slow computer and a slow line lose no key", run: slowLosesNothing },
    { name: "keys that come at once are answered in turn", run: keysAtOnce },
    { name: "what is typed while an answer is on its way stays", run: typedMeanwhile },
    { name: "a dismissal is taken back", run: undo },
    { name: "several dismissed with one reason", run: bulk },
    { name: "new evidence is no conflict", run: evidenceIsNoConflict },
    { name: "nothing moves under the cursor", run: nothingMoves, mock: { incidents: 80 } },
    {
        name: "a national contact sees only their own",
        run: nationalSeesOwn,
        mock: { incidents: 120 },
    },
    { name: "an auditor reads", run: auditorReads },
    { name: "the line is cut and returns", run: lineCut },
    { name: "a session ends in the middle of work", run: sessionEnds },
    { name: "hostile strings in every field", run: hostileStrings },
    { name: "a page that can't be drawn leaves the others", run: brokenAnswer },
    { name: "sensors and enrolment", run: sensorsAndEnrolment },
    { name: "languages", run: otherLanguages },
    { name: "search words and filters", run: searchAndFilters },
    { name: "a row tells the time in sight", run: clocksInSight, mock: { incidents: 120 } },
    { name: "a list that was left is there again at once", run: backAtOnce },
    { name: "the queue under a page is out of reach", run: coveredQueue },
    { name: "a view is kept and found again", run: savedViews },
    { name: "a state shows its part of a campaign, or not", run: campaignReleased },
    { name: "a notice is drafted, sent, acknowledged, answered", run: noticeUpTheLadder },
    { name: "packets are asked for, and a countermeasure noted", run: packetsAndMeasures },
    { name: "merged and taken out again", run: mergeAndBack },
    { name: "users, contacts and suppressions are kept", run: listsAreKept },
    { name: "the audit's chain, and the archive", run: auditAndArchive },
    { name: "only pages that the collector serves", run: onlyWhatIsServed },
    { name: "a day open", run: aDayOpen, mock: { incidents: 600 } },
    { name: "a planted leak is found", run: plantedLeaks, long: true, mock: { incidents: 600 } },
    {
        name: "every key with ten thousand rows",
        run: everyKey,
        timed: true,
        mock: { incidents: 10_000 },
    },
    {
        name: "every key with a hundred thousand rows",
        run: everyKey,
        timed: true,
        long: true,
        mock: { incidents: 100_000 },
    },
    { name: "screenshots", run: takeScreenshots, shots: true, mock: { incidents: 64, seed: 21 } },
];
