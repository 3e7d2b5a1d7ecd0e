"""Write the user's configuration file as a user would."""

from __future__ import annotations

from pathlib import Path

import yaml

FAKE_KEY = "sk-ant-api03-FAKE-5e1d9b3a7f2c-Vx7KpQw4"  # long enough to be looked for (canary.py)


def write_user_config(home: Path, base_url: str | None = None, **sections: object) -> Path:
    """Write `~/.missy/config.yaml` with a fake key and an upstream on loopback; `sections` are added."""
    provider: dict[str, object] = {
        "name": "anthropic",
        "model": "claude-sonnet-4-6",
        "fast_model": "claude-haiku-4-5",
        "premium_model": "claude-opus-4-6",
        "api_key": FAKE_KEY,
    }
    if base_url is not None:
        provider["base_url"] = base_url
    config: dict[str, object] = {"config_version": 2, "providers": {"anthropic": provider}}
    config.update(sections)
    path = home / ".missy" / "config.yaml"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    path.chmod(0o600)
    return path
