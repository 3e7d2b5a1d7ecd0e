// Reads texts, one JSON string a line, and prints what two other renderers would make live of them, one JSON array a line:
// markdown-it with HTML and links of bare addresses, as VS Code's preview has it and stricter, and marked, as its hovers.
// The argument is the folder of the packages.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const packages = pathToFileURL(process.argv[2] + "/");
const { default: MarkdownIt } = await import(new URL("markdown-it/dist/markdown-it.mjs", packages));
const { Marked } = await import(new URL("marked/lib/marked.esm.js", packages));

const strict = new MarkdownIt({ html: true, linkify: true });
strict.validateLink = () => true;
strict.linkify.set({ fuzzyLink: true, fuzzyEmail: true, urlAuth: true });
const marked = new Marked({ gfm: true });

function* all(tokens) {
  for (const token of tokens) {
    yield token;
    yield* all(token.children ?? []);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const text = JSON.parse(line);
  const live = [];
  for (const token of all(strict.parse(text, {}))) {
    if (["link_open", "image", "html_block", "html_inline"].includes(token.type)) {
      live.push(`markdown-it ${token.type} ${token.content || JSON.stringify(token.attrs)}`);
    }
  }
  marked.walkTokens(marked.lexer(text), (token) => {
    if (["link", "image", "html", "def"].includes(token.type)) {
      live.push(`marked ${token.type} ${token.raw}`);
    }
  });
  console.log(JSON.stringify(live));
}
