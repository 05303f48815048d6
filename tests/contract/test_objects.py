"""Every object store behaves alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from meghdoot.adapters.objects.store import FolderStore, MemoryStore, ObjectStore, S3Store
from meghdoot.kernel.errors import NotFound
from tests.contract.conftest import Substrate


@pytest.fixture(params=["memory", "folder", "moto", pytest.param("emulator", marks=pytest.mark.emulator)])
def store(request: pytest.FixtureRequest, _fake_credentials: None, tmp_path: Path) -> Iterator[ObjectStore]:
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "folder":
        yield FolderStore(tmp_path / "objects")
    elif request.param == "moto":
        with mock_aws():
            yield _bucket(Substrate("moto", {}), "objects")
    else:
        url = request.getfixturevalue("emulator_url")
        yield _bucket(Substrate("emulator", {}, url), f"objects-{abs(hash(request.node.nodeid)) % 10**10}")


def _bucket(substrate: Substrate, name: str) -> ObjectStore:
    substrate.client("s3").create_bucket(Bucket=name)
    return S3Store(substrate.client("s3"), name)


def test_what_was_put_is_got_and_its_etag_follows_the_bytes(store: ObjectStore) -> None:
    store.put("a/b", b"one")
    first = store.etag("a/b")
    store.put("a/b", b"two")
    assert store.get("a/b") == b"two"
    assert first not in (None, store.etag("a/b"))


def test_an_absent_object_is_not_found_and_may_be_deleted(store: ObjectStore, tmp_path: Path) -> None:
    store.delete("a/none")
    assert store.etag("a/none") is None
    with pytest.raises(NotFound):
        store.get("a/none")
    with pytest.raises(NotFound):
        store.download("a/none", tmp_path / "x")


def test_only_the_first_is_put_if_absent(store: ObjectStore) -> None:
    assert store.put_if_absent("a", b"one")
    assert not store.put_if_absent("a", b"two")
    assert store.get("a") == b"one"


def test_a_listing_is_in_order_and_knows_etags_and_sizes(store: ObjectStore) -> None:
    for key in ("t1/b", "t1/a", "t10/a", "t1/a-2"):
        store.put(key, key.encode())
    found = list(store.list("t1/"))
    assert [o.key for o in found] == ["t1/a", "t1/a-2", "t1/b"]
    assert [(o.etag, o.size) for o in found] == [(store.etag(o.key), len(o.key)) for o in found]


def test_files_go_up_and_come_down(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(b"x" * 100_000)
    store.upload(tmp_path / "up", "big")
    store.download("big", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == b"x" * 100_000


def test_a_key_never_leads_out_of_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="folder"):
        FolderStore(tmp_path / "objects").put("../x", b"")
