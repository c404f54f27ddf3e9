// SPDX-License-Identifier: Apache-2.0
// The rest of what the mock collector knows: campaigns, notices, contacts, lists, alarms, ledgers,
// archive and audit. The same rules of scope as for incidents; made from what stands in the queue.
import { createHash } from "node:crypto";
import { alertsOf, iso, random } from "./data.mjs";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const inScope = (me, state) => me.states[0] === "*" || me.states.includes(state) || state === null;
const page = (items) => ({ items, next: null, total: items.length });

export class Refusal extends Error {
    constructor(status, title, detail, rule = "", headers = {}) {
        super(detail);
        Object.assign(this, { status, title, detail, rule, headers });
    }
}

/** What each role may read, as the collector's /me says it. */
export function resourcesOf(role) {
    const all = [
        ..."me states stats stream incidents signals sensors feeds alarms archive".split(" "),
        ..."campaigns notifications countermeasures contacts constituents".split(" "),
        ..."suppressions damping reports exports sessions evidence".split(" "),
    ];
    if (role === "admin") return [...all, "audit", "users"];
    return role === "auditor" ? [...all, "audit"] : all;
}

const CAMPAIGNS = [
    ["domain", "update.cdn.example.net", ["jm", "bb", "tt", "lc"], "c2", "amber"],
    ["ip", "203.0.113.77", ["gy", "sr", "tt"], "exploit", "green"],
    ["ja3", "e7d705a3286e19ea42f587b344ee6865", ["ht", "jm"], "c2", "amber+strict"],
];

function makeCampaigns(now, incidents) {
    return CAMPAIGNS.map(([type, value, codes, stage, tlp], i) => ({
        id: `c-${createHash("sha256").update(value).digest("hex").slice(0, 10)}`,
        status: i < 2 ? "open" : "quiet",
        indicator: { type, value },
        first_seen: iso(now - (60 - 9 * i) * HOUR),
        last_seen: iso(now - (i + 1) * 7 * MINUTE),
        stage,
        rsit: { class: "malicious-code", type: "c2-server" },
        advice: "Block the name at the resolver; look for the same TLS client on other hosts.",
        tlp,
        state_count: codes.length,
        states: codes.map((state, k) => ({
            state,
            first_seen: iso(now - (60 - 9 * i - 11 * k) * HOUR),
            last_seen: iso(now - (k * 5 * HOUR + 7 * MINUTE)),
            alerts: 4200 >> k,
            incidents: incidents
                .filter((row) => row.state === state && row.stages.includes("c2"))
                .slice(0, 2)
                .map(({ id }) => id),
            stage,
            released: k === 0,
        })),
    }));
}

/** A state's own view: written for it, not filtered from the whole. */
function projectionOf(campaign, state) {
    const mine = campaign.states.find((row) => row.state === state);
    if (!mine) return null;
    return {
        id: campaign.id,
        state,
        indicator: campaign.indicator,
        first_seen: campaign.first_seen,
        last_seen: campaign.last_seen,
        other_states: campaign.states.length - 1,
        mine: {
            incidents: mine.incidents,
            alerts: mine.alerts,
            first_seen: mine.first_seen,
            last_seen: mine.last_seen,
        },
        advice: campaign.advice,
        tlp: campaign.tlp,
        released: mine.released,
        others: campaign.states
            .filter((row) => row.state !== state && row.released)
            .map((row) => ({
                state: row.state,
                incidents: row.incidents.length,
                alerts: row.alerts,
            })),
    };
}

function makeContacts(now) {
    const base = {
        version: 1,
        digest: false,
        mask_sources: false,
        language: "en",
        utc_offset: -300,
        quiet_from: null,
        quiet_to: null,
        workdays_only: false,
        holidays: [],
        delegate: null,
        away_from: null,
        away_until: null,
        constituent: null,
        tested_at: iso(now - 6 * DAY),
        tlp_max: "amber",
        rung: 1,
        kind: "mail",
    };
    const of = (state, name, over) => ({
        ...base,
        state,
        name,
        organisation: "National CSIRT",
        ...over,
    });
    return [
        of("jm", "Duty mailbox", { address: "duty@jm.example.org" }),
        of("jm", "Duty phone", {
            kind: "phone",
            address: "+1 876 555 0100",
            rung: 2,
            quiet_from: "22:00",
            quiet_to: "06:00",
        }),
        of("bb", "Duty mailbox", { address: "duty@bb.example.org", tested_at: null }),
        of("tt", "Operations desk", {
            kind: "webhook",
            address: "https://desk.tt.example.org/abeng",
            tlp_max: "green",
            mask_sources: true,
        }),
        of("gy", "Deputy", {
            address: "deputy@gy.example.org",
            rung: 3,
            tested_at: iso(now - 51 * DAY),
        }),
    ].map((contact, i) => ({ ...contact, id: `${contact.state}-${i + 1}` }));
}

const TEXT = `An address of your state talks to a command server.

What we saw: 4 200 TLS connections to update.cdn.example.net since yesterday, every 60 seconds.
What to do: take the host off the network, keep its disk, change the keys it held.
Please tell us what you find.`;

function makeNotice(serial, row, status, now, over = {}) {
    return {
        id: `${row.state}-${serial}`,
        version: 1,
        state: row.state,
        incident: row.id,
        status,
        tlp: "amber",
        subject: `${row.title} (${row.victim})`,
        text: TEXT,
        contact: `${row.state}-1`,
        contact_name: "Duty mailbox",
        channel: "mail",
        rung: 1,
        tier: row.tier,
        abroad: false,
        by: "regional1",
        approved_by: null,
        tries: status === "draft" ? 0 : 1,
        error: null,
        created_at: iso(now - 40 * MINUTE),
        sent_at: ["sent", "acked", "feedback"].includes(status) ? iso(now - 30 * MINUTE) : null,
        delivered_at: null,
        opened_at: null,
        acked_at: ["acked", "feedback"].includes(status) ? iso(now - 12 * MINUTE) : null,
        next_at: status === "sent" ? iso(now + 9 * MINUTE) : null,
        feedback: status === "feedback" ? "useful" : null,
        feedback_note: status === "feedback" ? "Host found and rebuilt" : null,
        log: [{ at: iso(now - 40 * MINUTE), text: `draft made from ${row.id}` }],
        ...over,
    };
}

function makeNotices(now, incidents) {
    const rows = incidents.slice(0, 9);
    const kinds = [
        ["draft"],
        ["approval", { tlp: "red", abroad: true }],
        ["sent", { rung: 2, channel: "phone", contact_name: "Duty phone" }],
        ["sent"],
        ["sent", { rung: 3, next_at: iso(now - 4 * MINUTE), contact_name: "Deputy" }],
        ["acked"],
        ["feedback"],
        ["failed", { error: "550 mailbox unavailable", tries: 3 }],
        ["feedback", { feedback: "known", feedback_note: null }],
    ];
    return rows.map((row, i) => makeNotice(i + 1, row, kinds[i][0], now, kinds[i][1]));
}

const STEPS = {
    proposed: ["active", "removed"],
    active: ["pending_removal"],
    pending_removal: ["removed", "active"],
    removed: [],
};

const NEXT = {
    draft: ["edit", "send", "withdraw"],
    approval: ["approve", "withdraw"],
    queued: ["withdraw"],
    sent: ["ack", "feedback", "withdraw"],
    acked: ["feedback"],
    failed: ["send", "withdraw"],
};

function makeAudit(now) {
    let prev = "0".repeat(64);
    const verbs = [
        ["admin", "user.add", "national-jm", "national"],
        ["regional1", "claim", "jm-118", ""],
        ["regional1", "confirmed", "jm-118", "triage to confirmed"],
        ["regional2", "rejected", "bb-106", "triage to rejected: known scanner"],
        ["abeng", "notice.sent", "jm-1", "mail to jm-1"],
        ["admin", "sensor.approve", "ht-nren-pap", ""],
    ];
    return Array.from({ length: 24 }, (_, i) => {
        const [who, verb, what, text] = verbs[i % verbs.length];
        const at = iso(now - (24 - i) * 23 * MINUTE);
        const hash = createHash("sha256").update(`${prev} ${at} ${who} ${verb}`).digest("hex");
        const entry = { id: `${i + 1}-0`, at, who, verb, what, text, prev, hash };
        prev = hash;
        return entry;
    }).reverse();
}

/** Counts lines; one that has too few columns is refused, as the collector does it. */
function importOf(text) {
    const lines = text.split(/\r?\n/).slice(1).filter(Boolean);
    const refused = lines.flatMap((line, i) =>
        line.split(",").length < 3 ? [{ line: i + 2, detail: "too few columns" }] : [],
    );
    return { added: lines.length - refused.length, changed: 0, refused };
}

export class More {
    constructor(mock, now = Date.now()) {
        this.mock = mock;
        const incidents = [...mock.incidents.values()].sort((a, b) => a.tier - b.tier);
        this.campaigns = makeCampaigns(now, incidents);
        this.contacts = makeContacts(now);
        this.notices = makeNotices(now, incidents);
        this.measures = [];
        this.evidence = [];
        this.audit = makeAudit(now);
        this.users = [
            ["regional1", "Regional desk 1", "regional", ["*"]],
            ["regional2", "Regional desk 2", "regional", ["*"]],
            ["national-jm", "National contact, Jamaica", "national", ["jm"]],
            ["admin", "Administrator", "admin", ["*"]],
            ["auditor", "Auditor", "auditor", ["*"]],
        ].map(([user, name, role, states]) => ({
            user,
            name,
            role,
            states,
            created_at: iso(now - 90 * DAY),
        }));
        this.constituents = [
            ["jm", "Registry", "critical", ["192.0.2.0/26"], ["registry.jm.example.org"]],
            ["jm", "Ministries", "government-core", ["192.0.2.64/26"], ["gov.jm.example.org"]],
            ["bb", "Carrier", "network", ["198.51.100.0/25", "2001:db8:b::/48"], []],
            ["tt", "Hospital network", "critical", ["203.0.113.0/26"], ["health.tt.example.org"]],
        ].map(([state, name, cls, prefixes, names], i) => ({
            id: `${state}-${i + 1}`,
            version: 1,
            state,
            name,
            class: cls,
            prefixes,
            asns: i === 2 ? [64500] : [],
            names,
            contacts: [`${state}-1`],
            note: null,
        }));
        this.suppressions = [
            {
                id: "jm-1",
                version: 1,
                state: "jm",
                sid: 2024291,
                victim: "192.0.2.9",
                peer: null,
                reason: "Scanner of our own, moves next week",
                owner: "regional1",
                expires_at: iso(now + 5 * DAY),
                hits: 1402,
                last_hit_at: iso(now - 3 * MINUTE),
            },
        ];
        this.damping = [
            ["scanner", "198.51.100.0/27", null, "University research scanner"],
            ["maintenance", "192.0.2.40", "jm", "Migration of the mail gateway"],
            ["warninglist", "*.cdn.example.net", null, "Shared hosting"],
        ].map(([list, match, state, note], i) => ({
            id: `d-${i + 1}`,
            list,
            match,
            state,
            until: i === 2 ? null : iso(now + (3 + 20 * i) * DAY),
            note,
            by: "regional1",
            at: iso(now - 2 * DAY),
        }));
        this.feeds = [
            {
                name: "regional",
                partner: "regional",
                key: "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
                version: 41,
                published_at: iso(now - 5 * HOUR),
                expires: iso(now + 25 * DAY),
                blake2b: createHash("sha256").update("regional").digest("hex"),
                size: 412_880,
            },
            {
                name: "partner-a",
                partner: "Partner A",
                key: "RWTVb0lpTXNT6Yp1k0hJ3nA9c8uEwq7LZ2fXQ4dBs5mPyRg1oKtHjUa",
                version: 1090,
                published_at: iso(now - 26 * HOUR),
                expires: iso(now + 4 * DAY),
                blake2b: createHash("sha256").update("a").digest("hex"),
                size: 9_112_004,
            },
        ];
        this.alarms = [
            {
                id: "tt-isp2-pos:silent:tt",
                kind: "sensor-silent",
                severity: 1,
                sensor: "tt-isp2-pos",
                states: ["tt"],
                since: iso(now - 26 * MINUTE),
                until: null,
                last: iso(now - 5_000),
                count: 1,
                text: "nothing heard of tt-isp2-pos for 26 min",
            },
            {
                id: "bb-gov-bgi:gap:bb",
                kind: "sensor-gap",
                severity: 2,
                sensor: "bb-gov-bgi",
                states: ["bb"],
                since: iso(now - 3 * HOUR),
                until: null,
                last: iso(now - 2 * HOUR),
                count: 3,
                text: "1204 records of bb-gov-bgi are lost",
            },
        ];
        this.sessions = [
            ["s-1", "192.0.2.21", 0.4],
            ["s-2", "192.0.2.77", 30],
        ].map(([id, address, hours], i) => ({
            id,
            user: "regional1",
            created_at: iso(now - hours * HOUR),
            last_used_at: iso(now - i * 9 * HOUR),
            address,
            current: i === 0,
        }));
        this.ended(incidents, now);
    }

    /** Decisions of the last weeks, so that precision and pace have something to say. */
    ended(incidents, now) {
        const pick = random(11);
        const titles = [...new Map(incidents.map((row) => [row.title, row])).values()];
        this.past = titles.flatMap((row, k) =>
            Array.from({ length: 4 + k }, (_, i) => {
                const end = now - (0.2 + pick() * 80) * DAY;
                const right = pick() < (row.tier === 4 ? 0.15 : 0.85 - 0.05 * k);
                return {
                    ...row,
                    id: `${row.state}-${7000 + 40 * k + i}`,
                    status: right ? "closed" : "rejected",
                    outcome: right ? "tp-impact" : "false-positive",
                    opened_at: iso(end - 2 * HOUR),
                    claimed_at: iso(end - 2 * HOUR + pick() * 9 * MINUTE),
                    claimed_by: i % 2 ? "regional1" : "regional2",
                    ended_at: iso(end),
                    deadline: null,
                    clock: null,
                };
            }),
        );
    }

    /** {body} or {status}, or undefined when the path is none of ours. */
    answer(me, method, path, params, body) {
        const [, what, id, verb] = /^\/([a-z]+)(?:\/([^/:]+))?(?:[:/](.*))?$/.exec(path) ?? [];
        const known = {
            campaigns: () => this.campaign(me, id, verb, body),
            notifications: () => this.notice(me, method, id, verb, params, body),
            countermeasures: () => this.measure(me, method, id, body, params),
            contacts: () => this.keep(me, method, "contacts", id, verb, body),
            constituents: () => this.keep(me, method, "constituents", id, verb, body),
            suppressions: () => this.keep(me, method, "suppressions", id, verb, body),
            damping: () => this.keep(me, method, "damping", id, verb, body),
            sessions: () => this.keep(me, method, "sessions", id, verb, body),
            users: () => this.user(me, method, id, body),
            feeds: () => (method === "GET" ? { body: page(this.feeds) } : this.addFeed(me, body)),
            evidence: () => this.packets(me, id, params),
            alarms: () => ({
                body: page(this.alarms.filter((a) => a.states.some((s) => inScope(me, s)))),
            }),
            archive: () => this.search(me, params),
            audit: () => this.readAudit(me, id),
            reports: () => ({ body: this.report(id) }),
        }[what];
        return known?.();
    }

    campaign(me, id, verb, body) {
        const whole = me.states[0] === "*";
        const view = (one) => (whole ? one : projectionOf(one, me.states[0]));
        if (!id) return { body: page(this.campaigns.map(view).filter(Boolean)) };
        const one = this.campaigns.find((campaign) => campaign.id === id);
        if (!one || !view(one)) throw new Refusal(404, "Not found", "There is no such campaign.");
        if (verb === "projections") {
            const all = one.states.map(({ state }) => projectionOf(one, state));
            return { body: page(all.filter(({ state }) => inScope(me, state))) };
        }
        if (verb === "release") {
            if (!inScope(me, body.state))
                throw new Refusal(403, "Forbidden", "Not your state.", "scope");
            one.states.find(({ state }) => state === body.state).released = body.release;
        }
        return { body: view(one) };
    }

    shown(one) {
        return { ...one, allowed: NEXT[one.status] ?? [] };
    }

    notice(me, method, id, verb, params, body) {
        const seen = this.notices.filter((one) => inScope(me, one.state));
        if (!id && method === "GET") {
            const of = params.get("incident");
            return {
                body: page(
                    seen.filter((one) => !of || one.incident === of).map((one) => this.shown(one)),
                ),
            };
        }
        if (!id) {
            const row = this.mock.find(me, body.incident);
            const made = makeNotice(this.notices.length + 1, row, "draft", Date.now());
            this.notices.push(made);
            return { status: 201, body: this.shown(made) };
        }
        const one = seen.find((known) => known.id === id);
        if (!one) throw new Refusal(404, "Not found", "There is no such notice.");
        if (method === "PATCH") Object.assign(one, body, { version: one.version + 1 });
        if (verb) this.noticeVerb(me, one, verb, body);
        return { body: this.shown(one) };
    }

    noticeVerb(me, one, verb, body) {
        if (!(NEXT[one.status] ?? []).includes(verb))
            throw new Refusal(
                409,
                "Not possible",
                `${verb} is not possible now.`,
                "notification.status",
            );
        const to = {
            send: "sent",
            approve: "sent",
            withdraw: "withdrawn",
            ack: "acked",
            feedback: "feedback",
        };
        one.status =
            verb === "send" && one.tlp === "red" && !one.approved_by ? "approval" : to[verb];
        if (verb === "approve") one.approved_by = me.user;
        if (verb === "feedback")
            Object.assign(one, { feedback: body.outcome, feedback_note: body.note ?? null });
        one.version++;
        one.log.push({ at: iso(Date.now()), text: `${me.user}: ${verb}` });
    }

    measure(me, method, id, body, params) {
        const seen = this.measures.filter((one) => inScope(me, one.state));
        const step = (one) => ({ ...one, allowed: STEPS[one.status] });
        if (method === "GET") {
            const of = seen.filter((one) => one.incident === params.get("incident"));
            return { body: page(of.map(step)) };
        }
        if (id) {
            const one = seen.find((known) => known.id === id);
            if (!one) throw new Refusal(404, "Not found", "There is no such countermeasure.");
            one.status = body.to;
            one.version++;
            return { body: step(one) };
        }
        const row = this.mock.find(me, body.incident);
        const at = iso(Date.now());
        const made = {
            id: `${row.state}-${this.measures.length + 1}`,
            version: 1,
            state: row.state,
            status: "proposed",
            by: me.user,
            created_at: at,
            changed_at: at,
            target: null,
            expires_at: null,
            ...body,
        };
        this.measures.push(made);
        return { status: 201, body: step(made) };
    }

    /** The sensor of the mock answers the second time it is looked at. */
    packets(me, id, params) {
        const seen = this.evidence.filter((one) => inScope(me, one.state));
        if (!id)
            return { body: page(seen.filter((one) => one.incident === params.get("incident"))) };
        const one = seen.find((known) => known.id === id);
        if (!one) throw new Refusal(404, "Not found", "There is no such request.");
        one.status = "received";
        return { body: one };
    }

    askPackets(row, body) {
        const made = {
            id: `${row.state}-${this.evidence.length + 1}`,
            state: row.state,
            incident: row.id,
            packets: 16,
            length: 7045,
            status: "asked",
            detail: null,
            ...body,
        };
        this.evidence.push(made);
        return made;
    }

    /** Lists that are kept by hand: read, added to, changed, and taken from. */
    keep(me, method, what, id, verb, body) {
        const list = this[what];
        if (verb === "import") return { body: importOf(body.text) };
        const seen = list.filter((one) => inScope(me, one.state ?? null));
        if (!id && method === "GET") return { body: page(seen) };
        if (!id) {
            if (!inScope(me, body.state ?? null))
                throw new Refusal(403, "Forbidden", "Not your state.", "scope");
            const made = {
                ...(list[0] ?? {}),
                ...body,
                id: `${body.state ?? "d"}-${list.length + 1}`,
                version: 1,
                owner: me.user,
                by: me.user,
                hits: 0,
                last_hit_at: null,
            };
            list.push(made);
            return { status: 201, body: made };
        }
        const at = list.findIndex((one) => one.id === id && inScope(me, one.state ?? null));
        if (at < 0) throw new Refusal(404, "Not found", "There is no such thing.");
        if (method === "DELETE") return (list.splice(at, 1), { status: 204 });
        if (verb === "test") list[at].tested_at = iso(Date.now());
        else Object.assign(list[at], body);
        list[at].version++;
        return { body: list[at] };
    }

    user(me, method, id, body) {
        if (me.role !== "admin")
            throw new Refusal(403, "Forbidden", "Only administrators.", "role");
        if (method === "GET") return { body: page(this.users) };
        if (method === "POST") {
            if (this.users.some(({ user }) => user === body.user))
                throw new Refusal(
                    409,
                    "Name taken",
                    `There is a user ${body.user} already.`,
                    "user",
                );
            const { password: _, ...made } = { ...body, created_at: iso(Date.now()) };
            this.users.push(made);
            return { status: 201, body: made };
        }
        const at = this.users.findIndex(({ user }) => user === id);
        if (at < 0) throw new Refusal(404, "Not found", "There is no such user.");
        if (method === "DELETE") return (this.users.splice(at, 1), { status: 204 });
        Object.assign(this.users[at], body);
        return { body: this.users[at] };
    }

    addFeed(me, { name, partner, key }) {
        if (me.role !== "admin")
            throw new Refusal(403, "Forbidden", "Only administrators.", "role");
        this.feeds.push({
            name,
            partner,
            key,
            version: 0,
            published_at: null,
            expires: null,
            blake2b: null,
            size: 0,
        });
        return { status: 201 };
    }

    ledger(sensor, now = Date.now()) {
        const pick = random(sensor.id.length);
        const start = Math.floor(now / HOUR) * HOUR;
        const items = Array.from({ length: 6 * 24 + 9 }, (_, back) => {
            const lost = sensor.lost && back % 41 === 3 ? 301 : 0;
            const received = Math.floor(400 + 900 * pick());
            return {
                hour: iso(start - back * HOUR),
                state: sensor.states[0],
                raised: received + lost,
                received,
                late: back % 29 === 5 ? 40 : 0,
                lost,
                shed: 0,
                gaps: lost ? 1 : 0,
            };
        }).reverse();
        const sum = (part) => items.reduce((total, item) => total + item[part], 0);
        const parts = ["raised", "received", "late", "lost", "shed", "gaps"];
        return { ...page(items), sum: Object.fromEntries(parts.map((part) => [part, sum(part)])) };
    }

    search(me, params) {
        const wanted =
            params.get("address") ?? params.get("name") ?? params.get("hash") ?? params.get("sid");
        const rows = [...this.mock.incidents.values()].filter((row) => inScope(me, row.state));
        const items = rows
            .filter((row) => !params.get("state") || row.state === params.get("state"))
            .slice(0, 4)
            .flatMap((row) =>
                alertsOf(row)
                    .filter((record) => JSON.stringify(record).includes(wanted))
                    .slice(0, 3)
                    .map((record) => ({
                        state: row.state,
                        sensor: row.sensors[0],
                        site: "exchange",
                        received: record.timestamp,
                        epoch: "5c1e9f0a77b2",
                        lane: `${row.state}.urgent`,
                        seq: 1,
                        record,
                    })),
            );
        return {
            body: {
                items,
                next: null,
                searched: { files: 12, skipped: 75, records: 90_412 },
                complete: true,
            },
        };
    }

    report(state) {
        const rows = [...this.mock.incidents.values(), ...this.past].filter(
            (row) => row.state === state,
        );
        const count = (of) =>
            rows.reduce((sum, row) => ({ ...sum, [of(row)]: (sum[of(row)] ?? 0) + 1 }), {});
        const none = { count: 0, p50: null, p90: null, p95: null };
        return {
            state,
            month: "2026-11",
            incidents: rows.length,
            alerts: rows.reduce((sum, row) => sum + row.count, 0),
            by_class: count((row) => row.rsit.class),
            by_type: count((row) => `${row.rsit.class}/${row.rsit.type}`),
            by_tier: count((row) => row.tier),
            by_outcome: count((row) => row.outcome ?? "none"),
            by_status: count((row) => row.status),
            clocks: {
                claim: { count: 31, p50: 74, p90: 410, p95: 660 },
                decide: { count: 28, p50: 380, p90: 1500, p95: 2900 },
                notify: { count: 12, p50: 190, p90: 280, p95: 300 },
                ack: { count: 9, p50: 1260, p90: 7100, p95: 7900 },
                contain: none,
            },
        };
    }

    readAudit(me, id) {
        if (!["admin", "auditor"].includes(me.role))
            throw new Refusal(403, "Forbidden", "Not your role.", "role");
        if (id !== "roots") return { body: page(this.audit) };
        const root = createHash("sha256").update(this.audit[3].hash).digest("hex");
        return { body: page([{ at: this.audit[3].at, state: "rg", count: 21, root }]) };
    }
}
