// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { hashOf, readRoute } from "../src/model/app.ts";
import { BINDINGS } from "../src/model/keys.ts";
import { PAGES, mayOpen, openPages } from "../src/model/pages.ts";
import { en } from "../src/msg/en.ts";
import { chainHolds } from "../src/view/audit.tsx";
import { calendar } from "../src/view/health.tsx";
import { likeness } from "../src/view/merge.tsx";
import { placeOf } from "../src/view/packets.tsx";
import { incident } from "./helper.ts";

const me = (resources: string[]) => ({
    user: "lin",
    name: "Lin",
    role: "national" as const,
    states: ["jm"],
    csrf: "",
    resources,
});

test("a page stands where its collection is served, and nowhere else", () => {
    const names = (resources: string[]) => openPages(me(resources)).map(({ page }) => page);
    assert.deepEqual(names(["incidents", "sensors"]), ["queue", "shift", "sensors"]);
    assert.ok(!mayOpen(me(["incidents"]), "audit"));
    assert.ok(mayOpen(me(["incidents"]), "incident"));
    assert.deepEqual(openPages(null), []);
});

test("every page has a key and a name", () => {
    for (const { command, name } of PAGES) {
        assert.ok(
            BINDINGS.some((binding) => binding.command === command),
            command,
        );
        assert.ok(name in en);
    }
});

test("links lead to where they were made", () => {
    for (const route of [
        { page: "queue", q: 'state:jm "two words"' },
        { page: "incident", id: "jm-12" },
        { page: "campaigns", part: "c-1/é" },
        { page: "admin", part: "users" },
        { page: "shift" },
    ] as const)
        assert.deepEqual(readRoute(hashOf(route)), route);
    assert.deepEqual(readRoute("#/nowhere"), { page: "queue", q: "" });
    assert.deepEqual(readRoute("#/campaigns/%E0%A4%A"), { page: "campaigns", part: "%E0%A4%A" });
});

test("a chain holds in either order, and one changed link breaks it", () => {
    const entry = (id: string, prev: string, hash: string) => ({
        id,
        prev,
        hash,
        at: "",
        who: "",
        verb: "",
        what: "",
        text: "",
    });
    const chain = [entry("1", "0", "a"), entry("2", "a", "b"), entry("3", "b", "c")];
    assert.equal(chainHolds(chain), true);
    assert.equal(chainHolds([...chain].reverse()), true);
    assert.equal(chainHolds([chain[0]!, chain[2]!]), false);
    assert.equal(chainHolds([chain[0]!]), null);
});

test("the calendar tells lost, late, quiet and coming hours apart", () => {
    const now = Date.parse("2026-11-20T10:30:00Z");
    const hour = (at: string, over = {}) => ({
        hour: `2026-11-20T${at}:00:00.000Z`,
        state: "jm",
        raised: 9,
        received: 9,
        late: 0,
        lost: 0,
        shed: 0,
        gaps: 0,
        ...over,
    });
    const [today, yesterday] = calendar(
        [
            hour("07"),
            hour("08", { late: 2 }),
            hour("09", { shed: 1 }),
            hour("09", { state: "bb" }),
            hour("10", { received: 0 }),
        ],
        now,
    );
    assert.equal(today!.day, "2026-11-20");
    assert.deepEqual(
        [6, 7, 8, 9, 10, 11].map((i) => today!.hours[i]!.kind),
        ["none", "good", "late", "lost", "none", "unknown"],
    );
    assert.match(today!.hours[9]!.text, /18 received.*1 lost/);
    assert.ok(yesterday!.hours.every(({ kind }) => kind === "none"));
});

test("packets are asked for only where the record says that they were kept", () => {
    const abeng = { epoch: "e", lane: "jm.urgent", seq: 7 };
    assert.equal(placeOf({ abeng }), null);
    assert.equal(placeOf({}), null);
    assert.equal(placeOf({ abeng: { ...abeng, seq: "7", evidence: {} } }), null);
    assert.deepEqual(placeOf({ abeng: { ...abeng, evidence: { packets: 3, length: 900 } } }), {
        ...abeng,
        packets: 3,
        length: 900,
    });
});

test("what merges best stands first", () => {
    const row = incident("jm-1", { victim: "192.0.2.7", peer: "198.51.100.1" });
    const same = incident("jm-2", { victim: "192.0.2.7", peer: null, title: "x" });
    const other = incident("jm-3", { victim: "192.0.2.8", peer: "198.51.100.1" });
    assert.ok(likeness(same, row) > likeness(other, row));
});
