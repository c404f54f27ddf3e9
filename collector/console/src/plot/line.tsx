// SPDX-License-Identifier: Apache-2.0
// Lines over time, drawn by uPlot; this file is the only one that knows it. Colours come from the
// theme, dashes tell lines apart without colour, and the same numbers stand below as a table.
import uPlot from "uplot";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../msg/index.ts";
import { app } from "../model/app.ts";
import { useStore } from "../model/store.ts";
import { NumbersBelow } from "./frame.tsx";

export interface Line {
    name: string;
    values: (number | null)[];
    /** On an axis of its own on the right. */
    right?: boolean;
}

export interface LineProps {
    label: string;
    /** Seconds since 1970, rising. */
    at: number[];
    lines: Line[];
    say: (value: number) => string;
    sayRight?: (value: number) => string;
    /** How a moment is written in the table. */
    sayAt: (seconds: number) => string;
    height?: number;
}

const DASHES: number[][] = [[], [6, 4], [2, 3], [10, 3, 2, 3], [1, 4]];
const COLOURS = ["--p1", "--p2", "--p3", "--p4", "--p5"];

export default function LinePlot(props: LineProps) {
    const box = useRef<HTMLDivElement>(null);
    const plot = useRef<uPlot | null>(null);
    const theme = useTheme();
    const { label, at, lines, height = 150 } = props;
    const names = lines.map((line) => line.name).join("\n");
    useEffect(() => {
        const element = box.current!;
        // V8's memory of the shapes of objects keeps the last plot alive, so a plot stands in a box
        // of its own, which is cut off from the page when it goes: otherwise all the page stays too.
        const own = element.appendChild(document.createElement("div"));
        const width = Math.max(120, element.clientWidth);
        const look = options(props, inks(element), { width, height });
        const made = new uPlot(look, dataOf(props), own);
        plot.current = made;
        const observer = new ResizeObserver(() =>
            made.setSize({ width: Math.max(120, element.clientWidth), height }),
        );
        observer.observe(element);
        return () => {
            observer.disconnect();
            made.destroy();
            own.remove();
            plot.current = null;
        };
    }, [theme, names, height]);
    useEffect(() => plot.current?.setData(dataOf(props)), [at, lines]);
    return (
        <figure class="plot">
            <div ref={box} class="plot-canvas" role="img" aria-label={label} />
            <figcaption class="plot-legend">
                {lines.map((line, i) => (
                    <span>
                        <svg viewBox="0 0 24 4" aria-hidden="true">
                            <line
                                class={`p${(i % COLOURS.length) + 1}`}
                                x2="24"
                                y1="2"
                                y2="2"
                                stroke-dasharray={DASHES[i % DASHES.length]!.join(" ")}
                            />
                        </svg>
                        {line.name}
                    </span>
                ))}
            </figcaption>
            <NumbersBelow
                label={label}
                heads={[t("plot.at"), ...lines.map((line) => line.name)]}
                rows={at.map((moment, i) => [
                    props.sayAt(moment),
                    ...lines.map((line) => sayValue(props, line, line.values[i])),
                ])}
            />
        </figure>
    );
}

function sayValue({ say, sayRight }: LineProps, line: Line, value: number | null | undefined) {
    if (value === null || value === undefined) return "–";
    return line.right && sayRight ? sayRight(value) : say(value);
}

const dataOf = ({ at, lines }: LineProps): uPlot.AlignedData => [
    at,
    ...lines.map((line) => line.values),
];

interface Inks {
    soft: string;
    line: string;
    series: string[];
    family: string;
}

function inks(element: HTMLElement): Inks {
    // light-dark() in a custom property is resolved only where a colour is used.
    const resolved = (name: string) => {
        element.style.color = `var(${name})`;
        const found = getComputedStyle(element).color;
        element.style.color = "";
        return found;
    };
    return {
        soft: resolved("--soft"),
        line: resolved("--line"),
        series: COLOURS.map(resolved),
        family: getComputedStyle(element).fontFamily,
    };
}

/** Closes over no element: see where a plot is made. */
function options(
    { lines, say, sayRight, sayAt }: LineProps,
    { soft, line: rule, series, family }: Inks,
    size: { width: number; height: number },
) {
    const grid = { stroke: rule, width: 1 };
    const axis = { stroke: soft, grid, ticks: { show: false }, font: `11px ${family}` };
    const made: uPlot.Options = {
        ...size,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, points: { size: 5 } },
        scales: { y: { range: (_, _min, max) => [0, Math.max(1, max * 1.1)] } },
        axes: [
            { ...axis, size: 26, values: (_, ticks) => ticks.map(sayAt) },
            { ...axis, size: 52, values: (_, ticks) => ticks.map(say) },
        ],
        series: [
            {},
            ...lines.map((line, i) => ({
                label: line.name,
                scale: line.right ? "right" : "y",
                stroke: series[i % series.length]!,
                width: 1.75,
                dash: DASHES[i % DASHES.length],
                // A line needs two ends: one value alone is a dot.
                points: { show: line.values.filter((v) => v !== null).length < 3, size: 6 },
                spanGaps: true,
            })),
        ],
    };
    if (lines.some((line) => line.right)) {
        made.scales!.right = { range: (_, _min, max) => [0, Math.max(1, max * 1.1)] };
        made.axes!.push({
            ...axis,
            scale: "right",
            side: 1,
            size: 52,
            grid: { show: false },
            values: (_, ticks) => ticks.map(sayRight ?? say),
        });
    }
    return made;
}

/** Changes when the colours do: by the page's own switch, or the system's. */
function useTheme(): string {
    const chosen = useStore(app, (s) => s.theme);
    const query = matchMedia("(prefers-color-scheme: dark)");
    const [dark, setDark] = useState(query.matches);
    useEffect(() => {
        const onChange = () => setDark(query.matches);
        query.addEventListener("change", onChange);
        return () => query.removeEventListener("change", onChange);
    }, []);
    return `${chosen} ${dark}`;
}
