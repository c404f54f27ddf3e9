// SPDX-License-Identifier: Apache-2.0
// The dialog of views: choose one by digit, keep the present search under a name, copy its link.
import { useState } from "preact/hooks";
import { t } from "../msg/index.ts";
import { app, go, notify } from "../model/app.ts";
import { sayProblem } from "../model/desk.ts";
import { useStore } from "../model/store.ts";
import { BUILT_IN, keepViews, linkTo, savedViews, withView, type View } from "../model/views.ts";
import { Text } from "./bits.tsx";
import { Dialog, digitKey } from "./dialog.tsx";

export function ViewsDialog({ onClose }: { onClose: () => void }) {
    const { me, route } = useStore(app, (s) => s);
    const user = me?.user ?? "";
    const q = route.page === "queue" ? route.q : "";
    const [saved, setSaved] = useState(() => savedViews(user));
    const [name, setName] = useState("");
    const own = BUILT_IN.length;
    const all: View[] = [...BUILT_IN.map((view) => ({ name: t(view.name), q: view.q })), ...saved];
    const pick = (index: number) => {
        onClose();
        go({ page: "queue", q: all[index]!.q });
    };
    const keep = (views: View[]) => {
        keepViews(user, views);
        setSaved(views);
    };
    const copy = () =>
        navigator.clipboard.writeText(linkTo(q)).then(
            () => notify("done", t("view.copied")),
            (err) => notify("problem", sayProblem(err)),
        );
    const save = (e: Event) => {
        e.preventDefault();
        keep(withView(saved, { name, q }));
        setName("");
    };
    return (
        <Dialog
            title={t("view.title")}
            onClose={onClose}
            onKey={(e) => digitKey(e, Math.min(9, all.length), pick)}
        >
            <ol class="choices">
                {all.map((view, i) => (
                    <li class="view-row">
                        <button type="button" onClick={() => pick(i)} autoFocus={i === 0}>
                            {i < 9 ? <kbd>{i + 1}</kbd> : <span class="no-key" />}
                            <span class="grow">
                                <Text value={view.name} limit={60} />
                                <span class="sub mono">
                                    <Text value={view.q} limit={80} />
                                </span>
                            </span>
                        </button>
                        {i >= own && (
                            <button
                                type="button"
                                class="icon"
                                aria-label={t("view.remove", { name: view.name })}
                                onClick={() => keep(saved.filter((one) => one.name !== view.name))}
                            >
                                ✕
                            </button>
                        )}
                    </li>
                ))}
            </ol>
            <form class="form" onSubmit={save}>
                <p class="dim">
                    {t("view.present")}{" "}
                    <span class="mono">
                        <Text value={q || "is:open"} limit={120} />
                    </span>
                </p>
                <div class="view-save">
                    <input
                        aria-label={t("view.name")}
                        placeholder={t("view.name")}
                        value={name}
                        maxLength={60}
                        onInput={(e) => setName(e.currentTarget.value)}
                    />
                    <button type="submit" disabled={!name.trim()}>
                        {t("view.save")}
                    </button>
                    <button type="button" onClick={() => void copy()}>
                        {t("view.copy")}
                    </button>
                </div>
            </form>
        </Dialog>
    );
}
