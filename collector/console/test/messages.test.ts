// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { t, tMaybe } from "../src/msg/index.ts";
import { BINDINGS } from "../src/model/keys.ts";
import { RSIT, REJECTIONS, rsitOf, rsitText } from "../src/model/outcomes.ts";
import { en } from "../src/msg/en.ts";

test("one and many", () => {
    assert.equal(t("queue.total", { n: 1 }), "1 incident");
    assert.equal(t("queue.total", { n: 12_000 }), "12\u2009000 incidents");
});

test("values are put in as they are, and not read again", () => {
    assert.equal(t("problem.refused", { id: "jm-1", why: "{id} <b>" }), "jm-1: {id} <b>");
});

test("a word the server may add later is shown as it is", () => {
    assert.equal(tMaybe("status.new", "new"), "new");
    assert.equal(tMaybe("status.novel", "novel"), "novel");
    assert.equal(tMaybe("toString", "novel"), "novel");
});

test("every key of the keyboard has its words", () => {
    const shared = new Set(["tier-2", "tier-3", "tier-4"]);
    for (const { command } of BINDINGS)
        if (!shared.has(command)) assert.ok(`key.${command}` in en, command);
});

test("digits for reasons stay digits, and types survive the form", () => {
    assert.ok(REJECTIONS.length <= 9);
    for (const [cls, types] of Object.entries(RSIT))
        for (const type of types)
            assert.deepEqual(rsitOf(rsitText({ class: cls, type })), { class: cls, type });
});
