// SPDX-License-Identifier: Apache-2.0
// Notices to those who must know, and what is done against an incident.
import { api } from "./client.ts";
import type { Tier, Tlp } from "./types.ts";

export type NoticeStatus =
    "draft" | "approval" | "queued" | "sent" | "acked" | "feedback" | "failed" | "withdrawn";

export interface Notice {
    id: string;
    version: number;
    state: string;
    incident: string;
    status: NoticeStatus;
    tlp: Tlp;
    subject: string;
    text: string;
    contact: string | null;
    contact_name: string | null;
    channel: string | null;
    rung: number;
    tier: Tier;
    /** The contact is outside the member states. */
    abroad?: boolean;
    by: string | null;
    approved_by: string | null;
    tries: number;
    error: string | null;
    created_at: string;
    sent_at: string | null;
    delivered_at: string | null;
    acked_at: string | null;
    /** When the next rung, or the next try, comes. */
    next_at: string | null;
    feedback: string | null;
    feedback_note: string | null;
    allowed: string[];
    log: { at: string; text: string }[];
}

export const FEEDBACK = ["useful", "known", "not_ours", "false_positive", "fixed"] as const;

const path = (id: string) => `/notifications/${encodeURIComponent(id)}`;

export const notices = (query: { incident?: string; state?: string; after?: string | null }) =>
    api.list<Notice>("/notifications", query);
export const notice = (id: string) => api.read<Notice>(path(id));
export const draftNotice = (incident: string) =>
    api.write<Notice>("POST", "/notifications", { incident });
export const changeNotice = (
    { id, version }: Notice,
    change: { subject?: string; text?: string; tlp?: Tlp },
) => api.write<Notice>("PATCH", path(id), change, version);
export const noticeVerb = (
    { id, version }: Notice,
    verb: string,
    body: Record<string, string> = {},
) => api.write<Notice>("POST", `${path(id)}:${verb}`, body, version);

export interface Countermeasure {
    id: string;
    version: number;
    state: string;
    incident: string;
    text: string;
    target: string | null;
    status: "proposed" | "active" | "pending_removal" | "removed";
    expires_at: string | null;
    by: string;
    created_at: string;
    changed_at: string;
    /** The statuses it may be moved to by this user now. */
    allowed: string[];
}

export const countermeasures = (incident: string) =>
    api.list<Countermeasure>("/countermeasures", { incident });
export const addCountermeasure = (body: {
    incident: string;
    text: string;
    target?: string;
    expires_at?: string;
}) => api.write<Countermeasure>("POST", "/countermeasures", body);
export const moveCountermeasure = ({ id, version }: Countermeasure, to: string) =>
    api.write<Countermeasure>(
        "POST",
        `/countermeasures/${encodeURIComponent(id)}:transition`,
        { to },
        version,
    );
