// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { Shelf, type Kept } from "../src/model/shelf.ts";
import { incident } from "./helper.ts";

function listOf(n: number): Kept {
    const rows = Array.from({ length: n }, (_, i) => incident(`jm-${i}`));
    const order = rows.map(({ id }) => id);
    const held = new Map(rows.map((row) => [row.id, row]));
    return { rows: held, order, settled: true, unread: 0, next: null };
}

test("the oldest lists make room, by their number and by their rows", () => {
    const shelf = new Shelf();
    for (let i = 0; i < 9; i++) shelf.put(`q${i}`, listOf(1));
    assert.equal(shelf.take("q0"), undefined);
    assert.ok(shelf.take("q1"));
    shelf.put("long", listOf(29_995));
    assert.equal(shelf.take("q3"), undefined);
    assert.ok(shelf.take("long"));
    assert.ok(shelf.take("q8"));
    shelf.put("too long", listOf(30_001));
    assert.equal(shelf.take("too long"), undefined);
});

test("what is taken from the shelf stands there no longer", () => {
    const shelf = new Shelf();
    shelf.put("", listOf(2));
    assert.equal(shelf.take("")?.rows.size, 2);
    assert.equal(shelf.take(""), undefined);
});

test("an older version of a row changes nothing", () => {
    const shelf = new Shelf();
    shelf.put("", listOf(1));
    shelf.learn(incident("jm-0", { version: 4 }), "me");
    shelf.learn(incident("jm-0", { version: 3 }), "me");
    const kept = shelf.take("")!;
    assert.equal(kept.rows.get("jm-0")?.version, 4);
    assert.equal(kept.settled, false, "its order may be another");
});

test("what concerns none of its rows leaves a list settled", () => {
    const shelf = new Shelf();
    shelf.put("tier:4", listOf(2));
    shelf.learn(incident("bb-1", { tier: 1 }), "me");
    shelf.learn(incident("jm-0", { version: 0 }), "me");
    assert.equal(shelf.take("tier:4")?.settled, true);
});
