"""An object on an HTTP server, read in parts (container.md, "Over HTTP")."""

import http.client
import re
from urllib.parse import urlsplit

from .container import MAX_HEADER
from .errors import Refused

CODES = {
    401: "permission",
    403: "permission",
    404: "object-missing",
    410: "object-missing",
    416: "truncated",
}
CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")
STRONG_TAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')


class HttpSource:
    """The version of the object that the first answer was of, and no other."""

    def __init__(self, url: str, seconds: float = 30):
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self.connect = lambda: kind(parts.hostname, parts.port, timeout=seconds)
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.tag: str | None = None
        self.known_length: int | None = None

    @property
    def length(self) -> int:
        if self.known_length is None:
            self.read(0, MAX_HEADER)
        return self.known_length

    def read(self, start: int, end: int) -> bytes:
        """The part from `start` to `end`, or to the end of the object."""
        if self.known_length is not None and start >= self.known_length:
            return b""
        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        if self.tag:
            headers["If-Range"] = self.tag
        connection = self.connect()
        try:
            connection.request("GET", self.path, headers=headers)
            return self._part(connection.getresponse(), start, end)
        except (OSError, http.client.HTTPException) as error:
            raise Refused("io") from error
        finally:
            connection.close()

    def _part(self, response: http.client.HTTPResponse, start: int, end: int) -> bytes:
        if response.status == 200:
            raise Refused("changed" if self.tag else "no-ranges")
        if response.status != 206:
            raise Refused(CODES.get(response.status, "io"))
        told = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        tag = response.headers.get("ETag", "")
        coded = response.headers.get("Content-Encoding", "identity") != "identity"
        if not told or not STRONG_TAG.fullmatch(tag) or coded:
            raise Refused("no-ranges")
        first, last, whole = map(int, told.groups())
        if self.tag and (tag, whole) != (self.tag, self.known_length):
            raise Refused("changed")
        length = min(end, whole) - start
        if (first, last) != (start, start + length - 1) or response.length not in (None, length):
            raise Refused("no-ranges")
        body = response.read(length + 1)
        if len(body) > length:
            raise Refused("no-ranges")
        if len(body) < length:
            raise Refused("io")
        self.tag, self.known_length = tag, whole
        return body
