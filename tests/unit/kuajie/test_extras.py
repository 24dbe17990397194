from importlib import import_module

import pytest

from kuajie.extras import needs
from kuajie.failures import BadInput


def test_a_package_that_is_missing_is_named_with_the_extra_that_brings_it():
    with pytest.raises(BadInput) as told, needs("train"):
        import_module("no_such_package.inside")
    assert str(told.value) == "no_such_package is not installed; this needs the extra: pip install 'kuajie[train]'"


def test_a_module_of_ours_that_is_missing_is_a_failure_of_ours():
    with pytest.raises(ModuleNotFoundError), needs("train"):
        import_module("training.no_such_module")
