"""What load is made on: how a customer's request is written for it, and what its answer means. Sends nothing itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol
from urllib.parse import quote, urlsplit

from isotherm.http.exchange import Connection, encode_request
from isotherm.http.origin import Origin
from isotherm.http.wrong_value import WrongValue
from isotherm.load.customers import CALL_HEADER, as_event, create_request, customer, read_request
from isotherm.load.plan import Operation

#: Gives all headers to send, signature included, for (method, url, body, further headers);
#: `aws.calls.signature` makes one.
Signer = Callable[[str, str, bytes | None, Mapping[str, str]], Mapping[str, str]]

_CALL_HEADER = CALL_HEADER.encode()
_FUNCTION_ERROR = b"x-amz-function-error"
_NOT_FOUND = 404
_THROTTLED = 429

AnswerFailure = Literal["throttled", "http_3xx", "http_4xx", "http_5xx", "function_error", "protocol"]


class Verdict(NamedTuple):
    """What an answer means: `kind` None is success, `cold` says that a function started up for it."""

    status: int
    kind: AnswerFailure | None
    cold: bool


class Target(Protocol):
    """Something that answers requests about customers."""

    @property
    def origin(self) -> Origin:
        """Scheme, host and port that connections go to."""

    @property
    def cafile(self) -> str | None:
        """Authorities to trust instead of the system's."""

    def message(self, operation: Operation, number: int) -> bytes:
        """A request, ready to be sent; a signature in it holds for some minutes."""

    def judge(self, answer: Connection) -> Verdict:
        """Read the answer."""


class HttpTarget:
    """A server, or an API, that speaks HTTP; with a signer, one that asks for AWS signatures."""

    def __init__(
        self,
        url: str,
        *,
        seed: int,
        cafile: str | None = None,
        signer: Signer | None = None,
        get: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare.

        Parameters
        ----------
        url : str
            Where the API of customers begins, or what is before the path of `get`.
        seed : int
            Of the customers.
        cafile : str, optional
            Authorities to trust instead of the system's (PEM).
        signer : callable, optional
            Signs each request.
        get : str, optional
            Make each request a GET of this path behind the URL's own instead of a customer's.
        headers : mapping, optional
            Sent with every request, as an API's key; before a signature, so that it covers them.

        Raises
        ------
        ValueError
            The URL or the path cannot be one, or a header cannot be sent; the text says which.
        """
        self.origin = Origin.of(url, field="URL")
        self.cafile = cafile
        parts = urlsplit(url)
        if parts.query or parts.fragment:
            raise ValueError(f"URL: {url!r} ends in a query or a fragment, behind which no path fits")
        if get is not None and not get.startswith("/"):
            raise WrongValue("path", f"{get!r} is not a percent-encoded path that starts with /")
        self._base = parts.path.rstrip("/")
        self._seed = seed
        self._signer = signer
        self._get = get
        self._headers = dict(headers or {})
        self._same: bytes | None = None
        message = self.message("get", 0)  # refuses what cannot be sent before anything is
        if get is not None and signer is None:
            self._same = message

    def message(self, operation: Operation, number: int) -> bytes:
        """A request, ready to be sent."""
        if self._same is not None:
            return self._same
        if self._get is not None:
            return self._encode("GET", self._base + self._get, {}, None)
        made = customer(self._seed, number)
        request = create_request(made) if operation == "post" else read_request(made.email_id)
        headers = {} if request.body is None else {"Content-Type": "application/json"}
        return self._encode(request.method, self._base + request.path, headers, request.body)

    def judge(self, answer: Connection) -> Verdict:
        """Take the status and the call header."""
        cold = False
        for name, value in answer.headers:
            if name.lower() == _CALL_HEADER:
                cold = value.endswith(b"/0")
        return _verdict(answer.status, cold)

    def _encode(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        headers = {**self._headers, **headers}
        if self._signer is not None:
            headers = self._signer(method, f"{self.origin}{path}", body, headers)
        return encode_request(self.origin, method, path, headers, body)


def invoke_path(function_name: str, qualifier: str = "") -> str:
    """Where Lambda's API takes a call of a function: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html .

    Parameters
    ----------
    function_name : str
        Its name or ARN.
    qualifier : str
        Version or alias; none calls the function as it is deployed.
    """
    path = f"/2015-03-31/functions/{quote(function_name, safe='')}/invocations"
    return f"{path}?Qualifier={quote(qualifier, safe='')}" if qualifier else path


class LambdaTarget:
    """The function of the customers API by Lambda's own API, with the event that an HTTP API would make."""

    def __init__(self, endpoint_url: str, function_name: str, *, seed: int, signer: Signer) -> None:
        """Prepare.

        Parameters
        ----------
        endpoint_url : str
            Lambda's endpoint of the function's region, or what stands in for it.
        function_name : str
            Name, or name and version or alias after a colon.
        seed : int
            Of the customers.
        signer : callable
            Signs each request for the service `lambda`.
        """
        self.origin = Origin.of(endpoint_url, field="endpoint_url")
        self.cafile: str | None = None
        name, _, qualifier = function_name.partition(":")
        self._path = invoke_path(name, qualifier)
        self._seed = seed
        self._signer = signer

    def message(self, operation: Operation, number: int) -> bytes:
        """A request, ready to be sent."""
        made = customer(self._seed, number)
        request = create_request(made) if operation == "post" else read_request(made.email_id)
        body = json.dumps(as_event(request, None)).encode()
        wanted = {"X-Amz-Invocation-Type": "RequestResponse", "Content-Type": "application/json"}
        headers = self._signer("POST", f"{self.origin}{self._path}", body, wanted)
        return encode_request(self.origin, "POST", self._path, headers, body)

    def judge(self, answer: Connection) -> Verdict:
        """Take Lambda's status, then the status and the call header that the function answered."""
        if answer.status != 200:
            return _verdict(answer.status, False)
        if any(name.lower() == _FUNCTION_ERROR for name, _ in answer.headers):
            return Verdict(200, "function_error", cold=False)
        try:
            said = json.loads(answer.body)
            status = int(said["statusCode"])
            cold = str(said.get("headers", {}).get(CALL_HEADER, "")).endswith("/0")
        except (ValueError, TypeError, KeyError, AttributeError):
            return Verdict(200, "protocol", cold=False)
        return _verdict(status, cold)


@lru_cache(maxsize=256)
def _verdict(status: int, cold: bool) -> Verdict:
    if 200 <= status < 300:
        return Verdict(status, None, cold)
    if status == _THROTTLED:
        return Verdict(status, "throttled", cold)
    if status >= 500:
        return Verdict(status, "http_5xx", cold)
    return Verdict(status, "http_4xx" if status >= 400 else "http_3xx", cold)
