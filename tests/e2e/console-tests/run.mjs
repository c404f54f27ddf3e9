// SPDX-License-Identifier: Apache-2.0
// Runs the scenes one after another in one Chromium and counts; each scene gets fresh contexts and
// what it asks for.
import crypto from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { Mock, PASSWORD } from "./mock.mjs";
import { SCENES } from "./scenes.mjs";
import { throttle } from "./steps.mjs";

const FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
];
const WAIT_MS = 60_000;

const { values: options } = parseArgs({
    options: {
        json: { type: "boolean" },
        tap: { type: "boolean" },
        url: { type: "string" },
        user: { type: "string" },
        password: { type: "string" },
        built: { type: "string" },
        dist: { type: "string" },
        screenshots: { type: "string" },
        only: { type: "string" },
        long: { type: "boolean" },
        slow: { type: "string" },
        late: { type: "string" },
    },
});
const dist = options.dist ?? options.built;
const real = options.url !== undefined;

/** What a scene works with: pages that are watched for anything a console must not do. */
class Stage {
    constructor(browser, mock, url) {
        Object.assign(this, {
            browser,
            mock,
            url,
            real,
            long: options.long ?? false,
            contexts: [],
            faults: [],
            axe: 0,
            numbers: {},
        });
        this.user = options.user ?? "regional1";
        this.password = options.password ?? PASSWORD;
        this.shots = options.screenshots;
    }

    async page(settings = {}) {
        const context = await this.browser.newContext({
            viewport: { width: 1920, height: 1080 },
            ignoreHTTPSErrors: true,
            colorScheme: "light",
            ...settings,
        });
        this.contexts.push(context);
        const page = await context.newPage();
        page.setDefaultTimeout(WAIT_MS);
        if (options.slow) await throttle(page, Number(options.slow));
        page.on("pageerror", (err) => this.faults.push(`script error: ${err.message}`));
        page.on(
            "dialog",
            (dialog) => (this.faults.push(`dialog: ${dialog.message()}`), dialog.dismiss()),
        );
        page.on("console", (message) => {
            if (
                message.type() === "error" &&
                !/Failed to load resource|net::ERR_/.test(message.text())
            )
                this.faults.push(`console: ${message.text()}`);
        });
        page.on("request", (request) => {
            if (!request.url().startsWith(this.url) && !request.url().startsWith("data:"))
                this.faults.push(`request to ${request.url()}`);
        });
        return page;
    }

    async signIn(page, user = this.user, password = this.password, path = "/") {
        await page.goto(this.url + path);
        await page.getByLabel("User").fill(user);
        await page.getByLabel("Password").fill(password);
        await page.keyboard.press("Enter");
        await page.locator(".top").waitFor();
    }

    async signedIn(user, settings, path, password) {
        const page = await this.page(settings);
        await this.signIn(page, user, password, path);
        return page;
    }

    /** What the API says to this page's session. */
    ask = (page, path) => page.evaluate((p) => fetch(`/api/v1${p}`).then((r) => r.json()), path);

    /** Somebody else: in the mock they are there already, a real collector's administrator makes them. */
    async somebody(page, role, states) {
        if (!real) return [role === "national" ? "national-jm" : "regional2", this.password];
        const user = `e2e-${role}`;
        const body = { user, name: user, role, states, password: `${crypto.randomUUID()}-Aa1` };
        const status = await page.evaluate(async (made) => {
            const { csrf } = await fetch("/api/v1/me").then((reply) => reply.json());
            const headers = { "X-Abeng-CSRF": csrf, "Content-Type": "application/json" };
            await fetch(`/api/v1/users/${made.user}`, { method: "DELETE", headers });
            const rest = { method: "POST", headers, body: JSON.stringify(made) };
            return (await fetch("/api/v1/users", rest)).status;
        }, body);
        if (status >= 300) throw new Error(`could not make user ${user}: ${status}`);
        return [user, body.password];
    }

    async close() {
        for (const context of this.contexts.splice(0)) await context.close();
    }
}

/** What happened, in TAP: on stdout when asked for it, otherwise beside it. */
const say = (text) => (options.tap ? console.log(text) : console.error(text));

function bundleKb() {
    if (!dist || !existsSync(dist)) return null;
    const bytes = readdirSync(dist).reduce(
        (sum, name) => sum + gzipSync(readFileSync(join(dist, name))).length,
        0,
    );
    return Math.round(bytes / 102.4) / 10;
}

/** Each key's figures: one line of JSON, or one a key beside the TAP. */
function sayPace(pace) {
    if (options.json) return console.log(JSON.stringify(pace));
    say(
        `# keys with ${pace.rows} rows; the control takes ${pace.control_p95_ms} ms (${pace.judged})`,
    );
    for (const [key, took] of Object.entries(pace.keys))
        say(
            `#   ${key}: 95 % in ${took.p95_ms} ms, worst ${took.worst_ms}, processor ${took.cpu_ms}`,
        );
}

async function runScene(scene, stage, total) {
    const mock = real ? null : new Mock(dist, { ...scene.mock, late: Number(options.late ?? 0) });
    stage.mock = mock;
    stage.url = real ? options.url.replace(/\/$/, "") : await mock.listen();
    try {
        await scene.run(stage);
        if (stage.faults.length) throw new Error(stage.faults.join("\n    "));
        total.passed++;
        say(`ok ${total.passed + total.failed} - ${scene.name}`);
    } catch (err) {
        total.failed++;
        const why = String(err.stack ?? err)
            .split("\n")
            .slice(0, 14);
        say(
            `not ok ${total.passed + total.failed} - ${scene.name}\n${why.map((line) => `#   ${line}`).join("\n")}`,
        );
        const page = stage.contexts.at(-1)?.pages().at(-1);
        if (process.env.ABENG_KEEP && page)
            await page.screenshot({
                path: join(process.env.ABENG_KEEP, `${scene.name.replace(/\W+/g, "-")}.png`),
            });
    }
    stage.faults.length = 0;
    await stage.close();
    await mock?.cut();
}

async function main() {
    if (!real && !existsSync(join(dist ?? "", "index.html")))
        throw new Error(`no built console in ${dist}: run make, or give --dist`);
    const home = mkdtempSync(join(tmpdir(), "abeng-e2e-"));
    const browser = await chromium.launch({
        executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
        headless: true,
        chromiumSandbox: process.getuid() !== 0,
        args: FLAGS,
        env: { ...process.env, HOME: home },
    });
    const total = { passed: 0, failed: 0, skipped: 0 };
    const stage = new Stage(browser, null, "");
    for (const scene of SCENES) {
        if (options.only && !scene.name.includes(options.only)) continue;
        if (scene.shots && !options.screenshots) continue;
        if (scene.only === "real" && !real) continue;
        if (scene.long && !options.long) continue;
        if (scene.timed && (options.slow || options.late)) continue;
        if (real && !scene.real) total.skipped++;
        else await runScene(scene, stage, total);
    }
    await browser.close();
    rmSync(home, { recursive: true, force: true });
    const { queue_ready_ms = null, key_to_paint_ms = null } = stage.numbers;
    const last = {
        passed: total.passed,
        failed: total.failed,
        axe_violations: stage.axe,
        bundle_kb: bundleKb(),
        queue_ready_ms,
        key_to_paint_ms,
    };
    if (stage.numbers.day) {
        const { parts, heap_kb, all_kb, nodes, listeners } = stage.numbers.day;
        say(
            `# ${parts} parts of a day; each adds ${heap_kb} KiB (with code ${all_kb}), ${nodes} nodes, ${listeners} listeners`,
        );
    }
    if (stage.numbers.keys)
        say(
            `# keys: ${stage.numbers.keys.noise} for noise, ${stage.numbers.keys.confirmed} to confirm`,
        );
    for (const pace of stage.numbers.paces ?? []) sayPace(pace);
    if (options.tap) say(`1..${total.passed + total.failed}`);
    else
        console.log(
            options.json
                ? JSON.stringify(last)
                : `${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`,
        );
    process.exitCode = total.failed ? 1 : 0;
}

main().catch((err) => {
    console.error(`tests/e2e/console: ${err.message}`);
    process.exitCode = 1;
});
