"""Imports of large libraries."""

import contextlib
import gc

import pytest

from mlpstudy import importing


@pytest.mark.parametrize("before", [True, False])
def test_the_search_for_garbage_rests_meanwhile_and_is_then_as_it_was(before):
    at_first = gc.isenabled()
    (gc.enable if before else gc.disable)()
    try:
        with contextlib.suppress(ImportError), importing.quickly():
            assert not gc.isenabled()
            raise ImportError
        assert gc.isenabled() == before
    finally:
        (gc.enable if at_first else gc.disable)()
