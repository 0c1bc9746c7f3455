from __future__ import annotations

import pytest
import redis

from services.common.store import keys
from services.common.store.address import DRIVER
from services.common.store.nodes import OneNode, answers


@pytest.fixture
def client(store_url: str) -> redis.Redis:
    return redis.Redis.from_url(store_url, driver_info=DRIVER)


def test_one_node_holds_every_key(client: redis.Redis) -> None:
    nodes = OneNode(client)
    assert nodes.run("any", lambda node, asking: (node, asking)) == (client, False)
    assert nodes.primaries() == [client]
    assert nodes.slot("a") == nodes.slot("b")
    assert nodes.synced("a", asking=False) == nodes.synced("b", asking=True) == keys.SYNCED
    nodes.close()


def test_the_first_error_of_a_pipeline_is_raised_without_arguments(client: redis.Redis) -> None:
    client.set("text", b"")
    with client.pipeline(transaction=False) as pipeline:
        pipeline.get("text")
        pipeline.lpush("text", b"secret")
        with pytest.raises(redis.ResponseError, match="WRONGTYPE") as raised:
            answers(pipeline)
    assert "secret" not in str(raised.value)
    client.close()
