"""One exchange over HTTP, limited in time and size whatever the server does."""

import concurrent.futures
import http.client
import logging
import threading
from dataclasses import dataclass
from urllib.parse import unquote

import urllib3

from export.client_model import MOST_BYTES

_CHUNK = 2**16
# Headers that it cannot parse are no news beside the one line that follows.
logging.getLogger("urllib3").setLevel(logging.ERROR)


class Unanswered(Exception):
    """Raised if nothing came that is HTTP; the message says why."""


class Unreadable(Exception):
    """Raised if an answer began, and cannot be read to its end; the message says why."""


@dataclass(frozen=True)
class Reply:
    """An answer.

    Args:
        status: Status code.
        location: Where a redirect leads, or None.
        body: Content, decoded as its Content-Encoding says.
    """

    status: int
    location: str | None
    body: bytes


def exchange(
    url: str, body: bytes | None = None, *, timeout: float, proxy: str | None = None
) -> Reply:
    """Returns the answer to a POST of JSON, or to a GET if there is no body.

    Redirects are not followed: they would turn a POST into a GET, and send images elsewhere.

    Args:
        url: Address.
        body: JSON, or None.
        timeout: Seconds that everything together may take, from the look-up of the server's name
            to the last byte.
        proxy: URL of a proxy, or None.

    Raises:
        TimeoutError: If there is no whole answer by then.
        Unanswered: If there is no answer at all.
        Unreadable: If it is damaged, or larger than `client_model.MOST_BYTES`.
    """
    future: concurrent.futures.Future[Reply] = concurrent.futures.Future()

    def work() -> None:
        try:
            future.set_result(_exchange(url, body, timeout, proxy))
        except Exception as error:  # raised again where the result is asked for
            future.set_exception(error)

    # Timeouts of sockets begin anew with every byte, and names are looked up without one.
    threading.Thread(target=work, daemon=True).start()
    return future.result(timeout)


def _exchange(url: str, body: bytes | None, timeout: float, proxy: str | None) -> Reply:
    try:
        with _pools(proxy) as pools:
            response = pools.request(
                "GET" if body is None else "POST",
                url,
                body=body,
                headers={} if body is None else {"Content-Type": "application/json"},
                preload_content=False,
                redirect=False,
                retries=False,
                timeout=timeout,
            )
            return Reply(response.status, response.headers.get("Location"), _content(response))
    except urllib3.exceptions.NewConnectionError as error:  # to urllib3 one of its timeouts
        raise Unanswered(_root_cause(error)) from error
    except urllib3.exceptions.TimeoutError as error:
        raise TimeoutError from error
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
        raise Unanswered(_root_cause(error)) from error


def _pools(proxy: str | None) -> urllib3.PoolManager:
    if proxy is None:
        return urllib3.PoolManager()
    auth = urllib3.util.parse_url(proxy).auth
    headers = urllib3.make_headers(proxy_basic_auth=unquote(auth)) if auth else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers)


def _content(response: urllib3.BaseHTTPResponse) -> bytes:
    """Returns the decoded content, of which never more than the limit is in memory."""
    parts, size = [], 0
    try:
        for part in response.stream(_CHUNK, decode_content=True):
            size += len(part)
            if size > MOST_BYTES:
                raise Unreadable(f"it is larger than {MOST_BYTES // 2**20} MiB")
            parts.append(part)
    except urllib3.exceptions.ReadTimeoutError:
        raise
    except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
        raise Unreadable(str(error.args[0] if error.args else error)) from error
    finally:
        response.close()
    return b"".join(parts)


def _root_cause(error: BaseException) -> str:
    """Returns the system's message, which urllib3 wraps in errors of its own."""
    while error.__context__ is not None:
        error = error.__context__
    if isinstance(error, http.client.RemoteDisconnected):
        return "it ends the connection without an answer"
    no_http = http.client.BadStatusLine | http.client.UnknownProtocol
    if isinstance(error, no_http) or type(error) is ValueError:  # a status that is no number
        return "it does not speak HTTP"
    return getattr(error, "strerror", None) or str(error)
