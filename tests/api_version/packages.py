"""Small releases of the `stripe` package, written for a test."""

from pathlib import Path
from textwrap import dedent, indent

from tests.api_version.declared import Package

_INVOICE = '''
from typing import ClassVar, Dict, List, Optional, Union
from typing_extensions import Literal, TYPE_CHECKING
from stripe._expandable_field import ExpandableField
from stripe._list_object import ListObject
from stripe._stripe_object import StripeObject, UntypedStripeObject

if TYPE_CHECKING:
    from stripe._charge import Charge as ChargeResource


class Invoice(StripeObject):
    """
    An invoice.
    """

    OBJECT_NAME: ClassVar[Literal["invoice"]] = "invoice"
{members}
'''
_CHARGE = """
class Charge(StripeObject):
    OBJECT_NAME = "charge"
    id: str
    invoice: Optional[ExpandableField["Invoice"]]
"""


def a_package(folder: Path, members: str) -> Package:
    """One in which an invoice has these members, and there are charges."""
    home = folder / "stripe"
    home.mkdir(parents=True)
    (home / "__init__.py").write_text("from stripe._charge import Charge as Charge\n")
    (home / "_api_version.py").write_text('class _ApiVersion:\n    CURRENT = "2030-01-02.fern"\n')
    (home / "_charge.py").write_text(f"from stripe._invoice import Invoice\n{_CHARGE}")
    (home / "_invoice.py").write_text(_INVOICE.format(members=indent(dedent(members), "    ")))
    return Package(folder)
