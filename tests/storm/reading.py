"""What a tenant's GETs show, object by object."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests

Json = dict[str, Any]
Key = tuple[str, str]
# Rate limits, which are not tested here, are for each token.
_REQUESTS_A_TOKEN = 500


class Reader:
    def __init__(self, url: str, new_token: Callable[[], str]) -> None:
        self._url, self._new_token, self._asked = url, new_token, 0
        self._token = ""

    def objects(self, told: Mapping[Key, Json]) -> dict[Key, Json]:
        """All integrations and invoices, the refunds of these, and the orders and disputes that were told of."""
        invoices = {str(each["id"]): each for each in self._listed("/api/stripe/invoices")}
        found = {("integration", str(each["id"])): each for each in self._listed("/api/stripe/integrations")}
        found |= {("invoice", id_): each for id_, each in invoices.items()}
        for id_, invoice in invoices.items():
            if invoice["status"] == "paid":
                refunds = self._get(f"/api/stripe/invoices/{id_}/refunds")["data"]
                found |= {("refund", str(each["id"])): {**each, "invoice_id": int(id_)} for each in refunds}
            if invoice["dispute_status"] is not None:
                # Only its status is shown, with the invoice.
                found |= {key: {"status": invoice["dispute_status"]} for key in _disputes(told, int(id_))}
        for type_, id_ in told:
            if type_ == "sales_order":
                found[type_, id_] = self._get(f"/api/sales-orders/{id_}")["data"]
        return found

    def _listed(self, path: str) -> Iterator[Json]:
        cursor: str | None = None
        while True:
            page = self._get(path, {"per_page": 100} | ({"cursor": cursor} if cursor else {}))
            yield from page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _get(self, path: str, query: Json | None = None) -> Json:
        if self._asked % _REQUESTS_A_TOKEN == 0:
            self._token = self._new_token()
        self._asked += 1
        headers = {"Authorization": f"Bearer {self._token}"}
        with requests.Session() as http:
            http.trust_env = False
            answer = http.get(self._url + path, params=query, headers=headers, timeout=60)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        content: Json = answer.json()
        return content


def _disputes(told: Mapping[Key, Json], invoice_id: int) -> list[Key]:
    return [
        key for key, object_ in told.items() if key[0] == "dispute" and object_["invoice_id"] == invoice_id
    ]
