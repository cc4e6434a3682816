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
    return getattr(package(module, f'The {stage} "{name}"', method.extra), attribute)


def package(module: str, who: str, extra: str) -> Any:
    """The module, imported; Unavailable with the way out where it or what it needs is not installed.

    `who` begins the sentence, such as "Reading video"; `extra` is the pip extra that brings it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if error.name and error.name.split(".")[0] == "poseloom":
            raise
        raise Unavailable(
            "package_missing",
            f'{who} needs the Python package "{error.name}", which is not installed.',
            install_line(extra),
        ) from error


def install_line(extra: str) -> str:
    """How to bring a pip extra: from the source, with the versions it was tested with, as no package index has it."""
    return f'In the folder of Poseloom\'s source: python -m pip install -c constraints/main.txt -e ".[{extra}]"'
