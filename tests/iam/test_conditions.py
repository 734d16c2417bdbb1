import operator
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glaciercli.iam.conditions import condition, glob

CASES = [
    # operator, policy's values, request's values (None: the key is absent), holds
    ("StringEquals", ["a", "b"], ["b"], True),
    ("StringEquals", ["a"], ["A"], False),
    ("StringEquals", ["a"], None, False),
    ("StringEqualsIgnoreCase", ["True"], ["tRUE"], True),
    ("StringNotEquals", ["a", "b"], ["c"], True),
    ("StringNotEquals", ["a", "b"], ["b"], False),
    ("StringNotEquals", ["a"], None, True),
    ("StringNotEqualsIgnoreCase", ["A"], ["a"], False),
    ("StringLike", ["le?al*"], ["legal hold"], True),
    ("StringLike", [""], [""], True),
    ("StringLike", [""], ["x"], False),
    ("StringLike", ["[a]"], ["a"], False),
    ("StringNotLike", ["x*"], ["y"], True),
    ("NumericEquals", ["10"], ["10.0"], True),
    ("NumericNotEquals", ["10"], ["11"], True),
    ("NumericLessThan", ["365"], ["364"], True),
    ("NumericLessThan", ["365"], ["365"], False),
    ("NumericLessThan", ["365"], None, False),
    ("NumericLessThanIfExists", ["365"], None, True),
    ("NumericLessThanIfExists", ["365"], ["400"], False),
    ("NumericLessThanEquals", ["365"], ["365"], True),
    ("NumericGreaterThan", ["9"], ["10"], True),
    ("NumericGreaterThanEquals", ["9"], ["8"], False),
    ("NumericLessThan", ["365"], ["no number"], False),
    ("NumericNotEquals", ["365"], ["no number"], True),
    ("DateEquals", ["2026-01-01T00:00:00Z"], ["1767225600"], True),
    ("DateNotEquals", ["2026-01-01"], ["2026-01-02"], True),
    ("DateLessThan", ["2026-01-01T00:00:00Z"], ["2025-12-31T23:59:59Z"], True),
    ("DateLessThanEquals", ["2026-01-01"], ["2026-01-01T00:00:00Z"], True),
    ("DateGreaterThan", ["2026-01-01"], ["2026-01-01T00:00:01+00:00"], True),
    ("DateGreaterThanEquals", ["1767225600"], ["2025-06-01"], False),
    ("Bool", ["true"], ["True"], True),
    ("Bool", ["false"], ["true"], False),
    ("Bool", ["false"], None, False),
    ("BoolIfExists", ["false"], None, True),
    ("Null", ["true"], None, True),
    ("Null", ["true"], ["x"], False),
    ("Null", ["false"], ["x"], True),
    ("Null", ["false"], None, False),
    ("IpAddress", ["10.0.0.0/8", "::1"], ["10.200.3.4"], True),
    ("IpAddress", ["10.0.0.0/8"], ["fe80::1"], False),
    ("NotIpAddress", ["127.0.0.0/8"], ["127.0.0.1"], False),
    ("NotIpAddress", ["127.0.0.0/8"], None, True),
    ("ArnEquals", ["arn:aws:iam::*:user/ann"], ["arn:aws:iam::123456789012:user/ann"], True),
    ("ArnLike", ["arn:*:user/ann:x:y:z"], ["arn:aws:iam::123456789012:user/ann"], False),
    ("ArnNotLike", ["arn:aws:iam::*:user/*"], ["arn:aws:iam::1:role/x"], True),
    ("ArnNotEquals", ["arn:aws:iam::*:user/*"], ["not an arn"], True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "b", "a"], True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
    ("ForAllValues:StringEquals", ["a"], None, True),
    ("ForAllValues:StringEquals", ["a"], [], True),
    ("ForAnyValue:StringEquals", ["a", "b"], ["c", "b"], True),
    ("ForAnyValue:StringEquals", ["a"], None, False),
    ("ForAnyValue:StringNotEquals", ["a"], ["a", "b"], True),
    ("ForAnyValue:StringNotEquals", ["a"], None, False),
    ("ForAllValues:StringNotEquals", ["a"], ["a", "b"], False),
    ("ForAnyValue:StringEqualsIfExists", ["a"], None, True),
    ("StringEquals", ["a"], ["b", "a"], True),
    ("StringNotEquals", ["a"], ["b", "a"], False),
]


@pytest.mark.parametrize(("name", "wanted", "value", "holds"), CASES)
def test_each_operator_follows_the_rules_of_iam(name, wanted, value, holds):
    context = {} if value is None else {"glacier:resourcetag/x": value}

    assert condition(name, "glacier:ResourceTag/X", wanted).holds(context) is holds


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("NumericLess", "aws:x", "1"),
        ("stringequals", "aws:x", "1"),
        ("ForSomeValues:StringEquals", "aws:x", "1"),
        (":StringEquals", "aws:x", "1"),
        ("NullIfExists", "aws:x", "true"),
        ("ForAnyValue:Null", "aws:x", "true"),
        ("IfExists", "aws:x", "true"),
        ("StringEquals", "x", "1"),
        ("StringEquals", "aws:", "1"),
        ("NumericEquals", "aws:x", "NaN"),
        ("NumericEquals", "aws:x", "1e9"),
        ("NumericEquals", "aws:x", ""),
        ("DateEquals", "aws:x", "soon"),
        ("DateEquals", "aws:x", "9" * 40),
        ("Bool", "aws:x", "yes"),
        ("Null", "aws:x", "yes"),
        ("IpAddress", "aws:x", "10.0.0.0/64"),
        ("ArnLike", "aws:x", "arn:aws"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(name, key, value):
    with pytest.raises(ValueError, match=r"unknown|alone|key|number|time|neither|IP|ARN|appear"):
        condition(name, key, [value])


@given(st.integers(), st.integers())
def test_numbers_are_ordered_as_numbers(wanted, value):
    context = {"aws:x": [str(value)]}
    for suffix in ("LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"):
        short = {"LessThan": "lt", "LessThanEquals": "le", "GreaterThan": "gt"}.get(suffix, "ge")
        holds = condition(f"Numeric{suffix}", "aws:x", [str(wanted)]).holds(context)
        assert holds is getattr(operator, short)(value, wanted)


@given(
    st.sampled_from(["StringEquals", "StringLike", "NumericEquals", "DateEquals", "ArnLike"]),
    st.lists(st.sampled_from(["7", "8", "2026-01-01", "arn:a:b:c:d:e"]), min_size=1),
    st.lists(st.sampled_from(["7", "8", "x", "arn:a:b:c:d:e"]), max_size=1),
)
def test_a_negated_operator_is_the_opposite_of_the_plain_one(name, wanted, value):
    negated = name.replace("Equals", "NotEquals").replace("Like", "NotLike")
    context = {"aws:x": value}
    try:
        plain = condition(name, "aws:x", wanted)
    except ValueError:
        with pytest.raises(ValueError, match="is not"):
            condition(negated, "aws:x", wanted)
        return

    assert condition(negated, "aws:x", wanted).holds(context) is not plain.holds(context)


@given(st.lists(st.tuples(st.text("ab.[]\\\n", max_size=3), st.text("ab\n", max_size=3))))
def test_an_asterisk_stands_for_any_text(pieces):
    pattern = "".join(literal + "*" for literal, _ in pieces)
    text = "".join(literal + filling for literal, filling in pieces)

    assert glob(pattern).fullmatch(text)
    assert not glob(pattern + "c").fullmatch(text)


@given(st.text("ab.[]*\n"), st.data())
def test_a_question_mark_stands_for_one_character(text, data):
    place = data.draw(st.integers(0, len(text)))

    assert glob(text[:place] + "?" + text[place:]).fullmatch(text[:place] + "c" + text[place:])
    assert not glob("?" * (len(text) + 1)).fullmatch(text)


def test_a_hostile_pattern_is_cheap():
    started = time.process_time()

    assert not glob("*a" * 5000 + "b").fullmatch("a" * 5000)

    assert time.process_time() - started < 2
