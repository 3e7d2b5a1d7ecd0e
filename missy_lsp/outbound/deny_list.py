"""Which files never go to a model unasked, by their names alone: what commonly holds secrets or private traces.

Names are compared without regard to case, compatible forms, invisible characters, trailing dots and spaces and
Windows' alternate streams, since some file systems take such names for the same file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from pathlib import PurePath

_ENVIRONMENT = "a file of environment variables"
_PRIVATE_KEY = "a private key or certificate store"
_CREDENTIALS = "a file of credentials"
_PASSWORDS = "a password store"
_HISTORY = "a history of commands"
_BROWSER = "a browser's profile"
_STATE = "a state file that holds secrets"

# Whole folders, wherever they stand in a path.
_FOLDERS = {
    **dict.fromkeys((".git", ".hg", ".svn"), "a part of a repository's own data"),
    ".missy": "a part of Missy's own data",
    **dict.fromkeys(
        (".ssh", ".gnupg", ".aws", ".azure", ".gcloud", ".kube", ".terraform", ".pulumi", ".oci", ".snowflake"),
        _CREDENTIALS,
    ),
    **dict.fromkeys((".password-store", ".keychain", "keychains", "keyrings", "kwalletd"), _PASSWORDS),
    **dict.fromkeys((".mozilla", ".thunderbird", "google-chrome", "bravesoftware", ".librewolf"), _BROWSER),
}
_NAMES = {
    ".envrc": _ENVIRONMENT,
    **dict.fromkeys(
        (
            *(".npmrc", ".yarnrc", ".yarnrc.yml", ".pypirc", ".netrc", "_netrc", ".git-credentials", ".dockercfg"),
            *(".dockerconfigjson", ".htpasswd", ".pgpass", "pgpass.conf", ".my.cnf", ".mylogin.cnf", ".boto", ".s3cfg"),
            *(".vault-token", ".vault_pass", "credentials.json", "local.settings.json", "kubeconfig", ".terraformrc"),
            *("terraform.rc", "credentials.tfrc.json", "application_default_credentials.json", ".databrickscfg"),
            *("kaggle.json", ".rclone.conf", "rclone.conf", ".credentials.json", "client_secret.json", ".condarc"),
            *("master.key", "wg0.conf", ".renviron", ".smbcredentials", ".fetchmailrc", ".muttrc", ".ngrok"),
        ),
        _CREDENTIALS,
    ),
    **dict.fromkeys(("logins.json", "key3.db", "key4.db", "cookies.sqlite", "signons.sqlite", "login data"), _BROWSER),
    **dict.fromkeys(("wallet.dat", "login.keychain"), _PASSWORDS),
    **dict.fromkeys((".lesshst", "consolehost_history.txt", "fish_history", ".viminfo", ".gdb_history"), _HISTORY),
}
_PATTERNS = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        (r"\.env(?:[.\-_~].*)?", _ENVIRONMENT),
        (r".*\.env", _ENVIRONMENT),
        (r"id_(?:rsa|dsa|ecdsa|ed25519|xmss)(?:[._\-].*)?|id_[^.]*", _PRIVATE_KEY),
        (r".*\.(?:pem|key|p8|p12|pfx|ppk|jks|keystore|bks|asc|gpg|ovpn|agekey|mobileprovision)", _PRIVATE_KEY),
        (r".*\.(?:kdb|kdbx|keychain|keychain-db|kwallet|1pif|opvault|agilekeychain|psafe3)", _PASSWORDS),
        (r".*\.(?:tfvars|tfvars\.json|tfstate|tfstate\..*)", _STATE),
        (r"\.?secrets?(?:[._\-](?:prod|production|dev|staging|local))?\.(?:ya?ml|json|toml|ini|env|txt)", _CREDENTIALS),
        (r"service[-_]?account.*\.json|client_secrets?.*\.json|.*firebase-adminsdk.*\.json", _CREDENTIALS),
        (r"credentials(?:\.(?:toml|ya?ml|ini|csv|txt|xml))?", _CREDENTIALS),
        (r"\.[a-z0-9_\-]+_history", _HISTORY),
    )
)
# The end of a path, or two parts anywhere in it.
_PAIRS = {
    **dict.fromkeys(
        (
            *(
                (".docker", "config.json"),
                (".config", "gcloud"),
                (".config", "gh"),
                (".config", "op"),
                (".config", "rclone"),
            ),
            *((".config", "github-copilot"), (".config", "doctl"), (".config", "hub"), (".config", "heroku")),
            *((".huggingface", "token"), ("huggingface", "token"), (".cargo", "credentials"), (".gem", "credentials")),
            *((".m2", "settings.xml"), (".m2", "settings-security.xml"), (".gradle", "gradle.properties")),
            *((".fly", "config.yml"), (".codex", "auth.json"), (".composer", "auth.json"), ("containers", "auth.json")),
            *((".streamlit", "secrets.toml"), (".snowsql", "config"), (".subversion", "auth")),
        ),
        _CREDENTIALS,
    ),
    **dict.fromkeys(
        (
            *(("chrome", "user data"), ("edge", "user data"), ("chromium", "default"), ("firefox", "profiles")),
            *(("vivaldi", "user data"), ("library", "cookies"), ("library", "safari"), ("network", "cookies")),
        ),
        _BROWSER,
    ),
}
# Made to be shared: the names of the variables, without their values.
_SHARED_ENVIRONMENT = re.compile(r"\.?env\.(?:example|sample|template|tmpl|dist|schema)")


def denied(path: PurePath) -> str | None:
    """Say what a file is that must not go along as context, None where it may: "a private key or certificate store".

    Give a path relative to the workspace folder where it has one, since folders above it count too. What the user
    selects or attaches by hand is the user's own decision and no matter of this list.
    """
    return denied_parts(path.parts)


def denied_parts(parts: Iterable[str]) -> str | None:
    """Say the same of a path in parts; a part may hold separators of another system."""
    names = tuple(_comparable(name) for part in parts for name in part.replace("\\", "/").split("/") if name)
    if not names:
        return None
    for name in names:
        if (reason := _FOLDERS.get(name)) is not None:
            return reason
    for pair in pairwise(names):
        if (reason := _PAIRS.get(pair)) is not None:
            return reason
    last = names[-1]
    return _reason_of_name(last) or (_reason_of_name(last.partition(":")[0]) if ":" in last else None)


def _reason_of_name(name: str) -> str | None:
    if _SHARED_ENVIRONMENT.fullmatch(name):
        return None
    if (reason := _NAMES.get(name)) is not None:
        return reason
    return next((reason for pattern, reason in _PATTERNS if pattern.fullmatch(name)), None)


def _comparable(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    visible = folded
    if not folded.isascii():
        visible = "".join(character for character in folded if unicodedata.category(character) != "Cf")
    return visible.rstrip(". ") or visible
