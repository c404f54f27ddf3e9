// SPDX-License-Identifier: Apache-2.0
// An incident for the tests, with what matters to the case put over it.
import type { Incident } from "../src/api/types.ts";

export function incident(id: string, over: Partial<Incident> = {}): Incident {
    return {
        id,
        version: 1,
        state: "jm",
        status: "new",
        tier: 2,
        likelihood: 60,
        impact: 50,
        rsit: { class: "malicious-code", type: "infected-system" },
        title: "Beacon to a known command server",
        victim: "192.0.2.7",
        victim_role: null,
        peer: "198.51.100.9",
        direction: "out",
        stages: ["c2"],
        count: 12,
        signals: 1,
        sensors: ["jm-isp1"],
        feeds: [],
        first_seen: "2026-11-20T18:00:00.000Z",
        last_seen: "2026-11-20T19:00:00.000Z",
        opened_at: "2026-11-20T18:00:00.000Z",
        deadline: null,
        clock: null,
        claimed_by: null,
        claimed_at: null,
        waiting_until: null,
        reasons: [],
        states_seen: 1,
        last_note: null,
        spark: [],
        ...over,
    };
}
