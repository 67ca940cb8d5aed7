import json

import hypothesis
import pytest
import schemathesis
from jsonschema import Draft202012Validator
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from stripe_bridge.adapters.web.app import operations_by_endpoint
from stripe_bridge.domain.integration import AuthorizationFailure
from tests.adapters.web.world import World, problem

CONFORMANCE = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
)
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
        assert each["security"] in ([], [{"bearer": []}])
        assert "500" in each["responses"]


def test_every_failure_is_described_as_a_problem(document):
    for name, response in document["components"]["responses"].items():
        assert list(response["content"]) == ["application/problem+json"], name
    reference = {"$ref": "#/components/schemas/Problem"}
    assert {
        json.dumps(response["content"]["application/problem+json"]["schema"])
        for response in document["components"]["responses"].values()
    } == {json.dumps(reference)}


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
        "create_subscriber",
        "put_sales_order",
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
