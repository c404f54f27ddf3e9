// SPDX-License-Identifier: Apache-2.0
// What the mock collector knows: incidents, alerts and sensors made from a fixed seed, the same on
// every run.

export const STATES = [
    ["ag", "Antigua and Barbuda"],
    ["bb", "Barbados"],
    ["bs", "Bahamas"],
    ["bz", "Belize"],
    ["dm", "Dominica"],
    ["gd", "Grenada"],
    ["gy", "Guyana"],
    ["ht", "Haiti"],
    ["jm", "Jamaica"],
    ["kn", "Saint Kitts and Nevis"],
    ["lc", "Saint Lucia"],
    ["ms", "Montserrat"],
    ["sr", "Suriname"],
    ["tt", "Trinidad and Tobago"],
    ["vc", "Saint Vincent and the Grenadines"],
    ["rg", "Region"],
].map(([code, name]) => ({ code, name }));

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Small seeded generator (mulberry32's recurrence): tests must not depend on luck. */
export function random(seed) {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(state ^ (state >>> 15), state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
}

const KINDS = [
    {
        tier: 1,
        L: 88,
        I: 84,
        rsit: ["malicious-code", "infected-system"],
        stages: ["exploit", "answer", "c2"],
        direction: "out",
        title: "Server beacons to a command server after a web exploit",
        role: "government core",
        host: "portal",
        states: 3,
        reasons: [
            ["Outbound command channel, TLS name on two feeds", 38],
            ["Exploit answered by the victim 4 min earlier", 24],
            ["Same indicator in 2 other states", 12],
        ],
    },
    {
        tier: 1,
        L: 71,
        I: 90,
        rsit: ["intrusions", "application-compromise"],
        stages: ["probe", "exploit", "answer"],
        direction: "in",
        title: "Web shell answers a POST on the registry's mail gateway",
        role: "registry",
        host: "mail",
        states: 1,
        reasons: [
            ["Answer from the victim matches a web shell", 33],
            ["Rule precision 0.86 over 44 outcomes", 17],
        ],
    },
    {
        tier: 2,
        L: 64,
        I: 55,
        rsit: ["malicious-code", "c2-server"],
        stages: ["c2"],
        direction: "out",
        title: "Periodic DNS queries for generated names",
        role: "business",
        host: "branch",
        states: 2,
        reasons: [
            ["Every 60 s for 3 h, jitter below 2 %", 21],
            ["Second independent feed names the zone", 18],
        ],
    },
    {
        tier: 2,
        L: 41,
        I: 74,
        rsit: ["intrusion-attempts", "exploit"],
        stages: ["probe", "exploit"],
        direction: "in",
        title: "Path traversal against a VPN concentrator",
        role: "ISP core",
        host: "vpn",
        states: 5,
        reasons: [
            ["Exploit attempt, no answer seen", 15],
            ["Same source in 4 other states", 14],
            ["Known scanner list", -9],
        ],
    },
    {
        tier: 3,
        L: 22,
        I: 78,
        rsit: ["intrusion-attempts", "brute-force"],
        stages: ["probe"],
        direction: "in",
        title: "SSH log-in attempts against a name server",
        role: "DNS",
        host: "ns1",
        states: 1,
        reasons: [
            ["4 312 attempts in 6 h", 12],
            ["Scanner list, expires in 9 d", -16],
        ],
    },
    {
        tier: 4,
        L: 12,
        I: 35,
        rsit: ["information-gathering", "scanner"],
        stages: ["probe"],
        direction: "in",
        title: "Horizontal scan of port 445",
        role: "residential",
        host: "pool",
        states: 9,
        reasons: [
            ["Inbound probe without answer", 3],
            ["Rule precision 0.08 over 610 outcomes", -22],
        ],
    },
    {
        tier: 2,
        L: 58,
        I: 60,
        rsit: ["fraud", "phishing"],
        stages: ["out"],
        direction: "out",
        title: "Credentials posted to a page on the phishing list",
        role: "other government",
        host: "desk",
        states: 1,
        reasons: [
            ["Form posted to a listed host", 26],
            ["Domain registered 2 d ago", 11],
        ],
    },
    {
        tier: 4,
        L: 25,
        I: 30,
        rsit: ["vulnerable", "ddos-amplifier"],
        stages: ["answer"],
        direction: "out",
        title: "Open resolver answers large ANY queries",
        role: "business",
        host: "dsl",
        states: 1,
        reasons: [
            ["Answer 54 times the question", 8],
            ["Weekly digest type", -6],
        ],
    },
    {
        tier: 1,
        L: 82,
        I: 72,
        rsit: ["information-content-security", "data-leak"],
        stages: ["c2", "out"],
        direction: "out",
        title: "Archive of 1.4 GB sent to a file host at night",
        role: "government core",
        host: "files",
        states: 1,
        reasons: [
            ["Transfer out, 40 times the usual volume", 31],
            ["Host beaconed two hours earlier", 22],
        ],
    },
    {
        tier: 1,
        L: 66,
        I: 88,
        rsit: ["intrusions", "privileged-account-compromise"],
        stages: ["exploit", "answer", "c2"],
        direction: "in",
        title: "Admin log-in to a border router from a new network",
        role: "ISP core",
        host: "border",
        states: 2,
        reasons: [
            ["First log-in from this network in 90 d", 19],
            ["Follows 300 failed attempts", 16],
        ],
    },
    {
        tier: 1,
        L: 79,
        I: 76,
        rsit: ["information-content-security", "unauthorised-information-modification"],
        stages: ["exploit", "c2", "out"],
        direction: "lateral",
        title: "Many files renamed over SMB from one workstation",
        role: "government core",
        host: "desk",
        states: 1,
        reasons: [
            ["2 100 renames in 40 s", 35],
            ["Note name of a known family", 27],
        ],
    },
    {
        tier: 2,
        L: 61,
        I: 66,
        rsit: ["availability", "ddos"],
        stages: ["answer"],
        direction: "in",
        title: "NTP replies flood a payment gateway",
        role: "business",
        host: "pay",
        states: 4,
        reasons: [
            ["6 Gbit/s from 4 000 reflectors", 24],
            ["Critical service of the state", 10],
        ],
    },
    {
        tier: 3,
        L: 27,
        I: 72,
        rsit: ["intrusion-attempts", "ids-alert"],
        stages: ["exploit"],
        direction: "in",
        title: "Deserialisation attempt against a customs portal",
        role: "government core",
        host: "customs",
        states: 1,
        reasons: [
            ["No answer seen, product not known here", 6],
            ["Known scanner list", -9],
        ],
    },
    {
        tier: 2,
        L: 47,
        I: 71,
        rsit: ["malicious-code", "malware-distribution"],
        stages: ["answer", "c2"],
        direction: "out",
        title: "Executable fetched under a picture's name",
        role: "other government",
        host: "office",
        states: 1,
        reasons: [
            ["Content type and bytes differ", 17],
            ["Host is 5 h old", 9],
        ],
    },
];

const CLOCKS = { 1: [2, 10], 2: [10, 30], 3: [30, 240], 4: [null, 1440] };
const SENSORS = {
    jm: "jm-isp1-kgn",
    bb: "bb-gov-bgi",
    tt: "tt-isp2-pos",
    gy: "gy-isp1-geo",
    ht: "ht-nren-pap",
};

export function makeIncident(serial, now, pick) {
    const kind = KINDS[Math.floor(pick() * KINDS.length)];
    return incidentOf(kind, serial, STATES[Math.floor(pick() * 15)].code, now, pick);
}

export function incidentOf(kind, serial, state, now, pick) {
    const opened = now - Math.floor(pick() * 0.8 * (CLOCKS[kind.tier][0] ?? 600) * MINUTE);
    const [claim] = CLOCKS[kind.tier];
    const count = Math.floor(3 + pick() ** 4 * 40_000);
    return {
        id: `${state}-${serial}`,
        version: 1,
        state,
        status: "new",
        tier: kind.tier,
        likelihood: Math.min(99, kind.L + Math.floor(pick() * 8)),
        impact: Math.min(99, kind.I + Math.floor(pick() * 6)),
        rsit: { class: kind.rsit[0], type: kind.rsit[1] },
        title: kind.title,
        victim:
            pick() < 0.5
                ? `${kind.host}.${state}.example.org`
                : `192.0.2.${1 + Math.floor(pick() * 253)}`,
        victim_role: kind.role,
        peer: `${pick() < 0.5 ? "198.51.100" : "203.0.113"}.${1 + Math.floor(pick() * 253)}`,
        direction: kind.direction,
        stages: kind.stages,
        count,
        signals: 1 + Math.floor(pick() * 4),
        sensors: [SENSORS[state] ?? `${state}-isp1`],
        feeds: ["regional", "partner-a"].slice(0, 1 + Math.floor(pick() * 2)),
        first_seen: iso(opened - pick() * 5 * HOUR),
        last_seen: iso(now - pick() * 20 * MINUTE),
        opened_at: iso(opened),
        deadline: claim ? iso(opened + claim * MINUTE) : null,
        clock: claim ? "claim" : null,
        claimed_by: null,
        claimed_at: null,
        waiting_until: null,
        reasons: kind.reasons.slice(0, 2).map(([text, weight]) => ({ text, weight })),
        states_seen: kind.states,
        last_note: null,
        ended_at: null,
        outcome: null,
        campaigns: [],
        merged_into: null,
        merged: [],
        spark: Array.from({ length: 24 }, (_, h) =>
            h < 24 * pick() ** 2 ? 0 : Math.floor((pick() ** 3 * count) / 6),
        ),
        extra: {
            factors: [
                ...kind.reasons.map(([text, weight], i) => ({
                    key: `l${i}`,
                    text,
                    weight,
                    side: "L",
                })),
                { key: "asset", text: `Asset class: ${kind.role}`, weight: kind.I - 10, side: "I" },
                { key: "type", text: `Type: ${kind.rsit.join("/")}`, weight: 10, side: "I" },
            ],
            timeline: [
                {
                    at: iso(opened),
                    who: "collector",
                    verb: "open",
                    text: `Opened from ${count} alerts`,
                },
            ],
            notes: [],
            reason: null,
            follows: null,
            tlp: null,
        },
    };
}

export const KIND = Object.fromEntries(
    ["beacon", "webshell", "dns", "vpn", "ssh", "scan", "phish", "resolver"].map((name, i) => [
        name,
        KINDS[i],
    ]),
);

const HOSTILE = [
    "<img src=x onerror=\"document.title='owned'\">",
    "\u202egnp.exe\u202c",
    "\u001b[2J\u001b[31mred\u0007",
    "zero\u200bwidth\u0000nul",
    `tower${"\u0301".repeat(60)}`,
    "{{constructor.constructor('alert(1)')()}}",
    "javascript:alert(1)//",
    "line\r\nbreak\ttab",
    "'\"><script>document.title='owned'</script>",
];

/**
 * The same incident with something hostile in every field that packets, rules or host names can
 * fill.
 */
export function makeHostile(serial, state, now) {
    const row = incidentOf(KIND.webshell, serial, state, now, random(99));
    const all = HOSTILE.join(" ");
    Object.assign(row, {
        tier: 1,
        title: all,
        victim: HOSTILE[0],
        victim_role: HOSTILE[1],
        peer: HOSTILE[8],
        sensors: [HOSTILE[2], HOSTILE[3]],
        feeds: [HOSTILE[7]],
        rsit: { class: HOSTILE[0], type: HOSTILE[1] },
        last_note: all,
        reasons: HOSTILE.slice(0, 2).map((text) => ({ text, weight: 10 })),
        hostile: true,
    });
    row.extra.factors = HOSTILE.map((text, i) => ({
        key: `h${i}`,
        text,
        weight: i - 3,
        side: "L",
    }));
    row.extra.notes = [{ at: iso(now), who: HOSTILE[0], text: all }];
    row.extra.timeline = [{ at: iso(now), who: HOSTILE[8], verb: HOSTILE[0], text: all }];
    return row;
}

export function signalsOf(row) {
    const text = row.hostile ? HOSTILE : null;
    return Array.from({ length: row.signals }, (_, i) => ({
        id: `${row.id}.${i}`,
        sid: 9000100 + i,
        rev: 2,
        signature: text ? text.join(" ") : `${row.title}${i ? `, variant ${i + 1}` : ""}`,
        category: text ? text[0] : "Malware command and control",
        rsit: row.rsit,
        stage: row.stages[i % row.stages.length],
        src: text ? text[1] : row.direction === "in" ? row.peer : row.victim,
        dest: text ? text[8] : row.direction === "in" ? row.victim : row.peer,
        ports: [443],
        proto: "TCP",
        app_proto: "tls",
        count: Math.ceil(row.count / row.signals),
        first_seen: row.first_seen,
        last_seen: row.last_seen,
        ruleset: "2026.11.20-3",
        feed: text ? text[2] : (row.feeds[0] ?? null),
        metadata: {},
    }));
}

export function alertsOf(row) {
    return Array.from({ length: Math.min(8, row.count) }, (_, i) => ({
        timestamp: iso(Date.parse(row.last_seen) - i * 61_000),
        flow_id: 1234567890123 + i,
        event_type: "alert",
        src_ip: row.direction === "in" ? "198.51.100.23" : "192.0.2.7",
        src_port: 49152 + i,
        dest_ip: row.direction === "in" ? "192.0.2.7" : "198.51.100.23",
        dest_port: 443,
        proto: "TCP",
        app_proto: "tls",
        alert: {
            action: "allowed",
            gid: 1,
            signature_id: 9000100,
            rev: 2,
            signature: row.hostile ? HOSTILE.join(" ") : row.title,
            category: "Malware command and control",
            severity: 1,
            metadata: { confidence: ["High"] },
        },
        tls: {
            sni: row.hostile ? HOSTILE.join("") : "update.cdn.example.net",
            version: "TLS 1.3",
            ja3: { hash: "e7d705a3286e19ea42f587b344ee6865" },
        },
        flow: {
            pkts_toserver: 9,
            pkts_toclient: 7,
            bytes_toserver: 1834,
            bytes_toclient: 5211,
            start: row.first_seen,
        },
        ndpi: {
            proto: "TLS",
            category: "Web",
            breed: "Safe",
            confidence: "DPI",
            risk: ["Self-signed certificate"],
        },
        abeng: {
            epoch: "5c1e9f0a77b2",
            lane: `${row.state}.urgent`,
            seq: 40210 + i,
            ruleset: "2026.11.20-3",
            feed: "regional",
            evidence: { file: 3, offset: 24, length: 7045, packets: 16, hash: "9f3c" },
        },
        payload: Buffer.from(
            "POST /gate HTTP/1.1\r\nHost: update.cdn.example.net\r\nUser-Agent: a\u0000b\r\n\r\nid=1&k=\u0001\u0002",
        ).toString("base64"),
        ...(row.hostile
            ? { "<b>key</b>\u202e": HOSTILE, nested: { deep: { [HOSTILE[0]]: HOSTILE[8] } } }
            : {}),
    }));
}

export function makeSensors(now) {
    const base = (name, site, states, over = {}) => ({
        id: name,
        name,
        site,
        states,
        status: "active",
        fingerprint: "9f3c51d07ab2e4880c6d13f5a99e7b240d8855c1b7e2a60f4413de9870cb52fa",
        last_seen: iso(now - 9_000),
        last_alert: iso(now - 4 * MINUTE),
        last_self_test: iso(now - 22 * MINUTE),
        evidence_since: iso(now - (31 + 17 * (name.length % 5)) * 60 * MINUTE),
        epoch: "5c1e9f0a77b2d410",
        lanes: states.flatMap((code) => [
            { lane: `${code}.urgent`, committed: 8_412, raised: 8_412 },
            { lane: `${code}.bulk`, committed: 1_204_418, raised: 1_204_431 },
        ]),
        received: 1_212_843,
        raised: 1_212_843,
        lost: 0,
        late: 0,
        shed: 0,
        alarms: 0,
        drops: { "capture.kernel": 0, "decode.truncated": 18 },
        packets: 48_120_334_102,
        bytes: 31_400_220_118_040,
        ruleset: "b3a9c41e77d05f62",
        channel_versions: { regional: 41, "partner-a": 1088 },
        clock_offset_ms: 3,
        cert_expires: iso(now + 71 * 24 * HOUR),
        version: "0.1.0",
        ...over,
    });
    return [
        base("jm-isp1-kgn", "Kingston exchange", ["jm"]),
        base("bb-gov-bgi", "Government network", ["bb"], {
            lost: 1_204,
            late: 4_410,
            drops: { "capture.kernel": 190_412_118, "stream.memcap": 812 },
        }),
        base("tt-isp2-pos", "Port of Spain", ["tt"], {
            last_seen: iso(now - 26 * MINUTE),
            last_alert: iso(now - 31 * MINUTE),
        }),
        base("ec-carrier-1", "Carrier serving several states", ["ag", "dm", "kn", "lc", "vc"], {
            clock_offset_ms: -1240,
            ruleset: "77aa01f2c9d3e810",
        }),
        base("gy-isp1-geo", "Georgetown", ["gy"], { cert_expires: iso(now + 6 * 24 * HOUR) }),
        base("ht-nren-pap", "Research network", ["ht"], {
            status: "pending",
            last_seen: null,
            last_alert: null,
            last_self_test: null,
            evidence_since: null,
            lanes: [],
            raised: 0,
            received: 0,
            packets: 0,
            bytes: 0,
            drops: {},
            ruleset: null,
            clock_offset_ms: null,
            version: null,
        }),
        base("sr-isp1-pbm", null, ["sr"], {
            status: "invited",
            fingerprint: null,
            last_seen: null,
            last_alert: null,
            last_self_test: null,
            evidence_since: null,
            epoch: null,
            lanes: [],
            raised: 0,
            received: 0,
            packets: 0,
            bytes: 0,
            drops: {},
            ruleset: null,
            channel_versions: {},
            clock_offset_ms: null,
            cert_expires: null,
            version: null,
        }),
    ];
}

export const iso = (ms) => new Date(ms).toISOString();
