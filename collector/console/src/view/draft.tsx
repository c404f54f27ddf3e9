// SPDX-License-Identifier: Apache-2.0
// A new notice about an incident: the collector drafts it, the analyst reads, changes and sends it.
import { useEffect, useState } from "preact/hooks";
import { draftNotice, type Notice } from "../api/notices.ts";
import type { Incident } from "../api/types.ts";
import { t } from "../msg/index.ts";
import { sayProblem } from "../model/desk.ts";
import { Dialog } from "./dialog.tsx";
import { NoticeView } from "./notice.tsx";
import { Failed } from "./form.tsx";

export function DraftDialog({ row, onClose }: { row: Incident; onClose: () => void }) {
    const [one, setOne] = useState<Notice | null>(null);
    const [failed, setFailed] = useState<string | null>(null);
    useEffect(() => {
        draftNotice(row.id).then(setOne, (err) => setFailed(sayProblem(err)));
    }, []);
    return (
        <Dialog title={t("notice.title", { id: row.id })} onClose={onClose} wide>
            {!one && !failed && <p class="loading">{t("page.loading")}</p>}
            <Failed why={failed} />
            {one && <NoticeView one={one} onChanged={setOne} />}
        </Dialog>
    );
}
