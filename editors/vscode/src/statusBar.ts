// The status bar item: which provider serves, what goes on, and what is wrong.
import * as vscode from "vscode";
import type { Provider } from "./protocol";
import { priceWords } from "./protocol";
import type { ServerState } from "./server/session";

export interface Facts {
  readonly state: ServerState;
  readonly running: readonly string[];
  readonly pending: number;
  readonly provider?: Provider | undefined;
  readonly todayUsd?: number | undefined;
}

export class StatusBar implements vscode.Disposable {
  readonly #item: vscode.StatusBarItem;

  constructor() {
    this.#item = vscode.window.createStatusBarItem("missy.status", vscode.StatusBarAlignment.Right, 90);
    this.#item.name = "Missy";
    this.#item.command = "missy.showMenu";
    this.#item.show();
  }

  show(facts: Facts): void {
    const { text, tooltip, isWarning } = words(facts);
    this.#item.text = text;
    this.#item.tooltip = tooltip;
    this.#item.accessibilityInformation = { label: tooltip.replaceAll("\n", ", "), role: "button" };
    this.#item.backgroundColor = isWarning ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
  }

  dispose(): void {
    this.#item.dispose();
  }
}

function words(facts: Facts): { text: string; tooltip: string; isWarning: boolean } {
  const { state, provider, running, pending } = facts;
  if (state === "starting") {
    return { text: "$(loading~spin) Missy", tooltip: "Missy: the server is starting", isWarning: false };
  }
  if (state !== "running") {
    return { text: "$(warning) Missy", tooltip: "Missy: the server does not run", isWarning: true };
  }
  const cost = facts.todayUsd === undefined ? "" : ` ${priceWords(facts.todayUsd)}`;
  const lines = [provider ? `Missy: ${provider.name} (${provider.model})` : "Missy"];
  if (facts.todayUsd !== undefined) {
    lines.push(`today: ${priceWords(facts.todayUsd)}`);
  }
  if (pending > 0) {
    lines.push(pending === 1 ? "one change waits for review" : `${pending} changes wait for review`);
  }
  if (running.length > 0) {
    return { text: `$(sync~spin) Missy${cost}`, tooltip: [...lines, `running: ${running.join(", ")}`].join("\n"), isWarning: false };
  }
  if (provider && !provider.available) {
    return { text: "$(key) Missy", tooltip: `Missy: ${provider.name} is unavailable: ${provider.reason ?? ""}`, isWarning: true };
  }
  const name = provider?.name ?? "Missy";
  return { text: `$(sparkle) ${name}${cost}${pending > 0 ? ` $(diff) ${pending}` : ""}`, tooltip: lines.join("\n"), isWarning: false };
}
