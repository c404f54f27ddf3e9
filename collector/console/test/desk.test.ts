// SPDX-License-Identifier: Apache-2.0
// Answers that come late, twice, or in another order than they were asked for: nothing that was
// decided or heard meanwhile is forgotten.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Problem, Unreachable, api } from "../src/api/client.ts";
import type { Incident, IncidentDetail, Page } from "../src/api/types.ts";
import { app } from "../src/model/app.ts";
import { Desk } from "../src/model/desk.ts";
import { incident } from "./helper.ts";

interface Asked<T> {
    what: string;
    answer: (value: T) => void;
    fail: (err: unknown) => void;
}

/** What the desk asked and nobody has answered yet, the oldest first. */
const lists: Asked<Page<Incident>>[] = [];
const details: Asked<IncidentDetail>[] = [];
const verbs: Asked<Incident>[] = [];

/** Messages go by themselves after a while, which the tests need not wait for. */
const later = globalThis.setTimeout;
globalThis.setTimeout = ((work: () => void, ms: number) => later(work, ms).unref()) as never;

function ask<T>(queue: Asked<T>[], what: string): Promise<T> {
    return new Promise((answer, fail) => queue.push({ what, answer, fail }));
}

beforeEach(() => {
    for (const queue of [lists, details, verbs]) queue.length = 0;
    app.set({ me: { user: "me", role: "regional" } as typeof app.state.me, notices: [] });
    api.incidents = ({ q, tier }) => ask(lists, `${q}${tier}`);
    api.incident = (id) => ask(details, id);
    api.claim = (id, version) => ask(verbs, `claim ${id} ${version}`);
    api.transition = (id, version, { to }) => ask(verbs, `${to} ${id} ${version}`);
});

const settled = () => new Promise((done) => setImmediate(done));
const pageOf = (...items: Incident[]) => ({ items, next: null, total: items.length });
const detail = (row: Incident) =>
    ({ ...row, allowed: [], timeline: [] }) as unknown as IncidentDetail;
const REJECT = { verb: "transition", transition: { to: "rejected" } } as const;

async function opened(...rows: Incident[]): Promise<Desk> {
    const desk = new Desk();
    void desk.load("");
    lists.shift()!.answer(pageOf(...rows));
    await settled();
    return desk;
}

test("a list that was on its way when a row was dismissed does not bring it back", async () => {
    const [a, b] = [incident("a"), incident("b")];
    const desk = await opened(a, b);
    void desk.refresh();
    await settled();
    void desk.decide(desk.queue.get("a")!, REJECT);
    lists.shift()!.answer(pageOf(a, b));
    await settled();
    assert.deepEqual(desk.queue.order, ["b"], "while the decision is on its way");
    void desk.refresh();
    await settled();
    verbs.shift()!.answer({ ...a, version: 2, status: "rejected" });
    await settled();
    lists.shift()!.answer(pageOf(a, b));
    await settled();
    assert.deepEqual(desk.queue.order, ["b"], "when it has been answered");
    void desk.load("is:new");
    lists.shift()!.answer(pageOf(a, b));
    await settled();
    assert.deepEqual(desk.queue.order, ["b"], "in another search's list");
});

test("an older answer about an incident takes nothing out of the list", async () => {
    const a = incident("a", { version: 7 });
    const desk = await opened(a);
    const told: number[] = [];
    desk.watchDetail("a", ({ version }) => told.push(version));
    void desk.read("a");
    void desk.read("a");
    const [first, second] = details.splice(0);
    second!.answer(detail({ ...a, version: 9 }));
    first!.answer(detail({ ...a, version: 8, status: "rejected" }));
    await settled();
    assert.ok(!desk.queue.get("a")!.gone);
    assert.equal(details.length, 1, "what was overtaken is asked for again");
    details.shift()!.answer(detail({ ...a, version: 9 }));
    await settled();
    assert.deepEqual(told, [9, 9]);
});

test("a list is read again once after the reading that it was asked for in", async () => {
    const desk = await opened(incident("a"));
    for (let i = 0; i < 5; i++) void desk.refresh();
    await settled();
    assert.equal(lists.length, 1);
    lists.shift()!.answer(pageOf(incident("a", { version: 2 })));
    await settled();
    assert.equal(lists.length, 1);
    lists.shift()!.answer(pageOf(incident("a", { version: 3 })));
    await settled();
    assert.equal(lists.length, 0);
    assert.equal(desk.queue.base("a")!.version, 3);
});

test("an open incident of which only the collector can tell does not read the list for ever", async () => {
    const desk = new Desk();
    void desk.load("sid:2024897");
    lists.shift()!.answer(pageOf(incident("a")));
    await settled();
    desk.watchDetail("b", () => {});
    void desk.refresh();
    for (let i = 0; i < 20; i++) {
        await settled();
        lists.shift()?.answer(pageOf(incident("a")));
        details.shift()?.answer(detail(incident("b")));
    }
    await settled();
    assert.equal(lists.length + details.length, 0);
});

test("a refused decision brings back what was known, not what was expected", async () => {
    const desk = await opened(incident("a", { status: "triage" }), incident("b"));
    void desk.decide(desk.queue.get("a")!, { verb: "claim" });
    void desk.decide(desk.queue.get("a")!, REJECT);
    for (let i = 0; i < 2; i++) {
        await settled();
        verbs.shift()!.fail(new Unreachable());
        await settled();
        details.shift()!.fail(new Unreachable());
    }
    await settled();
    const back = desk.queue.get("a")!;
    assert.deepEqual([back.claimed_by, back.status, back.pending], [null, "triage", false]);
});

test("a row that somebody else took out of the list says so when our decision is refused", async () => {
    const desk = await opened(incident("a"), incident("b"));
    void desk.decide(desk.queue.get("a")!, { verb: "claim" });
    await settled();
    verbs.shift()!.fail(new Problem(412, "Changed", ""));
    await settled();
    for (let i = 0; i < 2; i++) {
        details.shift()!.answer(detail(incident("a", { version: 2, status: "rejected" })));
        await settled();
    }
    assert.ok(desk.queue.get("a")!.gone);
    assert.ok(!desk.queue.get("a")!.pending);
});

test("a decision is made on the newest version that was seen, in the list or beside it", async () => {
    const desk = await opened(incident("a"));
    void desk.read("a");
    details.shift()!.answer(detail(incident("a", { version: 2 })));
    await settled();
    void desk.refresh();
    await settled();
    lists.shift()!.answer(pageOf(incident("a", { version: 3, claimed_by: "me" })));
    await settled();
    void desk.decide(desk.queue.get("a")!, REJECT);
    await settled();
    assert.equal(verbs.shift()!.what, "rejected a 3");
});

test("the key that takes back waits for what was decided before it", async () => {
    const [a, b] = [incident("a"), incident("b")];
    const desk = await opened(a, b);
    for (const row of [a, b]) void desk.decide(row, { verb: "claim" });
    api.release = (id) => ask(verbs, `release ${id}`);
    void desk.undo();
    await settled();
    const [first, second] = verbs.splice(0);
    second!.answer({ ...b, version: 2, claimed_by: "me" });
    await settled();
    first!.answer({ ...a, version: 2, claimed_by: "me" });
    await settled();
    assert.equal(details.shift()!.what, "b", "the last one is looked at");
});

test("what is checked while several are decided stays checked", async () => {
    const rows = ["a", "b", "c"].map((id) => incident(id));
    const desk = await opened(...rows);
    api.bulk = ({ ids }) => ask(verbs, ids.join()) as never;
    desk.queue.check("a");
    const done = desk.decideAll(["a"], "transition", { to: "rejected", reason: "Test" });
    desk.queue.check("b");
    verbs.shift()!.answer({ results: [{ id: "a", status: 200 }] } as never);
    await settled();
    assert.deepEqual([...desk.queue.checked], ["b"]);
    assert.deepEqual(desk.queue.order, ["b", "c"]);
    lists.shift()!.answer(pageOf(...rows.slice(1)));
    await done;
});

test("the list of a search that was left is there again at once, as it is by now", async () => {
    const [a, b, c] = [incident("a"), incident("b"), incident("c", { tier: 1 })];
    const desk = await opened(a, b, c);
    void desk.open("tier:1");
    lists.shift()!.answer(pageOf(c));
    await settled();
    void desk.decide(desk.queue.get("c")!, REJECT);
    await settled();
    verbs.shift()!.answer({ ...c, version: 2, status: "rejected" });
    void desk.read("b");
    await settled();
    for (const asked of details.splice(0)) asked.answer(detail({ ...b, version: 3, count: 99 }));
    void desk.read("d");
    details.shift()!.answer(detail(incident("d", { id: "d", tier: 2 })));
    await settled();
    void desk.open("");
    assert.deepEqual(desk.queue.order, ["a", "b", "d"]);
    assert.equal(desk.queue.base("b")!.count, 99);
    assert.equal(desk.queue.total, 3);
    assert.ok(!desk.state.loading);
    await settled();
    assert.equal(lists.length, 1, "and it is read again");
});

test("the way back to a list of which nothing was learnt finds it as it was left", async () => {
    const rows = [incident("a"), incident("b"), incident("c", { tier: 1 })];
    const desk = await opened(...rows);
    const { order } = desk.queue;
    void desk.open("tier:1");
    lists.shift()!.answer(pageOf(rows[2]!));
    await settled();
    desk.queue.cursor = "c";
    void desk.open("");
    assert.equal(desk.queue.order, order, "not sorted again");
    assert.equal(desk.queue.cursor, "c");
    assert.equal(desk.queue.total, 3);
});

test("what another list told of a row is known on the way back", async () => {
    const rows = [incident("a"), incident("b"), incident("c", { tier: 1 })];
    const desk = await opened(...rows);
    void desk.open("tier:1");
    lists.shift()!.answer(pageOf({ ...rows[2]!, version: 5, count: 77 }));
    await settled();
    void desk.open("");
    assert.equal(desk.queue.base("c")!.count, 77);
});

test("a list left with a row that has gone comes back without it", async () => {
    const rows = [incident("a"), incident("b"), incident("c", { tier: 1 })];
    const desk = await opened(...rows);
    void desk.read("a");
    details.shift()!.answer(detail(incident("a", { version: 2, status: "rejected" })));
    await settled();
    assert.ok(desk.queue.get("a")?.gone, "held until the list settles");
    void desk.open("tier:1");
    lists.shift()!.answer(pageOf(rows[2]!));
    await settled();
    void desk.open("");
    assert.deepEqual(desk.queue.order, ["c", "b"]);
});

test("after a gap in the stream no kept list is shown", async () => {
    const desk = await opened(incident("a"), incident("b", { tier: 1 }));
    void desk.open("tier:1");
    lists.shift()!.answer(pageOf(incident("b", { tier: 1 })));
    await settled();
    void desk.reset();
    await settled();
    lists.shift()!.answer(pageOf(incident("b", { tier: 1 })));
    await settled();
    void desk.open("");
    assert.ok(desk.state.loading);
});
