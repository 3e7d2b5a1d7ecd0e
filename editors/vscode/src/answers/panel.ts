// The answer panel: one webview beside the code. What it shows lives here, so that it may be hidden or closed.
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { Conversation } from "./conversations";
import { type FromPage, isFromPage, type ToPage } from "./messages";

export const PANEL_TYPE = "missy.answer";

export class AnswerPanel implements vscode.Disposable {
  readonly #messages = new vscode.EventEmitter<FromPage>();
  #panel: vscode.WebviewPanel | undefined;
  #isReady = false;
  #conversation: Conversation | undefined;

  /** What the user does in the page. */
  readonly onMessage = this.#messages.event;

  constructor(private readonly extensionUri: vscode.Uri) {}

  get conversation(): Conversation | undefined {
    return this.#conversation;
  }

  /** Whether the user can see the panel now. */
  get isVisible(): boolean {
    return this.#panel?.visible ?? false;
  }

  /** Show a conversation, with the panel in sight; the focus stays where it is. */
  show(conversation: Conversation): void {
    this.#conversation = conversation;
    if (this.#panel) {
      if (!this.#panel.visible) {
        this.#panel.reveal(undefined, true);
      }
      this.#sendAll();
      return;
    }
    const place = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    this.#adopt(vscode.window.createWebviewPanel(PANEL_TYPE, "Missy", place, this.#options()), conversation);
  }

  /**
   * Take over a panel that VS Code brings back after a restart. That may be late, when its tab is first looked at: what was
   * asked by then goes on in it.
   */
  revive(panel: vscode.WebviewPanel, kept: Conversation | undefined): void {
    this.#adopt(panel, this.#conversation ?? kept);
  }

  #adopt(panel: vscode.WebviewPanel, conversation: Conversation | undefined): void {
    this.#panel?.dispose();
    this.#panel = panel;
    this.#conversation = conversation;
    this.#isReady = false;
    panel.iconPath = vscode.Uri.joinPath(this.extensionUri, "media", "missy.svg");
    panel.webview.options = this.#options();
    panel.webview.onDidReceiveMessage((message: unknown) => {
      if (!isFromPage(message)) {
        return;
      }
      if (message.type === "ready") {
        this.#isReady = true; // also when it was hidden and is loaded again
        this.#sendAll();
      }
      this.#messages.fire(message);
    });
    panel.onDidChangeViewState(() => {
      if (!panel.visible) {
        this.#isReady = false;
      }
    });
    panel.onDidDispose(() => {
      if (this.#panel === panel) {
        this.#panel = undefined;
        this.#isReady = false;
      }
    });
    panel.webview.html = this.#page(panel.webview);
    this.#setTitle();
  }

  /** Show a changed conversation, where the panel is open. */
  update(conversation: Conversation): void {
    if (this.#conversation?.id === conversation.id) {
      this.#conversation = conversation;
      this.#sendAll();
    }
  }

  /** Show more text of the last turn; `conversation` holds it already. */
  append(conversation: Conversation, text: string): void {
    if (this.#conversation?.id === conversation.id) {
      this.#conversation = conversation;
      this.#send({ type: "text", text, sentAt: Date.now() });
    }
  }

  dispose(): void {
    this.#messages.dispose();
  }

  #sendAll(): void {
    this.#setTitle();
    this.#send({ type: "show", conversation: this.#conversation });
  }

  #send(message: ToPage): void {
    if (this.#isReady) {
      void this.#panel?.webview.postMessage(message);
    }
  }

  #setTitle(): void {
    if (this.#panel) {
      const words = this.#conversation?.turns[0]?.question.replace(/\s+/g, " ") ?? "";
      this.#panel.title = words === "" ? "Missy" : `Missy: ${words.length > 30 ? `${words.slice(0, 29)}…` : words}`;
    }
  }

  #options(): vscode.WebviewOptions & vscode.WebviewPanelOptions {
    return {
      enableScripts: true,
      enableCommandUris: false,
      enableForms: true, // the follow-up question; form-action below lets it go nowhere
      enableFindWidget: true,
      localResourceRoots: [vscode.Uri.joinPath(this.extensionUri, "dist")],
    };
  }

  #page(webview: vscode.Webview): string {
    const nonce = randomBytes(16).toString("base64url");
    const script = webview.asWebviewUri(vscode.Uri.joinPath(this.extensionUri, "dist", "webview.js"));
    const style = webview.asWebviewUri(vscode.Uri.joinPath(this.extensionUri, "dist", "webview.css"));
    const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${webview.cspSource}; form-action 'none'; base-uri 'none'`;
    return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${style.toString()}">
<title>Missy</title>
</head>
<body><script nonce="${nonce}" src="${script.toString()}"></script></body>
</html>`;
  }
}
