// SPDX-License-Identifier: Apache-2.0
// A dialog on the browser's own <dialog>: focus stays inside, Escape closes, focus returns to where
// it was.
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

export function Dialog({ title, wide, onClose, onKey, children }: Props) {
    const ref = useRef<HTMLDialogElement>(null);
    const id = useId();
    useLayoutEffect(() => {
        const dialog = ref.current!;
        const before = document.activeElement as HTMLElement | null;
        dialog.showModal();
        return () => {
            dialog.close();
            before?.focus({ preventScroll: true });
        };
    }, []);
    return (
        <dialog
            ref={ref}
            class={wide ? "dialog wide" : "dialog"}
            aria-labelledby={id}
            onCancel={(e) => {
                e.preventDefault();
                onClose();
            }}
            onKeyDown={onKey}
            onClick={(e) => e.target === ref.current && onClose()}
        >
            <div class="dialog-body">
                <header>
                    <h2 id={id}>{title}</h2>
                    <button
                        type="button"
                        class="icon"
                        aria-label={t("dialog.close")}
                        onClick={onClose}
                    >
                        ✕
                    </button>
                </header>
                {children}
            </div>
        </dialog>
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
