// Our keys clash with no default of VS Code's, as it has them on each system. The system is what the browser says.
import { Browser } from "./code_server.mjs";
import { INSIDE, runInside } from "./host.mjs";

const CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
const AGENTS = {
  linux: `Mozilla/5.0 (X11; Linux x86_64) ${CHROME}`,
  windows: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROME}`,
  mac: `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${CHROME}`,
};

const steps = Object.fromEntries(
  Object.entries(AGENTS).map(([system, userAgent]) => [
    `no key clashes on ${system}`,
    async ({ code, root, folder }) => {
      const browser = await Browser.open(folder, { userAgent });
      try {
        return await runInside(browser.page, code, root, "keys.js");
      } finally {
        await browser.close();
      }
    },
  ]),
);

export const keys = { steps, ...INSIDE };
