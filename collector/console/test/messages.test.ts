// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LANGUAGES, t, tMaybe } from "../src/msg/index.ts";
import { BINDINGS } from "../src/model/keys.ts";
import { RSIT, REJECTIONS, rsitOf, rsitText } from "../src/model/outcomes.ts";
import { en } from "../src/msg/en.ts";
import { same } from "../src/msg/same.ts";

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

test("nothing is kept that the page never says", () => {
    const files = readdirSync("src", { recursive: true, encoding: "utf8" });
    const code = files
        .filter((name) => /\.tsx?$/.test(name) && !name.startsWith("msg"))
        .map((name) => readFileSync(join("src", name), "utf8"))
        .join("\n");
    const made = [...code.matchAll(/`([\w-]+\.[\w-]*)\$\{/g)].map((match) => match[1]!);
    const named = [...code.matchAll(/name="(\w+)"/g)].map((match) => `${match[1]}.`);
    const asked = (key: string) =>
        code.includes(`"${key}"`) || [...made, ...named].some((start) => key.startsWith(start));
    assert.deepEqual(
        Object.keys(en).filter((key) => !asked(key) && !/^[a-z]+:?$/.test(key)),
        [],
    );
});

const holes = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

test("each language says everything, with the same values in it, and nothing twice as English", async () => {
    const keys = Object.keys(en).filter((key) => !Object.hasOwn(same, key)) as (keyof typeof en)[];
    for (const [code, { load }] of Object.entries(LANGUAGES)) {
        const words = await load();
        let alike = 0;
        for (const key of keys) {
            const text = words[key] ?? "";
            assert.ok(text.trim(), `${code} lacks ${key}`);
            assert.deepEqual(holes(text), holes(en[key]), `${code}: ${key}`);
            assert.equal(text.split("|").length, en[key].split("|").length, `${code}: ${key}`);
            if (text === en[key] && (text.match(/\p{L}{3,}/gu) ?? []).length > 2) alike++;
        }
        const more = Object.keys(words).filter((key) => !Object.hasOwn(en, key));
        assert.deepEqual(more, [], `${code} says what nobody asks for`);
        assert.ok(code === "en" || alike === 0, `${code} has ${alike} English sentences`);
    }
});

test("digits for reasons stay digits, and types survive the form", () => {
    assert.ok(REJECTIONS.length <= 9);
    for (const [cls, types] of Object.entries(RSIT))
        for (const type of types)
            assert.deepEqual(rsitOf(rsitText({ class: cls, type })), { class: cls, type });
});
