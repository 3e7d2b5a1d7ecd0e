"""The peer of the start-up figure: pygls with one hover and nothing else."""

from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("bare", "1")


@server.feature(types.TEXT_DOCUMENT_HOVER)
def hover(params: types.HoverParams) -> types.Hover:
    return types.Hover(contents="bare")


if __name__ == "__main__":
    server.start_io()
