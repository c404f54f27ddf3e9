// SPDX-License-Identifier: Apache-2.0
// The shapes of /api/v1 as this console uses them (docs/openapi.yaml is the contract).

export type Role = "regional" | "national" | "contact" | "admin" | "auditor";

export interface Me {
    user: string;
    name: string;
    role: Role;
    states: string[];
    csrf: string;
    /** Collections that this session may read: what has no place here is not shown. */
    resources: string[];
    totp?: boolean;
}

export interface State {
    code: string;
    name: string;
}

export interface Page<T> {
    items: T[];
    next: string | null;
    total: number;
}

export type Tier = 1 | 2 | 3 | 4;
export type Status =
    "new" | "triage" | "confirmed" | "handling" | "resolved" | "closed" | "rejected" | "merged";
export type Direction = "in" | "out" | "lateral";
export type Stage = "probe" | "exploit" | "answer" | "c2" | "out";
export type Clock = "claim" | "decide" | "notify" | "ack" | "contain";
export type Tlp = "clear" | "green" | "amber" | "amber+strict" | "red";

export interface Rsit {
    class: string;
    type: string;
}

export interface Reason {
    text: string;
    weight: number;
}

export interface Incident {
    id: string;
    version: number;
    state: string;
    status: Status;
    tier: Tier;
    likelihood: number;
    impact: number;
    rsit: Rsit;
    title: string;
    victim: string;
    victim_role: string | null;
    peer: string | null;
    direction: Direction;
    stages: Stage[];
    count: number;
    signals: number;
    sensors: string[];
    feeds: string[];
    first_seen: string;
    last_seen: string;
    opened_at: string;
    deadline: string | null;
    clock: Clock | null;
    claimed_by: string | null;
    claimed_at: string | null;
    waiting_until: string | null;
    waiting_on?: "evidence" | null;
    reasons: Reason[];
    states_seen: number;
    last_note: string | null;
    spark: number[];
    ended_at?: string | null;
    outcome?: string | null;
    campaigns?: string[] | null;
    merged_into?: string | null;
    merged?: string[] | null;
}

export interface Factor extends Reason {
    key: string;
    side: "L" | "I";
}

export interface Signal {
    id: string;
    sid: number;
    rev: number;
    signature: string;
    category: string;
    rsit: Rsit;
    stage: Stage | null;
    src: string;
    dest: string;
    ports: (number | string)[];
    proto: string;
    app_proto: string | null;
    count: number;
    first_seen: string;
    last_seen: string;
    ruleset: string | null;
    feed: string | null;
    metadata: Record<string, string | string[]> | null;
}

export interface TimelineEntry {
    at: string;
    who: string;
    verb: string;
    text: string;
}

export interface Note {
    at: string;
    who: string;
    text: string;
}

export interface IncidentDetail extends Incident {
    factors: Factor[];
    formula: string;
    reason: string | null;
    tlp: Tlp | null;
    follows?: string | null;
    signal_list: Signal[];
    timeline: TimelineEntry[];
    notes: Note[];
    allowed: string[];
}

// An alert is stored EVE JSON from any producer, so every field is optional and unknown ones are
// shown as they come.
export type EveRecord = Record<string, unknown>;

export interface Lane {
    lane: string;
    committed: number;
    raised: number;
}

export interface Sensor {
    id: string;
    name: string;
    site: string | null;
    states: string[];
    status: "invited" | "pending" | "active" | "revoked";
    fingerprint: string | null;
    last_seen: string | null;
    last_alert: string | null;
    last_self_test: string | null;
    evidence_since: string | null;
    epoch: string | null;
    lanes: Lane[];
    received: number;
    raised: number;
    lost: number;
    late: number;
    drops: Record<string, number>;
    packets: number;
    bytes: number;
    ruleset: string | null;
    channel_versions: Record<string, number | string>;
    clock_offset_ms: number | null;
    cert_expires: string | null;
    version: string | null;
    shed?: number;
    alarms?: number;
}

export interface Enrolment {
    id: string;
    token: string;
    expires: string;
    command: string;
}

export interface Stats {
    alerts_total: number;
    alerts_last_minute: number;
    signals_open: number;
    incidents_open: number;
    by_tier: Record<string, number>;
    by_state: Record<string, number>;
    folded_share: number;
    minutes: { t: string; alerts: number }[];
    /** From arrival to folded; older collectors do not say it. */
    lag_ms?: number;
}

/**
 * What a list is asked for: tiers, states and statuses as lists with commas, everything else as
 * search words.
 */
export interface ListQuery {
    q: string;
    tier: string;
    state: string;
    status: string;
}

export interface Transition {
    to: "confirmed" | "rejected" | "resolved" | "closed" | "triage";
    outcome?: string;
    reason?: string;
    rsit?: Rsit;
    tlp?: Tlp;
    victim?: string;
    note?: string;
}

export interface BulkRequest {
    ids: string[];
    verb: string;
    to?: string;
    outcome?: string;
    reason?: string;
}

export interface BulkResult {
    id: string;
    status: number;
    detail?: string;
}

export interface IncidentEvent {
    id: string;
    version: number;
    state: string;
    tier: Tier;
    status: Status;
}
