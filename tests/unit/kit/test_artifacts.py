from pathlib import Path

import pytest

from services.kit.artifacts import ArtifactSlot, CorruptArtifact, load_current, publish_artifact


def write(text: str):
    return lambda folder: (folder / "model.txt").write_text(text) and None


def read(_, folder: Path) -> str:
    return (folder / "model.txt").read_text()


def publish(root: Path, text: str):
    return publish_artifact(root, "acme", "toy", write(text), {"ndcg": 0.5})


def test_what_was_published_is_read_back_verified(tmp_path):
    manifest = publish(tmp_path, "one")
    found = load_current(tmp_path, "acme", "toy")
    assert found is not None
    assert found[0] == manifest
    assert read(*found) == "one"
    assert load_current(tmp_path, "other", "toy") is None


def test_a_changed_file_is_refused(tmp_path):
    manifest = publish(tmp_path, "one")
    (tmp_path / "acme" / "toy" / manifest.version / "model.txt").write_text("two")
    with pytest.raises(CorruptArtifact, match=r"model\.txt"):
        load_current(tmp_path, "acme", "toy")


def test_a_writer_that_fails_leaves_nothing_behind(tmp_path):
    def fail(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        publish_artifact(tmp_path, "acme", "toy", fail, {})
    assert list((tmp_path / "acme" / "toy").iterdir()) == []


def test_only_the_last_versions_are_kept(tmp_path):
    versions = [publish(tmp_path, str(n)).version for n in range(6)]
    kept = {path.name for path in (tmp_path / "acme" / "toy").iterdir() if path.is_dir()}
    assert kept == set(versions[-3:])


async def test_a_slot_swaps_and_keeps_the_old_when_the_new_is_corrupted(tmp_path):
    slot = ArtifactSlot(tmp_path, "toy", read)
    await slot.refresh()
    assert slot.get("acme") is None
    publish(tmp_path, "one")
    await slot.refresh()
    assert slot.get("acme") == "one"
    bad = publish(tmp_path, "two")
    (tmp_path / "acme" / "toy" / bad.version / "model.txt").write_text("broken")
    await slot.refresh()
    assert slot.get("acme") == "one"
    publish(tmp_path, "three")
    await slot.refresh()
    assert slot.get("acme") == "three"
