// Workspace Trust: what the user said to VS Code about a folder is passed to the server.
import * as vscode from "vscode";
import type { Status } from "./protocol";
import type { ServerSession } from "./server/session";

const TRUST = "Trust this folder";

export class WorkspaceTrust {
  #passed: Promise<void> = Promise.resolve();

  constructor(private readonly log: vscode.LogOutputChannel) {}

  /** Pass on the trust in the window's folders, for those about which the server has no decision yet. */
  async pass(session: ServerSession): Promise<void> {
    if (userTrusts()) {
      this.#passed = this.#pass(session).catch((error: unknown) => this.log.warn(`trust could not be passed on: ${String(error)}`));
      await this.#passed;
    }
  }

  /**
   * Answer a question of the server's. Its question about a folder is not shown in Restricted Mode, nor where trust was
   * just passed on; about files that have changed since, it is.
   */
  async answer(
    session: ServerSession | undefined,
    actions: readonly { readonly title: string }[],
    ask: () => Thenable<{ title: string } | undefined>,
  ): Promise<{ title: string } | null> {
    if (!actions.some((action) => action.title === TRUST)) {
      return (await ask()) ?? null;
    }
    if (!vscode.workspace.isTrusted) {
      return null;
    }
    if (userTrusts() && session) {
      await this.pass(session);
      const states = Object.values(await trustStates(session));
      if (!states.some((state) => state === "untrusted" || state === "changed")) {
        return null;
      }
    }
    return (await ask()) ?? null;
  }

  async #pass(session: ServerSession): Promise<void> {
    for (const [folder, state] of Object.entries(await trustStates(session))) {
      if (state === "untrusted") {
        await session.execute("missy.trustWorkspace", { folder, trust: true });
        this.log.info(`trust in ${folder} is passed on to the server`);
      }
    }
  }
}

async function trustStates(session: ServerSession): Promise<Status["trust"]> {
  return (await session.execute<Status>("missy.status")).trust;
}

/** Where Workspace Trust is switched off, nobody was asked, and the server asks itself. */
function userTrusts(): boolean {
  return vscode.workspace.isTrusted && vscode.workspace.getConfiguration("security").get<boolean>("workspace.trust.enabled", true);
}
