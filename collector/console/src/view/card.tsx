// SPDX-License-Identifier: Apache-2.0
// A card with a heading that is one step deeper beside the queue than on a page of its own.
import { createContext, type ComponentChildren } from "preact";
import { useContext } from "preact/hooks";

export const Depth = createContext(2);

export function Card({
    title,
    aside,
    kind,
    children,
}: {
    title: string;
    aside?: ComponentChildren;
    kind: string;
    children: ComponentChildren;
}) {
    const Heading = useContext(Depth) === 2 ? "h2" : "h3";
    return (
        <section class={`card card-${kind}`}>
            <Heading>
                {title}
                {aside && <span class="aside">{aside}</span>}
            </Heading>
            {children}
        </section>
    );
}
