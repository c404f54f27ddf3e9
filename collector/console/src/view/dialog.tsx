// SPDX-License-Identifier: Apache-2.0
// A dialog in the browser's top layer: focus stays inside, Escape closes, focus returns to where it
// was. It is a popover and no showModal(), which would make all the rest of the page inert: that
// restyles every element of a long queue, and takes longer than a key may.
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../msg/index.ts";

interface Props {
    title: string;
    wide?: boolean;
    onClose: () => void;
    onKey?: (event: KeyboardEvent) => void;
    children: ComponentChildren;
}

const FOCUSABLE =
    "a[href], button:not(:disabled), input:not(:disabled), select, textarea, summary, [tabindex='0']";

/** From the last to the first and back: outside of the dialog there is nothing to reach. */
function keepInside(event: KeyboardEvent, dialog: HTMLElement): void {
    const stops = [...dialog.querySelectorAll<HTMLElement>(FOCUSABLE)];
    const [from, to] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
    const here = document.activeElement;
    if (here !== from && here !== dialog && dialog.contains(here)) return;
    event.preventDefault();
    to?.focus();
}

export function Dialog({ title, wide, onClose, onKey, children }: Props) {
    const ground = useRef<HTMLDivElement>(null);
    const ref = useRef<HTMLDialogElement>(null);
    const id = useId();
    const key = (event: KeyboardEvent) => {
        if ([...document.querySelectorAll("dialog")].at(-1) !== ref.current) return;
        if (event.key === "Tab") keepInside(event, ref.current!);
        else if (event.key !== "Escape") onKey?.(event);
        else if (!event.isComposing) {
            event.preventDefault();
            onClose();
        }
    };
    const latest = useRef(key);
    latest.current = key;
    useLayoutEffect(() => {
        const dialog = ref.current!;
        const before = document.activeElement as HTMLElement | null;
        ground.current!.showPopover();
        const first = dialog.querySelector<HTMLElement>("[autofocus]");
        (first ?? dialog.querySelector<HTMLElement>(FOCUSABLE) ?? dialog).focus();
        const listen = (event: KeyboardEvent) => latest.current(event);
        document.addEventListener("keydown", listen);
        return () => {
            document.removeEventListener("keydown", listen);
            before?.focus({ preventScroll: true });
        };
    }, []);
    return (
        <div
            ref={ground}
            popover="manual"
            class="dialog-ground"
            onClick={(e) => e.target === ground.current && onClose()}
        >
            <dialog
                ref={ref}
                open
                class={wide ? "dialog wide" : "dialog"}
                tabIndex={-1}
                aria-modal="true"
                aria-labelledby={id}
            >
                <div class="dialog-body">
                    <div class="dialog-head">
                        <h2 id={id}>{title}</h2>
                        <button
                            type="button"
                            class="icon"
                            aria-label={t("dialog.close")}
                            onClick={onClose}
                        >
                            ✕
                        </button>
                    </div>
                    {children}
                </div>
            </dialog>
        </div>
    );
}

/**
 * A list of answers that one digit gives; `onPick` gets the index. Digits typed into a text field
 * stay text.
 */
export function Choices({ labels, onPick }: { labels: string[]; onPick: (index: number) => void }) {
    return (
        <ol class="choices">
            {labels.map((label, i) => (
                <li>
                    <button type="button" onClick={() => onPick(i)} autoFocus={i === 0}>
                        <kbd>{i + 1}</kbd>
                        <span>{label}</span>
                    </button>
                </li>
            ))}
        </ol>
    );
}

export function digitKey(event: KeyboardEvent, count: number, pick: (index: number) => void): void {
    const target = event.target as HTMLElement;
    if (target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select")) return;
    const index = Number(event.key) - 1;
    if (event.ctrlKey || event.metaKey || event.altKey || !(index >= 0 && index < count)) return;
    event.preventDefault();
    pick(index);
}
