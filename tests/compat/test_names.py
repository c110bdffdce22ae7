"""Every name without an underscore that a module of 0.0.5 has is still there, and called alike."""

NAMES = """
import importlib, inspect, pkgutil
import boxkite.monitoring, boxkite.utils

result = {}
for package in (boxkite.monitoring, boxkite.utils):
    for each in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        module = importlib.import_module(each.name)
        found = [(name, value) for name, value in vars(module).items()
                 if not inspect.ismodule(value)
                 and getattr(value, "__module__", "boxkite").startswith("boxkite")]
        found += [(name + "." + member, getattr(value, member))
                  for name, value in found if inspect.isclass(value)
                  for member in dir(value)]
        for name, value in found:
            if not any(part.startswith("_") for part in name.split(".")):
                try:
                    parameters = list(inspect.signature(value).parameters)
                except (TypeError, ValueError):
                    parameters = []
                result[each.name + "." + name] = parameters
"""


def test_every_public_name_is_there(both):
    theirs, ours = both(NAMES)
    assert len(theirs) > 100
    assert set(theirs) - set(ours) == set()


def test_every_name_takes_the_same_arguments(both):
    theirs, ours = both(NAMES)
    assert {
        name: (parameters, ours[name])
        for name, parameters in theirs.items()
        if ours[name][: len(parameters)] != parameters
    } == {}
