// SPDX-License-Identifier: Apache-2.0
// Who answers the keyboard: the newest part of the page first, until one takes the command.
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Command } from "./keys.ts";

export type Handler = (command: Command) => boolean;

const handlers: Handler[] = [];

export function dispatch(command: Command): boolean {
    for (let i = handlers.length - 1; i >= 0; i--) if (handlers[i]!(command)) return true;
    return false;
}

/**
 * Answers commands while the component is on the page, from the moment it stands there: a key may
 * come before the first paint. The handler may close over what was last drawn.
 */
export function useCommands(handler: Handler): void {
    const latest = useRef(handler);
    latest.current = handler;
    useLayoutEffect(() => {
        const stable: Handler = (command) => latest.current(command);
        handlers.push(stable);
        return () => void handlers.splice(handlers.indexOf(stable), 1);
    }, []);
}
