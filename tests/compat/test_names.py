"""Every public name of 0.0.5 is still there."""

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

OLD_COUNTING = {
    "collector.feature.FeatureDistribution": ["SUPPORTED", "extract_index", "is_supported"],
    "collector.inference.InferenceDistribution": ["SUPPORTED", "is_supported"],
    "frequency.ContinuousVariable": ["load_frequency", "observe"],
    "frequency.DiscreteVariable": ["load_frequency", "observe"],
    "frequency": [
        "FrequencyMetric",
        "FrequencyMetric.dump_frequency",
        "FrequencyMetric.load_frequency",
        "FrequencyMetric.observe",
    ],
    "registry": ["is_single_value"],
    "service": ["BEDROCK_SERVER_ID"],
}


def test_every_public_name_is_there_but_for_those_of_the_old_way_to_count(both):
    (defined, _), (_, present) = both(NAMES)
    gone = {
        f"boxkite.monitoring.{place}.{name}"
        for place, names in OLD_COUNTING.items()
        for name in names
    }
    assert set(defined) - set(present) == gone
