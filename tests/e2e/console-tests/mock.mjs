// SPDX-License-Identifier: Apache-2.0
// A collector of its own making for browser tests: the same API, the same rules of scope, versions
// and states, in memory. The tests hold it in their hands: they can cut its line, end a session, or
// let an incident arrive.
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { More, Refusal, resourcesOf } from "./more.mjs";
import { STATES, alertsOf, iso, makeIncident, makeSensors, random, signalsOf } from "./data.mjs";

const TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
};
const OPEN = ["new", "triage", "confirmed", "handling"];
const MOVES = {
    new: ["triage", "confirmed", "rejected"],
    triage: ["confirmed", "rejected"],
    confirmed: ["resolved", "rejected", "triage"],
    handling: ["resolved", "rejected"],
    resolved: ["closed"],
    rejected: ["triage"],
    closed: [],
    merged: [],
};
const USERS = [
    ["regional1", "Regional desk 1", "regional", ["*"]],
    ["regional2", "Regional desk 2", "regional", ["*"]],
    ["national-jm", "National contact, Jamaica", "national", ["jm"]],
    ["admin", "Administrator", "admin", ["*"]],
    ["auditor", "Auditor", "auditor", ["*"]],
];
export const PASSWORD = "correct horse";

export class Mock {
    constructor(dist, { incidents = 60, seed = 7, late = 0 } = {}) {
        this.dist = dist;
        this.incidents = new Map();
        this.sessions = new Map();
        this.streams = new Set();
        this.sockets = new Set();
        this.failures = new Map();
        this.codes = new Map();
        this.serial = 100;
        this.late = late;
        this.lag = random(seed);
        const pick = random(seed);
        for (let i = 0; i < incidents; i++) this.add(makeIncident(this.serial++, Date.now(), pick));
        this.sensors = makeSensors(Date.now());
        this.pick = pick;
        this.more = new More(this);
    }

    add(row) {
        this.incidents.set(row.id, row);
        this.tell(row);
        return row;
    }

    /** The worker's hand: new evidence raises the version, whoever is deciding. */
    evidence(id, change) {
        const row = this.incidents.get(id);
        Object.assign(row, change, { version: row.version + 1 });
        this.tell(row);
    }

    endSessions() {
        this.sessions.clear();
        for (const stream of this.streams) stream.reply.end();
    }

    async listen(port = 0) {
        this.server = createServer((request, reply) => void this.serve(request, reply));
        this.server.on("connection", (socket) => {
            this.sockets.add(socket);
            socket.on("close", () => this.sockets.delete(socket));
        });
        await new Promise((done) => this.server.listen(port, "127.0.0.1", done));
        this.port = this.server.address().port;
        return `http://127.0.0.1:${this.port}`;
    }

    async cut() {
        const closed = new Promise((done) => this.server.close(done));
        for (const socket of this.sockets) socket.destroy();
        await closed;
    }

    restore = () => this.listen(this.port);

    tell(row) {
        const data = JSON.stringify({
            id: row.id,
            version: row.version,
            state: row.state,
            tier: row.tier,
            status: row.status,
        });
        for (const { reply, me } of this.streams)
            if (inScope(me, row.state)) reply.write(`event: incident\ndata: ${data}\n\n`);
    }

    // ---- the wire ----

    async serve(request, reply) {
        const url = new URL(request.url, "http://mock");
        reply.setHeader(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        );
        reply.setHeader("X-Content-Type-Options", "nosniff");
        if (!url.pathname.startsWith("/api/")) return this.file(url.pathname, reply);
        try {
            let text = "";
            for await (const chunk of request) text += chunk;
            await this.travel();
            const csv = request.headers["content-type"] === "text/csv";
            const body = csv ? { text } : text ? JSON.parse(text) : {};
            const answer = this.answer(request, url, body, reply);
            if (answer === undefined) return;
            await this.travel();
            reply.writeHead(answer.status ?? 200, {
                "Content-Type": "application/json",
                "Cache-Control": "no-store",
                ...answer.headers,
            });
            reply.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
        } catch (err) {
            const { status = 500, title = "error", detail = String(err), rule, headers } = err;
            reply.writeHead(status, { "Content-Type": "application/problem+json", ...headers });
            reply.end(JSON.stringify({ type: "about:blank", title, status, detail, rule }));
        }
    }

    /** The way here or back on a slow line, where one may overtake another. */
    async travel() {
        if (this.late) await new Promise((done) => setTimeout(done, this.late * this.lag()));
    }

    file(path, reply) {
        const file = join(this.dist, normalize(path === "/" ? "/index.html" : path));
        if (!existsSync(file)) return void reply.writeHead(404).end();
        reply.writeHead(200, {
            "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
        });
        reply.end(readFileSync(file));
    }

    answer(request, url, body, reply) {
        const path = url.pathname.slice("/api/v1".length);
        const method = request.method;
        if (path === "/session" && method === "POST") return this.signIn(body);
        const token = /abeng_session=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
        const session = this.sessions.get(token);
        if (!session) throw new Refusal(401, "Not signed in", "Sign in first.");
        const me = session.me;
        if (method !== "GET" && request.headers["x-abeng-csrf"] !== session.csrf)
            throw new Refusal(403, "Forbidden", "The CSRF token does not match.");
        if (path === "/session") return (this.sessions.delete(token), { status: 204 });
        if (path === "/me") return { body: { ...me, csrf: session.csrf, totp: false } };
        if (path === "/states")
            return { body: page(STATES.filter(({ code }) => inScope(me, code))) };
        if (path === "/stats") return { body: this.stats(me) };
        if (path === "/stream") return this.stream(me, request, reply);
        const [, ledger] = /^\/sensors\/([^/:]+)\/ledger$/.exec(path) ?? [];
        if (ledger) return { body: this.more.ledger(this.sensors.find(({ id }) => id === ledger)) };
        if (path.startsWith("/sensors")) return this.sensor(me, method, path, body);
        if (path === "/incidents") return { body: this.list(me, url.searchParams) };
        if (path === "/incidents:bulk") return { body: { results: this.bulk(me, body) } };
        const more = this.more.answer(me, method, path, url.searchParams, body);
        if (more) return more;
        const [, id, rest] = /^\/incidents\/([^/:]+)(.*)$/.exec(path) ?? [];
        if (!id) throw new Refusal(404, "Not found", "There is nothing here.");
        const row = this.find(me, decodeURIComponent(id));
        if (rest === "") return { body: this.detail(me, row) };
        if (rest === "/links") return { body: page(linksOf(row)) };
        if (rest === "/alerts") return { body: page(alertsOf(row)) };
        if (rest === ":evidence") return { status: 202, body: this.more.askPackets(row, body) };
        const match = Number(/"(\d+)"/.exec(request.headers["if-match"] ?? "")?.[1]);
        if (match !== row.version)
            throw new Refusal(
                412,
                "Changed meanwhile",
                `${row.id} is at version ${row.version}, not ${match}.`,
            );
        return { body: bare(this.verb(me, row, rest.slice(1), body)) };
    }

    signIn({ user, password, code }) {
        const failed = this.failures.get(user) ?? 0;
        if (failed >= 5)
            throw new Refusal(429, "Too many attempts", "Wait.", "throttle", {
                "Retry-After": "60",
            });
        const known = USERS.find(([name]) => name === user);
        if (!known || password !== PASSWORD) {
            this.failures.set(user, failed + 1);
            throw new Refusal(401, "Sign-in refused", "User and password do not match.");
        }
        if (this.codes.has(user) && this.codes.get(user) !== code)
            throw new Refusal(401, "Code needed", "Six digits are asked for.", "login.code");
        const [, name, role, states] = known;
        const token = randomBytes(16).toString("hex");
        const csrf = randomBytes(16).toString("hex");
        const me = { user, name, role, states, resources: resourcesOf(role) };
        this.sessions.set(token, { me, csrf });
        return {
            body: { ...me, csrf, token, totp: false },
            headers: { "Set-Cookie": `abeng_session=${token}; HttpOnly; SameSite=Strict; Path=/` },
        };
    }

    stream(me, request, reply) {
        reply.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
        reply.write(": hello\n\n");
        const entry = { reply, me };
        this.streams.add(entry);
        request.on("close", () => this.streams.delete(entry));
        return undefined;
    }

    // ---- incidents ----

    find(me, id) {
        const row = this.incidents.get(id) ?? this.more.past.find((one) => one.id === id);
        if (!row || !inScope(me, row.state))
            throw new Refusal(
                404,
                "Not found",
                `There is no incident ${id}, or it is outside your states.`,
                "scope",
            );
        return row;
    }

    list(me, params) {
        const words = [
            ...(params.get("q") ?? "").matchAll(/(-(?=\S))?(?:([a-z]+):)?(?:"([^"]*)"|(\S+))/g),
        ].map((m) => [m[2], (m[3] ?? m[4]).toLowerCase(), m[1] !== undefined]);
        const is = words.filter(([key]) => key === "is").map(([, value]) => value);
        const list = (name, otherwise) => params.get(name)?.split(",") ?? otherwise;
        const [statuses, tiers, states] = [
            list("status", is.includes("any") ? Object.keys(MOVES) : OPEN),
            list("tier", ["1", "2", "3", "4"]),
            list("state", null),
        ];
        const listed = (row) =>
            inScope(me, row.state) &&
            statuses.includes(row.status) &&
            tiers.includes(String(row.tier)) &&
            (!states || states.includes(row.state));
        const past = statuses.some((status) => !OPEN.includes(status)) ? this.more.past : [];
        const all = [...this.incidents.values(), ...past].filter(
            (row) => listed(row) && words.every((word) => fits(row, word, me)),
        );
        all.sort(
            (a, b) =>
                a.tier - b.tier ||
                due(a) - due(b) ||
                (a.opened_at < b.opened_at
                    ? -1
                    : a.opened_at > b.opened_at
                      ? 1
                      : a.id < b.id
                        ? -1
                        : 1),
        );
        const from = Number(params.get("after") ?? 0);
        const limit = Math.min(500, Number(params.get("limit") ?? 100));
        return {
            items: all.slice(from, from + limit).map(bare),
            next: from + limit < all.length ? String(from + limit) : null,
            total: all.length,
        };
    }

    detail(me, row) {
        return {
            ...bare(row),
            ...row.extra,
            formula: "v1",
            signal_list: signalsOf(row),
            allowed: allowed(me, row),
        };
    }

    verb(me, row, verb, body) {
        const was = row.status;
        if (me.role === "auditor") throw new Refusal(403, "Forbidden", "Auditors read.", "role");
        if (verb === "claim") {
            if (row.claimed_by && row.claimed_by !== me.user && !body.steal)
                throw new Refusal(
                    409,
                    "Already claimed",
                    `${row.claimed_by} has claimed it.`,
                    "claim",
                );
            this.claim(me, row);
        } else if (verb === "release") Object.assign(row, { claimed_by: null, claimed_at: null });
        else if (verb === "note") {
            if (!body.text || body.text.length > 8192)
                throw new Refusal(422, "Note refused", "A note has 1 to 8192 characters.");
            row.extra.notes.push({ at: iso(Date.now()), who: me.user, text: body.text });
            row.last_note = body.text;
        } else if (verb === "wait") {
            const longest = iso(Date.now() + 30 * 86_400_000);
            row.waiting_until = body.on ? (body.until ?? longest) : body.until;
            row.waiting_on = body.on ?? null;
        } else if (verb === "merge" || verb === "unmerge") this.merge(me, row, verb, body);
        else if (verb === "transition") this.transition(me, row, body);
        else throw new Refusal(404, "Not found", "No such verb.");
        row.version++;
        const move = `${was} to ${body.to}${body.reason ? `: ${body.reason}` : ""}`;
        row.extra.timeline.push({
            at: iso(Date.now()),
            who: me.user,
            verb: verb === "transition" ? body.to : verb,
            text: verb === "transition" ? move : (body.text ?? ""),
        });
        this.tell(row);
        return row;
    }

    claim(me, row) {
        Object.assign(row, { claimed_by: me.user, claimed_at: iso(Date.now()) });
        if (row.status === "new")
            Object.assign(row, {
                status: "triage",
                clock: "decide",
                deadline: iso(Date.now() + [0, 10, 30, 240, 1440][row.tier] * 60_000),
            });
    }

    transition(me, row, { to, outcome, reason, note, rsit, tlp, victim }) {
        if (row.claimed_by && row.claimed_by !== me.user)
            throw new Refusal(
                409,
                "Already claimed",
                `claimed by ${row.claimed_by}; take it over first`,
                "claim.other",
            );
        if (!MOVES[row.status].includes(to))
            throw new Refusal(
                409,
                "Not possible",
                `From ${row.status} there is no way to ${to}.`,
                `${row.status}->${to}`,
            );
        if (to === "rejected" && !(outcome && reason))
            throw new Refusal(422, "Reason missing", "A dismissal needs an outcome and a reason.");
        if (to === "confirmed" && !(rsit && tlp && victim))
            throw new Refusal(
                422,
                "Something is missing",
                "A confirmation needs type, victim and TLP.",
            );
        if (to === "resolved" && !outcome)
            throw new Refusal(422, "Outcome missing", "Say how it ended.");
        if (!row.claimed_by) this.claim(me, row);
        Object.assign(row, {
            status: to,
            clock: to === "confirmed" ? "notify" : null,
            deadline: to === "confirmed" ? iso(Date.now() + 5 * 60_000) : null,
        });
        const ends = ["rejected", "resolved", "closed"].includes(to);
        Object.assign(row, { outcome: outcome ?? null, ended_at: ends ? iso(Date.now()) : null });
        Object.assign(row.extra, {
            reason: reason ?? null,
            tlp: tlp ?? row.extra.tlp,
        });
        if (victim) row.victim = victim;
        if (note) row.extra.notes.push({ at: iso(Date.now()), who: me.user, text: note });
    }

    merge(me, row, verb, { into }) {
        const other = this.find(me, verb === "merge" ? into : row.merged_into);
        if (other.state !== row.state)
            throw new Refusal(
                409,
                "Other state",
                "Only incidents of one state merge.",
                "merge.state",
            );
        if (verb === "merge") {
            row.was = row.status;
            Object.assign(row, { status: "merged", merged_into: other.id });
            other.merged.push(row.id);
        } else {
            Object.assign(row, { status: row.was, merged_into: null });
            other.merged = other.merged.filter((id) => id !== row.id);
        }
        other.version++;
        this.tell(other);
    }

    bulk(me, { ids, verb, ...rest }) {
        return ids.map((id) => {
            try {
                this.verb(me, this.find(me, id), verb, rest);
                return { id, status: 200, detail: "" };
            } catch (err) {
                return { id, status: err.status ?? 500, detail: err.detail ?? String(err) };
            }
        });
    }

    stats(me) {
        const open = [...this.incidents.values()].filter(
            (row) => inScope(me, row.state) && OPEN.includes(row.status),
        );
        const count = (key) =>
            open.reduce((sum, row) => ({ ...sum, [row[key]]: (sum[row[key]] ?? 0) + 1 }), {});
        const minutes = Array.from({ length: 60 }, (_, i) => ({
            t: iso(Date.now() - (59 - i) * 60_000),
            alerts: Math.round(380 + 140 * Math.sin(i / 5) + ((i * 37) % 90)),
        }));
        return {
            alerts_total: 8_412_220,
            alerts_last_minute: minutes[59].alerts,
            signals_open: open.length * 3,
            incidents_open: open.length,
            by_tier: count("tier"),
            by_state: count("state"),
            folded_share: 0.9964,
            lag_ms: 40 + (minutes[59].alerts % 30),
            minutes,
        };
    }

    // ---- sensors ----

    sensor(me, method, path, body) {
        const seen = this.sensors.filter((sensor) =>
            sensor.states.some((code) => inScope(me, code)),
        );
        if (method === "GET") return { body: page(seen) };
        if (me.role !== "admin")
            throw new Refusal(403, "Forbidden", "Only administrators manage sensors.", "role");
        if (path === "/sensors") return this.enrol(body);
        const [, id, verb] = /^\/sensors\/([^:]+):(\w+)$/.exec(path) ?? [];
        const sensor = seen.find((known) => known.id === id);
        if (!sensor) throw new Refusal(404, "Not found", "No such sensor.");
        if (verb === "approve" && body.fingerprint !== sensor.fingerprint)
            throw new Refusal(409, "Fingerprint differs", "The fingerprint is not the sensor's.");
        sensor.status = verb === "approve" ? "active" : "revoked";
        for (const { reply } of this.streams)
            reply.write(`event: sensor\ndata: ${JSON.stringify({ id })}\n\n`);
        return { body: sensor };
    }

    enrol({ name, states, site }) {
        if (this.sensors.some((sensor) => sensor.name === name))
            throw new Refusal(409, "Name taken", `There is a sensor ${name} already.`);
        this.sensors.push({
            ...makeSensors(Date.now())[6],
            id: name,
            name,
            states,
            site: site ?? null,
        });
        const token = randomBytes(24).toString("base64url");
        return {
            status: 201,
            body: {
                id: name,
                token,
                expires: iso(Date.now() + 3600_000),
                command: `abeng-sensor enrol --collector https://collector.example.org:8443 --token ${token}`,
            },
        };
    }
}

const inScope = (me, state) => me.states[0] === "*" || me.states.includes(state);
const due = (row) => (row.deadline ? Date.parse(row.deadline) : 8.64e15);
const page = (items) => ({ items, next: null, total: items.length });

function bare({ extra: _, hostile: __, was: ___, ...row }) {
    return row;
}

function allowed(me, row) {
    if (me.role === "auditor") return [];
    const verbs = ["note"];
    const others = row.claimed_by && row.claimed_by !== me.user;
    if (OPEN.includes(row.status)) {
        if (!row.claimed_by) verbs.push("claim");
        else verbs.push(others ? "steal" : "release");
        if (!others && row.status !== "new") verbs.push("wait");
    }
    if (others) return verbs;
    if (row.status === "merged") return [...verbs, "unmerge"];
    if (OPEN.includes(row.status)) verbs.push("merge");
    const names = {
        confirmed: "confirm",
        rejected: "reject",
        resolved: "resolve",
        closed: "close",
        triage: "triage",
    };
    for (const to of MOVES[row.status])
        if (!(row.status === "new" && to === "triage")) verbs.push(names[to]);
    return verbs;
}

/** The same grammar of ages as the collector's. */
function fitsAge(row, value) {
    const [, sign, number, unit] = /^([<>]?)(\d+)([mhd])$/.exec(value) ?? [];
    const ms = Number(number) * { m: 60_000, h: 3600_000, d: 86_400_000 }[unit];
    return Date.now() - Date.parse(row.opened_at) < ms === (sign === "<");
}

function linksOf(row) {
    return [
        {
            type: "aggr",
            key: "K1",
            from: "alerts",
            to: `${row.id}.0`,
            at: row.first_seen,
            value: row.victim,
            by: null,
        },
        {
            type: "aggr",
            key: "K2",
            from: `${row.id}.0`,
            to: row.id,
            at: row.opened_at,
            value: row.rsit.class,
            by: null,
        },
    ];
}

function fits(row, [key, value, not], me) {
    return not ? !fitsWord(row, key, value, me) : fitsWord(row, key, value, me);
}

function fitsWord(row, key, value, me) {
    const has = (...fields) =>
        fields.some((field) =>
            String(field ?? "")
                .toLowerCase()
                .includes(value),
        );
    if (key === "age") return fitsAge(row, value);
    if (key === "is") {
        if (value === "any") return true;
        if (value === "open") return OPEN.includes(row.status);
        if (value === "unclaimed") return row.claimed_by === null;
        return value === "mine" ? row.claimed_by === me.user : row.waiting_until !== null;
    }
    if (key === "sensor") return has(row.sensors);
    if (key === "ip" || key === "host") return has(row.victim, row.peer);
    return has(row.title, row.victim, row.peer, row.id, row.rsit.class, row.rsit.type);
}
