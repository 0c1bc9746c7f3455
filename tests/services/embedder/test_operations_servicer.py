from __future__ import annotations

import threading
import time

import pytest
from grpc import aio, insecure_channel

from services.common.server import Service
from services.common.store.operations import Operations
from services.common.store.store import Store
from services.embedder.operations_servicer import OperationsServicer
from spotted.client.calls import our_errors
from spotted.errors import NotFoundError
from spotted.v1 import operations_pb2 as pb
from spotted.v1.operations_pb2_grpc import OperationsServiceStub, add_OperationsServiceServicer_to_server
from tests.services.serving import running
from tests.waiting import PATIENCE_S


def service(operations: Operations) -> Service:
    def register(server: aio.Server) -> None:
        add_OperationsServiceServicer_to_server(OperationsServicer(operations), server)

    return Service("spotted.v1.OperationsService", register)


def test_a_watcher_sees_each_change_and_the_end(store: Store) -> None:
    operations = Operations(store, now=time.time)
    operation = operations.begin("begun")
    with running(service(operations)) as address, insecure_channel(address) as channel:
        stub = OperationsServiceStub(channel)
        stream = stub.WatchOperation(
            pb.WatchOperationRequest(operation_id=operation.operation_id), timeout=PATIENCE_S
        )
        seen = [next(stream).operation.message]
        thread = threading.Thread(target=operations.fail, args=(operation, "over"))
        thread.start()
        seen += [answer.operation.message for answer in stream]
        thread.join()
    assert seen == ["begun", "over"]


def test_an_operation_is_read_and_asked_to_stop(store: Store) -> None:
    operations = Operations(store, now=time.time)
    operation = operations.begin("begun")
    with running(service(operations)) as address, insecure_channel(address) as channel:
        stub = OperationsServiceStub(channel)
        read = stub.GetOperation(
            pb.GetOperationRequest(operation_id=operation.operation_id), timeout=PATIENCE_S
        )
        assert read.operation == operation
        stub.CancelOperation(
            pb.CancelOperationRequest(operation_id=operation.operation_id), timeout=PATIENCE_S
        )
        assert operations.cancel_asked(operation.operation_id)
        with pytest.raises(NotFoundError), our_errors(address):
            stub.GetOperation(pb.GetOperationRequest(operation_id="nosuch"), timeout=PATIENCE_S)
        with pytest.raises(NotFoundError), our_errors(address):
            list(stub.WatchOperation(pb.WatchOperationRequest(operation_id="nosuch"), timeout=PATIENCE_S))
