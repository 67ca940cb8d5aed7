import json
import re
from pathlib import Path

import hypothesis
import pytest
import schemathesis
import stripe
from jsonschema import Draft202012Validator
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from stripe_bridge.adapters.web.api import openapi_document
from stripe_bridge.adapters.web.app import operations_by_endpoint
from stripe_bridge.adapters.web.problem_types import catalogue
from stripe_bridge.domain.access import Role
from stripe_bridge.domain.integration import AuthorizationFailure
from tests.adapters.web import problems_page
from tests.adapters.web.test_http import every_error
from tests.adapters.web.world import World, problem

ROOT = Path(__file__).parents[3]
CONFORMANCE = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
)
# Whose status is that of a response.
HTTP_STATUSES = {"Problem", "Delivery"}
METHODS = {"get", "put", "post", "delete", "patch"}


@pytest.fixture(scope="module")
def document():
    return World().client.get("/openapi.json").get_json()


def operations_in(document):
    return [
        operation
        for item in document["paths"].values()
        for method, operation in item.items()
        if method in METHODS
    ]


def references_in(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for part in node.values():
            yield from references_in(part)
    elif isinstance(node, list):
        for part in node:
            yield from references_in(part)


def test_every_operation_is_described(document):
    assert document["openapi"] == "3.1.0"
    described = operations_in(document)
    assert {each["operationId"] for each in described} == {
        each.id for each in operations_by_endpoint().values()
    }
    for each in described:
        assert each["summary"]
        assert each["security"] in ([], [{"bearer": []}], [{"panelSession": []}])
        assert "500" in each["responses"]


def problem_responses(document):
    """The operation, the status and the response, of every failure but readiness and the callback's page."""
    shared = document["components"]["responses"]
    for operation in operations_in(document):
        for status, response in operation["responses"].items():
            described = shared[response["$ref"].rpartition("/")[2]] if "$ref" in response else response
            if "application/problem+json" in described.get("content", {}):
                yield operation["operationId"], int(status), described
            else:
                others = {("show_readiness", "503"), ("complete_authorization", "400")}
                assert int(status) < 400 or (operation["operationId"], status) in others


def types_in(response):
    narrowed, _ = response["content"]["application/problem+json"]["schema"]["allOf"]
    return narrowed["properties"]["type"]["enum"]


def test_every_failure_names_the_problem_types_that_it_can_have(document):
    for id_, status, response in problem_responses(document):
        schema = response["content"]["application/problem+json"]["schema"]
        narrowed, whole = schema["allOf"]
        assert whole == {"$ref": "#/components/schemas/Problem"}
        assert narrowed["properties"]["status"]["const"] == status
        known = {line.type for line in catalogue() if line.status == status}
        assert set() < set(types_in(response)) <= known, (id_, status)
        for line in catalogue():
            if line.status == status and line.type in types_in(response) and line.type != "about:blank":
                assert line.meaning in response["description"], (id_, status)


def test_every_example_of_a_problem_is_a_problem_of_that_type(document):
    for id_, status, response in problem_responses(document):
        content = response["content"]["application/problem+json"]
        whole = {**content["schema"], "components": document["components"]}
        Draft202012Validator(whole).validate(content["example"])
        assert content["example"]["status"] == status, id_


def test_every_problem_type_is_one_that_some_operation_gives(document):
    given = {type_ for _, _, response in problem_responses(document) for type_ in types_in(response)}
    assert given == {line.type for line in catalogue()}
    assert given == set(document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"])


def test_every_error_is_declared_by_an_operation_or_known_to_be_of_commands_only():
    declared = {kind for each in operations_by_endpoint().values() for kind in each.all_problems}
    undeclared = {each for each in every_error() if each not in declared and not each.__subclasses__()}
    assert {each.__name__ for each in undeclared if not each.__name__.startswith("_")} == ONLY_OF_COMMANDS


# Of the `flask` commands, the console and workers.
ONLY_OF_COMMANDS = {
    "BrokerUnavailable",
    "ChangeNotFound",
    "ConsoleSessionNotFound",
    "FormForeign",
    "IntentBeingSettled",
    "IntentNotFound",
    "NotHeldByReader",
    "OrderNotLocked",
    "RefundNotDuplicate",
    "RefundNotFound",
    "RequestNotFound",
    "SchemaUnknown",
    "StandingLinkNotAllowed",
    "TenantNotFound",
    "TokenNotFound",
    # Answered in other words, or not at all.
    "AccountInUse",
    "KeySpent",
    "NotDelivered",
    "PayableInvoiceExists",
    "SnapshotUnreadable",
    "WrongEncryptionKey",
}


def test_an_operation_names_its_permission_and_the_roles_that_have_it(document):
    by_id = {each["operationId"]: each for each in operations_in(document)}
    for each in operations_by_endpoint().values():
        described = by_id[each.id]
        if each.permission is None:
            assert "x-roles" not in described
        else:
            assert described["x-permission"] == each.permission
            having = [role.value for role in Role if each.permission in role.permissions]
            assert described["x-roles"] == having
            assert all(f"`{role}`" in described["description"] for role in having)


def test_no_field_that_has_a_default_is_required(document):
    for schema in document["components"]["schemas"].values():
        for name in schema.get("required", ()):
            assert "default" not in schema["properties"][name]
    for operation in operations_in(document):
        for parameter in operation.get("parameters", ()):
            assert not (parameter.get("required") and "default" in parameter["schema"])


def test_every_status_is_an_enum(document):
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            if field.endswith("status") and name not in HTTP_STATUSES:
                assert "enum" in described or "const" in described, f"{name}.{field}"


def test_the_words_that_stripe_sets_are_those_of_its_own_package(document):
    schemas = document["components"]["schemas"]
    for shown, published in (
        (schemas["Invoice"]["properties"]["dispute_status"], stripe.Dispute.__annotations__["status"]),
        (schemas["Refund"]["properties"]["reason"], stripe.Refund.__annotations__["reason"]),
    ):
        assert set(shown["enum"]) == {*re.findall(r"'(\w+)'", str(published)), None}


def test_the_example_of_a_problem_is_one_that_is_answered(document):
    fields = document["components"]["schemas"]["Problem"]["properties"]
    example = {name: field["examples"][0] for name, field in fields.items() if "examples" in field}
    answered = problem(World().ask("POST", "/api/stripe/integrations", {}), 422)
    assert {**answered, "request_id": example["request_id"]} == example


def test_every_reference_leads_somewhere_and_every_schema_is_one(document):
    for reference in set(references_in(document)):
        target = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_field_of_an_answer_is_required_and_every_body_is_closed(document):
    schemas = document["components"]["schemas"]
    assert set(schemas["Invoice"]["required"]) == set(schemas["Invoice"]["properties"])
    assert set(schemas["Problem"]["properties"]) - set(schemas["Problem"]["required"]) == {
        "errors",
        "log",
        "read_first",
        "reason",
        "restart_after",
        "stripe",
    }
    for name in (
        "NewIntegration",
        "NewInvoice",
        "SalesOrderBody",
        "CustomerBody",
        "LineBody",
        "Nothing",
        "NewAuthorization",
    ):
        assert schemas[name]["additionalProperties"] is False


def test_a_body_is_required_exactly_where_something_in_it_is(document):
    schemas = document["components"]["schemas"]
    taking = [each for each in operations_in(document) if "requestBody" in each and each["security"]]
    for each in taking:
        name = each["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert each["requestBody"]["required"] == bool(schemas[name].get("required")), each["operationId"]
    assert {each["operationId"] for each in taking if each["requestBody"]["required"]} == {
        "confirm_authorization",
        "create_integration",
        "create_panel_session",
        "send_panel_invoice",
        "create_subscriber",
        "put_sales_order",
        "replay_webhook_events",
        "resume_subscriber",
        "send_invoice",
    }


def test_every_reason_of_a_failed_authorization_is_named(document):
    callback = document["paths"]["/api/stripe/oauth/callback"]["get"]
    for reason in AuthorizationFailure:
        assert f"`{reason.value}`" in callback["responses"]["302"]["description"]


@pytest.mark.parametrize(
    ("public_url", "base"),
    [("https://bridge.test", "/"), ("https://erp.test/bridge", "/bridge"), ("", "/")],
)
def test_operations_are_found_at_the_path_that_a_proxy_gives_them(public_url, base):
    document = World(public_url=public_url).client.get("/openapi.json").get_json()
    assert document["servers"] == [{"url": base}]


def test_the_committed_document_is_what_a_service_serves():
    """`make openapi` rewrites it."""
    committed = (ROOT / "docs" / "openapi.json").read_text()
    assert committed == openapi_document("/")
    served = World(public_url="https://bridge.test").client.get("/openapi.json").get_json()
    assert json.loads(committed) == served


def test_names_in_the_document_are_not_those_that_a_python_has_for_statuses(document):
    """Python 3.13 renamed two of them."""
    assert {"REQUEST_ENTITY_TOO_LARGE", "UNPROCESSABLE_ENTITY"} <= document["components"]["responses"].keys()
    assert not {"CONTENT_TOO_LARGE", "UNPROCESSABLE_CONTENT"} & document["components"]["responses"].keys()


def test_the_catalogue_of_problems_is_as_the_code_says():
    """`make openapi` rewrites it."""
    assert problems_page.generated() == problems_page.reference()


def test_the_document_is_the_same_each_time():
    first, second = World().client, World().client
    assert first.get("/openapi.json").data == second.get("/openapi.json").data


@pytest.mark.slow
@pytest.mark.parametrize("mode", schemathesis.GenerationMode)
def test_whatever_is_asked_the_answers_are_as_described(mode):
    world = World()
    integration = world.connect()
    world.put_order(1)
    assert integration["id"] == 1
    schema = schemathesis.openapi.from_wsgi("/openapi.json", world.app)
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        try:
            strategy = operation.as_strategy(generation_mode=mode)
            ask_anything(strategy, {"Authorization": f"Bearer {world.token()}"})
        except hypothesis.errors.Unsatisfiable:
            # Nothing that can be sent is invalid.
            assert mode is schemathesis.GenerationMode.NEGATIVE


def ask_anything(strategy, headers):
    @hypothesis.settings(
        max_examples=20,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    @hypothesis.given(case=strategy)
    def check(case):
        case.call_and_validate(headers=headers, checks=CONFORMANCE)

    check()
