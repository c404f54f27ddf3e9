// SPDX-License-Identifier: Apache-2.0
// What the numbers of a sensor say about its health.
import type { Sensor } from "../api/types.ts";

/** Sensors report every thirty seconds; after three missed reports one is called silent. */
export const SILENT_MS = 90_000;

export type Health = "live" | "silent" | "invited" | "pending" | "revoked";

export function healthOf(sensor: Sensor, now: number): Health {
    if (sensor.status !== "active") return sensor.status;
    return sensor.last_seen && now - Date.parse(sensor.last_seen) < SILENT_MS ? "live" : "silent";
}

const ORDER: Health[] = ["pending", "silent", "live", "invited", "revoked"];

/** What needs somebody first: approvals, silent ones, lossy ones; then by name. */
export function sensorOrder(a: Sensor, b: Sensor, now: number): number {
    const rank = (sensor: Sensor) => ORDER.indexOf(healthOf(sensor, now));
    return (
        rank(a) - rank(b) || Number(b.lost > 0) - Number(a.lost > 0) || (a.name < b.name ? -1 : 1)
    );
}

export interface Drops {
    total: number;
    /** Of all packets that reached the sensor. */
    share: number;
    /** The reason that took most. */
    worst: string;
}

export function dropsOf(sensor: Sensor): Drops {
    let total = 0;
    let worst = "";
    for (const [reason, n] of Object.entries(sensor.drops)) {
        total += n;
        if (!worst || n > (sensor.drops[worst] ?? 0)) worst = reason;
    }
    const seen = sensor.packets + total;
    return { total, share: seen > 0 ? total / seen : 0, worst };
}
