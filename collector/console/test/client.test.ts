// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, Problem, Unreachable } from "../src/api/client.ts";
import { toQuery } from "../src/model/search.ts";

function answering(answer: (init: RequestInit) => Promise<Response>): Client {
    globalThis.fetch = (_, init) => answer(init!);
    return new Client();
}

test("a line that dies in the middle of an answer is no answer", async () => {
    const broken = new ReadableStream({
        start: (to) => {
            to.enqueue(new TextEncoder().encode('{"items": ['));
            to.error(new TypeError("network error"));
        },
    });
    const client = answering(async () => new Response(broken));
    await assert.rejects(client.stats(), Unreachable);
});

test("a list that is read no longer is given up, and one that is still read has its time", async () => {
    const given: AbortSignal[] = [];
    const client = answering(async ({ signal }) => {
        given.push(signal!);
        return Response.json({ items: [], next: null, total: 0 });
    });
    const reading = new AbortController();
    await client.incidents(toQuery(""), null, reading.signal);
    assert.notEqual(given[0], reading.signal, "it ends by itself too");
    reading.abort();
    assert.ok(given[0]!.aborted);
});

test("what the collector refuses says why, and whether the session has ended", async () => {
    let status = 403;
    const client = answering(async () => Response.json({ title: "No", detail: "Why" }, { status }));
    let ended = 0;
    client.onSignedOut = () => ended++;
    await assert.rejects(client.stats(), (err: Problem) => err.detail === "Why");
    status = 401;
    await assert.rejects(client.stats(), Problem);
    assert.equal(ended, 1);
});
