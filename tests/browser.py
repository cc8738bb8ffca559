"""A real browser for tests of pages: Debian's Chromium, driven by Playwright.

Tests that need it are skipped where there is none, but for continuous integration, which has to
have one: there, they fail.
"""

import contextlib
import functools
import http.server
import os
import shutil
import threading

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# As root, without a GPU, and without the connections that Chromium makes of its own accord.
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_browser():
    """Returns the browser's program, or ends the test."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is not None:
        return program
    reason = f"no browser: none of {', '.join(PROGRAMS)} is on PATH (apt-get install chromium)"
    if os.environ.get("PDARTS_REQUIRE_BROWSER") or os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextlib.contextmanager
def served(directory):
    """Serves a directory on this machine; gives its address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=directory)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
