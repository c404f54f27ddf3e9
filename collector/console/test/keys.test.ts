// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { BINDINGS, KeyReader } from "../src/model/keys.ts";

function typed(page: string, ...keys: string[]): (string | null)[] {
    const reader = new KeyReader();
    return keys.map((key, i) => reader.feed(key, page, i * 100));
}

test("single keys and rows of two", () => {
    assert.deepEqual(typed("queue", "j", "k", "a", "?"), ["next", "previous", "claim", "help"]);
    assert.deepEqual(typed("queue", "g", "i"), [null, "go-queue"]);
    assert.deepEqual(typed("queue", "g", "g"), [null, "top"]);
    assert.deepEqual(
        typed("queue", "*", "1"),
        [null, "check-same"],
        "the digit is not the tier filter here",
    );
    assert.deepEqual(typed("queue", "1"), ["tier-1"]);
});

test("a row of two that leads nowhere is forgotten", () => {
    assert.deepEqual(typed("queue", "g", "x", "j"), [null, null, "next"]);
});

test("the first of two keys does not wait for ever", () => {
    const reader = new KeyReader();
    assert.equal(reader.feed("g", "queue", 0), null);
    assert.equal(reader.feed("i", "queue", 5000), null);
});

test("a page has only its own commands", () => {
    assert.deepEqual(typed("incident", "j", "a", "x"), [null, "claim", null]);
    assert.deepEqual(typed("sensors", "a", "g", "s"), [null, null, "go-sensors"]);
});

test("no key means two things on one page", () => {
    for (const page of ["queue", "incident", "sensors"]) {
        const seen = new Map<string, string>();
        for (const { keys, command, where } of BINDINGS) {
            if (where !== "all" && where !== page && !(where === "either" && page !== "sensors"))
                continue;
            for (const key of keys) {
                assert.equal(seen.get(key), undefined, `${key} on ${page}: ${command}`);
                seen.set(key, command);
                const first = key.split(" ")[0]!;
                if (first !== key)
                    assert.ok(!seen.has(first), `${first} is a command and begins ${key}`);
            }
        }
    }
});
