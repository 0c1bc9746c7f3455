from __future__ import annotations

import pytest

from spotted.client.operation_handle import OperationHandle
from spotted.errors import NotFoundError
from spotted.testing import fake_services
from spotted.testing.fake_operations import FakeOperations


def test_an_operation_is_read_and_followed_to_its_end() -> None:
    operations = FakeOperations()
    ended = operations.end("done", result="7")
    with fake_services(operations.replies()) as spotted:
        handle: OperationHandle = spotted.operation(ended.operation_id)
        (last,) = handle.watch()
        assert (last, last.result, last.message) == (handle.info(), "7", "done")
        with pytest.raises(NotFoundError, match="operation 'none'"):
            spotted.operation("none").info()
