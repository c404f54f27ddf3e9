// SPDX-License-Identifier: Apache-2.0
// The same question asked again and again: on a slow line an answer may be overtaken by a later one.
import { useRef } from "preact/hooks";

type Hear = <T>(
    asked: Promise<T>,
    heard: (answer: T) => void,
    failed: (err: unknown) => void,
) => Promise<void>;

/** Hears answers in the order in which they were asked for; one that was overtaken is dropped. */
export function useNewest(): Hear {
    const asked = useRef(0);
    const heard = useRef(0);
    const hear = useRef<Hear>((answer, use, fail) => {
        const turn = ++asked.current;
        const inTurn = () => turn > heard.current && ((heard.current = turn), true);
        return answer.then(
            (found) => void (inTurn() && use(found)),
            (err) => void (inTurn() && fail(err)),
        );
    });
    return hear.current;
}
