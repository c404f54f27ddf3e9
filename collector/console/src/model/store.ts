// SPDX-License-Identifier: Apache-2.0
// A value that can be watched, and the hook that redraws a component when the part it looks at has
// changed.
import { useEffect, useState } from "preact/hooks";

export class Store<T extends object> {
    private readonly watchers = new Set<() => void>();

    constructor(private value: T) {}

    get state(): Readonly<T> {
        return this.value;
    }

    set(patch: Partial<T>): void {
        this.value = { ...this.value, ...patch };
        for (const watcher of [...this.watchers]) watcher();
    }

    watch(watcher: () => void): () => void {
        this.watchers.add(watcher);
        return () => void this.watchers.delete(watcher);
    }
}

/** `pick` must return something comparable by identity: a field, not a fresh object. */
export function useStore<T extends object, R>(store: Store<T>, pick: (state: Readonly<T>) => R): R {
    const picked = pick(store.state);
    const [, redraw] = useState({});
    useEffect(() => {
        let last = pick(store.state);
        if (last !== picked) redraw({}); // changed between drawing and watching
        return store.watch(() => {
            const now = pick(store.state);
            if (now === last) return;
            last = now;
            redraw({});
        });
    }, [store]);
    return picked;
}
