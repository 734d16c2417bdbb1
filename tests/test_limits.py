"""What the service allows, at its edges."""

from datetime import UTC, datetime

import pytest

from glaciercli import limits
from glaciercli.units import GIB, MIB


@pytest.mark.parametrize(
    ("check", "sound", "strange"),
    [
        (limits.is_id, ["a", "-_A9", "x" * 256], ["", "x" * 257, "a b", "é", "a\n", "$(id)"]),
        (limits.is_vault_name, ["a", "a.B-_9", "v" * 255], ["", "v" * 256, ".", "..", "a/b"]),
        (limits.is_account, ["1" * 12], ["", "-", "1" * 11, "1" * 13, "٣" * 12, "1" * 12 + "\n"]),
        (limits.is_region, ["eu-west-1", "us-gov-east-1", "local"], ["", "a b", "$(id)", "r" * 64]),
        (limits.is_tree_hash, ["0a" * 32], ["", "0A" * 32, "0a" * 31, "0a " * 21 + "0", "zz" * 32]),
        (limits.is_archive_size, [0, 1, 40_000 * GIB], [-1, 40_000 * GIB + 1, 1 << 55]),
        (limits.is_part_size, [MIB, 4 * GIB], [0, -MIB, MIB - 1, 3 * MIB, 8 * GIB]),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_what_the_service_tells_has_a_form(check, sound, strange):
    assert [each for each in sound if not check(each)] == []
    assert [each for each in strange if check(each)] == []


def test_the_service_dates_nothing_before_it_was_opened():
    assert limits.is_time(datetime(2012, 8, 21, tzinfo=UTC))
    assert not limits.is_time(datetime(1970, 1, 1, tzinfo=UTC))
    assert not limits.is_time(datetime(9999, 12, 31, tzinfo=UTC))
