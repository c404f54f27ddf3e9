// SPDX-License-Identifier: Apache-2.0
// What the platform knows beside incidents: people, contacts, constituents, suppressions, lists,
// feeds, alarms, ledgers, the archive and the audit.
import { api, type Query } from "./client.ts";
import type { EveRecord, Page, Role } from "./types.ts";

const part = (text: string) => encodeURIComponent(text);

export interface User {
    user: string;
    name: string;
    role: Role | string;
    states: string[];
    created_at?: string | null;
    totp?: boolean;
}
export interface UserForm {
    user: string;
    name: string;
    role: string;
    states: string[];
    password: string;
}
export const users = () => api.list<User>("/users");
export const addUser = (form: UserForm) => api.write<User>("POST", "/users", form);
export const changeUser = (user: string, change: Partial<UserForm>) =>
    api.write<User>("PATCH", `/users/${part(user)}`, change);
export const removeUser = (user: string) => api.write<void>("DELETE", `/users/${part(user)}`);

export interface SessionEntry {
    id: string;
    user: string;
    created_at: string;
    last_used_at: string;
    address: string;
    current: boolean;
}
export const sessions = () => api.list<SessionEntry>("/sessions");
export const endSession = (id: string) => api.write<void>("DELETE", `/sessions/${part(id)}`);
export const beginTotp = () => api.write<{ secret: string; uri: string }>("POST", "/me/totp");
export const confirmTotp = (code: string) => api.write<void>("POST", "/me/totp:confirm", { code });
export const endTotp = (code: string) => api.write<void>("DELETE", "/me/totp", { code });

export interface Contact {
    id: string;
    version: number;
    state: string;
    name: string;
    organisation: string | null;
    kind: "mail" | "phone" | "webhook";
    address: string;
    rung: number | null;
    digest: boolean | null;
    tlp_max: string | null;
    mask_sources: boolean | null;
    /** Outside the member states: a second person must approve. */
    abroad: boolean | null;
    quiet_from: string | null;
    quiet_to: string | null;
    workdays_only: boolean | null;
    tested_at?: string | null;
    has_secret: boolean;
    /** Written, never read: what a webhook's messages are signed with. */
    secret?: string;
}
export const contacts = (after: string | null) => api.list<Contact>("/contacts", { after });
export const addContact = (body: Partial<Contact>) => api.write<Contact>("POST", "/contacts", body);
export const changeContact = ({ id, version }: Contact, body: Partial<Contact>) =>
    api.write<Contact>("PATCH", `/contacts/${part(id)}`, body, version);
export const removeContact = ({ id, version }: Contact) =>
    api.write<void>("DELETE", `/contacts/${part(id)}`, undefined, version);
export const testContact = ({ id }: Contact) =>
    api.write<Contact>("POST", `/contacts/${part(id)}:test`, {});

export interface Constituent {
    id: string;
    version: number;
    state: string;
    name: string;
    class: string;
    prefixes: string[] | null;
    asns: number[] | null;
    names: string[] | null;
    contacts: string[] | null;
    note: string | null;
}
export const constituents = (after: string | null) =>
    api.list<Constituent>("/constituents", { after });
export const addConstituent = (body: Partial<Constituent>) =>
    api.write<Constituent>("POST", "/constituents", body);
export const changeConstituent = ({ id, version }: Constituent, body: Partial<Constituent>) =>
    api.write<Constituent>("PATCH", `/constituents/${part(id)}`, body, version);
export const removeConstituent = ({ id, version }: Constituent) =>
    api.write<void>("DELETE", `/constituents/${part(id)}`, undefined, version);

export interface Imported {
    added: number;
    changed: number;
    refused: { line: number; detail: string }[];
}
export const importCsv = (what: "contacts" | "constituents", state: string, text: string) =>
    api.upload<Imported>(`/${what}:import`, { state }, text, "text/csv");

export interface Suppression {
    id: string;
    version: number;
    state: string;
    sid: number | string | null;
    victim: string | null;
    peer: string | null;
    reason: string;
    owner: string;
    expires_at: string;
    hits: number;
    last_hit_at: string | null;
}
export const suppressions = (after: string | null) =>
    api.list<Suppression>("/suppressions", { after });
export const addSuppression = (body: {
    state: string;
    sid?: number;
    victim?: string;
    peer?: string;
    reason: string;
    expires_at: string;
}) => api.write<Suppression>("POST", "/suppressions", body);
export const extendSuppression = (
    { id, version }: Suppression,
    body: { expires_at: string; reason: string },
) => api.write<Suppression>("PATCH", `/suppressions/${part(id)}`, body, version);
export const removeSuppression = ({ id, version }: Suppression) =>
    api.write<void>("DELETE", `/suppressions/${part(id)}`, undefined, version);

export interface Damping {
    id: string;
    list: "scanner" | "maintenance" | "honeypot" | "warninglist";
    match: string;
    state: string | null;
    until: string | null;
    note: string | null;
    by: string | null;
    at: string | null;
}
export const dampings = (after: string | null) => api.list<Damping>("/damping", { after });
export const addDamping = (body: Partial<Damping>) => api.write<Damping>("POST", "/damping", body);
export const removeDamping = ({ id }: Damping) => api.write<void>("DELETE", `/damping/${part(id)}`);

export interface Feed {
    name: string;
    partner: string;
    key: string;
    version: number;
    expires: string | null;
    published_at: string | null;
    blake2b: string | null;
    size: number;
}
export const feeds = () => api.list<Feed>("/feeds");
export const addFeed = (body: { name: string; partner: string; key: string }) =>
    api.write<void>("POST", "/feeds", body);

export interface Alarm {
    id: string;
    kind: string;
    severity: number;
    sensor: string | null;
    states: string[];
    since: string;
    until: string | null;
    last: string;
    count: number;
    text: string;
}
export const alarms = (active: "true" | "any") => api.list<Alarm>("/alarms", { active });

export interface LedgerHour {
    hour: string;
    state: string;
    raised: number;
    received: number;
    late: number;
    lost: number;
    shed: number;
    gaps: number;
}
export type Ledger = Page<LedgerHour> & { sum: Omit<LedgerHour, "hour" | "state"> };
export const ledger = (sensor: string, from: string) =>
    api.read<Ledger>(`/sensors/${part(sensor)}/ledger`, { from });

export interface Kept {
    state: string;
    sensor: string;
    site: string | null;
    received: string;
    lane: string;
    seq: number;
    record: EveRecord;
}
export interface KeptPage {
    items: Kept[];
    next: string | null;
    searched: { files: number; skipped: number; records: number };
    complete: boolean;
}
export const searchArchive = (query: Query) => api.read<KeptPage>("/archive/search", query);

export interface Packets {
    id: string;
    epoch: string;
    lane: string;
    seq: number;
    packets: number;
    length: number;
    status: "asked" | "received" | "refused" | "expired";
    detail: string | null;
}
export const packetsOf = (incident: string) => api.list<Packets>("/evidence", { incident });
export const readPackets = (id: string) => api.read<Packets>(`/evidence/${part(id)}`);
export const askPackets = (
    incident: string,
    body: { epoch: string; lane: string; seq: number; reason: string },
) => api.write<Packets>("POST", `/incidents/${part(incident)}:evidence`, body);

export interface AuditEntry {
    id: string;
    at: string;
    who: string;
    verb: string;
    what: string;
    text: string;
    prev: string;
    hash: string;
}
export const audit = (state: string, after: string | null) =>
    api.list<AuditEntry>("/audit", { state, after });
export interface AuditRoot {
    at: string;
    state: string;
    count: number;
    root: string;
}
export const auditRoots = () => api.list<AuditRoot>("/audit/roots");
