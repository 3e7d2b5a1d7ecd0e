import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string; readonly category?: string }[];
    readonly configuration: { readonly properties: Record<string, { readonly scope?: string }> };
    readonly keybindings: readonly { readonly command: string; readonly key: string; readonly mac: string; readonly when?: string }[];
    readonly menus: Record<string, readonly { readonly command?: string }[]>;
  };
  readonly capabilities: { readonly untrustedWorkspaces: { readonly supported: unknown; readonly restrictedConfigurations: readonly string[] } };
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
}

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
const { contributes, capabilities } = manifest;

const TITLES = [
  "Missy: Ask…", "Missy: Ask About Selection…", "Missy: Edit Selection…", "Missy: Run Action…", "Missy: Explain", "Missy: Accept Change",
  "Missy: Discard Change", "Missy: Show Pending Change", "Missy: Stop", "Missy: List Providers", "Missy: Show Usage", "Missy: Store API Key…",
  "Missy: Restart Server", "Missy: Show Log",
];
// The language client registers the server's commands under their own names.
const SERVER = [
  "ask", "runAction", "listProviders", "switchProvider", "listActions", "route", "preview", "accept", "discard", "retry", "showDiff", "editProposal", "stop", "result", "usage", "trustWorkspace", "status",
].map((name) => `missy.${name}`);

for (const title of TITLES) {
  test(`the palette has ${title}`, () => {
    const shown = contributes.commands.map((one) => (one.category ? `${one.category}: ${one.title}` : one.title));
    assert.equal(shown.filter((one) => one === title).length, 1);
  });
}

test("no command has a name of the server's", () => {
  assert.deepEqual(contributes.commands.map((one) => one.command).filter((name) => SERVER.includes(name)), []);
});

test("menus and keys name commands that are there", () => {
  const known = new Set(contributes.commands.map((one) => one.command));
  const named = [...contributes.keybindings, ...Object.values(contributes.menus).flat()].flatMap((one) => (one.command === undefined ? [] : [one.command]));
  assert.deepEqual(named.filter((name) => !known.has(name)), []);
});

test("every command is registered", () => {
  const source = readFileSync("src/extension.ts", "utf8");
  assert.deepEqual(contributes.commands.filter((one) => !source.includes(`"${one.command}":`)), []);
});

test("a repository can set none of our settings", () => {
  for (const [name, setting] of Object.entries(contributes.configuration.properties)) {
    assert.ok(["machine", "application"].includes(setting.scope ?? ""), name);
    assert.ok(capabilities.untrustedWorkspaces.restrictedConfigurations.includes(name), name);
  }
  assert.equal(capabilities.untrustedWorkspaces.supported, "limited");
});

test("keys work in the editor only, and each once", () => {
  assert.ok(contributes.keybindings.every((one) => one.when?.includes("editorTextFocus")));
  assert.equal(new Set(contributes.keybindings.flatMap((one) => [one.key, one.mac])).size, contributes.keybindings.length * 2);
});

test("what a model writes is never trusted", () => {
  const source = readFileSync("src/server/session.ts", "utf8");
  assert.match(source, /isTrusted: false, supportHtml: false/);
  for (const file of ["src/webview/webview.ts", "src/webview/markdown.ts"]) {
    assert.doesNotMatch(readFileSync(file, "utf8"), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b/);
  }
});

test("every dependency has an exact version", () => {
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
  }
});
