// SPDX-License-Identifier: Apache-2.0
// Bundles the console: `node build.mjs [--out DIR]`; `--test` bundles and runs the unit tests instead; `--watch` rebuilds.
import { build, context } from "esbuild";
import { spawnSync } from "node:child_process";
import {
    cpSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const args = process.argv.slice(2);
const flag = (name) => args.includes(name);
const value = (name, otherwise) => (args.includes(name) ? args[args.indexOf(name) + 1] : otherwise);
const out = resolve(value("--out", join(here, "dist")));

const shared = {
    bundle: true,
    format: "esm",
    jsx: "automatic",
    jsxImportSource: "preact",
    logLevel: "warning",
    absWorkingDir: here,
};

const page = {
    ...shared,
    entryPoints: { app: "src/main.tsx", style: "src/style/index.css" },
    target: ["es2022", "chrome110", "firefox110", "safari16"],
    minify: !flag("--watch"),
    sourcemap: flag("--watch") ? "linked" : false,
    legalComments: "none",
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    splitting: true,
    outdir: out,
    metafile: true,
};

/** What the script needs at once is asked for together with it, not after it was read. */
function preloads(metafile, app) {
    const [, entry] = Object.entries(metafile.outputs).find(([path]) => basename(path) === app);
    return entry.imports
        .filter(({ kind }) => kind === "import-statement")
        .map(({ path }) => `<link rel="modulepreload" href="${basename(path)}">\n`)
        .join("");
}

// The page names its script and style by content hash, so a new release is never mixed with a cached old one.
function writePage(metafile) {
    const built = Object.keys(metafile.outputs).map((path) => basename(path));
    const named = (stem, ext) =>
        built.find((name) => name.startsWith(`${stem}-`) && name.endsWith(ext));
    const app = named("app", ".js");
    const html = readFileSync(join(here, "src/index.html"), "utf8")
        .replace("</head>", `${preloads(metafile, app)}</head>`)
        .replace("app.js", app)
        .replace("style.css", named("style", ".css"));
    writeFileSync(join(out, "index.html"), html);
    cpSync(join(here, "src/favicon.svg"), join(out, "favicon.svg"));
}

async function bundle() {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    const result = await build(page);
    writePage(result.metafile);
}

async function watch() {
    const refresh = {
        name: "page",
        setup: (b) => b.onEnd((r) => r.metafile && writePage(r.metafile)),
    };
    mkdirSync(out, { recursive: true });
    const running = await context({ ...page, entryNames: "[name]-dev", plugins: [refresh] });
    await running.watch();
}

async function test() {
    const dir = mkdtempSync(join(tmpdir(), "abeng-console-"));
    const names = readdirSync(join(here, "test")).filter((name) => name.endsWith(".test.ts"));
    await build({
        ...shared,
        entryPoints: names.map((name) => join("test", name)),
        platform: "node",
        target: "node18",
        outdir: dir,
        outExtension: { ".js": ".mjs" },
    });
    const files = names.map((name) => join(dir, name.replace(/\.ts$/, ".mjs")));
    const run = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" });
    rmSync(dir, { recursive: true, force: true });
    process.exitCode = run.status ?? 1;
}

await (flag("--test") ? test() : flag("--watch") ? watch() : bundle());
