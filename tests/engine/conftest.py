"""A local organisation, the provider that stands in for AWS, and the real engine in front of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.engine import Engine, EngineMissingError
from tests.engine.estate import Estate, opened


@pytest.fixture(scope="session")
def engine() -> Engine:
    try:
        return Engine.find()
    except EngineMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def estate(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    folder: Path = tmp_path_factory.mktemp("engine")
    with opened(engine, folder) as one:
        yield one
