// SPDX-License-Identifier: Apache-2.0
// Campaigns: one indicator in several states. The region is shown the whole, a state its own
// projection, as the collector wrote it for that state.
import { api } from "./client.ts";
import type { Rsit, Tlp } from "./types.ts";

export interface CampaignState {
    state: string;
    first_seen: string;
    last_seen: string;
    alerts: number;
    incidents: string[];
    stage: string | null;
    released: boolean;
}

export interface Campaign {
    id: string;
    status?: "open" | "quiet";
    indicator: { type: string; value: string };
    first_seen: string;
    last_seen: string;
    stage?: string | null;
    rsit?: Rsit | null;
    advice: string | null;
    tlp: Tlp | null;
    /** The region's form. */
    states?: CampaignState[];
    state_count?: number;
    /** A state's form. */
    state?: string;
    other_states?: number;
    mine?: { incidents: string[]; alerts: number; first_seen: string; last_seen: string };
    released?: boolean;
    others?: { state: string; incidents: number; alerts: number }[];
}

const path = (id: string) => `/campaigns/${encodeURIComponent(id)}`;

export const campaigns = (after: string | null) => api.list<Campaign>("/campaigns", { after });
export const projections = (id: string) => api.list<Campaign>(`${path(id)}/projections`);
export const release = (id: string, state: string, on: boolean, reason: string) =>
    api.write<Campaign>("POST", `${path(id)}:release`, {
        state,
        release: on,
        ...(reason ? { reason } : {}),
    });

/** How many states a campaign touches, in either form. */
export const stateCount = (campaign: Campaign): number =>
    campaign.state_count ?? campaign.states?.length ?? 1 + (campaign.other_states ?? 0);

/** The states of which this session may know that they are touched. */
export const statesOf = (campaign: Campaign): string[] =>
    campaign.states?.map(({ state }) => state) ?? [
        ...(campaign.state ? [campaign.state] : []),
        ...(campaign.others ?? []).map(({ state }) => state),
    ];

/** Our own incidents in it. */
export const incidentsOf = (campaign: Campaign): string[] =>
    campaign.states?.flatMap(({ incidents }) => incidents) ?? campaign.mine?.incidents ?? [];
