"""The state of one connection: who the client is, what it has open, what runs, what is configured."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from missy_lsp.characters import one_line
from missy_lsp.errors import ConfigError
from missy_lsp.features.chat_document import is_chat
from missy_lsp.server.attention import Attention
from missy_lsp.server.chat_checks import ChatChecks
from missy_lsp.server.client_features import ClientFeatures
from missy_lsp.server.diagnostics import PublishedDiagnostics
from missy_lsp.server.documents import OpenDocuments, file_path
from missy_lsp.server.edit_shapes import range_at
from missy_lsp.server.inline_registration import InlineRegistration
from missy_lsp.server.pending_edits import PendingEdits
from missy_lsp.server.pending_groups import ChangeGroups
from missy_lsp.server.running import RunningRequests
from missy_lsp.server.sent_texts import SentTexts

if TYPE_CHECKING:
    import cattrs

    from missy_lsp.config.problems import Problem
    from missy_lsp.config.values import Config
    from missy_lsp.credentials.vault import Vault
    from missy_lsp.document import TextBuffer
    from missy_lsp.llm.client import ModelClient
    from missy_lsp.llm.ledger import Ledger
    from missy_lsp.server.completing import Completing
    from missy_lsp.server.configuration import Configuration
    from missy_lsp.server.hovering import Hovering
    from missy_lsp.server.options import ServerOptions
    from missy_lsp.server.protocol import MissyProtocol

logger = logging.getLogger(__name__)

_LONGEST_MESSAGE = 4000
_SEVERITY = {"error": 1, "warning": 2, "information": 3}  # LSP 3.17, DiagnosticSeverity


class Session:
    """Everything that handlers work on; created once per connection, changed on the event loop only.

    What answering `initialize` does not need is built at its first use: importing it takes as long as
    importing the protocol's types.
    """

    def __init__(self, protocol: MissyProtocol, options: ServerOptions) -> None:
        self.protocol = protocol
        self._options = options
        self.client = ClientFeatures()
        self.documents = OpenDocuments("utf-16")
        self.running = RunningRequests()
        self.pending = PendingEdits()
        self.groups = ChangeGroups()
        self.sent_texts = SentTexts()
        self.attention = Attention(self.is_answer_document, self._recheck_chats)
        self.chat_checks = ChatChecks()
        self.chats_in_writing: set[str] = set()
        self.diagnostics = PublishedDiagnostics(protocol)
        self.inline_registration = InlineRegistration(self)
        self.folders: tuple[Path, ...] = ()
        self.initial_settings: object = None
        self.default_provider: str | None = None
        self._kept: set[asyncio.Future[Any]] = set()
        self._published: dict[Path, tuple[Problem, ...]] = {}
        self._editor_problems: tuple[Problem, ...] = ()
        self._marked: frozenset[str] = frozenset()
        self.config_marks_are_due = False
        self.is_ready = False

    @cached_property
    def configuration(self) -> Configuration:
        from missy_lsp.config.locations import Locations
        from missy_lsp.server.configuration import Configuration

        configuration = Configuration(Locations.from_environment(os.environ, self._options.config))
        configuration.set_folders(self.folders)
        configuration.set_editor_settings(self.initial_settings)
        return configuration

    @cached_property
    def models(self) -> ModelClient:
        from missy_lsp.credentials.origins import KeyOrigins
        from missy_lsp.llm.client import ModelClient
        from missy_lsp.llm.registry import ProviderRegistry
        from missy_lsp.llm.told_models import ToldCatalogues

        locations = self.configuration.locations
        return ModelClient(
            ProviderRegistry(offline=self._options.offline),
            lambda: self.vault,
            ledger=self.ledger,
            origins=KeyOrigins(locations.secrets_dir),
            on_key=self._options.known_secrets.add,
            catalogues=ToldCatalogues(locations.told_models_file),
        )

    @cached_property
    def vault(self) -> Vault:
        from missy_lsp.credentials.vault import open_vault

        return open_vault(self.configuration.locations)

    @cached_property
    def hovering(self) -> Hovering:
        from missy_lsp.server.hovering import Hovering

        return Hovering(self)

    @cached_property
    def completing(self) -> Completing:
        from missy_lsp.server.completing import Completing

        return Completing(self)

    @cached_property
    def ledger(self) -> Ledger:
        from missy_lsp.llm.ledger import Ledger

        return Ledger(self.configuration.locations.ledger_file)

    @cached_property
    def arguments(self) -> cattrs.Converter:
        from missy_lsp.server.arguments import new_argument_converter

        return new_argument_converter()

    def provider_for(self, config: Config) -> str | None:
        """Return the provider of a request that names none: that of its folder (None: as configured), else ours."""
        return self.default_provider if config.folder_provider is None else None

    def folder_providers(self) -> dict[str, str]:
        """Return the workspace folders that the user has given to a provider of their own."""
        found = {str(folder): self.configuration.config_for(str(folder)) for folder in self.configuration.folders}
        return {
            folder: config.folder_provider for folder, config in found.items() if config.folder_provider is not None
        }

    def config_of(self, uri: str) -> Config | None:
        """Return the configuration of a document, None where the user's file is bad and there was no good one."""
        try:
            return self.configuration.config_for(file_path(uri))
        except ConfigError:
            return None

    async def warm_up(self) -> None:
        """Let the default provider import and build what its first request needs, off the event loop."""
        try:
            config = self.configuration.config_for(None)
        except ConfigError:
            return  # it is told as a diagnostic, and by every request
        await self.models.warm_up(config, self.provider_for(config))
        self.is_ready = True

    def keep(self, task: asyncio.Future[Any]) -> None:
        """Hold on to a task of the session's own until it ends; its failure is logged."""
        self._kept.add(task)
        task.add_done_callback(self._release)

    def stop(self, run_id: str | None = None) -> int:
        """Stop one model request, or all of them with what editors ask for unasked; return how many there were."""
        unasked = sum(part.stop() for part in self._unasked()) if run_id is None else 0
        return self.running.stop(run_id) + unasked

    def stop_unasked(self, uri: str) -> None:
        """Stop what the editor asked for by itself for an open document, which is about to be closed."""
        document = self.documents.get(uri)
        if document is not None:
            for part in self._unasked():
                part.stop(document.uri)  # its own spelling of the URI counts

    def show_message(self, kind: types.MessageType, text: str) -> None:
        """Show a sentence: one line, whatever a model, a file or an upstream has put into it."""
        text = one_line(text, _LONGEST_MESSAGE)
        self.protocol.notify(types.WINDOW_SHOW_MESSAGE, {"type": kind.value, "message": text})

    def log_message(self, text: str) -> None:
        """Write a line into the editor's log of this server."""
        self.protocol.notify(
            types.WINDOW_LOG_MESSAGE,
            {"type": types.MessageType.Info.value, "message": f"Missy: {one_line(text, _LONGEST_MESSAGE)}"},
        )

    def publish_problems(self) -> None:
        """Send the problems of the configuration files, each with its place, where they changed.

        What is registered for the configuration follows it as well, and what is being made unasked.
        """
        current = self.configuration.refresh()
        self.inline_registration.follow()
        for part in self._unasked():
            part.stop_unwanted()
        editor = self.configuration.editor_problems()
        if editor != self._editor_problems:
            self._editor_problems = editor
            for problem in editor:
                self.show_message(types.MessageType.Warning, f"Missy: {problem}")
        for path in {*current, *self._published}:
            problems = current.get(path, ())
            if problems == self._published.get(path, ()):
                continue
            self._published[path] = problems
            worst = next((problem for problem in problems if problem.severity == "error"), None)
            if worst is not None:
                self.show_message(types.MessageType.Error, f"Missy configuration: {worst}")
        self.mark_config_files(current)

    def mark_config_files(self, on_disk: Mapping[Path, tuple[Problem, ...]] | None = None) -> None:
        """Mark the problems of configuration files: of those that are open as the editor shows them, else as saved."""
        from missy_lsp.server.config_problems import config_file, problems_of

        saved = self._published if on_disk is None else on_disk
        marks = {path.as_uri(): [_diagnostic(problem) for problem in found] for path, found in saved.items()}
        for document in self.documents.all():
            path = file_path(document.uri)
            file = None if path is None else config_file(self.configuration, Path(path))
            if file is None:
                continue
            marks.pop(file.path.as_uri(), None)  # the editor's spelling of the address counts
            found = problems_of(self.configuration, file, document.buffer.text)
            marks[document.uri] = [_diagnostic(problem, document.buffer) for problem in found]
        for uri in sorted({*marks, *self._marked}):
            self.diagnostics.set(uri, "configuration", marks.get(uri, []))
        self._marked = frozenset(uri for uri, said in marks.items() if said)

    def is_named_config(self, uri: str) -> bool:
        """Tell whether a document is the file that a person named as the configuration."""
        path = file_path(uri)
        return (
            path is not None and "configuration" in vars(self) and Path(path) == self.configuration.locations.user_file
        )

    def is_answer_document(self, uri: str) -> bool:
        """Tell whether a document lies in our cache folder, where answers are; most are told apart by their name."""
        path = file_path(uri) if "missy" in uri.lower() else None
        return path is not None and Path(path).is_relative_to(self.configuration.locations.cache_dir)

    def _recheck_chats(self) -> None:
        """Look again at the chats that are open: what they name may be another thing now, or there at last."""
        for document in self.documents.all():
            if is_chat(document.uri):
                self.chat_checks.fall_due(self, document.uri)

    async def close(self, timeout_s: float) -> None:
        """Stop what runs and let go of what is held; takes at most about twice `timeout_s`."""
        await self.running.close(timeout_s)
        for part in self._unasked():
            await part.close(timeout_s)
        for task in list(self._kept):
            task.cancel()
        if "models" not in vars(self):
            return
        try:
            await asyncio.wait_for(self.models.disconnect(), timeout_s)
        except TimeoutError:
            logger.warning("the connections to the providers did not close in time")

    async def write_down(self, timeout_s: float) -> None:
        """Wait until what was spent stands in the ledger, which other editors may hold or a slow disk."""
        if "models" not in vars(self):
            return
        try:
            await asyncio.wait_for(self.models.written_down(), timeout_s)
        except TimeoutError:
            logger.warning("what the last requests cost could not be written to the ledger in time: it is held or slow")

    def _unasked(self) -> tuple[Hovering | Completing, ...]:
        """Return what makes things that the editor asks for by itself, as far as it was ever needed."""
        return tuple(vars(self)[name] for name in ("hovering", "completing") if name in vars(self))

    def _release(self, task: asyncio.Future[Any]) -> None:
        self._kept.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a task of the session failed", exc_info=error)


def _diagnostic(problem: Problem, buffer: TextBuffer | None = None) -> dict[str, object]:
    """Return a problem as a Diagnostic; without the text its columns are told in code points."""
    place: dict[str, object] = {
        "start": {"line": problem.line, "character": problem.column},
        "end": {"line": problem.end_line, "character": problem.end_column},
    }
    if buffer is not None:
        place = range_at(buffer, problem.line, problem.column, problem.end_line, problem.end_column)
    return {
        "range": place,
        "severity": _SEVERITY[problem.severity],
        "source": "missy",
        "code": problem.code,
        "message": problem.message,
    }
