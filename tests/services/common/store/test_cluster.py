"""A store on a real cluster: redirects, slots on their way, and all that a survey's life does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from services.common.access.tokens import Tokens
from services.common.store import keys
from services.common.store.address import parse
from services.common.store.cluster import ClusterNodes
from services.common.store.store import Store
from services.common.survey.existence import Existence
from services.upkeep.backup.catalogues import catalogue_ids
from services.upkeep.backup.restore import restore_survey
from services.upkeep.upgrade import Step, upgrade_store
from spotted.errors import PreconditionError, StoreUnavailableError, StoreVersionError
from spotted.v1 import access_pb2
from tests.faults import cluster as clusters
from tests.faults.cluster import PASSWORD, Cluster
from tests.faults.deployment import Deployment, StoreProcess
from tests.services.upkeep.living import Life, backed_up, entries, seen, store_head
from tests.slots import slot
from tests.spotted.client.surveys import serving
from tests.waiting import until

# of MONITOR: the source of a command, and its words
LINE = re.compile(rb"\S+ \[\d+ (\S+)\] (.*)", re.DOTALL)
WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"')


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three primaries with a password."""
    with Deployment(tmp_path_factory.mktemp("cluster")) as deployment:
        yield clusters.started(deployment.store, replicas=0, password=PASSWORD)


@pytest.fixture
def on_cluster(cluster: Cluster) -> Iterator[Store]:
    store = Store(cluster.url)
    store.open()
    yield store
    store.close()


def owner(cluster: Cluster, survey_id: str) -> StoreProcess:
    return cluster.owner(slot(keys.survey_journal(survey_id)))


def other(cluster: Cluster, survey_id: str) -> StoreProcess:
    return next(node for node in cluster.nodes if node is not owner(cluster, survey_id))


@contextmanager
def watched(nodes: list[StoreProcess]) -> Iterator[dict[str, set[str]]]:
    """For each script that runs meanwhile the keys that it used without naming them before."""
    found: dict[str, set[str]] = {}

    def watch(node: StoreProcess, begun: list[bool]) -> None:
        with node.client as client, client.monitor() as monitor:
            begun.append(True)
            declared: set[str] = set()
            script = ""
            while True:
                source, said = LINE.fullmatch(monitor.connection.read_response()).groups()  # type: ignore[union-attr] # of the server
                words = [word.decode() for word in WORD.findall(said)]
                name = words[0].lower()
                if source == b"lua":
                    used = {word for word in words[1:] if word.startswith("spotted:")}
                    found.setdefault(script, set()).update(used - declared)
                elif name in {"evalsha", "eval"}:
                    script, count = words[1][:60], int(words[2])
                    declared = {*words[3 : 3 + count]}
                elif name == "echo":
                    return

    begun: list[bool] = []
    threads = [Thread(target=watch, args=(node, begun)) for node in nodes]
    for thread in threads:
        thread.start()
    until(lambda: len(begun) == len(nodes), "every node is watched")
    try:
        yield found
    finally:
        for node in nodes:
            with node.client as client:
                client.execute_command("ECHO", "end")
        for thread in threads:
            thread.join()


def test_a_survey_lives_is_backed_up_and_restored_and_every_script_names_its_keys(
    cluster: Cluster, on_cluster: Store, survey_id: str, tmp_path: Path
) -> None:
    copy = f"{survey_id}-copy"
    with watched(cluster.nodes) as unnamed, serving(on_cluster) as spotted:
        life = Life(spotted, on_cluster, survey_id, 1)
        for step in ("add", "answer", "answer", "delete", "move", "head", "calibrate", "retract", "add"):
            life.steps[step]()
        store_head(on_cluster, 5, survey_id)
        done = backed_up(on_cluster, survey_id, tmp_path)
        assert (done.sessions, done.missing) == (len(entries(on_cluster, survey_id)) - 1, ())
        restored = restore_survey(on_cluster, done.path, survey=copy)
        assert restored.survey_id == copy
        assert seen(spotted, copy) == seen(spotted, survey_id)
        tokens = Tokens(on_cluster)
        token_id, text = tokens.create(organisation="wcs", role=access_pb2.ROLE_WRITE)
        assert tokens.caller(text).token_id == token_id
        assert token_id in tokens.all()
        listing = Existence(on_cluster).listing
        assert {survey_id, copy} <= {*listing.existing()}
        assert catalogue_ids(on_cluster) == []
        for each in (survey_id, copy):
            spotted.survey(each).delete()
        assert not {survey_id, copy} & {*listing.ids("")}
    assert len(unnamed) > 12
    assert {script: used for script, used in unnamed.items() if used} == {}


def test_calls_follow_a_slot_that_was_moved_and_a_client_that_knows_one_node_finds_all(
    cluster: Cluster, on_cluster: Store
) -> None:
    one = Store(cluster.url_of(cluster.nodes[:1]))
    surveys = [f"moved-{n}" for n in range(6)]
    for survey_id in surveys:
        assert Existence(one).create_survey(survey_id, b"event", b"answer", "") == b"answer"
    assert {owner(cluster, survey_id).port for survey_id in surveys} == {node.port for node in cluster.nodes}
    for survey_id in surveys[:2]:
        assert on_cluster.length(keys.survey_journal(survey_id)) == 1
        cluster.move_slot(slot(keys.survey_journal(survey_id)), other(cluster, survey_id))
        assert on_cluster.length(keys.survey_journal(survey_id)) == 1
        Existence(one).delete_survey(survey_id, "")
    # keys of several slots
    on_cluster.delete(*(keys.survey_journal(survey_id) for survey_id in surveys[2:]))
    assert [one.length(keys.survey_journal(survey_id)) for survey_id in surveys] == [0] * 6
    assert on_cluster.now() > 0
    one.close()


def test_a_slot_on_its_way_answers_for_whole_keys_and_waits_for_those_in_parts(cluster: Cluster) -> None:
    store = Store(cluster.url.replace("socket_timeout=2", "socket_timeout=0.5"))
    survey_id = "half"
    journal = keys.survey_journal(survey_id)
    Existence(store).create_survey(survey_id, b"event", b"answer", "")
    to = other(cluster, survey_id)
    with cluster.moving_slot(slot(journal), to) as move:
        # the journal is still here, its length there: no script may see one without the other
        move(journal + keys.LENGTH)
        with pytest.raises(StoreUnavailableError, match=r"is moving these keys to another node.*wait for it"):
            Existence(store).generation(survey_id)
        assert store.length(journal) == 1
        move(journal)
        assert store.length(journal) == 1
        assert len(Existence(store).generation(survey_id)) == 40
        # a new key of the slot belongs to the other node already
        assert store.put(keys.training(survey_id, "g"), b"x", ttl_s=60)
        assert store.get(keys.training(survey_id, "g")) == b"x"
    assert owner(cluster, survey_id) is to
    Existence(store).delete_survey(survey_id, "")
    store.close()


def test_writes_to_a_slot_on_its_way_leave_each_key_on_one_node(cluster: Cluster) -> None:
    store = Store(cluster.url.replace("socket_timeout=2", "socket_timeout=0.2"))
    named = [keys.session_upload("way", "s", str(number)) for number in range(12)]
    kept: dict[str, bytes] = {}

    def write() -> None:
        # some are here, some there already, some are new
        for number, name in enumerate(named[: len(kept) + 1]):
            with suppress(StoreUnavailableError):
                store.put(name, b"%d" % number)
                kept[name] = b"%d" % number

    for _ in range(6):
        write()
    to, at = other(cluster, "way"), slot(named[0])
    # fails if a key is on both nodes
    assert cluster.move_slot(at, to, between=write) > 6
    assert kept == {name: store.get(name) for name in kept}
    write()
    assert len(kept) > 6
    store.delete(*named)
    store.close()


def test_a_slot_without_a_primary_is_named_and_found_again(cluster: Cluster) -> None:
    store = Store(cluster.url.replace("socket_timeout=2", "socket_timeout=0.5"))
    store.open()
    key, node = keys.survey_journal("nowhere"), owner(cluster, "nowhere")
    with node.client as client:
        client.execute_command("CLUSTER DELSLOTS", slot(key))
        with pytest.raises(StoreUnavailableError, match="some keys have no primary; start the missing nodes"):
            store.length(key)
        client.execute_command("CLUSTER ADDSLOTS", slot(key))
    assert store.length(key) == 0
    store.close()


def test_an_upgrade_shuts_out_the_services_of_another_release_on_every_node(cluster: Cluster) -> None:
    service = Store(cluster.url)
    service.open()
    names = [f"spotted:{{s:shut-{n}}}:x" for n in range(6)]
    for name in names:
        service.put(name, b"before")
    upgrade = Store(cluster.url, version=None)
    seen_by_services: list[str] = []

    def apply(_store: Store, _alive: object) -> None:
        for name in names:
            with pytest.raises(StoreVersionError) as refused:
                service.put(name, b"after")
            seen_by_services.append(str(refused.value))

    step = Step(keys.STORE_VERSION, "next", apply)
    back = Step("next", keys.STORE_VERSION, lambda *_: None)
    assert upgrade_store(upgrade, [step], target="next") == [step]
    assert all("wait until `spotted upgrade` has finished" in each for each in seen_by_services)
    upgrade_store(upgrade, [back], target=keys.STORE_VERSION)
    assert [service.get(name) for name in names] == [b"before"] * len(names)
    upgrade.delete(*names)
    for each in (service, upgrade):
        each.close()


def test_the_wrong_kind_of_url_is_named(cluster: Cluster, store_url: str) -> None:
    node = Store(f"redis://:{PASSWORD}@{cluster.nodes[0].address}/0")
    names = (f"spotted:{n}" for n in range(99))
    elsewhere = next(name for name in names if cluster.owner(slot(name)) is not cluster.nodes[0])
    with pytest.raises(StoreUnavailableError, match=r"a node of a cluster; begin .* redis\+cluster://"):
        node.put(elsewhere, b"")
    with pytest.raises(PreconditionError, match="is no cluster; use redis://"):
        Store(store_url.replace("redis://", "redis+cluster://")).open()
    with pytest.raises(StoreUnavailableError, match="refuses the user or the password"):
        Store(cluster.url.replace(PASSWORD, "wrong")).open()


def test_a_cluster_is_taken_apart_without_showing_who_enters() -> None:
    address = parse("rediss+cluster://ann:secret@one:7001,two?ssl_ca_certs=/ca.pem&replicas=1")
    assert address.cluster == (("one", 7001), ("two", 6379))
    assert (address.shown, address.replicas) == ("rediss+cluster://one:7001,two", 1)
    assert "secret" not in repr(address)
    nodes = address.nodes(lambda _: None, lambda _: None)
    assert isinstance(nodes, ClusterNodes)
    assert nodes.slot(keys.survey_journal("s")) == slot(nodes.synced(keys.leases("s", "main"), asking=True))
    nodes.close()
