"""How shipped definitions reach a tenant: new ones go live, nothing that exists is touched."""

from dataclasses import replace

from services.insurance.definition_files import DefinitionFile, shipped
from services.insurance.seeding import plan

FILE = next(file for file in shipped() if file.definition.product_id == "travel-trip")


def version(number: int, checksum: str) -> DefinitionFile:
    return replace(FILE, definition=FILE.definition.model_copy(update={"version": number}), checksum=checksum)


def planned(files: list[DefinitionFile], loaded: dict[tuple[str, int], str]) -> list[tuple[int, str]]:
    return [(file.definition.version, status) for file, status in plan(files, loaded).inserts]


def test_a_new_tenant_gets_the_newest_version_live_and_older_ones_retired() -> None:
    assert planned([version(1, "a"), version(2, "b")], {}) == [(1, "retired"), (2, "live")]


def test_a_newer_file_goes_live_over_what_is_loaded() -> None:
    assert planned([version(1, "a"), version(2, "b")], {("travel-trip", 1): "a"}) == [(2, "live")]


def test_a_file_never_overtakes_a_newer_version_of_the_tenants_own() -> None:
    assert planned([version(1, "a"), version(2, "b")], {("travel-trip", 1): "a", ("travel-trip", 5): "x"}) == [
        (2, "retired")
    ]


def test_what_is_loaded_is_left_alone() -> None:
    assert plan([version(1, "a")], {("travel-trip", 1): "a"}) == plan([], {})


def test_a_file_that_changed_without_a_new_version_is_reported_and_not_loaded() -> None:
    found = plan([version(1, "changed")], {("travel-trip", 1): "a"})
    assert (found.inserts, found.changed) == ((), (("travel-trip", 1),))
