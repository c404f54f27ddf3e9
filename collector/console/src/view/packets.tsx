// SPDX-License-Identifier: Apache-2.0
// The packets behind an alert: asked for with a reason, sent by the sensor, and then a capture file.
import { useEffect, useState } from "preact/hooks";
import { fileAt } from "../api/client.ts";
import { askPackets, packetsOf, readPackets, type Packets } from "../api/registry.ts";
import type { EveRecord } from "../api/types.ts";
import { bytes, whole } from "../format/text.ts";
import { t } from "../msg/index.ts";
import { app, mayDecide, served } from "../model/app.ts";
import { useStore } from "../model/store.ts";
import { Text } from "./bits.tsx";
import { Failed, useSubmit } from "./form.tsx";

const POLL_MS = 3000;

interface Place {
    epoch: string;
    lane: string;
    seq: number;
    packets: number;
    length: number;
}

/** Where the packets of a record lie at its sensor; null when they were not kept. */
export function placeOf(record: EveRecord): Place | null {
    const abeng = record.abeng as Record<string, unknown> | undefined;
    const kept = abeng?.evidence as Record<string, unknown> | undefined;
    if (typeof kept !== "object" || kept === null) return null;
    const { epoch, lane, seq } = abeng!;
    if (typeof epoch !== "string" || typeof lane !== "string" || typeof seq !== "number")
        return null;
    return {
        epoch,
        lane,
        seq,
        packets: Number(kept.packets) || 0,
        length: Number(kept.length) || 0,
    };
}

export function PacketsOf({ incident, record }: { incident: string; record: EveRecord }) {
    const me = useStore(app, (s) => s.me);
    const place = placeOf(record);
    if (!place || !served(me, "evidence")) return null;
    return <Asked incident={incident} place={place} may={mayDecide(me)} />;
}

function Asked({ incident, place, may }: { incident: string; place: Place; may: boolean }) {
    const [asked, setAsked] = useState<Packets | null>(null);
    const [reason, setReason] = useState("");
    const [busy, failed, submit] = useSubmit();
    const same = (one: Packets) =>
        one.epoch === place.epoch && one.lane === place.lane && one.seq === place.seq;
    useEffect(() => {
        packetsOf(incident).then(
            ({ items }) => setAsked((was) => was ?? items.find(same) ?? null),
            () => {}, // then it looks as if nobody had asked, and asking says what is wrong
        );
    }, []);
    const waits = asked?.status === "asked";
    useEffect(() => {
        if (!waits) return;
        let live = true;
        const look = () =>
            readPackets(asked.id).then(
                (now) => live && setAsked(now),
                () => {}, // the next look comes soon
            );
        const timer = setInterval(() => void look(), POLL_MS);
        return () => {
            live = false;
            clearInterval(timer);
        };
    }, [waits]);
    const ask = (e: Event) => {
        e.preventDefault();
        const { epoch, lane, seq } = place;
        submit(async () =>
            setAsked(await askPackets(incident, { epoch, lane, seq, reason: reason.trim() })),
        );
    };
    const size = t("packets.size", { n: place.packets, size: bytes(place.length) });
    return (
        <div class="packets" role="status">
            <b>{t("packets.title")}</b> <span class="dim">{size}</span>
            {asked && <Told asked={asked} may={may} />}
            {may && (!asked || asked.status === "expired" || asked.status === "refused") && (
                <form class="packets-ask" onSubmit={ask}>
                    <input
                        required
                        maxLength={512}
                        aria-label={t("packets.reason")}
                        placeholder={t("packets.reason")}
                        value={reason}
                        onInput={(e) => setReason(e.currentTarget.value)}
                    />
                    <button type="submit" disabled={busy}>
                        {t("packets.ask")}
                    </button>
                </form>
            )}
            <Failed why={failed} />
        </div>
    );
}

function Told({ asked, may }: { asked: Packets; may: boolean }) {
    if (asked.status === "received")
        return may ? (
            <a href={fileAt(`/evidence/${encodeURIComponent(asked.id)}/pcap`)} download>
                {t("packets.download", { n: whole(asked.packets) })}
            </a>
        ) : (
            <span>{t("packets.here")}</span>
        );
    if (asked.status === "asked") return <span>{t("packets.asked")}</span>;
    return (
        <span class="warn">
            {t(asked.status === "refused" ? "packets.refused" : "packets.expired")}{" "}
            <Text value={asked.detail} limit={300} />
        </span>
    );
}
