// SPDX-License-Identifier: Apache-2.0
// The small parts that every page is made of: hostile-safe text, tier chips, stage strips, clocks,
// sparklines.
import type { Incident, Stage, Status, Tier, Tlp } from "../api/types.ts";
import { harmless, pieces } from "../format/text.ts";
import { clockTime, span, stamp, timeLeft } from "../format/time.ts";
import { t, type MessageKey } from "../msg/index.ts";
import { stateName } from "../model/app.ts";

/**
 * Text from outside: what is hidden or would rearrange its surroundings is shown by name, direction
 * is kept inside.
 */
export function Text({
    value,
    limit = 4096,
}: {
    value: string | null | undefined;
    limit?: number;
}) {
    if (!value) return null;
    if (value.length <= limit && harmless(value)) return <>{value}</>;
    return (
        <bdi>
            {pieces(value, limit).map((piece) =>
                piece.mark ? <span class="ctl">{piece.text}</span> : piece.text,
            )}
        </bdi>
    );
}

/** Text that an analyst wrote: the same, but its line breaks are kept. */
export function Prose({ value }: { value: string }) {
    return (
        <>
            {value.split(/\r?\n/).map((line) => (
                <p>{line ? <Text value={line} /> : "\u00a0"}</p>
            ))}
        </>
    );
}

export const tierLabel = (n: Tier): string => t("tier.label", { n, name: t(`tier.${n}`) });

/** Octagon, diamond, square, circle: the tier is told by shape, number and colour alike. */
export function TierChip({ tier }: { tier: Tier }) {
    return (
        <span class={`tier tier-${tier}`} role="img" aria-label={tierLabel(tier)}>
            {tier}
        </span>
    );
}

export function StateCode({ code }: { code: string }) {
    return (
        <abbr class="state-code" title={stateName(code)}>
            {code.toUpperCase()}
        </abbr>
    );
}

const STAGES: readonly Stage[] = ["probe", "exploit", "answer", "c2", "out"];
const STAGE_MARKS: Record<Stage, string> = {
    probe: "P",
    exploit: "E",
    answer: "A",
    c2: "C",
    out: "O",
};

/** Five places, of which those that were seen carry their letter; the others are the ground's. */
export function StageStrip({ seen }: { seen: Stage[] }) {
    const list = STAGES.filter((stage) => seen.includes(stage)).map((stage) => t(`stage.${stage}`));
    const label = list.length ? t("stage.seen", { list: list.join(", ") }) : t("stage.none");
    return (
        <span class="stages" role="img" aria-label={label} title={label}>
            {STAGES.map(
                (stage, i) =>
                    seen.includes(stage) && (
                        <span class="stage" style={{ gridColumn: i + 1 }}>
                            {STAGE_MARKS[stage]}
                        </span>
                    ),
            )}
        </span>
    );
}

export function StatusWord({ status }: { status: Status }) {
    return <span class={`status status-${status}`}>{t(`status.${status}` as MessageKey)}</span>;
}

/**
 * Bars from left (oldest) to right, by logarithm unless `linear`, drawn as one path; the label says
 * what they count.
 */
export function Spark({
    values,
    label,
    linear,
}: {
    values: number[];
    label: string;
    linear?: boolean;
}) {
    const top = Math.max(1, ...values);
    const step = 100 / Math.max(1, values.length);
    const share = (value: number) => (linear ? value / top : Math.log1p(value) / Math.log1p(top));
    const width = (step * 0.72).toFixed(2);
    const bars = values.map((value, i) => {
        const height = value > 0 ? Math.max(2, 18 * share(value)) : 0.8;
        return `M${(i * step).toFixed(2)} 20v-${height.toFixed(1)}h${width}V20z`;
    });
    return (
        <svg
            class="spark"
            viewBox="0 0 100 20"
            preserveAspectRatio="none"
            role="img"
            aria-label={label}
        >
            <path d={bars.join("")} />
        </svg>
    );
}

const ARROWS = { in: "←", out: "→", lateral: "↔" } as const;

export function Arrow({ direction }: { direction: Incident["direction"] }) {
    return (
        <span
            class="arrow"
            role="img"
            aria-label={t(`direction.${direction}`)}
            title={t(`direction.${direction}`)}
        >
            {ARROWS[direction] ?? "·"}
        </span>
    );
}

/** Time left on the running clock, as words and as a bar that fills. */
export function TimeLeftView({ row, now }: { row: Incident; now: number }) {
    if (row.waiting_until && Date.parse(row.waiting_until) > now) {
        const at = stamp(row.waiting_until);
        const on = row.waiting_on === "evidence";
        return (
            <span
                class="due due-waiting"
                title={t(on ? "clock.waiting-evidence" : "clock.waiting-until", { at })}
            >
                <span class="due-span">
                    {on ? t("clock.waiting-on") : clockTime(row.waiting_until, now)}
                </span>
                <span class="due-what">{t("clock.waiting")}</span>
            </span>
        );
    }
    const left = timeLeft(
        row.deadline,
        row.clock === "claim" ? row.opened_at : (row.claimed_at ?? row.opened_at),
        now,
    );
    if (left.urgency === "none" || !row.clock)
        return (
            <span class="due due-none" title={t("clock.none")}>
                –
            </span>
        );
    const clock = t(`clock.${row.clock}`);
    const words = t(left.ms > 0 ? "clock.left" : "clock.over", { span: span(left.ms), clock });
    return (
        <span class={`due due-${left.urgency}`} title={words}>
            <span class="due-span">{left.ms > 0 ? span(left.ms) : `+${span(left.ms)} !`}</span>
            <span class="due-what">{clock}</span>
            <span
                class="due-bar"
                style={{ backgroundSize: `${Math.round(100 * left.used)}% 100%` }}
            />
        </span>
    );
}

export function Stamp({ iso, day }: { iso: string | null | undefined; day?: boolean }) {
    if (!iso) return <span>–</span>;
    return (
        <time dateTime={iso} title={`${stamp(iso)} UTC`}>
            {day ? stamp(iso).slice(0, 10) : stamp(iso)}
        </time>
    );
}

export function TlpLabel({ tlp }: { tlp: Tlp }) {
    return <span class={`tlp tlp-${tlp.replace("+", "-")}`}>TLP:{tlp.toUpperCase()}</span>;
}

/** A factor's weight with its sign, small ones with a decimal. */
export function signed(weight: number): string {
    const size = Math.abs(weight);
    const exact = size < 10 && !Number.isInteger(weight);
    return `${weight < 0 ? "−" : "+"}${exact ? size.toFixed(1) : Math.round(size)}`;
}

export function Key({ keys }: { keys: string }) {
    const parts = keys.split(" ");
    return (
        <span class="keys">
            {parts.map((part) => (
                <kbd>{part === "Escape" ? "Esc" : part.replace("Arrow", "")}</kbd>
            ))}
        </span>
    );
}
