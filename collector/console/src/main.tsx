// SPDX-License-Identifier: Apache-2.0
// The console's composition root: session, routes, keyboard, live stream and clock come together
// here and nowhere else.
import { render } from "preact";
import { useRef } from "preact/hooks";
import { Problem, Unreachable, api } from "./api/client.ts";
import { LiveStream } from "./api/stream.ts";
import type { Me } from "./api/types.ts";
import { chooseLanguage, language, t } from "./msg/index.ts";
import {
    app,
    go,
    hashOf,
    preference,
    readRoute,
    served,
    type MorePage,
    type Route,
} from "./model/app.ts";
import { dispatch } from "./model/commands.ts";
import { desk, sayProblem } from "./model/desk.ts";
import { KeyReader, type Command } from "./model/keys.ts";
import { PAGES, mayOpen } from "./model/pages.ts";
import { SHIFT_GAP_MS } from "./model/shift.ts";
import { useStore } from "./model/store.ts";
import { DecisionDialogs, isAsking, readDialogs, unask } from "./view/decisions.tsx";
import { Help } from "./view/help.tsx";
import { IncidentPage } from "./view/incident.tsx";
import { lazy } from "./view/lazy.tsx";
import { Login } from "./view/login.tsx";
import { QueuePage } from "./view/queue.tsx";
import { Guard, Notices, TopBar } from "./view/shell.tsx";

const MORE: Record<MorePage, ReturnType<typeof lazy<{ part?: string }>>> = {
    shift: lazy(() => import("./view/shift.tsx").then((m) => m.default)),
    campaigns: lazy(() => import("./view/campaigns.tsx").then((m) => m.default)),
    notifications: lazy(() => import("./view/notifications.tsx").then((m) => m.default)),
    sensors: lazy(() => import("./view/sensors.tsx").then((m) => m.default)),
    feeds: lazy(() => import("./view/feeds.tsx").then((m) => m.default)),
    reports: lazy(() => import("./view/reports.tsx").then((m) => m.default)),
    archive: lazy(() => import("./view/archive.tsx").then((m) => m.default)),
    audit: lazy(() => import("./view/audit.tsx").then((m) => m.default)),
    admin: lazy(() => import("./view/admin.tsx").then((m) => m.default)),
};

const LAGS_KEPT = 240;
const TICK_MS = 1000;
const STATS_MS = 15_000;
const DIALOGS_MS = 2000;
const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";
const SCROLLS = ".pane, .scroll-x, pre";
const SCROLL_KEYS = new Set(["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End"]);

function App() {
    const { me, route, help, expired } = useStore(app, (s) => s);
    if (me === undefined) return null;
    if (me === null) return <Login known={null} onSignedIn={signedIn} />;
    return (
        <>
            <TopBar />
            <Queue route={route} />
            {route.page !== "queue" && (
                <div class="cover">
                    <Guard key={route.page}>
                        {mayOpen(me, route.page) ? <Page route={route} /> : <NotServed />}
                    </Guard>
                </div>
            )}
            <Notices />
            <DecisionDialogs />
            {help && <Help />}
            {expired && (
                <div class="expired">
                    <Login known={me} onSignedIn={signedIn} />
                </div>
            )}
        </>
    );
}

/**
 * Once opened the queue stays, under the page that covers it: back from an incident is one key, and
 * no new list.
 */
function Queue({ route }: { route: Route }) {
    const q = useRef<string | null>(null);
    const away = route.page !== "queue";
    if (!away) q.current = route.q;
    if (q.current === null) return null;
    return (
        <Guard away={away}>
            <QueuePage q={q.current} away={away} />
        </Guard>
    );
}

function Page({ route }: { route: Exclude<Route, { page: "queue" }> }) {
    if (route.page === "incident") return <IncidentPage key={route.id} id={route.id} />;
    const More = MORE[route.page];
    return <More part={route.part} />;
}

function NotServed() {
    return (
        <main id="content" class="empty" role="alert">
            <p class="empty-title">{t("page.not-served")}</p>
            <a href="#/queue">{t("incident.back")}</a>
        </main>
    );
}

const stream = new LiveStream({
    incident: (event) => desk.onIncident(event),
    sensor: () => app.set({ sensorsChanged: app.state.sensorsChanged + 1 }),
    reset: () => {
        void desk.reset();
        app.set({ sensorsChanged: app.state.sensorsChanged + 1 });
    },
    link: (since) => app.set({ blindSince: since }),
});

function signedIn(me: Me): void {
    const before = app.state.me;
    if (before && before.user !== me.user) return location.reload();
    app.set({ me, expired: false });
    rememberShift(me.user);
    stream.stop();
    stream.start();
    void api.states().then(
        (page) => app.set({ states: page.items }),
        () => {},
    );
    void readStats();
    if (before) void desk.reset();
    setTimeout(readDialogs, DIALOGS_MS);
}

api.onSignedOut = () => {
    if (!app.state.me || app.state.expired) return;
    stream.stop();
    app.set({ expired: true });
};

/** A long time without this user on this browser: what was before it was their last shift. */
function rememberShift(user: string): void {
    const seen = Number(preference(`seen.${user}`));
    if (seen > 0 && Date.now() - seen > SHIFT_GAP_MS) preference(`shift.${user}`, String(seen));
    preference(`seen.${user}`, String(Date.now()));
}

async function readStats(): Promise<void> {
    if (!app.state.me || app.state.expired || document.hidden) return;
    rememberShift(app.state.me.user);
    try {
        const stats = await api.stats();
        const lag = stats.lag_ms === undefined ? [] : [{ at: Date.now(), ms: stats.lag_ms }];
        if (served(app.state.me, "alarms")) void readAlarms();
        app.set({ stats, lags: [...app.state.lags, ...lag].slice(-LAGS_KEPT) });
    } catch (err) {
        if (err instanceof Unreachable) stream.doubt();
    }
}

/** A sensor that died must not wait until somebody opens its page. */
async function readAlarms(): Promise<void> {
    const { total } = await api.list("/alarms", { active: "true", limit: 1 }).catch(() => ({
        total: app.state.alarms,
    }));
    if (total !== app.state.alarms) app.set({ alarms: total });
}

function everywhere(command: Command): boolean {
    const page = PAGES.find((entry) => entry.command === command)?.page;
    if (command === "help") app.set({ help: true });
    else if (page === "queue") go({ page, q: "" });
    else if (page) mayOpen(app.state.me, page) && go({ page });
    else if (command === "search") {
        go({ page: "queue", q: "" });
        void Promise.resolve().then(() => dispatch(command)); // when the queue stands there again
    } else if (command === "undo") void desk.undo();
    else return false;
    return true;
}

const keys = new KeyReader();

function onKey(event: KeyboardEvent): void {
    const { me, expired, route, shortcuts } = app.state;
    const target = event.target as HTMLElement;
    if (
        !me ||
        expired ||
        event.defaultPrevented ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        event.isComposing
    )
        return;
    if (document.querySelector("dialog[open]") || target.matches(TYPING)) return;
    // A dialog that is still being fetched has the keyboard already.
    if (isAsking()) return event.key === "Escape" ? unask() : undefined;
    if (event.key === "Shift") return; // on the way to a capital: must not break a row of two keys
    if (event.key === "Enter" && target.closest("a, button, summary")) return;
    if (SCROLL_KEYS.has(event.key) && target.closest(SCROLLS)) return;
    if (!shortcuts && event.key.length === 1) return;
    const command = keys.feed(event.key, route.page, event.timeStamp);
    if (command && (dispatch(command) || everywhere(command))) event.preventDefault();
}

async function start(): Promise<void> {
    document.documentElement.dataset.theme = app.state.theme;
    await chooseLanguage(preference("language"));
    document.documentElement.lang = language;
    window.addEventListener("keydown", onKey);
    const onRoute = () => {
        const route = readRoute(location.hash);
        if (hashOf(route) !== hashOf(app.state.route)) app.set({ route }); // said by two events
    };
    window.addEventListener("hashchange", onRoute);
    window.addEventListener("popstate", onRoute);
    setInterval(() => !document.hidden && app.set({ now: Date.now() }), TICK_MS);
    setInterval(() => void readStats(), STATS_MS);
    document.addEventListener("visibilitychange", () => {
        app.set({ now: Date.now() });
        void readStats();
    });
    render(<App />, document.getElementById("app")!);
    try {
        signedIn(await api.me());
    } catch (err) {
        app.set({ me: null });
        if (!(err instanceof Problem && err.status === 401))
            document.title = `${t("app.name")}: ${sayProblem(err)}`;
    }
}

void start();
