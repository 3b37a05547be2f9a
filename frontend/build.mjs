// Fills static/vendor, and the icon sprite, from the pinned packages in package-lock.json.
// Run by hand (`npm ci && npm run build`) when a version changes; the result is committed, so
// that running or testing the console needs no Node.
import { build } from "esbuild";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const VENDOR = new URL("../static/vendor/", import.meta.url);
const SPRITE = new URL("../templates/kit/_icons.html", import.meta.url);
const MODULES = new URL("./node_modules/", import.meta.url);

const FILES = [
  ["htmx.org", "dist/htmx.min.js", "htmx.min.js"],
  ["htmx.org", "dist/ext/hx-ptag.min.js", "hx-ptag.min.js"],
  ["@tabler/core", "dist/css/tabler.min.css", "tabler.min.css"],
  ["uplot", "dist/uPlot.iife.min.js", "uPlot.iife.min.js"],
  ["uplot", "dist/uPlot.min.css", "uPlot.min.css"],
  ["@fontsource-variable/inter", "files/inter-latin-wght-normal.woff2", "inter-latin-wght-normal.woff2"],
  [
    "@fontsource-variable/jetbrains-mono",
    "files/jetbrains-mono-latin-wght-normal.woff2",
    "jetbrains-mono-latin-wght-normal.woff2",
  ],
];
const LICENCES = {
  "htmx.org": "LICENSE",
  uplot: "LICENSE",
  "@fontsource-variable/inter": "LICENSE",
  "@fontsource-variable/jetbrains-mono": "LICENSE",
  "@tabler/icons": "LICENSE",
  codemirror: "LICENSE",
};

function manifest(name) {
  return JSON.parse(readFileSync(new URL(`${name}/package.json`, MODULES), "utf8"));
}

// A map that is not shipped must not be named: the manifest storage looks for it.
function copyText(from, to) {
  const text = readFileSync(from, "utf8");
  writeFileSync(to, text.replace(/\n?(\/\/|\/\*)# sourceMappingURL=\S+( \*\/)?\s*$/, "\n"));
}

function copyFiles() {
  for (const [name, path, target] of FILES) {
    const from = new URL(`${name}/${path}`, MODULES);
    const to = new URL(target, VENDOR);
    if (/\.(js|css)$/.test(target)) copyText(from, to);
    else copyFileSync(from, to);
  }
}

function copyLicences() {
  for (const [name, path] of Object.entries(LICENCES)) {
    const to = new URL(`licences/${name.replace(/^@/, "").replace("/", "-")}.txt`, VENDOR);
    copyFileSync(new URL(`${name}/${path}`, MODULES), to);
  }
  // the package ships no licence file; its banner names MIT and its holders
  const banner = readFileSync(new URL("@tabler/core/dist/css/tabler.min.css", MODULES), "utf8");
  const holders = banner.match(/Copyright [^\n]+/g).map((line) => line.trim());
  const terms = readFileSync(new URL("@tabler/icons/LICENSE", MODULES), "utf8")
    .split("\n")
    .filter((line) => !line.startsWith("Copyright"))
    .join("\n");
  const text = terms.replace("MIT License\n", `MIT License\n\n${holders.join("\n")}`);
  writeFileSync(new URL("licences/tabler-core.txt", VENDOR), text);
}

async function buildEditor() {
  await build({
    entryPoints: [new URL("editor-bundle.js", import.meta.url).pathname],
    outfile: new URL("codemirror.min.js", VENDOR).pathname,
    bundle: true,
    minify: true,
    format: "iife",
    globalName: "CodeMirrorBundle",
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
  });
}

function symbol(name) {
  const svg = readFileSync(new URL(`@tabler/icons/icons/outline/${name}.svg`, MODULES), "utf8");
  const shapes = svg.match(/<(path|circle|rect|line|polyline)[^>]*\/>/g);
  return `<symbol id="i-${name}" viewBox="0 0 24 24">${shapes.join("").replaceAll(" />", "/>")}</symbol>`;
}

// Symbols share lines: one a line would make the sprite the longest template of all.
function writeSprite() {
  const names = readFileSync(new URL("icons.txt", import.meta.url), "utf8").trim().split(/\s+/).sort();
  const lines = [];
  for (let at = 0; at < names.length; at += 2) {
    lines.push(names.slice(at, at + 2).map(symbol).join(""));
  }
  writeFileSync(SPRITE, `{# built by frontend/build.mjs from frontend/icons.txt #}\n${lines.join("\n")}\n`);
}

function writeVersions() {
  const names = Object.keys(manifest("..").dependencies);
  const lines = names.map((name) => {
    const { version, license } = manifest(name);
    return `${name} ${version} ${license}`;
  });
  writeFileSync(new URL("VERSIONS", VENDOR), `${lines.sort().join("\n")}\n`);
}

rmSync(VENDOR, { recursive: true, force: true });
mkdirSync(new URL("licences/", VENDOR), { recursive: true });
mkdirSync(new URL("./", SPRITE), { recursive: true });
copyFiles();
copyLicences();
await buildEditor();
writeSprite();
writeVersions();
