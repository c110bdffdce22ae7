"""Every name without an underscore that a module of 0.0.5 defines is still there."""

NAMES = """
import importlib, inspect, pkgutil
import boxkite.monitoring, boxkite.utils

defined, present = [], []
for package in (boxkite.monitoring, boxkite.utils):
    for each in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        module = importlib.import_module(each.name)
        for name, value in vars(module).items():
            if name.startswith("_") or inspect.ismodule(value):
                continue
            members = dir(value) if inspect.isclass(value) else []
            names = [name] + [name + "." + member for member in members if member[0] != "_"]
            present += [each.name + "." + name for name in names]
            if getattr(value, "__module__", each.name) == each.name:
                defined += [each.name + "." + name for name in names]
result = [defined, present]
"""


def test_every_public_name_is_there(both):
    (defined, _), (_, present) = both(NAMES)
    assert set(defined) - set(present) == set()
