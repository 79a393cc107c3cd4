"""HTTP between a client and a relay or vault (http.md, client.md)."""

import http.client
import ipaddress
import queue
import threading
import time
from urllib.parse import urlsplit

from .errors import Refused

MAX_ANSWER = 4096
MAX_DESCRIPTOR = 81920
TRIES = 3


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def checked(url: str) -> tuple[str, int | None, str, bool]:
    """Host, port and path of an address, and whether it is of TLS; else `insecure-url`."""
    try:
        parts = urlsplit(url)
        host, port, secure = parts.hostname or "", parts.port, parts.scheme == "https"
    except ValueError:
        raise Refused("insecure-url") from None
    local = parts.scheme == "http" and is_loopback(host)
    if any(mark in url for mark in "@?#") or not host or not (secure or local):
        raise Refused("insecure-url")
    return host, port, parts.path.rstrip("/"), secure


class Transport:
    """One address. What does not come back whole, in time and with status 200 is `unavailable`."""

    def __init__(self, url: str, seconds: float = 15, token: str | None = None):
        host, port, self.path, secure = checked(url)
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self.connect = lambda: kind(host, port, timeout=seconds)
        self.seconds, self.token = seconds, token

    def fleet(self) -> bytes:
        return self._again("GET", "/v1/fleet", None, {}, MAX_DESCRIPTOR)

    def exchange(self, data: bytes) -> bytes:
        headers = {"Content-Type": "application/octet-stream"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return self._again("POST", "/v1/exchange", data, headers, MAX_ANSWER)

    def _again(self, method: str, path: str, data: bytes | None, headers: dict, most: int) -> bytes:
        """The same bytes, until an answer comes."""
        for wait in range(TRIES):
            time.sleep(wait * 0.1)
            answer = self._once(method, self.path + path, data, headers, most)
            if answer is not None:
                return answer
        raise Refused("unavailable")

    def _once(
        self, method: str, path: str, data: bytes | None, headers: dict, most: int
    ) -> bytes | None:
        """An answer, or None. It is left behind when its time is up, whatever it waits for."""
        connection = self.connect()
        answers: queue.Queue[bytes | None] = queue.Queue()

        def work() -> None:
            answer = None
            try:
                connection.request(method, path, data, headers)
                response = connection.getresponse()
                if response.status == 200:
                    body = response.read(most + 1)
                    answer = None if len(body) > most or response.length else body
            except (OSError, http.client.HTTPException, ValueError, AttributeError):
                pass
            answers.put(answer)

        threading.Thread(target=work, daemon=True).start()
        try:
            return answers.get(timeout=self.seconds)
        except queue.Empty:
            return None
        finally:
            connection.close()
