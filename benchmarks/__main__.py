"""Run every benchmark and print a table and JSON: `make bench`, or `python -m benchmarks NAME ...`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import (
    actions,
    caching,
    cancel,
    completion,
    documents,
    ending,
    first_text,
    hover,
    money,
    start,
    streaming,
)
from tests.support.configuration import write_user_config


def main(names: list[str]) -> None:
    results: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder, upstream() as base_url:
        environment = environments(Path(folder), base_url)
        runs: dict[str, Callable[[], dict[str, object]]] = {
            "start": lambda: start.measure(environment("none", None)),
            "streaming": lambda: streaming.measure(
                base_url, environment("few", streaming.FEW), environment("many", streaming.DELTAS)
            ),
            "documents": documents.measure,
            "actions": lambda: actions.measure(environment("slow", 100_000)),
            "hover": lambda: hover.measure(base_url, environment("hover", 100_000)),
            "completion": lambda: completion.measure(
                base_url, environment("completion", 100_000, completion={"mode": "auto"})
            ),
            "cancel": lambda: cancel.measure(base_url, environment("endless", 100_000)),
            "first_text": lambda: first_text.measure(environment("first_text", streaming.FEW)),
            "money": lambda: money.measure(environment("money", None)),
            "caching": lambda: caching.measure(environment("caching", None)),
            "ending": lambda: ending.measure(environment("ending", 100_000)),
        }
        for name in names or list(runs):
            results[name] = runs[name]()
            print_table(name, results[name])
    print(json.dumps(results))


def environments(folder: Path, base_url: str) -> Callable[..., dict[str, str]]:
    """Return a maker of environments: each with a home of its own, whose provider caps the answer's tokens."""

    def environment(name: str, max_output_tokens: int | None, **sections: object) -> dict[str, str]:
        home = folder / name
        home.mkdir()
        path = write_user_config(home, base_url, **sections)
        if max_output_tokens is not None:
            text = path.read_text().replace("    api_key:", f"    max_output_tokens: {max_output_tokens}\n    api_key:")
            path.write_text(text)
        kept = {key: value for key, value in os.environ.items() if key in ("PATH", "SYSTEMROOT", "LANG", "TMPDIR")}
        return {**kept, "HOME": str(home), "USERPROFILE": str(home)}

    return environment


@contextmanager
def upstream() -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).with_name("upstream.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def print_table(name: str, result: object) -> None:
    assert isinstance(result, dict)
    print(name)
    for label, value in result.items():
        print(f"  {label:40} {value}")


if __name__ == "__main__":
    main(sys.argv[1:])
