"""What is public says what it promises."""

import importlib
import inspect
import pkgutil

import pytest

import glaciercli

MODULES = [
    module.name
    for module in pkgutil.walk_packages(glaciercli.__path__, "glaciercli.")
    if not module.name.endswith("__main__")
]


def public(module):
    """Yield the public functions and methods that a module defines, with their names."""
    for name, found in list(vars(module).items()):  # which lazy modules add to
        if name.startswith("_") or getattr(found, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(found):
            yield name, found
        elif inspect.isclass(found):
            for part, member in vars(found).items():
                if not part.startswith("_") and _is_method(member):
                    yield f"{name}.{part}", getattr(found, part)


def _is_method(member):
    kinds = (classmethod, staticmethod, property)
    return inspect.isfunction(member) or isinstance(member, kinds) or hasattr(member, "func")


@pytest.mark.parametrize("name", MODULES)
def test_what_is_public_has_a_docstring_of_its_own_or_of_what_it_implements(name):
    bare = [
        each for each, found in public(importlib.import_module(name)) if not inspect.getdoc(found)
    ]

    assert not bare
