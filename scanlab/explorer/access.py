"""Who may open the explorer: whoever knows the token in its address, as with Jupyter.

A port of 127.0.0.1 is open to every user of the machine. The address that is printed therefore carries a token, drawn
anew by every start. The first page that is asked for with it sets a cookie, which then stands for it: in reloads, in
the page's channel, in all that the page loads. Cookies belong to a host and not to a port, so the name of this one
holds the port that the browser uses, which behind a tunnel is not the server's. For the same reason a browser sends it
to whatever else it opens on this host: do not open a page that another user of the machine serves, as with Jupyter.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from scanlab.ir.diagnostics import ScanlabError

__all__ = ["REFUSED", "VARIABLE", "Access", "access_of", "retry_page"]

VARIABLE = "SCANLAB_TOKEN"
LEAST_CHARACTERS = 16
REFUSED = (
    "this explorer opens only with its token: use the whole address, with ?token=…, that `scanlab explore` printed in "
    "the terminal where it runs; started again, it has another"
)
# A link on another site comes without the cookie, which is for this site only. A page of ours asks once more, as this
# site: where the cookie is there, that opens it.
_RETRY = """<!doctype html><html lang="en"><meta charset="utf-8"><title>ScanLab explorer</title>
<p id="why">Refused: {why}.</p>
<script>if (location.search !== "?again") location.replace("/?again" + location.hash)</script></html>
"""


@dataclass(frozen=True)
class Access:
    """token: what an address or a cookie must hold; never shown by repr."""

    token: str = field(repr=False)

    def in_address(self, address: str) -> str:
        """The address of the first page with the token; address: as `address` makes it, with a slash at its end."""
        return f"{address}?token={self.token}"

    def in_query(self, query: str) -> bool:
        """Whether a query string holds the token."""
        return self._is_token(parse_qs(query).get("token", [""])[-1])

    def in_cookies(self, headers: Mapping[str, str]) -> bool:
        """Whether a request's cookies hold the token; headers: names in lower case.

        Split by hand: the library's parser gives up at the first cookie that it cannot read, and those of every other
        program on this machine come along, JSON and blanks included.
        """
        ours = _cookie_name(headers.get("host", ""))
        pairs = (part.strip().partition("=") for part in headers.get("cookie", "").split(";"))
        return any(name == ours and self._is_token(said) for name, _, said in pairs)

    def cookie(self, host: str) -> str:
        """The value of Set-Cookie for a browser that calls this server `host`; it is forgotten with the browser."""
        return f"{_cookie_name(host)}={self.token}; Path=/; HttpOnly; SameSite=Strict"

    def _is_token(self, said: str) -> bool:
        return hmac.compare_digest(said.encode("utf-8", "surrogatepass"), self.token.encode())


def access_of(environment: Mapping[str, str] = os.environ) -> Access:
    """A token of its own, or the one in the environment, for scripts that must know it beforehand.

    There is no option for it: other users see the words of a command. Raises ScanlabError S669 where the one that is
    given could be guessed or would not pass through an address.
    """
    given = environment.get(VARIABLE)
    if given is None:
        return Access(secrets.token_urlsafe(24))
    if len(given) < LEAST_CHARACTERS or not re.fullmatch(r"[A-Za-z0-9_-]+", given):
        raise ScanlabError.at(
            "S669",
            f"the token in {VARIABLE} is not one that keeps others out",
            note=f"it needs {LEAST_CHARACTERS} characters or more, all of them letters, digits, - or _",
            help=f"unset {VARIABLE}: then every start draws its own",
        )
    return Access(given)


def retry_page(why: str) -> bytes:
    """What a browser gets that wants the first page and is not known."""
    return _RETRY.format(why=why.replace("&", "&amp;").replace("<", "&lt;")).encode()


def _cookie_name(host: str) -> str:
    try:
        port = urlsplit(f"//{host}").port
    except ValueError:
        port = None
    return f"scanlab-{port or 80}"
