"""What of this process a function has to itself while it runs: variables, chance, modules and loggers.

Source: Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle".
"""

from __future__ import annotations

import io
import logging
import os
import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.lambda_runner import Container

# Variables of the process that must not reach a function: they belong to whoever runs the simulator.
OWN_VARIABLES = ("AWS_", "PALISADE_", "POWERTOOLS_")


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Give the process a function's environment instead of its owner's."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(OWN_VARIABLES):
            del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in list(os.environ):
            if name not in before:
                del os.environ[name]
        os.environ.update(before)


@contextmanager
def chance(request: str) -> Iterator[None]:
    """Let the pauses of SDKs' retries, which are random, depend on the request alone, so that runs repeat."""
    before = random.getstate()
    random.seed(request)
    try:
        yield
    finally:
        random.setstate(before)


@contextmanager
def modules(container: Container) -> Iterator[None]:
    """Put a function's own modules in the place of this process's modules of the same names."""
    code = container.code
    below = tuple(f"{root}." for root in code.roots)

    def own() -> dict[str, ModuleType]:
        # A copy: other threads may import meanwhile.
        found = sys.modules.copy()
        return {name: module for name, module in found.items() if name in code.roots or name.startswith(below)}

    outer, unwritten = own(), sys.dont_write_bytecode
    for name in outer:
        del sys.modules[name]
    sys.modules.update(container.modules)
    sys.path.insert(0, str(code.folder))
    # The next function of this archive need not compile it again, whatever this process wishes for its own files.
    sys.dont_write_bytecode = False
    try:
        yield
    finally:
        sys.dont_write_bytecode = unwritten
        sys.path.remove(str(code.folder))
        container.modules = own()
        for name in container.modules:
            del sys.modules[name]
        sys.modules.update(outer)


@contextmanager
def loggers(container: Container, output: io.TextIOBase) -> Iterator[None]:
    """Give the function loggers of its own, with a root that prints, as the runtime sets it up."""
    if container.loggers is None:
        root = logging.RootLogger(logging.WARNING)
        root.addHandler(logging.StreamHandler(output))
        container.loggers = logging.Manager(root)
    outer = logging.Logger.manager

    def install(manager: logging.Manager) -> None:
        logging.Logger.manager = manager
        logging.root = logging.Logger.root = manager.root

    install(container.loggers)
    try:
        yield
    finally:
        install(outer)
