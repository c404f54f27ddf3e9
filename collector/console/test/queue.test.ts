// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { Queue, compare } from "../src/model/queue.ts";
import { incident } from "./helper.ts";

const at = (minute: number) => `2026-11-20T20:${String(minute).padStart(2, "0")}:00.000Z`;

function filled(...ids: string[]): Queue {
    const queue = new Queue();
    const rows = ids.map((id, i) => incident(id, { deadline: at(i * 5) }));
    queue.replace(rows, rows.length);
    return queue;
}

test("order is tier, then deadline with none last, then age, then id", () => {
    const rows = [
        incident("e", { tier: 2 }),
        incident("d", { tier: 2, deadline: at(9) }),
        incident("b", { tier: 1, deadline: at(30) }),
        incident("f", { tier: 2, opened_at: at(1) }),
        incident("a", { tier: 1, deadline: at(3) }),
        incident("c", { tier: 1 }),
        incident("g", { tier: 4, deadline: at(0) }),
    ];
    assert.deepEqual(
        rows.sort(compare).map((row) => row.id),
        ["a", "b", "c", "d", "e", "f", "g"],
    );
});

test("a row that changes its rank stays in place until the list settles", () => {
    const queue = filled("a", "b", "c");
    queue.upsert(incident("c", { version: 2, tier: 1, deadline: at(0) }));
    assert.deepEqual(queue.order, ["a", "b", "c"]);
    assert.equal(queue.get("c")?.tier, 1);
    assert.ok(queue.held);
    queue.settle();
    assert.deepEqual(queue.order, ["c", "a", "b"]);
    assert.ok(!queue.held);
});

test("a row that left is held, cannot be chosen, and goes when the list settles", () => {
    const queue = filled("a", "b", "c");
    queue.check("b");
    queue.leave("b");
    assert.deepEqual(queue.order, ["a", "b", "c"]);
    assert.ok(queue.get("b")?.gone);
    assert.equal(queue.total, 2);
    assert.equal(queue.checked.size, 0);
    queue.move(1);
    assert.equal(queue.cursor, "c", "the cursor passes over it");
    queue.settle();
    assert.deepEqual(queue.order, ["a", "c"]);
    assert.equal(queue.cursor, "c");
});

test("a newcomer goes to its place and says whether it came in above the cursor", () => {
    const queue = filled("a", "b", "c");
    queue.cursor = "b";
    assert.equal(queue.upsert(incident("x", { tier: 1, deadline: at(1) })).above, 1);
    assert.equal(queue.upsert(incident("y", { tier: 4, deadline: at(1) })).above, 0);
    assert.deepEqual(queue.order, ["x", "a", "b", "c", "y"]);
    assert.equal(queue.cursor, "b");
    assert.ok(queue.get("x")?.fresh);
    assert.equal(queue.total, 5);
});

test("an older version never replaces a newer one", () => {
    const queue = filled("a");
    queue.upsert(incident("a", { version: 5, count: 50 }));
    queue.upsert(incident("a", { version: 4, count: 40 }));
    assert.equal(queue.get("a")?.count, 50);
});

test("facts about an incident outside the list don't bring it in", () => {
    const queue = filled("a");
    queue.put(incident("z"));
    assert.equal(queue.get("z"), undefined);
    assert.equal(queue.upsert(incident("z")).above, 0);
    assert.ok(queue.order.includes("z"));
});

test("an overlay shows a decision at once and its removal takes it back", () => {
    const queue = filled("a");
    queue.overlay("a", { status: "triage", claimed_by: "lin" });
    assert.deepEqual([queue.get("a")?.status, queue.get("a")?.pending], ["triage", true]);
    queue.overlay("a", null);
    assert.deepEqual([queue.get("a")?.status, queue.get("a")?.pending], ["new", false]);
});

test("our own decision takes a row away at once and the next one takes the cursor", () => {
    const queue = filled("a", "b", "c");
    queue.cursor = "b";
    queue.drop("b");
    assert.deepEqual([queue.order, queue.cursor, queue.total], [["a", "c"], "c", 2]);
    queue.drop("c");
    assert.equal(queue.cursor, "a");
    queue.drop("a");
    assert.equal(queue.cursor, null);
});

test("a refused decision brings the row back to its place", () => {
    const queue = filled("a", "b", "c");
    const b = queue.base("b")!;
    queue.drop("b");
    queue.upsert(b);
    assert.deepEqual(queue.order, ["a", "b", "c"]);
});

test("after a gap the list is merged without moving: changes in place, absences held", () => {
    const queue = filled("a", "b", "c");
    queue.cursor = "c";
    const before = [...queue.all.values()];
    queue.upsert(incident("m", { deadline: at(50) }));
    const { above } = queue.merge(
        [
            incident("a", { version: 2, count: 99, deadline: at(0) }),
            incident("n", { tier: 1 }),
            incident("c", { deadline: at(10) }),
        ],
        3,
        before,
    );
    assert.equal(above, 1);
    assert.deepEqual(queue.order, ["n", "a", "b", "c", "m"]);
    assert.ok(queue.get("b")?.gone);
    assert.ok(!queue.get("m")?.gone, "came in while the list was on its way");
    assert.equal(queue.get("a")?.count, 99);
    assert.equal(queue.total, 3);
});

test("a merged first page says nothing about rows beyond it", () => {
    const queue = filled("a", "b");
    queue.merge([incident("a")], 2, []);
    assert.ok(!queue.get("b")?.gone);
});

test("ten thousand rows and a hundred newcomers settle into order", () => {
    const queue = new Queue();
    const rows = Array.from({ length: 10_000 }, (_, i) =>
        incident(`jm-${String(i).padStart(5, "0")}`, { tier: (1 + (i % 4)) as 1 | 2 | 3 | 4 }),
    );
    queue.replace(rows.sort(compare), rows.length);
    for (let i = 0; i < 100; i++) queue.move(1);
    for (let i = 0; i < 100; i++) queue.upsert(incident(`new-${i}`, { tier: 3 }));
    queue.settle();
    assert.equal(queue.size, 10_100);
    for (let i = 1; i < queue.size; i++) assert.ok(compare(queue.at(i - 1)!, queue.at(i)!) < 0);
});

test("a narrower search shows what is held of it at once, and keeps the cursor where it can", () => {
    const queue = filled("a", "b", "c");
    queue.cursor = "c";
    queue.narrow((row) => row.id !== "a");
    assert.deepEqual(queue.order, ["b", "c"]);
    assert.equal(queue.cursor, "c");
    assert.equal(queue.total, 2);
    queue.narrow(() => false);
    assert.deepEqual(queue.order, ["b", "c"], "nothing is known of such a list: the old one stays");
});

test("a list read again gives back the rows that did not change, so that they need no drawing", () => {
    const queue = filled("a", "b");
    const [a, b] = [queue.get("a"), queue.get("b")];
    queue.replace([incident("a", { deadline: at(0) }), incident("b", { version: 9 })], 2);
    assert.equal(queue.get("a"), a);
    assert.notEqual(queue.get("b"), b);
});

test("settling a list in which nothing moved only takes away the marks of newcomers", () => {
    const queue = filled("a", "c");
    queue.upsert(incident("b", { deadline: at(2) }));
    assert.ok(queue.get("b")?.fresh);
    const a = queue.get("a");
    queue.settle();
    assert.ok(!queue.get("b")?.fresh);
    assert.equal(queue.get("a"), a);
});
