"""Plug-ins are a table one can read: name -> Method, imported on first use."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Mapping

from .errors import Unavailable, UnknownMethod


@dataclass(frozen=True)
class Method:
    """One row of a stage's table.

    `target` is "package.module:Class"; `extra` names the pip extra that brings its
    packages ("" where the kernel is enough).
    """

    target: str
    summary: str
    licence: str
    extra: str = ""


def load(stage: str, table: Mapping[str, Method], name: str) -> Any:
    """The class behind `name`; UnknownMethod or Unavailable with the way out."""
    if name not in table:
        known = ", ".join(sorted(table))
        raise UnknownMethod("unknown_method", f'No {stage} "{name}"; known: {known}.')
    method = table[name]
    module, _, attribute = method.target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        if error.name and error.name.split(".")[0] == "poseloom":
            raise
        raise Unavailable(
            "package_missing",
            f'The {stage} "{name}" needs the Python package "{error.name}", which is not installed.',
            f'Install it with: pip install "poseloom[{method.extra}]"',
        ) from error
