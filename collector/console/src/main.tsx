// SPDX-License-Identifier: Apache-2.0
// The console's composition root: session, routes, keyboard, live stream and clock come together
// here and nowhere else.
import { render } from "preact";
import { Problem, Unreachable, api } from "./api/client.ts";
import { LiveStream } from "./api/stream.ts";
import type { Me } from "./api/types.ts";
import { t } from "./msg/index.ts";
import { app, go, readRoute } from "./model/app.ts";
import { dispatch } from "./model/commands.ts";
import { desk, sayProblem } from "./model/desk.ts";
import { KeyReader, type Command } from "./model/keys.ts";
import { useStore } from "./model/store.ts";
import { DecisionDialogs } from "./view/decisions.tsx";
import { Help } from "./view/help.tsx";
import { IncidentPage } from "./view/incident.tsx";
import { Login } from "./view/login.tsx";
import { QueuePage } from "./view/queue.tsx";
import { SensorsPage } from "./view/sensors.tsx";
import { Guard, Notices, TopBar } from "./view/shell.tsx";

const TICK_MS = 1000;
const STATS_MS = 15_000;
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
            <Guard key={route.page}>
                {route.page === "queue" && <QueuePage q={route.q} />}
                {route.page === "incident" && <IncidentPage key={route.id} id={route.id} />}
                {route.page === "sensors" && <SensorsPage />}
            </Guard>
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

const stream = new LiveStream({
    incident: (event) => desk.onIncident(event),
    sensor: () => app.set({ sensorsChanged: app.state.sensorsChanged + 1 }),
    reset: () => {
        void desk.refresh();
        app.set({ sensorsChanged: app.state.sensorsChanged + 1 });
    },
    link: (since) => app.set({ blindSince: since }),
});

function signedIn(me: Me): void {
    const before = app.state.me;
    if (before && before.user !== me.user) return location.reload();
    app.set({ me, expired: false });
    stream.stop();
    stream.start();
    void api.states().then(
        (page) => app.set({ states: page.items }),
        () => {},
    );
    void readStats();
    if (before) void desk.refresh();
}

api.onSignedOut = () => {
    if (!app.state.me || app.state.expired) return;
    stream.stop();
    app.set({ expired: true });
};

async function readStats(): Promise<void> {
    if (!app.state.me || app.state.expired || document.hidden) return;
    try {
        app.set({ stats: await api.stats() });
    } catch (err) {
        if (err instanceof Unreachable) stream.doubt();
    }
}

function everywhere(command: Command): boolean {
    if (command === "help") app.set({ help: true });
    else if (command === "go-queue") go({ page: "queue", q: "" });
    else if (command === "go-sensors") go({ page: "sensors" });
    else if (command === "search") go({ page: "queue", q: "" });
    else if (command === "undo") void desk.undo();
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
    if (event.key === "Shift") return; // on the way to a capital: must not break a row of two keys
    if (event.key === "Enter" && target.closest("a, button, summary")) return;
    if (SCROLL_KEYS.has(event.key) && target.closest(SCROLLS)) return;
    if (!shortcuts && event.key.length === 1) return;
    const command = keys.feed(event.key, route.page, performance.now());
    if (command && (dispatch(command) || everywhere(command))) event.preventDefault();
}

async function start(): Promise<void> {
    document.documentElement.dataset.theme = app.state.theme;
    window.addEventListener("keydown", onKey);
    const onRoute = () => app.set({ route: readRoute(location.hash) });
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
