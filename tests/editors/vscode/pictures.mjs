// The pictures of the README and the pages: `make pictures`.
import fs from "node:fs";
import path from "node:path";

const CART = `from decimal import Decimal


class Cart:
    def __init__(self):
        self.lines = []

    def add(self, name, price, count=1):
        self.lines.append((name, Decimal(price), count))

    def total(self, vouchers):
        total = Decimal(0)
        for name, price, count in self.lines:
            total = total + price * count
        for voucher in vouchers:
            for name, price, count in self.lines:
                if name == voucher.name:
                    total = total - voucher.amount
        return total
`;

const steps = {
  "an answer beside the code": async ({ workbench, page }) => {
    await workbench.trust();
    await page.setViewportSize({ width: 1320, height: 600 });
    await workbench.openFile("cart.py");
    await page.keyboard.press("Control+B"); // the side bar is of no interest
    await workbench.selectLines(11, 19);
    await workbench.command("Missy: Ask About Selection…");
    await workbench.type("What happens with two equal vouchers?");
    await workbench.panel().getByRole("button", { name: "Copy this answer" }).waitFor();
    await workbench.clearNotifications();
    await page.mouse.move(600, 590);
    await page.waitForFunction(() => !document.querySelector(".quick-input-widget")?.checkVisibility({ opacityProperty: true }));
    await Promise.all(await page.evaluate(() => document.getAnimations().map((one) => one.finished.then(() => undefined, () => undefined))));
    await workbench.shot("vscode-answer");
  },

  "a change as a diff": async ({ workbench, page }) => {
    await page.keyboard.press("Control+B");
    await workbench.openFile("cart.py");
    await page.keyboard.press("Control+B");
    await workbench.selectLines(11, 19);
    await workbench.command("Missy: Edit Selection…");
    await workbench.type("take each voucher once");
    await workbench.toast("is ready at line").waitFor();
    await workbench.command("Missy: Show Pending Change");
    await page.locator(".monaco-diff-editor .view-line").filter({ hasText: "redeemed" }).first().waitFor();
    await workbench.shot("vscode-diff");
  },
};

function prepare({ code }) {
  fs.writeFileSync(path.join(code.workspace, "cart.py"), CART);
  fs.rmSync(path.join(code.workspace, "AGENTS.md"));
}

export const pictures = { steps, prepare, key: "sk-ant-api03-FAKE-0000-not-a-key" };
