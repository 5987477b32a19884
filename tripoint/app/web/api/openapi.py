"""The description of the API, OpenAPI 3.1, made from the operations and their types."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter

from tripoint.app.web.api.operations import Operation
from tripoint.app.web.api.shapes import Problem

_REF = "#/components/schemas/{model}"
_TYPES = {"integer": {"type": "integer", "minimum": 1, "maximum": 999_999_999}, "string": {"type": "string"}}


def describe(operations: Sequence[Operation], *, needs_token: bool) -> dict[str, Any]:
    """Return the description."""
    types = list(dict.fromkeys(each.answer for each in operations))
    _, definitions = TypeAdapter.json_schemas(
        [(each.__name__, "serialization", TypeAdapter(each)) for each in (*types, Problem)], ref_template=_REF
    )
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Tripoint",
            "version": version("tripoint"),
            "description": "What the archive holds, read-only. Times are ISO 8601 in UTC; offsets count code points.",
        },
        "servers": [{"url": "/api/v1"}],
        "paths": {each.path: {"get": _operation(each)} for each in operations},
        "components": {"schemas": definitions.get("$defs", {})},
    }
    if needs_token:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


def _operation(operation: Operation) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "description": meaning, "schema": _TYPES[kind]}
        for name, kind, meaning in operation.parts
    ]
    parameters += [
        {"name": each.name, "in": "query", "description": each.meaning, "schema": each.schema}
        for each in operation.parameters
    ]
    answers = {"200": _answer("The answer.", operation.answer)}
    problems = {"400": "A parameter cannot be understood.", "401": "A token is needed.", "503": "The archive is away."}
    if operation.parts:
        problems["404"] = "There is no such thing."
    answers |= {code: _answer(meaning, Problem) for code, meaning in sorted(problems.items())}
    return {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": answers,
    }


def _answer(meaning: str, shape: type) -> dict[str, Any]:
    schema = {"$ref": _REF.format(model=shape.__name__)}
    return {"description": meaning, "content": {"application/json": {"schema": schema}}}
