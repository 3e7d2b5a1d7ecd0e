// The commands that show facts: providers, usage, the last answers, the menu of the status bar.
import * as vscode from "vscode";
import type { Asking } from "../answers/asking";
import type { AnswerPanel } from "../answers/panel";
import type { AnswerStore } from "../answers/store";
import { type Provider, priceWords } from "../protocol";
import type { ServerSession } from "../server/session";

/** Missy: List Providers: says which there are and why one is not available; choosing one uses it from now on. */
export async function showProviders(server: ServerSession): Promise<Provider[] | undefined> {
  const providers = await server.execute<Provider[]>("missy.listProviders");
  const items = providers.map((provider) => ({
    label: `${provider.available ? "$(check)" : "$(warning)"} ${provider.name}`,
    description: `${provider.model}${provider.default ? " · in use" : ""}`,
    detail: [
      provider.available ? "available" : `unavailable: ${provider.reason ?? ""}`,
      ...(provider.keys.count > 0 ? [`${provider.keys.count === 1 ? "a key" : `${provider.keys.count} keys`} from ${provider.keys.source ?? "the configuration"}`] : []),
      ...(provider.baseUrl === null ? [] : [provider.baseUrl]),
    ].join(" · "),
    provider,
  }));
  const chosen = await vscode.window.showQuickPick(items, { title: "Missy: providers", placeHolder: "Choose the provider for this session" });
  return chosen && !chosen.provider.default ? server.execute<Provider[]>("missy.switchProvider", { name: chosen.provider.name }) : undefined;
}

/** Read-only pages of facts, in Markdown. */
export class Pages implements vscode.TextDocumentContentProvider {
  static readonly scheme = "missy-page";
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #texts = new Map<string, string>();

  readonly onDidChange = this.#changed.event;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.path) ?? "";
  }

  /** Show a page as VS Code shows Markdown, or as text where its Markdown preview is switched off. */
  async show(name: string, text: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: Pages.scheme, path: `/${name}` });
    this.#texts.set(uri.path, text);
    this.#changed.fire(uri);
    try {
      await vscode.commands.executeCommand("markdown.showPreview", uri);
    } catch {
      await vscode.window.showTextDocument(uri, { preview: true }); // the built-in Markdown extension is disabled
    }
  }
}

/** Missy: Show Usage, as a page of its own. */
export async function showUsage(server: ServerSession, pages: Pages): Promise<void> {
  if (!server.has("missy.usage")) {
    void vscode.window.showInformationMessage("Missy: this server keeps no usage yet. Each answer shows its own tokens and price.");
    return;
  }
  const usage = await server.execute<UsageReport>("missy.usage");
  await pages.show("Missy usage.md", `# Usage\n\n${asMarkdown(usage)}\n`);
}

/** Return what has been spent today; undefined where the server does not tell. */
export async function spentToday(server: ServerSession): Promise<number | undefined> {
  if (!server.has("missy.usage")) {
    return undefined;
  }
  const usage = await server.execute<{ readonly todayUsd?: unknown }>("missy.usage").catch(() => undefined);
  return typeof usage?.todayUsd === "number" ? usage.todayUsd : undefined;
}

/** Missy: Show Last Answers… */
export async function showLastAnswers(store: AnswerStore, panel: AnswerPanel): Promise<void> {
  const kept = store.all();
  if (kept.length === 0) {
    void vscode.window.showInformationMessage("Missy: no answers are kept for this folder.");
    return;
  }
  const items = kept.map((conversation) => ({
    label: conversation.turns[0]?.question.replace(/\s+/g, " ").slice(0, 100) ?? "",
    description: conversation.about,
    detail: `${new Date(conversation.startedAt).toLocaleString()}${conversation.turns.length > 1 ? ` · ${conversation.turns.length} questions` : ""}`,
    conversation,
  }));
  const chosen = await vscode.window.showQuickPick(items, { title: "Missy: last answers", placeHolder: "Show which one?", matchOnDescription: true });
  if (chosen) {
    await store.show(chosen.conversation);
    panel.show(chosen.conversation);
  }
}

/** The menu behind the status bar item. */
export async function showMenu(): Promise<void> {
  const entries: [string, string][] = [
    ["$(comment-discussion) Ask…", "missy.askQuestion"],
    ["$(edit) Edit Selection…", "missy.editSelection"],
    ["$(history) Show Last Answers…", "missy.showLastAnswers"],
    ["$(debug-stop) Stop", "missy.stopRequests"],
    ["$(server) List Providers", "missy.showProviders"],
    ["$(graph) Show Usage", "missy.showUsage"],
    ["$(key) Store API Key…", "missy.storeApiKey"],
    ["$(refresh) Restart Server", "missy.restartServer"],
    ["$(output) Show Log", "missy.showLog"],
  ];
  const chosen = await vscode.window.showQuickPick(entries.map(([label, command]) => ({ label, command })), { title: "Missy" });
  if (chosen) {
    await vscode.commands.executeCommand(chosen.command);
  }
}

/** Do what the user asks for in the answer panel. */
export function servePanel(panel: AnswerPanel, asking: Asking, editorBeside: () => vscode.TextEditor | undefined): vscode.Disposable {
  return panel.onMessage((message) => {
    switch (message.type) {
      case "stop":
        asking.stop();
        break;
      case "ask":
        void asking.followUp(message.question);
        break;
      case "retry":
        void asking.retry(message.oneTierUp);
        break;
      case "copy":
        void vscode.env.clipboard.writeText(message.text).then(() => vscode.window.setStatusBarMessage("$(copy) Missy: copied", 3000));
        break;
      case "insert":
        void insert(message.text, editorBeside());
        break;
      case "link":
        void openLink(message.href);
        break;
      case "storeKey":
        void vscode.commands.executeCommand("missy.storeApiKey");
        break;
      case "firstText":
        asking.firstTextShown();
        break;
      default:
        break;
    }
  });
}

async function insert(text: string, editor: vscode.TextEditor | undefined): Promise<void> {
  if (!editor) {
    void vscode.window.showInformationMessage("Missy: there is no open editor to insert into. Put the cursor where the text should go, then try again.");
    return;
  }
  await vscode.window.showTextDocument(editor.document, { viewColumn: editor.viewColumn ?? vscode.ViewColumn.One, preserveFocus: false });
  const isDone = await editor.edit((edit) => edit.replace(editor.selection, text));
  if (!isDone) {
    void vscode.window.showWarningMessage("Missy: the text could not be inserted: the document is read-only, or it changed at this moment.");
  }
}

/** Open a link of an answer, after the user has seen where it leads. */
async function openLink(href: string): Promise<void> {
  if (!/^(https?:|mailto:)/i.test(href)) {
    return;
  }
  const OPEN = "Open";
  if ((await vscode.window.showWarningMessage("The answer holds a link. Open it?", { modal: true, detail: href }, OPEN)) === OPEN) {
    await vscode.env.openExternal(vscode.Uri.parse(href, true));
  }
}

interface Sum {
  readonly key?: string;
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheCreationTokens: number;
  readonly costUsd: number;
}

interface UsageReport {
  readonly todayUsd?: number;
  readonly total?: Sum;
  readonly byModel?: readonly Sum[];
  readonly byTier?: readonly Sum[];
  readonly byDay?: readonly Sum[];
}

function asMarkdown(usage: UsageReport): string {
  const total = usage.total;
  if (!total || total.requests === 0) {
    return "Nothing has been used yet.";
  }
  const parts = usage.todayUsd === undefined ? [] : [`Today: **${priceWords(usage.todayUsd)}**`];
  for (const [name, sums] of [["day", usage.byDay], ["model", usage.byModel], ["tier", usage.byTier]] as const) {
    if (sums && sums.length > 0) {
      parts.push(table(name, [...sums, { ...total, key: "total" }]));
    }
  }
  return parts.join("\n\n");
}

function table(name: string, sums: readonly Sum[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
  const rows = sums.map((sum) =>
    line([(sum.key ?? "").replaceAll("|", "\\|"), sum.requests, sum.inputTokens, sum.cacheReadTokens + sum.cacheCreationTokens, sum.outputTokens, priceWords(sum.costUsd)]),
  );
  return [line([name, "requests", "tokens in", "cached", "out", "price"]), "| --- | --: | --: | --: | --: | --: |", ...rows].join("\n");
}
