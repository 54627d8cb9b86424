"""A small GraphQL service: queries and mutations with variables, aliases, fragments, ``@include`` and ``@skip``.

What it answers from is plain data: mappings whose values are values, or functions of the arguments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["GraphqlError", "answer"]

_TOKEN: Final = re.compile(
    r'[\s,\ufeff]*(?:#[^\n]*\s*)*("(?:[^"\\\n]|\\.)*"|\.\.\.|[A-Za-z_]\w*|-?\d+(?:\.\d+)?|[!$():=@\[\]{|}&])'
)
_DEEPEST: Final = 30


class GraphqlError(Exception):
    """A refusal with its code, as the service writes it."""

    def __init__(self, message: str, code: str = "BAD_USER_INPUT") -> None:
        super().__init__(message)
        self.code = code


def answer(document: Any, variables: Any, roots: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The response to one request; ``roots`` are the fields of ``query`` and ``mutation``."""
    try:
        if not isinstance(document, str) or not isinstance(variables, Mapping | None):
            raise GraphqlError("a request has a query and variables", "GRAPHQL_PARSE_FAILED")
        operation, fragments = _Parser(document).document()
        kind, defaults, selections = operation
        given = {**defaults, **dict(variables or {})}
        data = _Executor(fragments, given).select(selections, roots[kind], kind.capitalize(), 0)
    except GraphqlError as error:
        return {"data": None, "errors": [{"message": str(error), "extensions": {"code": error.code}}]}
    return {"data": data}


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        position, text = 0, text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.error(f"at character {position}")
            self.tokens.append(match[1])
            position = match.end()
        self.tokens.reverse()
        self.depth = 0

    def error(self, where: str) -> GraphqlError:
        return GraphqlError(f"the query cannot be read {where}", "GRAPHQL_PARSE_FAILED")

    def peek(self) -> str:
        return self.tokens[-1] if self.tokens else ""

    def next(self, wanted: str = "") -> str:
        token = self.tokens.pop() if self.tokens else ""
        if not token or (wanted and token != wanted):
            raise self.error(f"at {token!r}, where {wanted or 'something'!r} belongs")
        return token

    def document(self) -> tuple[tuple[str, dict[str, Any], list[Any]], dict[str, list[Any]]]:
        operation, fragments = None, {}
        while self.tokens:
            word = self.peek()
            if word == "fragment":
                self.next()
                name = self.next()
                self.next("on")
                self.next()
                fragments[name] = self.selections()
                continue
            if operation is not None:
                raise self.error("where a second operation begins")
            operation = self.operation(word)
        if operation is None:
            raise self.error("for it has no operation")
        return operation, fragments

    def operation(self, word: str) -> tuple[str, dict[str, Any], list[Any]]:
        kind, defaults = "query", {}
        if word != "{":
            kind = self.next()
            if kind not in ("query", "mutation"):
                raise self.error(f"at {kind!r}")
            if self.peek() not in ("(", "{"):
                self.next()
            if self.peek() == "(":
                self.next()
                while self.peek() != ")":
                    self.next("$")
                    name = self.next()
                    while self.peek() not in ("=", "$", ")"):
                        self.next()
                    if self.peek() == "=":
                        self.next()
                        defaults[name] = self.value()
                    else:
                        defaults[name] = None
                self.next(")")
        return kind, defaults, self.selections()

    def selections(self) -> list[Any]:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise GraphqlError("the query is nested too deep", "GRAPHQL_VALIDATION_FAILED")
        self.next("{")
        found: list[Any] = []
        while self.peek() != "}":
            if self.peek() == "...":
                self.next()
                inline = self.peek() == "on"
                name = ""
                if inline:
                    self.next()
                    self.next()
                else:
                    name = self.next()
                directives = self.directives()
                found.append(("...", name, directives, self.selections() if inline else None))
            else:
                found.append(self.field())
        self.next("}")
        self.depth -= 1
        return found

    def field(self) -> tuple[Any, ...]:
        alias = name = self.next()
        if self.peek() == ":":
            self.next()
            name = self.next()
        arguments = self.arguments()
        directives = self.directives()
        return alias, name, directives, self.selections() if self.peek() == "{" else None, arguments

    def directives(self) -> list[tuple[str, dict[str, Any]]]:
        found = []
        while self.peek() == "@":
            self.next()
            found.append((self.next(), self.arguments()))
        return found

    def arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.peek() == "(":
            self.next()
            while self.peek() != ")":
                name = self.next()
                self.next(":")
                found[name] = self.value()
            self.next(")")
        return found

    def value(self) -> Any:
        word = self.next()
        if word == "$":
            return ("$", self.next())
        if word == "[":
            listed = []
            while self.peek() != "]":
                listed.append(self.value())
            self.next()
            return listed
        if word == "{":
            found: dict[str, Any] = {}
            while self.peek() != "}":
                name = self.next()
                self.next(":")
                found[name] = self.value()
            self.next()
            return found
        if word[0] == '"':
            return json.loads(word)
        if word in ("true", "false", "null"):
            return {"true": True, "false": False}.get(word)
        return int(word) if word.lstrip("-").isdigit() else word


class _Executor:
    def __init__(self, fragments: dict[str, list[Any]], variables: Mapping[str, Any]) -> None:
        self.fragments, self.variables = fragments, variables

    def select(self, selections: list[Any], source: Any, what: str, depth: int) -> Any:
        if source is None:
            return None
        if isinstance(source, list | tuple):
            return [self.select(selections, item, what, depth) for item in source]
        if depth > _DEEPEST:
            raise GraphqlError("the query is nested too deep", "GRAPHQL_VALIDATION_FAILED")
        found: dict[str, Any] = {}
        for alias, name, directives, inner, *rest in selections:
            if not self.wanted(directives):
                continue
            if alias == "...":
                if inner is None and name not in self.fragments:
                    raise GraphqlError(f'Unknown fragment "{name}"', "GRAPHQL_VALIDATION_FAILED")
                found |= self.select(self.fragments[name] if inner is None else inner, source, what, depth + 1)
                continue
            if not isinstance(source, Mapping) or name not in source:
                raise GraphqlError(f'Unknown field "{name}" on type "{what}"', "GRAPHQL_VALIDATION_FAILED")
            value = source[name]
            if isinstance(value, Callable):  # type: ignore[arg-type]  # the abstract class serves isinstance
                value = value(self.resolved(rest[0]))
            found[alias] = value if inner is None else self.select(inner, value, name, depth + 1)
        return found

    def wanted(self, directives: list[tuple[str, dict[str, Any]]]) -> bool:
        return all(self.resolved(arguments).get("if") is (name == "include") for name, arguments in directives)

    def resolved(self, value: Any) -> Any:
        if isinstance(value, tuple):
            if value[1] not in self.variables:
                raise GraphqlError(f'Variable "${value[1]}" is not defined', "GRAPHQL_VALIDATION_FAILED")
            return self.variables[value[1]]
        if isinstance(value, list):
            return [self.resolved(item) for item in value]
        if isinstance(value, dict):
            return {name: self.resolved(item) for name, item in value.items()}
        return value
