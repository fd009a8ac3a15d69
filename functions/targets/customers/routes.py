"""The interface: which request does what, and with which status it is answered. Knows neither Lambda nor DynamoDB."""

from typing import NamedTuple
from urllib.parse import quote

from customers.record import MAX_BODY_BYTES, Refused, read_customer, wrong_address
from customers.store import Silent, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from customers.record import Customer

    class Store(Protocol):
        """Where customers are kept."""

        def put(self, customer: Customer) -> None: ...  # noqa: D102
        def get(self, email_id: str) -> Customer | None: ...  # noqa: D102


class Answer(NamedTuple):
    """An answer to a client: status and document."""

    status: int
    document: "dict[str, object]"
    headers: "dict[str, str]" = {}  # noqa: RUF012 - never changed


def answer(store: "Store", method: str, path: str, body: bytes) -> Answer:
    """Answer one request.

    Parameters
    ----------
    store : Store
        Where customers are kept.
    method : str
        In upper case.
    path : str
        Without the query, decoded.
    body : bytes
        Empty where there is none.
    """
    collection, _, email_id = path.removeprefix("/").partition("/")
    if collection != "customers":
        return Answer(404, {"message": "nothing is here but /customers"})
    accepted = "GET" if email_id else "POST"
    if method != accepted:
        message = f"{method} is not accepted here; accepted is {accepted}"
        return Answer(405, {"message": message}, {"allow": accepted})
    try:
        return _read(store, email_id) if email_id else _create(store, body)
    except Refused as problem:
        return Answer(400, {"message": "this is not a customer", "reasons": problem.reasons})
    except Silent as problem:
        return Answer(504, {"message": f"{problem}; please ask again"})
    except Unavailable as problem:
        return Answer(503, {"message": f"{problem}; please ask again"}, {"retry-after": "1"})


def _create(store: "Store", body: bytes) -> Answer:
    if len(body) > MAX_BODY_BYTES:
        message = f"the body has {len(body)} bytes; at most {MAX_BODY_BYTES} are accepted"
        return Answer(413, {"message": message})
    customer = read_customer(body)
    store.put(customer)
    return Answer(201, dict(customer), {"location": f"/customers/{quote(customer['email_id'], safe='')}"})


def _read(store: "Store", email_id: str) -> Answer:
    reason = wrong_address(email_id)
    if reason is not None:
        raise Refused({"email_id": reason})
    customer = store.get(email_id)
    if customer is None:
        return Answer(404, {"message": f"there is no customer {email_id}"})
    return Answer(200, dict(customer))
