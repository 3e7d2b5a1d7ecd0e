"""What stands in the workspace that the tests of the tools read from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

OUTSIDE_CANARY = "OUTSIDE-CANARY"
INSIDE_CANARY = "INSIDE-CANARY"
SECRETS = (
    ".env", ".env.local", "prod.env", "server.pem", "id_rsa", "id_ed25519", "id_ed25519.pub", ".npmrc", ".pypirc",
    ".netrc", ".git/config", ".git-credentials", ".aws/credentials", "terraform.tfstate", "passwords.kdbx",
    ".docker/config.json", "secrets.yaml", "secrets.yml", "tls/private.key", ".missy/config.yaml", "sub/.ENV",
    "sub/ID_RSA", ".ssh/known_hosts", "sub/.git/HEAD", "credentials.json", ".envrc",
)  # fmt: skip
needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
