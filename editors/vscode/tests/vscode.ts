// As much of the module `vscode` as the answer panel and the store need, for tests that run without VS Code. Import it before what it serves.
import Module from "node:module";

type Listener = (value: unknown) => void;

/** A panel that keeps what it is sent, and whose page and user are the test's. */
export class Panel {
  readonly sent: { readonly type: string; readonly conversation?: unknown }[] = [];
  readonly webview = {
    html: "",
    options: {},
    cspSource: "self",
    asWebviewUri: (uri: unknown): unknown => uri,
    onDidReceiveMessage: (listener: Listener): void => void (this.#receive = listener),
    postMessage: (message: Panel["sent"][number]): void => void this.sent.push(message),
  };
  title = "";
  visible = true;
  isDisposed = false;
  iconPath: unknown;
  #receive: Listener = () => undefined;
  #disposed: () => void = () => undefined;

  /** Do what the page does when it is loaded. */
  load(): void {
    this.#receive({ type: "ready" });
  }

  onDidChangeViewState(): void {}

  onDidDispose(listener: () => void): void {
    this.#disposed = listener;
  }

  reveal(): void {
    this.visible = true;
  }

  dispose(): void {
    this.isDisposed = true;
    this.#disposed();
  }
}

class EventEmitter {
  readonly #listeners: Listener[] = [];
  readonly event = (listener: Listener): void => void this.#listeners.push(listener);

  fire(value: unknown): void {
    this.#listeners.forEach((listener) => listener(value));
  }

  dispose(): void {}
}

/** The settings below `missy`, by what follows in their names. */
export const settings: Record<string, unknown> = {};

const workspace = { getConfiguration: () => ({ get: (name: string, other: unknown) => settings[name] ?? other }) };
const vscode = {
  workspace, EventEmitter, ViewColumn: { Beside: -2 }, Uri: { joinPath: (...parts: unknown[]) => parts.join("/") }, window: { createWebviewPanel: () => new Panel() } };
const loader = Module as unknown as { _load(name: string, ...more: unknown[]): unknown };
const load = loader._load;
loader._load = (name, ...more) => (name === "vscode" ? vscode : load(name, ...more));
