// SPDX-License-Identifier: Apache-2.0
// The help overlay: the keyboard as one table, made from the same bindings that the reader uses.
import { t, tMaybe } from "../msg/index.ts";
import { app, served, setShortcuts } from "../model/app.ts";
import { keyOf, type Command } from "../model/keys.ts";
import { openPages } from "../model/pages.ts";
import { useStore } from "../model/store.ts";
import { Key } from "./bits.tsx";
import { Dialog } from "./dialog.tsx";
import { LanguageChoice } from "./language.tsx";

const GROUPS: readonly { title: Parameters<typeof t>[0]; commands: Command[] }[] = [
    {
        title: "help.decide",
        commands: [
            "claim",
            "confirm",
            "dismiss",
            "resolve",
            "close",
            "wait",
            "note",
            "release",
            "notice",
            "merge",
            "unmerge",
            "suppress",
            "menu",
            "undo",
        ],
    },
    {
        title: "help.move",
        commands: [
            "next",
            "previous",
            "page-down",
            "page-up",
            "top",
            "bottom",
            "open",
            "open-page",
            "pane",
            "incident-next",
            "incident-previous",
        ],
    },
    {
        title: "help.choose",
        commands: [
            "check",
            "check-all",
            "check-same",
            "check-none",
            "tier-1",
            "tier-all",
            "state",
            "views",
        ],
    },
    { title: "help.go", commands: ["search", "help", "escape"] },
];
const WORDS = ["is", "state", "tier", "ip", "host", "rule", "sid", "sensor", "age", "not"];

export function Help() {
    const shortcuts = useStore(app, (s) => s.shortcuts);
    const me = useStore(app, (s) => s.me);
    const pages = openPages(me).map(({ command }) => command);
    const unserved = (command: Command) =>
        (command === "notice" && !served(me, "notifications")) ||
        (command === "suppress" && !served(me, "suppressions"));
    const groups = GROUPS.map((group) =>
        group.title === "help.go" ? { ...group, commands: [...pages, ...group.commands] } : group,
    );
    const close = () => app.set({ help: false });
    return (
        <Dialog
            title={t("help.title")}
            onClose={close}
            wide
            onKey={(e) => e.key === "?" && close()}
        >
            <div class="help">
                {groups.map(({ title, commands }) => (
                    <section>
                        <h3>{t(title)}</h3>
                        <dl>
                            {commands
                                .filter((command) => !unserved(command))
                                .map((command) => (
                                    <div>
                                        <dt>
                                            <Key keys={keyOf(command)} />
                                        </dt>
                                        <dd>{tMaybe(`key.${command}`, command)}</dd>
                                    </div>
                                ))}
                        </dl>
                    </section>
                ))}
                <section>
                    <h3>{t("help.words")}</h3>
                    <ul class="words mono">
                        {WORDS.map((word) => (
                            <li>{tMaybe(`word.${word}`, word)}</li>
                        ))}
                    </ul>
                </section>
            </div>
            <LanguageChoice />
            <label class="radio">
                <input
                    type="checkbox"
                    checked={shortcuts}
                    onChange={() => setShortcuts(!shortcuts)}
                />{" "}
                {t("help.shortcuts")}
            </label>
        </Dialog>
    );
}
