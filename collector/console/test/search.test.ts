// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import {
    ages,
    matches,
    parse,
    replace,
    toggle,
    toQuery,
    values,
    write,
} from "../src/model/search.ts";
import { incident } from "./helper.ts";

test("words are read with keys, quotes and plain text", () => {
    assert.deepEqual(parse('state:jm rule:"et scan" "two words" example.org is:new'), [
        { key: "state", value: "jm" },
        { key: "rule", value: "et scan" },
        { key: null, value: "two words" },
        { key: null, value: "example.org" },
        { key: "is", value: "new" },
    ]);
    assert.deepEqual(parse(""), []);
    assert.deepEqual(
        parse("http://x"),
        [{ key: null, value: "http://x" }],
        "an unknown key is plain text",
    );
    assert.deepEqual(parse('rule:"never closed'), [{ key: "rule", value: "never closed" }]);
});

test("words are written back as they were read", () => {
    for (const text of ["", "tier:1,2 beacon", 'rule:"et scan" is:mine'])
        assert.equal(write(parse(text)), text);
});

test("a dash negates, alone it is a word", () => {
    assert.deepEqual(parse('-state:jm -"et scan" - a-b'), [
        { key: "state", value: "jm", not: true },
        { key: null, value: "et scan", not: true },
        { key: null, value: "-" },
        { key: null, value: "a-b" },
    ]);
    assert.equal(write(parse("-state:jm x")), "-state:jm x");
});

test("lists go to the API by name, the rest as words", () => {
    assert.deepEqual(toQuery("tier:1,2 is:new,mine is:triage state:JM -state:bb sid:5 beacon"), {
        q: "is:mine -state:bb sid:5 beacon",
        tier: "1,2",
        state: "jm",
        status: "new,triage",
    });
});

test("toggling builds a list of values", () => {
    assert.equal(toggle("", "tier", "2"), "tier:2");
    assert.equal(toggle("tier:2 beacon", "tier", "1"), "tier:1,2 beacon");
    assert.equal(toggle("tier:1,2 beacon", "tier", "1"), "tier:2 beacon");
    assert.equal(toggle("tier:2", "tier", "2"), "");
    assert.deepEqual(values("state:JM,bb", "state"), ["jm", "bb"]);
    assert.equal(replace("state:jm x", "state", null), "x");
});

test("a changed row is judged: in, out, or only the collector knows", () => {
    const row = incident("jm-7", { tier: 1, claimed_by: "lin", status: "triage" });
    const cases: [string, boolean | null][] = [
        ["", true],
        ["is:mine", true],
        ["is:new", false],
        ["is:triage,new", true],
        ["is:triage is:new", true],
        ["is:mine is:waiting", false],
        ["is:any", true],
        ["-is:mine", false],
        ["-state:bb", true],
        ["-beacon", false],
        ["-sid:1", null],
        ["is:closed", false],
        ["is:open", true],
        ["is:waiting", false],
        ["state:jm", true],
        ["state:bb", false],
        ["tier:1,2", true],
        ["tier:3", false],
        ["tier:1 state:bb", false],
        ["ip:192.0.2.7", true],
        ["ip:203.0.113.1", null],
        ["sid:2024291", null],
        ["tier:3 sid:2024291", false],
        ["beacon", true],
        ["nothing-of-the-row", null],
        ["sensor:jm-isp1", true],
        ["sensor:bb", false],
    ];
    for (const [text, verdict] of cases) assert.equal(matches(row, text, "lin"), verdict, text);
});

test("what is decided leaves a list that asks for open incidents", () => {
    assert.equal(matches(incident("a", { status: "rejected" }), "", "lin"), false);
    assert.equal(matches(incident("a", { status: "rejected" }), "is:rejected", "lin"), true);
    assert.equal(
        matches(incident("a", { status: "rejected", claimed_by: "lin" }), "is:mine", "lin"),
        false,
    );
});

test("ages are judged against the clock, and nonsense is the collector's to refuse", () => {
    const row = incident("a", { opened_at: new Date(Date.now() - 90 * 60_000).toISOString() });
    for (const [text, verdict] of [
        ["age:1h", true],
        ["age:>1h", true],
        ["age:>2h", false],
        ["age:<2h", true],
        ["age:<80m", false],
        ["-age:<1d", false],
        ["age:soon", null],
    ] as const)
        assert.equal(matches(row, text, "lin"), verdict, text);
    assert.equal(matches(row, "is:unclaimed", "lin"), true);
    assert.equal(matches(incident("b", { claimed_by: "ana" }), "is:unclaimed", "lin"), false);
});

test("only the age of its rows changes a search by itself", () => {
    assert.ok(ages("tier:1 -age:<30m"));
    assert.ok(!ages('tier:1 state:jm is:mine "age"'));
});
