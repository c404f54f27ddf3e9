// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import {
    byAge,
    feedTrends,
    matrix,
    paces,
    percentile,
    ruleScores,
    shiftOf,
} from "../src/model/shift.ts";
import { BUILT_IN, readViews, withView } from "../src/model/views.ts";
import { parse } from "../src/model/search.ts";
import { incident } from "./helper.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const MINUTE = 60_000;
const DAY = 24 * 3600_000;
const ago = (ms: number) => new Date(NOW - ms).toISOString();

test("a shift hands over what is due, mine, waiting, new and ended", () => {
    const rows = [
        incident("jm-1", { deadline: ago(MINUTE), tier: 2, opened_at: ago(DAY) }),
        incident("jm-2", { deadline: ago(-10 * MINUTE), tier: 1, opened_at: ago(5 * MINUTE) }),
        incident("jm-3", { deadline: ago(-DAY), claimed_by: "ana", opened_at: ago(DAY) }),
        incident("jm-4", {
            deadline: ago(9),
            waiting_until: ago(-60 * MINUTE),
            opened_at: ago(DAY),
        }),
        incident("jm-5", { status: "rejected", ended_at: ago(30 * MINUTE), opened_at: ago(DAY) }),
        incident("jm-6", { status: "closed", ended_at: ago(3 * DAY), opened_at: ago(9 * DAY) }),
    ];
    const shift = shiftOf(rows, NOW - 8 * 3600_000, NOW, "ana");
    const ids = (part: keyof typeof shift) => shift[part].map(({ id }) => id);
    assert.deepEqual(ids("due"), ["jm-2", "jm-1"]);
    assert.deepEqual(ids("mine"), ["jm-3"]);
    assert.deepEqual(ids("waiting"), ["jm-4"], "what waits is not due");
    assert.deepEqual(ids("opened"), ["jm-2"]);
    assert.deepEqual(ids("ended"), ["jm-5"]);
});

test("ages fall into their buckets, and only open incidents count", () => {
    const rows = [
        incident("jm-1", { tier: 1, opened_at: ago(14 * MINUTE) }),
        incident("jm-2", { tier: 1, opened_at: ago(15 * MINUTE) }),
        incident("jm-3", { tier: 4, opened_at: ago(400 * DAY) }),
        incident("jm-4", { tier: 4, opened_at: ago(400 * DAY), status: "closed" }),
    ];
    const counts = byAge(rows, NOW);
    assert.deepEqual(counts[0], [1, 0, 0, 0]);
    assert.deepEqual(counts[1], [1, 0, 0, 0]);
    assert.deepEqual(counts[5], [0, 0, 0, 1]);
});

test("percentiles are values that occurred", () => {
    assert.equal(percentile([5, 1, 3], 0.5), 3);
    assert.equal(percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9), 9);
    assert.equal(percentile([4], 0.9), 4);
    assert.ok(Number.isNaN(percentile([], 0.5)));
});

test("paces need both ends of a clock", () => {
    const rows = [
        incident("jm-1", { tier: 1, opened_at: ago(10 * MINUTE), claimed_at: ago(7 * MINUTE) }),
        incident("jm-2", { tier: 1, opened_at: ago(10 * MINUTE) }),
        incident("jm-3", {
            tier: 4,
            status: "closed",
            opened_at: ago(60 * MINUTE),
            claimed_at: ago(50 * MINUTE),
            ended_at: ago(20 * MINUTE),
        }),
    ];
    const all = paces(rows);
    assert.deepEqual(
        all.map(({ tier, clock, p50, limit }) => [tier, clock, p50 / MINUTE, limit]),
        [
            [1, "claim", 3, 2 * MINUTE],
            [4, "claim", 10, null],
            [4, "end", 30, null],
        ],
    );
});

test("outcomes score rules and feeds; what says nothing of a rule does not count", () => {
    const end = (id: string, outcome: string, week: number, over = {}) =>
        incident(id, {
            title: "r",
            feeds: ["a"],
            outcome,
            status: "closed",
            ended_at: ago(week * 7 * DAY + 1),
            ...over,
        });
    const rows = [
        end("jm-1", "tp-impact", 0),
        end("jm-2", "false-positive", 0),
        end("jm-3", "not-ours", 0),
        end("jm-4", "tp-no-impact", 2, { feeds: ["a", "b"] }),
        end("jm-5", "tp-impact", 9),
    ];
    const [rule] = ruleScores(rows);
    assert.deepEqual([rule?.right, rule?.wrong], [3, 1]);
    const trends = feedTrends(rows, 3, NOW);
    assert.deepEqual(trends[0], { feed: "a", shares: [1, null, 0.5], outcomes: 3 });
    assert.deepEqual(trends[1]?.shares, [1, null, null]);
});

test("the matrix counts open incidents by state and class", () => {
    const rows = [incident("jm-1"), incident("jm-2"), incident("jm-3", { status: "closed" })];
    assert.deepEqual(matrix(rows), [{ state: "jm", rsit: rows[0]!.rsit.class, n: 2 }]);
});

test("views survive what a browser may have kept", () => {
    assert.deepEqual(readViews(null), []);
    assert.deepEqual(readViews("{"), []);
    assert.deepEqual(readViews('{"name":"x"}'), []);
    assert.deepEqual(readViews('[1,null,{"name":2,"q":"x"},{"name":"n","q":"tier:1"}]'), [
        { name: "n", q: "tier:1" },
    ]);
    const views = withView([{ name: "b", q: "1" }], { name: " a ", q: "is:mine" });
    assert.deepEqual(
        views.map(({ name }) => name),
        ["a", "b"],
    );
    assert.deepEqual(withView(views, { name: "b", q: "2" })[1], { name: "b", q: "2" });
    assert.deepEqual(withView(views, { name: "  ", q: "2" }), views);
});

test("views that come with the page use words that there are", () => {
    for (const { q } of BUILT_IN)
        assert.ok(
            parse(q).every((word) => word.key !== null),
            q,
        );
});
