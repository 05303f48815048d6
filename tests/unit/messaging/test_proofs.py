"""A run that is over has a proof: one flipped byte of what is stored is found, and its chunk is named."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from random import Random

import pytest

from meghdoot.adapters.dynamodb import send_statements
from meghdoot.adapters.email.tags import email_tags
from meghdoot.adapters.memory.roots import MemoryRoots
from meghdoot.adapters.objects.audience import ObjectAudience
from meghdoot.adapters.objects.roots import ObjectRoots, root_key
from meghdoot.adapters.objects.store import MemoryStore
from meghdoot.areas.messaging.chunk_views import ChunkViews
from meghdoot.areas.messaging.model import ChunkRef, Outcome, Run, SendRow
from meghdoot.areas.messaging.proving import ProofService, RootCheck, RootVerdict
from meghdoot.areas.messaging.rules import merkle, proof
from meghdoot.areas.messaging.sent_messages import SentMessageService
from meghdoot.kernel.keyring import Keyring
from tests.support.killing import START, TENANT, Killed, Switch, World

BUCKET = "proofs"


# --- the tree ------------------------------------------------------------------------------------------------------


def of_the_rfc(leaves: list[bytes]) -> bytes:
    """Section 2.1 of RFC 6962, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + of_the_rfc(leaves[:k]) + of_the_rfc(leaves[k:])).digest()


@pytest.mark.parametrize("size", range(34))
def test_a_root_is_that_of_the_rfc(size: int) -> None:
    leaves = [Random(n).randbytes(n % 5) for n in range(size)]
    assert merkle.root(leaves) == of_the_rfc(leaves)


def test_no_node_passes_for_a_leaf() -> None:
    left, right = merkle.leaf_hash(b"a"), merkle.leaf_hash(b"b")
    assert merkle.root([left + right]) != merkle.root([b"a", b"b"])


def test_bits_name_the_same_people_again() -> None:
    for size in (0, 1, 7, 8, 9, 500):
        chosen = [n for n in range(size) if n % 3 == 0]
        assert proof.indexes(proof.bits(chosen, size)) == chosen
    for damaged in ("*", "AA=", "AB"):
        with pytest.raises(ValueError):
            proof.indexes(damaged)


# --- a run that was proven -----------------------------------------------------------------------------------------


class Proven:
    """A run over files whose every byte can be flipped: 1,200 people in three chunks, some with the provider's word."""

    def __init__(self, people: int = 1_200) -> None:
        self.world = World(people)
        self.files, self.kept = MemoryStore(), MemoryStore()
        self.world.audience = ObjectAudience(self.files)  # type: ignore[assignment]
        self.world._services(1)
        self.roots = ObjectRoots(self._put, self.kept, BUCKET)
        self.views = ChunkViews(self.world.chunks, self.world.audience, self.world.rows)
        self.service = ProofService(self.world.runs, self.views, self.roots, self.world.clock)
        self.world.sweeper = replace(self.world.sweeper, proofs=self.service)
        self.run = self.world.launch()

    def _put(self, _bucket: str, key: str, body: bytes) -> bool:
        return self.kept.put_if_absent(key, body)

    def send(self) -> None:
        for ref in self.world.queue.take():
            self.world.deliver(ref)
        told = [self.world.delivery_of(mail) for mail in self.world.provider.accepted[::3]]
        self.world.receipts.record(told)

    def close(self) -> Run:
        self.world.sweeper.sweep(self.now())
        return self.now()

    def now(self) -> Run:
        return self.world.service.get(TENANT, self.run.id)

    def verdict(self) -> RootVerdict:
        run = self.now()
        check = RootCheck.begin(run, self.roots)
        for view in self.views.of(run, run.chunk_numbers):
            check.take(view)
        return check.verdict()


def proven() -> Proven:
    made = Proven()
    made.send()
    made.close()
    return made


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def test_a_run_is_proven_when_it_ends_and_its_proof_holds() -> None:
    made = proven()
    run = made.now()
    assert (run.status, run.chunks) == ("done", 3)
    verdict = made.verdict()
    assert (verdict.verified, verdict.root, verdict.breaks) == (True, run.root, ())
    assert run.root is not None
    assert len(run.root) == 64


def test_a_run_without_a_proof_is_neither_right_nor_wrong() -> None:
    assert Proven(10).verdict() == RootVerdict(None, None)


@pytest.mark.parametrize("chunk", [0, 1, 2])
def test_a_flipped_letter_is_found_and_its_chunk_named(chunk: int) -> None:
    made = proven()
    ref = ChunkRef(TENANT, made.run.id, chunk)
    stored = made.world.chunks.items[ref]
    made.world.chunks.items[ref] = replace(stored, letters=flipped(stored.letters.encode(), 17).decode())
    assert [(b.what, b.chunk) for b in made.verdict().breaks] == [("chunk", chunk)]


def test_a_flipped_byte_of_an_audience_file_is_found_wherever_it_is_and_its_chunk_named() -> None:
    made = proven()
    key = f"audience/{TENANT}/{made.run.id}/1.jsonl.gz"
    whole = made.files.objects[key]
    for at in range(0, len(whole), 97):
        made.files.objects[key] = flipped(whole, at)
        assert [(b.what, b.chunk) for b in made.verdict().breaks] == [("chunk", 1)], at
    made.files.objects[key] = whole
    assert made.verdict().verified is True


def test_every_flipped_byte_of_the_stored_proof_is_found() -> None:
    made = proven()
    key = root_key(TENANT, made.run.id)
    whole = made.kept.objects[key]
    for at in range(len(whole)):
        made.kept.objects[key] = flipped(whole, at)
        verdict = made.verdict()
        assert verdict.verified is False, (at, whole[at : at + 20])
        assert verdict.breaks, at
    made.kept.objects[key] = whole
    assert made.verdict().verified is True


@pytest.mark.parametrize("chunk", [0, 1, 2])
def test_a_flipped_leaf_is_found_and_its_chunk_named(chunk: int) -> None:
    made = proven()
    key = root_key(TENANT, made.run.id)
    whole = made.kept.objects[key]
    stored = made.roots.get(TENANT, made.run.id)
    assert stored is not None
    leaf = stored.leaves[chunk].digest
    other = ("0" if leaf[5] != "0" else "1").join((leaf[:5], leaf[6:]))
    made.kept.objects[key] = whole.replace(leaf.encode(), other.encode())
    assert [(b.what, b.chunk) for b in made.verdict().breaks] == [("leaf", chunk)]


def test_a_flipped_root_is_found_in_the_file_and_in_the_record() -> None:
    made = proven()
    run, key = made.now(), root_key(TENANT, made.run.id)
    assert run.root is not None
    whole, other = made.kept.objects[key], ("a" if run.root[0] != "a" else "b") + run.root[1:]
    made.kept.objects[key] = whole.replace(run.root.encode(), other.encode())
    assert {b.what for b in made.verdict().breaks} == {"root"}
    made.kept.objects[key] = whole
    made.world.runs.replace(replace(run, root=other, version=run.version + 1), run.version)
    assert [b.what for b in made.verdict().breaks] == ["root"]


def test_a_flipped_provider_id_in_a_row_is_found_and_its_chunk_named() -> None:
    made = proven()
    key = next(iter(made.world.rows.rows))
    row = made.world.rows.rows[key]
    made.world.rows.rows[key] = replace(row, provider_id="another")
    assert [(b.what, b.chunk) for b in made.verdict().breaks] == [("chunk", row.chunk)]


def test_words_of_the_provider_that_come_after_the_proof_change_nothing() -> None:
    made = proven()
    made.world.receipts.record([made.world.delivery_of(mail) for mail in made.world.provider.accepted])
    complaints = [made.world.delivery_of(mail, "complained") for mail in made.world.provider.accepted[:9]]
    made.world.receipts.record(complaints)
    assert made.verdict().verified is True


def test_what_is_gone_is_found(  # the chunk item, the audience file, the proof itself
) -> None:
    made = proven()
    ref = ChunkRef(TENANT, made.run.id, 2)
    chunk = made.world.chunks.items.pop(ref)
    assert [b.chunk for b in made.verdict().breaks] == [2]
    made.world.chunks.items[ref] = chunk
    file = made.files.objects.pop(f"audience/{TENANT}/{made.run.id}/0.jsonl.gz")
    assert [b.chunk for b in made.verdict().breaks] == [0]
    made.files.objects[f"audience/{TENANT}/{made.run.id}/0.jsonl.gz"] = file
    made.kept.objects.clear()
    assert [b.what for b in made.verdict().breaks] == ["file"]


# --- when it is made -----------------------------------------------------------------------------------------------


def test_a_run_with_parked_people_is_proven_only_when_they_are_settled() -> None:
    made = Proven(30)
    made.world.provider.failure = lambda _mail, n: Outcome("ambiguous") if n <= 2 else None
    made.send()
    assert (made.close().status, made.now().root) == ("done", None)
    made.world.clock.advance(hours=25)
    made.world.evidence.marks["memory"] = made.world.clock.now()
    made.world.sweeper.sweep_all()
    assert made.now().root is not None
    assert made.verdict().verified is True
    assert made.world.live.all() == []


def test_proving_again_changes_nothing() -> None:
    made = proven()
    before, run = dict(made.kept.objects), made.now()
    made.world.receipts.record([made.world.delivery_of(mail) for mail in made.world.provider.accepted])
    assert made.service.keep(run) == run
    assert made.service.keep(replace(run, root=None)).root == run.root
    assert made.kept.objects == before


def test_two_who_prove_at_once_agree_although_they_saw_different_rows() -> None:
    # Given one that has read a slice, and more words of the provider before the other reads it
    made = Proven()
    made.send()
    made.world.sweeper = replace(made.world.sweeper, proofs=None)
    run = made.close()
    first = ProofService(made.world.runs, made.views, MemoryRoots(), made.world.clock)._proven(run, 0)
    made.world.receipts.record([made.world.delivery_of(mail) for mail in made.world.provider.accepted])
    second = made.service.keep(run)
    assert first is not None
    # When the first comes late to the store, then it takes what is there
    assert made.roots.put_part(first) == made.roots.part(TENANT, run.id, 0) != first
    assert made.service.keep(run).root == second.root
    assert made.verdict().verified is True


def test_a_long_run_is_proven_in_several_goes() -> None:
    world = World(40, slices=4)
    run = world.launch()
    for ref in world.queue.take():
        world.deliver(ref)
    goes = iter([True, False])
    assert world.sweeper.sweep(run, lambda: next(goes)).unproven == "later"
    assert (len(world.roots.parts), world.service.get(TENANT, run.id).root) == (1, None)
    world.clock.advance(minutes=1)
    world.sweeper.sweep_all()
    assert world.service.get(TENANT, run.id).root is not None
    assert world.live.all() == []


def closed_with_a_kill(at: int) -> tuple[World, Run, bool]:
    """A run whose closing sweep is ended at its n-th I/O event; says whether it lived."""
    world = World(30, slices=2)
    run = world.launch()
    for ref in world.queue.take():
        world.deliver(ref)
    world.switch = Switch(at)
    world.watched = True
    try:
        world.sweeper.sweep(run)
        lived = True
    except Killed:
        lived = False
    world.watched = False
    return world, run, lived


def test_045_whoever_dies_while_proving_leaves_what_the_next_one_finishes() -> None:
    at, lived = 0, False
    while not lived:
        world, run, lived = closed_with_a_kill(at)
        world.sweeper.sweep_all()
        found, stored = world.service.get(TENANT, run.id), world.roots.kept
        assert [found.root] == [kept.root for kept in stored.values()], at
        check = RootCheck.begin(found, world.roots)
        for view in world.proofs.views.of(found, found.chunk_numbers):
            check.take(view)
        assert check.verdict().verified is True, at
        assert world.live.all() == [], at
        at += 1
    assert at > 20


def test_a_store_that_is_silent_is_told_and_asked_again() -> None:
    from meghdoot.kernel.errors import Unavailable

    class Silent(MemoryRoots):
        def put(self, root):  # type: ignore[no-untyped-def]
            raise Unavailable("the bucket does not answer")

    world = World(10)
    run = world.launch()
    for ref in world.queue.take():
        world.deliver(ref)
    working = world.sweeper
    world.sweeper = replace(working, proofs=replace(world.proofs, roots=Silent()))
    (swept,) = [what for _, what in world.sweeper.sweep_all()]
    assert swept.over
    assert swept.unproven == Unavailable("x").code
    assert world.live.all() == [(TENANT, run.id)]
    working.sweep_all()
    assert world.service.get(TENANT, run.id).root is not None


def test_a_mail_hash_fits_every_tag_and_tells_mails_apart() -> None:
    one, other = proof.mail_hash(b"a" * 40_000), proof.mail_hash(b"a" * 39_999 + b"b")
    assert one != other
    assert len(one) == 22
    assert proof.fits_a_tag(one)


def test_a_row_with_all_that_a_mail_leaves_stays_within_one_write_unit() -> None:
    # Ids as long as they get: UUIDs, a provider id of SES, a reason in a sentence
    uuid = "0190a000-0000-7000-9000-000000000001"
    row = SendRow(
        uuid, uuid, "f" * 32, "202601050900", "complained", uuid, 1_900_499, 499, START, "ses",
        "0100019b8c5e4f00-8e1f0f0e-5b8c-4c56-9d59-1c6b9d2f7a11-000000", "Permanent/General 5.1.1 " * 4,
        mail_hash="h" * 22, mailed_at=1_767_603_600, key_id="k" * 16,
    )  # fmt: skip
    values = send_statements.born("activity", row).payload["Item"]
    size = sum(len(name) + len(next(iter(value.values())).encode()) for name, value in values.items())
    assert {"mh", "md", "kid"} <= values.keys()
    assert size < 800


def test_every_tag_of_a_mail_is_one_that_the_provider_takes() -> None:
    world = World(1)
    world.launch()
    for ref in world.queue.take():
        world.deliver(ref)
    (mail,) = world.provider.accepted
    tags = email_tags(mail.tags)
    # SES takes 50 of them, of 256 characters each
    assert len(tags) <= 50
    assert {tag["Name"] for tag in tags} >= {"hash", "date", "kid"}
    assert all(len(tag["Value"]) <= 256 for tag in tags)


def test_a_key_whose_name_no_tag_can_hold_is_left_out_and_found_again() -> None:
    world = World(1)
    run = world.launch()
    world.mails = replace(world.mails, keyring=Keyring({"key 1": b"0" * 32, "k0": b"1" * 32}, "key 1"))
    for ref in world.queue.take():
        world.deliver(ref)
    (mail,) = world.provider.accepted
    assert "kid" not in mail.tags
    world.receipts.record([replace(world.delivery_of(replace(mail, tags={**mail.tags, "kid": ""})), key_id=None)])
    service = SentMessageService(world.runs, world.chunks, world.audience, world.rows, world.mails)
    assert service.message(TENANT, run.id, "c00000").verified == "true"
