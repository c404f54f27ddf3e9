// SPDX-License-Identifier: Apache-2.0
// Stored alert records: one line each, opened into their fields as any EVE producer wrote them, or
// as raw JSON.
import { useState } from "preact/hooks";
import type { EveRecord } from "../api/types.ts";
import { hexDump, whole } from "../format/text.ts";
import { stamp } from "../format/time.ts";
import { t } from "../msg/index.ts";
import { Text } from "./bits.tsx";
import { Card } from "./card.tsx";
import { PacketsOf } from "./packets.tsx";

const FIRST = ["alert", "abeng", "ndpi", "http", "tls", "dns", "flow"];
const BYTES = new Set(["payload", "packet"]);
const DEPTH = 6;

const word = (value: unknown): string =>
    typeof value === "string"
        ? value
        : value === null || value === undefined
          ? ""
          : typeof value === "object"
            ? JSON.stringify(value)
            : String(value);

const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);

export function EveList({
    id,
    records,
    count,
}: {
    id: string;
    records: EveRecord[];
    count: number;
}) {
    return (
        <Card
            kind="alerts"
            title={t("incident.alerts")}
            aside={t("incident.alerts-kept", { kept: whole(records.length), n: whole(count) })}
        >
            {records.length === 0 && <p class="dim">{t("incident.alerts-none")}</p>}
            <EveLines id={id} records={records} incident={id} />
        </Card>
    );
}

export function EveLines({
    id,
    records,
    incident,
}: {
    id: string;
    records: EveRecord[];
    /** Through which the packets may be asked for. */
    incident?: string;
}) {
    const [open, setOpen] = useState<number | null>(null);
    return (
        <ul class="eve-list">
            {records.map((record, i) => (
                <li key={`${id}-${i}`}>
                    <button
                        type="button"
                        class="eve-line"
                        aria-expanded={open === i}
                        onClick={() => setOpen(open === i ? null : i)}
                    >
                        <span class="twist" aria-hidden="true">
                            {open === i ? "▾" : "▸"}
                        </span>
                        <time class="nowrap">{stamp(word(record.timestamp))}</time>
                        <span class="mono nowrap">
                            <Text value={endpoint(record, "src")} limit={80} /> →{" "}
                            <Text value={endpoint(record, "dest")} limit={80} />
                        </span>
                        <span class="eve-title">
                            <Text value={titleOf(record)} limit={200} />
                        </span>
                    </button>
                    {open === i && <EveView record={record} incident={incident} />}
                </li>
            ))}
        </ul>
    );
}

function endpoint(record: EveRecord, side: "src" | "dest"): string {
    const ip = word(record[`${side}_ip`]);
    const port = word(record[`${side}_port`]);
    return port ? `${ip.includes(":") ? `[${ip}]` : ip}:${port}` : ip;
}

function titleOf(record: EveRecord): string {
    if (isObject(record.alert)) return word(record.alert.signature);
    return word(record.event_type);
}

function EveView({ record, incident }: { record: EveRecord; incident?: string }) {
    const [raw, setRaw] = useState(false);
    const [copied, setCopied] = useState(false);
    const json = JSON.stringify(record, null, 2);
    const copy = () => void navigator.clipboard?.writeText(json).then(() => setCopied(true));
    const keys = Object.keys(record);
    const groups = [
        ...FIRST.filter((key) => isObject(record[key])),
        ...keys.filter((key) => isObject(record[key]) && !FIRST.includes(key)),
    ];
    const bytes = keys.filter((key) => BYTES.has(key) && typeof record[key] === "string");
    const single = keys.filter((key) => !isObject(record[key]) && !bytes.includes(key));
    return (
        <div class="eve">
            <p class="eve-tools">
                <button type="button" aria-pressed={raw} onClick={() => setRaw(!raw)}>
                    {raw ? t("eve.fields") : t("eve.raw")}
                </button>
                <button type="button" onClick={copy}>
                    {copied ? t("eve.copied") : t("eve.copy")}
                </button>
            </p>
            {incident && <PacketsOf incident={incident} record={record} />}
            {raw ? (
                <pre class="raw" role="group" tabIndex={0} aria-label={t("eve.raw")}>
                    {json.split("\n").map((line) => [<Text value={line} limit={4000} />, "\n"])}
                </pre>
            ) : (
                <div class="eve-groups">
                    <EveGroup name="" of={record} keys={single} depth={0} />
                    {groups.map((key) => (
                        <EveGroup
                            name={key}
                            of={record[key] as EveRecord}
                            keys={Object.keys(record[key] as EveRecord)}
                            depth={0}
                        />
                    ))}
                    {bytes.map((key) => (
                        <Bytes name={key} value={record[key] as string} />
                    ))}
                </div>
            )}
        </div>
    );
}

function EveGroup({
    name,
    of,
    keys,
    depth,
}: {
    name: string;
    of: EveRecord;
    keys: string[];
    depth: number;
}) {
    return (
        <div class="eve-group">
            {name && (
                <p class="eve-name">
                    <Text value={name} limit={80} />
                </p>
            )}
            <dl class="fields">
                {keys.map((key) => (
                    <>
                        <dt>
                            <Text value={key} limit={80} />
                        </dt>
                        <dd>
                            <EveValue value={of[key]} depth={depth + 1} />
                        </dd>
                    </>
                ))}
            </dl>
        </div>
    );
}

/** Matched or captured bytes, as a hex dump over the whole width. */
function Bytes({ name, value }: { name: string; value: string }) {
    return (
        <div class="eve-bytes">
            <p class="eve-name">{name}</p>
            <pre class="hex" role="group" tabIndex={0} aria-label={name}>
                {hexDump(value) ?? <Text value={value} />}
            </pre>
        </div>
    );
}

function EveValue({ value, depth }: { value: unknown; depth: number }) {
    if (isObject(value) && depth < DEPTH)
        return <EveGroup name="" of={value} keys={Object.keys(value)} depth={depth} />;
    if (Array.isArray(value) && value.some((item) => isObject(item)) && depth < DEPTH)
        return (
            <>
                {value.slice(0, 50).map((item) => (
                    <EveValue value={item} depth={depth + 1} />
                ))}
            </>
        );
    return <Text value={Array.isArray(value) ? value.map(word).join(", ") : word(value)} />;
}
