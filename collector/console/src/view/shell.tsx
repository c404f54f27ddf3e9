// SPDX-License-Identifier: Apache-2.0
// The frame around every page: where one can go, whether the link is live, who is signed in, and
// what was just said.
import { Component, type ComponentChildren } from "preact";
import { api } from "../api/client.ts";
import { short } from "../format/text.ts";
import { span, stamp } from "../format/time.ts";
import { t } from "../msg/index.ts";
import { app, dismissNotice, setTheme, type Theme } from "../model/app.ts";
import { keyOf } from "../model/keys.ts";
import { openPages } from "../model/pages.ts";
import { useStore } from "../model/store.ts";
import { Spark, StateCode, Text } from "./bits.tsx";

const NEXT_THEME: Record<Theme, Theme> = { auto: "light", light: "dark", dark: "auto" };
const THEME_SIGN: Record<Theme, string> = { auto: "◐", light: "☀", dark: "☾" };

export function TopBar() {
    const { route, me, theme, stats, alarms } = useStore(app, (s) => s);
    const signOut = () => void api.signOut().finally(() => location.reload());
    return (
        <header class="top">
            <a class="skip" href="#content" onClick={skip}>
                {t("app.skip")}
            </a>
            <a class="brand" href="#/queue">
                <img src="favicon.svg" alt="" width="22" height="22" /> {t("app.name")}
            </a>
            <nav aria-label={t("nav.main")}>
                {openPages(me).map(({ page, name, command }) => (
                    <a
                        href={`#/${page}`}
                        title={keyOf(command)}
                        aria-current={route.page === page ? "page" : undefined}
                    >
                        {t(name)}
                        {page === "sensors" && alarms > 0 && (
                            <span class="count alarm-count">
                                <span aria-hidden="true">▲{alarms}</span>
                                <span class="sr">{t("nav.alarms", { n: alarms })}</span>
                            </span>
                        )}
                    </a>
                ))}
            </nav>
            {stats && (
                <p class="top-stats">
                    <Spark
                        values={stats.minutes.map((minute) => minute.alerts)}
                        label={t("stats.spark")}
                        linear
                    />
                    <span>
                        {t("stats.alerts", {
                            n: stats.alerts_last_minute,
                            rate: short(stats.alerts_last_minute),
                        })}
                    </span>
                    <span class="dim">
                        {t("stats.folded", { share: `${(100 * stats.folded_share).toFixed(1)} %` })}
                    </span>
                </p>
            )}
            <LinkState />
            <span class="who-am-i" title={t("app.signed-in", { name: me?.name ?? "" })}>
                <Text value={me?.name || me?.user} limit={60} />
                {me?.states[0] === "*" ? (
                    <span class="dim">{t("app.region")}</span>
                ) : (
                    me?.states.map((code) => <StateCode code={code} />)
                )}
            </span>
            <button
                type="button"
                class="icon"
                aria-label={t("app.theme", { theme: t(`theme.${theme}`) })}
                title={t("app.theme", { theme: t(`theme.${theme}`) })}
                onClick={() => setTheme(NEXT_THEME[theme])}
            >
                {THEME_SIGN[theme]}
            </button>
            <button
                type="button"
                class="icon"
                aria-label={t("app.help")}
                title={t("app.help")}
                onClick={() => app.set({ help: true })}
            >
                ?
            </button>
            <button type="button" class="quiet" onClick={signOut}>
                {t("app.sign-out")}
            </button>
        </header>
    );
}

function skip(e: Event): void {
    e.preventDefault();
    const target = document.querySelector<HTMLElement>(
        "#content [tabindex='0'], #content a, #content button",
    );
    target?.focus();
}

function LinkState() {
    const { blindSince, now } = useStore(app, (s) => s);
    if (blindSince === null)
        return (
            <span class="link-state up" role="status" title={t("link.live-long")}>
                ● {t("link.live")}
            </span>
        );
    return (
        <span
            class="link-state down"
            role="status"
            title={t("link.down-long", { at: stamp(new Date(blindSince).toISOString()) })}
        >
            ▲ {t("link.down", { span: span(now - blindSince) })}
        </span>
    );
}

interface GuardProps {
    children: ComponentChildren;
    /** Another page is on the screen. */
    away?: boolean;
}

/** A page that breaks says so and leaves the rest standing: nobody works before a blank screen. */
export class Guard extends Component<GuardProps, { failed: string | null }> {
    override state = { failed: null as string | null };

    override componentDidCatch(err: unknown): void {
        this.setState({ failed: String(err) });
    }

    override render() {
        if (this.state.failed === null) return this.props.children;
        if (this.props.away) return null;
        return (
            <main id="content" class="empty" role="alert">
                <p class="empty-title">{t("problem.page")}</p>
                <p class="mono">
                    <Text value={this.state.failed} limit={300} />
                </p>
                <button type="button" onClick={() => location.reload()}>
                    {t("problem.reload")}
                </button>
            </main>
        );
    }
}

export function Notices() {
    const notices = useStore(app, (s) => s.notices);
    return (
        <section class="notices" aria-label={t("notices")} aria-live="polite">
            {notices.map((notice) => (
                <div
                    key={notice.id}
                    class={`notice notice-${notice.kind}`}
                    role={notice.kind === "problem" ? "alert" : "status"}
                >
                    <span class="notice-text">
                        <span aria-hidden="true">
                            {notice.kind === "problem" ? "▲ " : notice.kind === "done" ? "✓ " : ""}
                        </span>
                        <Text value={notice.text} limit={600} />
                    </span>
                    {notice.undo && (
                        <button
                            type="button"
                            onClick={() => {
                                dismissNotice(notice.id);
                                notice.undo!();
                            }}
                        >
                            {t("undo")} <kbd>z</kbd>
                        </button>
                    )}
                    <button
                        type="button"
                        class="icon"
                        aria-label={t("notice.close")}
                        onClick={() => dismissNotice(notice.id)}
                    >
                        ✕
                    </button>
                </div>
            ))}
        </section>
    );
}
