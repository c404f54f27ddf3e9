// SPDX-License-Identifier: Apache-2.0
// A page that stays open for a day must not grow. The day is driven through it in parts of twenty
// minutes, as fast as the page takes them; after each part garbage is collected and counted what
// the page holds. Parts are alike, so what it holds must be too.
import assert from "node:assert/strict";
import { KIND, incidentOf, random } from "./data.mjs";
import { eventually, keys, queueReady } from "./steps.mjs";

/**
 * Twenty minutes of a regional desk, 72 of which are a day. Sensors batch what they see, so an open
 * incident changes every ten seconds somewhere; a busy day has an incident every five minutes, and
 * as many end; an analyst looks at three times as many as they decide, and each page is opened
 * once. The page itself asks for figures every 15 s (STATS_MS of main.tsx). Lines to islands are
 * cut more often than once an hour only in a storm.
 */
const PART = {
    minutes: 20,
    updates: 120,
    arrivals: 4,
    endings: 4,
    clocks: 80,
    opened: 6,
    decided: 2,
    cuts: 1,
};
const PAGES = [
    "shift",
    "campaigns",
    "notifications",
    "sensors",
    "feeds",
    "reports",
    "archive",
    "audit",
    "admin",
];
const LOOKS = 3;
const WARM_PARTS = 2; // pages that are loaded once, and lists that are kept up to a limit
const PARTS = { short: 5, long: 72, planted: 4 };

/**
 * What a part may add, by the median of the slopes between all pairs of parts, which one part's
 * step does not move far. One row kept of each change would be 120 KiB a part and more, a node or a
 * listener kept of each incident opened 6. What remains is bounded: the collector's rest is some
 * KiB, and once in a page's life V8's feedback keeps the last plot (13 nodes, 6 listeners, see
 * plot/line.tsx).
 */
const TOLERANCE = { heap_kb: 40, nodes: 5, listeners: 3 };
/** Few parts, while lists that have a limit still fill: still less than one row of each change. */
const TOLERANCE_SHORT = { ...TOLERANCE, heap_kb: 90 };
const NOTHING = "#/queue?q=nothing-is-called-this";

/** The page's clock runs ahead of the machine's, so that ages and deadlines move as in a day. */
export function aheadOfTime() {
    const real = Date.now;
    window.ahead = 0;
    Date.now = () => real() + window.ahead;
}

/** A leak of each kind, once an incident page is opened: the proof that it would be seen. */
function plant() {
    addEventListener("popstate", () => {});
    const push = history.pushState.bind(history);
    window.kept = [];
    history.pushState = (...rest) => {
        push(...rest);
        const node = document.createElement("p");
        const ballast = Array.from({ length: 2000 }, (_, i) => ({ i }));
        addEventListener("resize", () => (node.title = ballast.length));
        window.kept.push(node, document.createElement("p"));
    };
}

export class Day {
    constructor(stage, page, session) {
        Object.assign(this, { stage, page, session, serial: 20_000, pick: random(11) });
    }

    at = (list, i) => list[i % list.length];

    /** Somebody at another desk decides. */
    endOne(row) {
        const me = { user: row.claimed_by ?? "regional2", role: "regional", states: ["*"] };
        const rest = { to: "rejected", outcome: "false-positive", reason: "Test" };
        this.stage.mock.verb(me, row, "transition", rest);
    }

    async events() {
        const { mock } = this.stage;
        const open = [...mock.incidents.values()].filter((row) =>
            ["new", "triage"].includes(row.status),
        );
        for (let i = 0; i < PART.updates; i++) {
            mock.evidence(this.at(open, i * 7).id, { count: 1000 + i });
            if (i % 10 === 9) await this.page.waitForTimeout(15);
        }
        for (let i = 0; i < PART.arrivals; i++)
            mock.add(incidentOf(KIND.beacon, this.serial++, "jm", Date.now(), this.pick));
        for (let i = 0; i < PART.endings; i++) this.endOne(open[open.length - 1 - i]);
    }

    async clocks() {
        await this.page.evaluate(
            async ([steps, ms]) => {
                for (let i = 0; i < steps; i++) {
                    window.ahead += ms;
                    document.dispatchEvent(new Event("visibilitychange")); // reads clock and figures
                    await new Promise((done) => setTimeout(done, 5));
                }
            },
            [PART.clocks, (PART.minutes * 60_000) / PART.clocks],
        );
    }

    async incidents() {
        await this.visit("#/queue");
        await queueReady(this.page);
        await keys(this.page, "g", "g");
        for (let i = 0; i < PART.opened; i++) {
            await keys(this.page, "j", "o");
            await this.page.locator(".incident-page .card-timeline").waitFor();
            await keys(this.page, "Escape");
            await this.page.locator(".incident-page").waitFor({ state: "detached" });
        }
        for (let i = 0; i < PART.decided; i++) {
            await keys(this.page, "d");
            await this.page.locator("dialog").waitFor();
            await keys(this.page, "1");
            await this.page.locator("dialog").waitFor({ state: "detached" });
        }
        await keys(this.page, "PageDown", "PageDown", "x", "x", "End", "*", "n", "g", "g");
    }

    async visit(hash) {
        await this.page.evaluate((to) => (location.hash = to), hash);
        await this.page.locator("#content h1").first().waitFor();
    }

    async pages() {
        for (const name of PAGES) {
            await this.visit(`#/${name}`);
            await this.page.waitForFunction(() => !document.querySelector(".loading"));
            await this.page.waitForTimeout(60); // plots are drawn after their numbers
        }
    }

    async cut() {
        await this.stage.mock.cut();
        await this.page.locator(".link-state.down").waitFor();
        await this.stage.mock.restore();
        await this.page.locator(".link-state.up").waitFor();
    }

    async part() {
        await this.visit("#/queue");
        await this.events();
        await this.clocks();
        await this.incidents();
        await this.pages();
        for (let i = 0; i < PART.cuts; i++) await this.cut();
    }

    /** What is held with nothing on the screen: an empty list, no message, no incident beside it. */
    async held() {
        await this.visit(NOTHING);
        await this.page.getByText("No incident matches").waitFor();
        await this.page.evaluate(() => {
            for (const button of document.querySelectorAll(".notice .icon")) button.click();
        });
        await eventually(
            "no message",
            async () => (await this.page.locator(".notice").count()) === 0,
        );
        // The driver itself keeps the last element that it acted on, and what hangs on it.
        await this.page.locator(".brand").hover();
        // What is under way, an answer that is being read, goes by itself; what leaks stays.
        const looks = [];
        for (let i = 0; i < LOOKS; i++) looks.push(await this.look());
        const least = (what) => Math.min(...looks.map((look) => look[what]));
        return Object.fromEntries(Object.keys(looks[0]).map((what) => [what, least(what)]));
    }

    async look() {
        await this.page.waitForTimeout(300);
        for (let i = 0; i < 3; i++) await this.session.send("HeapProfiler.collectGarbage");
        const { metrics } = await this.session.send("Performance.getMetrics");
        const of = (name) => metrics.find((metric) => metric.name === name).value;
        return {
            heap_kb: (await dataIn(this.session)) / 1024,
            all_kb: of("JSHeapUsedSize") / 1024,
            nodes: of("Nodes"),
            listeners: of("JSEventListeners"),
        };
    }
}

const DATA = [
    "object",
    "array",
    "string",
    "concatenated string",
    "sliced string",
    "closure",
    "regexp",
];

/**
 * Bytes of the page's own objects. Compiled code, which all of the heap counts too, grows for an
 * hour of a busy page and with each question of the test, until V8 throws the oldest away.
 */
async function dataIn(session) {
    let text = "";
    const add = ({ chunk }) => (text += chunk);
    session.on("HeapProfiler.addHeapSnapshotChunk", add);
    await session.send("HeapProfiler.takeHeapSnapshot");
    session.off("HeapProfiler.addHeapSnapshotChunk", add);
    const { snapshot, nodes } = JSON.parse(text);
    const { node_fields: fields, node_types: types } = snapshot.meta;
    const counted = new Set(DATA.map((name) => types[0].indexOf(name)));
    const [type, size] = [fields.indexOf("type"), fields.indexOf("self_size")];
    let sum = 0;
    for (let i = 0; i < nodes.length; i += fields.length)
        if (counted.has(nodes[i + type])) sum += nodes[i + size];
    return sum;
}

/** Median of the slopes between all pairs: what a part adds. */
export function slope(values) {
    const slopes = [];
    for (let i = 0; i < values.length; i++)
        for (let j = i + 1; j < values.length; j++) slopes.push((values[j] - values[i]) / (j - i));
    slopes.sort((a, b) => a - b);
    const mid = slopes.length / 2;
    return (slopes[Math.floor(mid)] + slopes[Math.ceil(mid) - 1]) / 2;
}

async function slopes(stage, parts, planted) {
    const page = await stage.page();
    await page.addInitScript(aheadOfTime);
    if (planted) await page.addInitScript(plant);
    await stage.signIn(page, "admin");
    await queueReady(page);
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable");
    const day = new Day(stage, page, session);
    for (const id of stage.mock.incidents.keys()) stage.mock.evidence(id, { count: 999 });
    const held = [];
    for (let i = 0; i < WARM_PARTS + parts; i++) {
        await day.part();
        if (i >= WARM_PARTS) held.push(await day.held());
        if (process.env.ABENG_DAY) console.error(`# part ${i}: ${JSON.stringify(held.at(-1))}`);
    }
    const of = (what) => Math.round(slope(held.map((one) => one[what])) * 10) / 10;
    return {
        parts,
        heap_kb: of("heap_kb"),
        all_kb: of("all_kb"),
        nodes: of("nodes"),
        listeners: of("listeners"),
    };
}

const grows = (added, tolerance) =>
    Object.keys(tolerance).filter((what) => added[what] > tolerance[what]);

export async function aDayOpen(stage) {
    const added = await slopes(stage, stage.long ? PARTS.long : PARTS.short, false);
    stage.numbers.day = added;
    const tolerance = stage.long ? TOLERANCE : TOLERANCE_SHORT;
    assert.deepEqual(grows(added, tolerance), [], `twenty minutes add ${JSON.stringify(added)}`);
}

/** The same check with leaks put into the page: it must find each of them. */
export async function plantedLeaks(stage) {
    const added = await slopes(stage, PARTS.planted, true);
    const found = grows(added, TOLERANCE_SHORT);
    assert.deepEqual(found, Object.keys(TOLERANCE_SHORT), JSON.stringify(added));
}
