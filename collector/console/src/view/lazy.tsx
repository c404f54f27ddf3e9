// SPDX-License-Identifier: Apache-2.0
// A page that is fetched when it is first opened, so that the queue does not wait for it.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../msg/index.ts";

/** `sayFailed` is told when it could not be fetched; without it the guard around the page says it. */
export function lazy<P extends object>(
    load: () => Promise<ComponentType<P>>,
    sayFailed?: (err: unknown) => void,
): ComponentType<P> {
    let known: ComponentType<P> | null = null;
    return function Lazy(props: P) {
        const [found, setFound] = useState<{ view: ComponentType<P> | null; failed: unknown }>({
            view: known,
            failed: null,
        });
        useEffect(() => {
            if (known) return;
            let live = true;
            load().then(
                (view) => {
                    known = view;
                    if (live) setFound({ view, failed: null });
                },
                (failed) => {
                    if (!live) return;
                    if (sayFailed) sayFailed(failed);
                    else setFound({ view: null, failed });
                },
            );
            return () => void (live = false);
        }, []);
        if (found.failed) throw found.failed;
        const View = found.view;
        return View ? <View {...props} /> : <p class="loading">{t("page.loading")}</p>;
    };
}
