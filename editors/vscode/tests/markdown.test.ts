import assert from "node:assert/strict";
import test from "node:test";
import { MarkdownView } from "../src/webview/markdown";
import { document, names, Node } from "./dom";

Object.assign(globalThis, { document });

function viewOf(): { readonly view: MarkdownView; readonly root: Node } {
  const root = new Node("root");
  const holder = (_: unknown, pre: unknown): unknown => {
    const made = new Node("code-holder");
    made.append(pre as Node);
    return made;
  };
  return { root, view: new MarkdownView(root as never, { codeBlock: holder as never, link: () => undefined }) };
}

function rendered(text: string): string {
  const { view, root } = viewOf();
  view.append(text);
  view.finish();
  return root.toString();
}

const SAMPLE = `# Title

A paragraph with *emphasis*, **strength**, \`code\` and a [link](https://example.invalid/).
Its second line.

- one
  - inner
- two

1. first
2. second

\`\`\`python
def f():

    return 1
\`\`\`

> quoted
> more

| a | b |
| --- | --- |
| 1 | 2 |

    indented code

Setext
======

last`;

test("a stream ends in what the whole text gives, whatever the pieces", () => {
  for (const size of [1, 2, 3, 5, 7, 11, 24, 60]) {
    const { view, root } = viewOf();
    for (let start = 0; start < SAMPLE.length; start += size) {
      view.append(SAMPLE.slice(start, start + size));
    }
    assert.equal(root.toString(), rendered(SAMPLE), `pieces of ${size}, before the end`);
    view.finish();
    assert.equal(root.toString(), rendered(SAMPLE), `pieces of ${size}`);
    assert.equal(view.text, SAMPLE);
  }
});

const HOSTILE = [
  '<img src=x onerror="alert(1)">', "<script>alert(1)</script>", "<iframe src='https://example.invalid'></iframe>", "![a](https://example.invalid/x.png)",
  "![a][b]\n\n[b]: https://example.invalid/x.png", "[x](javascript:alert(1))", "[x](command:workbench.action.terminal.new)", "[x](vscode://a/b)", "[x](file:///etc/passwd)",
  "[x](data:text/html,x)", "[x](java&#115;cript:alert(1))", "<https://example.invalid>", "<svg onload=alert(1)>", "[![i](https://example.invalid/i.png)](command:x)",
  "<a href='command:x'>y</a>", "```html\n<script>alert(1)</script>\n```", "<style>*{display:none}</style>", "&lt;script&gt;", "[x]( JavaScript:alert(1))",
];
const HARMLESS = new Set(["p", "ul", "ol", "li", "em", "strong", "code", "pre", "code-holder", "button", "span", "div", "h1", "br"]);
for (const text of HOSTILE) {
  test(`${JSON.stringify(text)} makes nothing but text`, () => {
    const { view, root } = viewOf();
    view.append(text);
    view.finish();
    assert.deepEqual(names(root).filter((name) => !HARMLESS.has(name)), []);
    const links = JSON.stringify(root, (key, value: unknown) => (key === "parent" ? undefined : value)).match(/"title":"(?!")[^"]+"/g) ?? [];
    assert.deepEqual(links.filter((link) => !link.includes("https://example.invalid")), []);
  });
}

test("blocks of code are told with their language", () => {
  const { view } = viewOf();
  view.append("```python title\na\n```\n\n    b\n");
  assert.deepEqual(view.codeBlocks(), [{ language: "python", code: "a\n" }, { language: "", code: "b\n" }]);
});

test("each paragraph is built a bounded number of times, however long the answer", () => {
  const built = (count: number): number => {
    let elements = 0;
    const createElement = document.createElement;
    document.createElement = (name) => {
      elements++;
      return createElement(name);
    };
    try {
      const { view } = viewOf();
      for (let done = 0; done < count; done++) {
        view.append("A paragraph of some words that fills a line or so of the panel.\n\n");
      }
    } finally {
      document.createElement = createElement;
    }
    return elements;
  };
  const each = built(500) / 500;
  assert.equal(Math.round(each), Math.round(built(2000) / 2000));
  assert.ok(each <= 4, `${each} elements`); // it stands as the last block twice, in two elements
});
