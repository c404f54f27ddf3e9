// SPDX-License-Identifier: Apache-2.0
// Time as an analyst reads it: UTC on the clock, spans in two figures, and deadlines that say which
// side of them we are on.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const two = (n: number) => String(n).padStart(2, "0");

/** 45 s, 12 m, 3 h 20, 5 d: never more than two figures. */
export function span(ms: number): string {
    const abs = Math.abs(ms);
    if (abs < MINUTE) return `${Math.floor(abs / SECOND)} s`;
    if (abs < HOUR) return `${Math.floor(abs / MINUTE)} m`;
    if (abs < 10 * HOUR)
        return `${Math.floor(abs / HOUR)} h ${two(Math.floor((abs % HOUR) / MINUTE))}`;
    if (abs < 2 * DAY) return `${Math.floor(abs / HOUR)} h`;
    return `${Math.floor(abs / DAY)} d`;
}

export const age = (iso: string, now: number): string => span(Math.max(0, now - Date.parse(iso)));

/** 2026-11-20 19:45:17 UTC, always UTC: fifteen states share this page. */
export function stamp(iso: string): string {
    const at = new Date(iso);
    if (Number.isNaN(at.getTime())) return iso;
    return `${at.toISOString().slice(0, 10)} ${at.toISOString().slice(11, 19)}`;
}

/** 19:45 today, otherwise 18 Nov 19:45. */
export function clockTime(iso: string, now: number): string {
    const at = new Date(iso);
    if (Number.isNaN(at.getTime())) return iso;
    const time = at.toISOString().slice(11, 16);
    if (at.toISOString().slice(0, 10) === new Date(now).toISOString().slice(0, 10)) return time;
    const month = at.toLocaleString("en", { month: "short", timeZone: "UTC" });
    return `${at.getUTCDate()} ${month} ${time}`;
}

export type Urgency = "none" | "calm" | "soon" | "late";

export interface TimeLeft {
    urgency: Urgency;
    /** Share of the allowed time that is used up, 0 to 1. */
    used: number;
    ms: number;
}

/** Where a deadline stands; `from` is when its clock started. */
export function timeLeft(deadline: string | null, from: string, now: number): TimeLeft {
    if (!deadline) return { urgency: "none", used: 0, ms: 0 };
    const end = Date.parse(deadline);
    const ms = end - now;
    const whole = Math.max(1, end - Date.parse(from));
    const used = Math.min(1, Math.max(0, 1 - ms / whole));
    if (ms <= 0) return { urgency: "late", used: 1, ms };
    return { urgency: used > 0.66 || ms < MINUTE ? "soon" : "calm", used, ms };
}

/** The next time the wall clock shows `hour` in UTC, at least an hour away. */
export function nextAt(hour: number, now: number): string {
    const at = new Date(now);
    at.setUTCHours(hour, 0, 0, 0);
    while (at.getTime() < now + HOUR) at.setTime(at.getTime() + DAY);
    return at.toISOString();
}

export const later = (minutes: number, now: number): string =>
    new Date(now + minutes * MINUTE).toISOString();
