"""The intended differences from 0.0.5. docs/guides/migrating.md gives the reasons."""

import pytest
from prometheus_client.parser import text_string_to_metric_families


def samples(text: str, *names: str) -> dict[str, float]:
    """Return the samples of these names, by name and labels."""
    return {
        "".join([each.name, *(f" {name}={value}" for name, value in each.labels.items())]): (
            each.value
        )
        for family in text_string_to_metric_families(text)
        for each in family.samples
        if each.name in names
    }


@pytest.mark.parametrize(
    ("values", "old", "new"),
    [
        ("np.arange(500) % 30", False, True),
        ("np.arange(800) % 40", False, True),
        ("np.arange(59) % 3", False, True),
        ("np.arange(44) % 3", False, False),
        ("np.arange(60_000) % 50", False, True),
        ("np.repeat(np.arange(60), [9_000] + [1] * 59)", True, False),
        ("np.array([1.0, 2.0, np.nan])", False, True),
    ],
)
def test_discrete_is_decided_on_all_rows(values, old, new, both):
    theirs, ours = both(f"np.random.seed(1); result = bool(is_discrete({values}))")
    assert (theirs, ours) == (old, new)


def test_every_row_is_counted(both):
    theirs, ours = both("result = exported([('x', np.arange(150_000.0))])")
    count = "feature_0_value_baseline_count"
    assert samples(theirs, count) == {count: 100_000}
    assert samples(ours, count) == {count: 150_000}


def test_two_exports_of_the_same_rows_are_the_same_bytes(both):
    code = """
column = np.arange(150_000) % 997 / 7
result = [exported([("x", column)]) for _ in range(2)]
"""
    theirs, ours = both(code)
    assert theirs[0] != theirs[1]
    assert ours[0] == ours[1]


def test_an_outlier_costs_no_memory(both):
    theirs, ours = both(
        """
edges = get_bins(np.append(np.linspace(0, 1, 1000), 1e20))
result = [len(edges) <= 52, edges[0], edges[-1]]
"""
    )
    assert theirs == {"error": "ValueError"}
    assert ours == [True, 0.0, 1e20]


def test_explicit_bins_lose_no_value(both):
    theirs, ours = both(
        """
counted = fast_histogram([-1.0, 0.5, 1.0, 1.5, 7.0], discrete=False, bins=[0.0, 1.0, 2.0])
result = {name: int(count) for name, count in counted.items()}
"""
    )
    assert theirs == {"0.0": 0, "1.0": 2, "2.0": 1, "+Inf": 0}
    assert ours == {"0.0": 1, "1.0": 2, "2.0": 1, "+Inf": 1}


def test_explicit_bins_may_be_an_array(both):
    theirs, ours = both(
        "result = fast_histogram([0.5, 1.5], discrete=False, bins=np.array([1.0, 2.0]))"
    )
    assert theirs == {"error": "ValueError"}
    assert ours == {"1.0": 1, "2.0": 1, "+Inf": 0}


@pytest.mark.parametrize(("given", "old", "new"), [(0.0, 5.0, 0.0), (None, 5.0, 5.0)])
def test_a_sum_of_zero_is_kept(given, old, new, both):
    theirs, ours = both(
        """
metric = FeatureDistribution.as_continuous(0, "x", {"1.0": 1, "2.0": 2}, given)
result = [each.value for each in metric.samples if each.name.endswith("_sum")]
""",
        given=given,
    )
    assert (theirs, ours) == ([old], [new])


def test_negative_bins_have_a_sum_and_a_count(both):
    theirs, ours = both(
        """
text = exported([("x", np.linspace(-3, 1, 200))])
result = served(text, [([-2.0], None), ([1.0], None)])
"""
    )
    baseline = ["feature_0_value_baseline_sum", "feature_0_value_baseline_count"]
    live = ["feature_0_value_sum", "feature_0_value_count"]
    assert samples(theirs, *baseline, *live) == {live[1]: 2}
    found = {baseline[0]: -200.0, baseline[1]: 200, live[0]: -1.0, live[1]: 2}
    assert samples(ours, *baseline, *live) == pytest.approx(found)


def test_minus_infinity_is_in_the_first_bucket_and_not_in_the_sum(both):
    theirs, ours = both(
        """
text = exported([("x", np.append(np.linspace(0, 1, 200), -np.inf))])
result = served(text, [([-np.inf], None), ([0.5], None)])
"""
    )
    names = [
        "feature_0_value_baseline_bucket",
        "feature_0_value_bucket",
        "feature_0_value_baseline_sum",
        "feature_0_value_sum",
    ]
    first = {f"{names[0]} le=0.0": 2, f"{names[1]} le=0.0": 1}
    old, new = samples(theirs, *names), samples(ours, *names)
    assert {key: old[key] for key in first} == {**first, f"{names[0]} le=0.0": 1}
    assert {key: new[key] for key in first} == first
    assert (old[names[2]], old[names[3]]) == (pytest.approx(100), -float("inf"))
    assert (new[names[2]], new[names[3]]) == (pytest.approx(100), 0.5)


def test_an_edge_reads_the_same_at_training_and_at_serving(both):
    theirs, ours = both("result = served(exported([('x', np.linspace(1e6, 3e6, 300))]), [])")

    def edges(text: str, name: str) -> set[str]:
        return {each.rpartition("=")[2] for each in samples(text, name)}

    trained, live = "feature_0_value_baseline_bucket", "feature_0_value_bucket"
    assert edges(theirs, trained) & edges(theirs, live) == {"+Inf"}
    assert edges(ours, trained) == edges(ours, live)
    assert {"1e+06", "3e+06", "+Inf"} < edges(ours, trained)


def test_a_column_of_text_is_counted(both):
    theirs, ours = both("result = exported([('x', ['b', 'a', None, 'b'])])")
    total = "feature_0_value_baseline_total"
    assert theirs == {"error": "ValueError"}
    assert samples(ours, total) == {f"{total} bin=a": 1, f"{total} bin=b": 2, f"{total} bin=nan": 1}


@pytest.mark.parametrize(
    ("value", "minted"),
    [
        ("np.int64(1)", "1"),
        ("'1'", "1"),
        ("-0.0", "-0.0"),
        ("None", "None"),
    ],
)
def test_the_same_value_meets_the_trained_bin(value, minted, both):
    theirs, ours = both(
        f"""
text = exported([("x", [0.0, 1.0, 0.1, None] * 50)])
result = served(text, [([{value}], None)])
"""
    )
    total = "feature_0_value_total"
    assert samples(theirs, total)[f"{total} bin={minted}"] == 1
    found = samples(ours, total)
    bins = [f"{total} bin={each}" for each in ("0.0", "0.1", "1.0", "nan", "__unseen__")]
    assert list(found) == bins
    assert [found[bins[-1]], sum(found.values())] == [0, 1]


def test_a_value_meets_the_bin_that_was_trained_in_single_precision(both):
    theirs, ours = both(
        """
text = exported([("x", np.array([0.1, 0.5] * 50, dtype="float32"))])
result = served(text, [([0.1], None)])
"""
    )
    total = "feature_0_value_total"
    trained = f"{total} bin=0.10000000149011612"
    assert samples(theirs, total) == {trained: 0, f"{total} bin=0.5": 0, f"{total} bin=0.1": 1}
    assert samples(ours, total) == {
        trained: 1,
        f"{total} bin=0.5": 0,
        f"{total} bin=__unseen__": 0,
    }


def test_unseen_values_have_one_bin_which_is_there_from_the_start(both):
    code = """
text = exported([("x", [1.0, 2.0] * 50)])
result = [served(text, []), served(text, [([each], None) for each in (3, "x", "y")])]
"""
    total = "feature_0_value_total"
    (_, theirs), (before, after) = both(code)
    assert len(samples(theirs, total)) == 5
    assert samples(before, total)[f"{total} bin=__unseen__"] == 0
    assert samples(after, total) == {
        f"{total} bin=1.0": 0,
        f"{total} bin=2.0": 0,
        f"{total} bin=__unseen__": 3,
    }


def test_the_name_of_a_feature_is_kept_with_its_spaces(both):
    theirs, ours = both("result = served(exported([(' a: b ', [1.0, 2.0] * 50)]), [])")
    info = "baseline_metrics_info"
    rest = "metric_name=feature_0_value_baseline metric_type=counter"
    assert list(samples(theirs, info)) == [f"{info} feature_name=a: b {rest}"]
    assert list(samples(ours, info)) == [f"{info} feature_name= a: b  {rest}"]


def test_the_name_of_a_feature_may_have_the_word_baseline_in_it(both):
    theirs, ours = both("result = served(exported([('Baseline age', [1.0, 2.0])]), [])")
    name = "feature_0_value_total"
    assert f"# HELP {name} Real time values for feature: Real time age\n" in theirs
    assert f"# HELP {name} Real time values for feature: Baseline age\n" in ours


def test_no_series_says_when_a_series_began(both):
    theirs, ours = both(
        "result = served(exported([('x', [1, 2] * 50), ('y', np.linspace(0, 1, 99))]), [])"
    )
    assert "_created" in theirs
    assert "_created" not in ours


@pytest.mark.parametrize("row", [[0.5], [0.5, 0.5, 0.5], [[0.5, 0.5], [0.5, 0.5]]])
def test_a_row_of_another_shape_counts_as_invalid(row, both):
    theirs, ours = both(
        """
text = exported([("x", np.linspace(0, 1, 300)), ("y", np.linspace(0, 1, 300))])
result = served(text, [(row, None)])
""",
        row=row,
    )
    name = "feature_0_value_bucket"
    half = [each for each in samples(ours, name) if not each.endswith("+Inf")]
    assert samples(theirs, name)[f"{name} le=+Inf"] == (0 if isinstance(row[0], list) else 1)
    assert {samples(ours, name)[each] for each in half} == {0}
    assert samples(ours, name)[f"{name} le=+Inf"] == 1


def test_an_output_of_one_in_an_array_is_counted_and_of_several_invalid(both):
    theirs, ours = both(
        """
text = exported([("x", [1.0, 2.0] * 50)], inference=np.linspace(0, 1, 300).tolist())
result = served(text, [([1], np.array([0.5])), ([1], [0.2, 0.8])])
"""
    )
    names = ["inference_value_sum", "inference_value_count"]
    assert samples(theirs, *names) == dict.fromkeys(names, 0)
    assert samples(ours, *names) == {names[0]: 0.5, names[1]: 2}


def test_a_name_that_stands_twice_is_refused_at_training(both):
    code = "result = len(exported([('x', [1.0, 2.0]), ('x', [1.0, 2.0])])) > 0"
    assert both(code) == (True, {"error": "BaselineError"})


def test_nothing_to_count_is_refused_at_training(both):
    assert both("result = exported([])") == ("", {"error": "BaselineError"})
