"""A language server that knows its documents and nothing else: somebody else's server beside ours.

Run as a program: `python quiet_language_server.py`.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    stream = sys.stdin.buffer
    while True:
        length = 0
        while (line := stream.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not line:
            return
        message = json.loads(stream.read(length))
        if message.get("method") == "exit":
            return
        if "id" not in message or "method" not in message:
            continue
        result = {"capabilities": {"textDocumentSync": 2}} if message["method"] == "initialize" else None
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
        sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
