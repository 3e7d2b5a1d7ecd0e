import assert from "node:assert/strict";
import test from "node:test";
import { besideInterpreter, besideServer, environmentProgram, isInside, isServerNewEnough, searchPath, withHome } from "../src/server/candidates";

test("relative and empty entries of PATH are left out, and those inside the workspace", () => {
  const value = ["", ".", "bin", "/usr/bin", "/srv/someone/project/.venv/bin", "/srv/someone/project", "/srv/someone/project-2/bin"].join(":");
  assert.deepEqual(searchPath(value, ["/srv/someone/project"], "linux"), ["/usr/bin", "/srv/someone/project-2/bin"]);
});

test("quoted entries and drive letters of Windows are understood", () => {
  const value = 'C:\\Python\\Scripts;"C:\\Program Files\\Missy";d:\\project\\venv\\Scripts;tools';
  assert.deepEqual(searchPath(value, ["D:\\Project"], "win32"), ["C:\\Python\\Scripts", "C:\\Program Files\\Missy"]);
});

test("a PATH that is not set has no folders", () => {
  assert.deepEqual(searchPath(undefined, [], "linux"), []);
});

const HOMES: readonly [string, string, NodeJS.Platform, string][] = [
  ["~/bin/missy-lsp", "/srv/someone", "linux", "/srv/someone/bin/missy-lsp"],
  ["~/bin/missy-lsp.exe", "D:\\someone", "win32", "D:\\someone\\bin\\missy-lsp.exe"],
  ["~\\bin\\missy-lsp.exe", "D:\\someone", "win32", "D:\\someone\\bin\\missy-lsp.exe"],
  ["~other/missy-lsp", "/srv/someone", "linux", "~other/missy-lsp"],
  ["/usr/bin/missy-lsp", "/srv/someone", "linux", "/usr/bin/missy-lsp"],
];
for (const [file, home, platform, expected] of HOMES) {
  test(`${file} is ${expected} on ${platform}`, () => {
    assert.equal(withHome(file, home, platform), expected);
  });
}

const INSIDE: readonly [string, string, NodeJS.Platform, boolean][] = [
  ["/a/b", "/a", "linux", true],
  ["/a", "/a", "linux", true],
  ["/ab", "/a", "linux", false],
  ["/a/../b", "/a", "linux", false],
  ["/a/..b", "/a", "linux", true],
  ["/A/b", "/a", "linux", false],
  ["/A/b", "/a", "darwin", true],
  ["C:\\A\\b", "c:\\a", "win32", true],
  ["D:\\a\\b", "C:\\a", "win32", false],
];
for (const [file, folder, platform, expected] of INSIDE) {
  test(`${file} is ${expected ? "" : "not "}inside ${folder} on ${platform}`, () => {
    assert.equal(isInside(file, folder, platform), expected);
  });
}

test("programs stand where each platform puts them", () => {
  assert.deepEqual(besideInterpreter("/env/bin/python", "linux"), ["/env/bin/missy-lsp"]);
  assert.deepEqual(besideInterpreter("C:\\Python\\python.exe", "win32"), ["C:\\Python\\missy-lsp.exe", "C:\\Python\\Scripts\\missy-lsp.exe"]);
  assert.equal(environmentProgram("C:\\env", "python", "win32"), "C:\\env\\Scripts\\python.exe");
  assert.equal(environmentProgram("/env", "python", "darwin"), "/env/bin/python");
  assert.equal(besideServer("/env/bin/missy-lsp", "linux"), "/env/bin/missy");
  assert.equal(besideServer("C:\\env\\Scripts\\missy-lsp.exe", "win32"), "C:\\env\\Scripts\\missy.exe");
});

const VERSIONS: readonly [string, string, boolean][] = [
  ["0.1.0", "0.1.0", true],
  ["0.1.3", "0.1.9", true],
  ["0.2.0", "0.1.0", true],
  ["0.1.0", "0.2.0", false],
  ["1.0.0", "0.9.0", false],
  ["unknown", "0.1.0", false],
];
for (const [server, extension, expected] of VERSIONS) {
  test(`server ${server} ${expected ? "serves" : "is not for"} extension ${extension}`, () => {
    assert.equal(isServerNewEnough(server, extension), expected);
  });
}
