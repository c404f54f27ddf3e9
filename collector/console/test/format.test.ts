// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, grouped, hexDump, pieces, plain, short, whole, widest } from "../src/format/text.ts";
import { age, clockTime, later, nextAt, span, stamp, timeLeft } from "../src/format/time.ts";

const NOW = Date.parse("2026-11-20T20:00:00.000Z");

test("hidden characters are shown by name", () => {
    const cases: [string, string][] = [
        ["plain text, Ünïcödé 漢字", "plain text, Ünïcödé 漢字"],
        ["a\u0000b", "a\\0b"],
        ["\u001b[31mred", "\\x1b[31mred"],
        ["two\r\nlines\t.", "two\\r\\nlines\\t."],
        ["invoice\u202efdp.exe", "invoiceU+202Efdp.exe"],
        ["\u2066isolated\u2069", "U+2066isolatedU+2069"],
        ["zero\u200bwidth\ufeff", "zeroU+200BwidthU+FEFF"],
        ["\u009bcsi", "\\x9bcsi"],
        ["tag\u{e0041}", "tagU+E0041"],
        ["lone\ud800surrogate", "loneU+D800surrogate"],
        ["pair \u{1f600} stays", "pair \u{1f600} stays"],
        ["<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"],
    ];
    for (const [given, shown] of cases) assert.equal(plain(given), shown);
});

test("what was named is told apart from what was there", () => {
    assert.deepEqual(pieces("a\nb"), [
        { text: "a", mark: false },
        { text: "\\n", mark: true },
        { text: "b", mark: false },
    ]);
});

test("towers of combining marks are cut and long text is bounded", () => {
    assert.equal(plain(`a${"\u0301".repeat(200)}b`), `a${"\u0301".repeat(3)}b`);
    assert.equal(plain("x".repeat(50), 10), `${"x".repeat(10)}… +40`);
});

test("numbers", () => {
    assert.deepEqual([0, 999, 1234, 9_960, 12_345, 1_500_000, 2e9].map(short), [
        "0",
        "999",
        "1.2k",
        "10k",
        "12k",
        "1.5M",
        "2.0G",
    ]);
    assert.deepEqual([0, 1500, 31_400_220_118_040].map(bytes), [
        "0\u2009B",
        "1.5\u2009kB",
        "31\u2009TB",
    ]);
    assert.equal(whole(1234567), "1\u2009234\u2009567");
    assert.equal(grouped("ab:cd:ef:01:23"), "ABCD EF01 23");
});

test("hex dump", () => {
    assert.equal(hexDump(btoa("GET /\0")), `0000  ${"47 45 54 20 2f 00".padEnd(47)}  GET /·`);
    assert.equal(hexDump("not base64 !"), null);
});

test("spans have at most two figures", () => {
    const cases: [number, string][] = [
        [0, "0 s"],
        [59_999, "59 s"],
        [60_000, "1 m"],
        [3_600_000 + 20 * 60_000, "1 h 20"],
        [26 * 3_600_000, "26 h"],
        [5 * 86_400_000, "5 d"],
        [-90_000, "1 m"],
    ];
    for (const [ms, shown] of cases) assert.equal(span(ms), shown);
    assert.equal(
        age("2026-11-20T20:00:05Z", NOW),
        "0 s",
        "a clock ahead of ours is not a negative age",
    );
});

test("time is UTC", () => {
    assert.equal(stamp("2026-11-20T19:45:17.123Z"), "2026-11-20 19:45:17");
    assert.equal(stamp("2026-11-20T15:45:17-04:00"), "2026-11-20 19:45:17");
    assert.equal(stamp("nonsense"), "nonsense");
    assert.equal(clockTime("2026-11-20T03:05:00Z", NOW), "03:05");
    assert.equal(clockTime("2026-11-18T03:05:00Z", NOW), "18 Nov 03:05");
    assert.equal(nextAt(12, NOW), "2026-11-21T12:00:00.000Z");
    assert.equal(nextAt(21, NOW), "2026-11-20T21:00:00.000Z");
    assert.equal(later(30, NOW), "2026-11-20T20:30:00.000Z");
});

test("a deadline is calm, soon, late or none", () => {
    const opened = "2026-11-20T19:50:00Z";
    assert.equal(timeLeft(null, opened, NOW).urgency, "none");
    assert.equal(timeLeft("2026-11-20T20:20:00Z", opened, NOW).urgency, "calm");
    assert.equal(timeLeft("2026-11-20T20:02:00Z", opened, NOW).urgency, "soon");
    assert.deepEqual(timeLeft("2026-11-20T19:59:00Z", opened, NOW), {
        urgency: "late",
        used: 1,
        ms: -60_000,
    });
});

test("no font draws a text wider than it is said to be", () => {
    assert.equal(widest(""), 0);
    assert.ok(widest("10.20.30.40", true) >= 11 * 0.602); // DejaVu Sans Mono
    assert.ok(widest("WWWW") >= 4 * 0.989); // DejaVu Sans, as below
    assert.ok(widest("government") >= 6.04);
    assert.ok(widest("ill, it;") <= 8 * 0.42);
    assert.equal(widest("caf\u00e9"), Infinity);
    assert.equal(widest("a\u202eb"), Infinity);
    assert.equal(widest("x".repeat(61)), Infinity);
});
