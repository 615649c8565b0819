"""The schema of stored figures: published as it is used, with the fields of a record."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any

import msgspec
import pytest

from anuga_lean._errors import RecordError
from anuga_lean.measure import records, schema
from anuga_lean.measure.environment import environment


def test_it_is_published_as_it_is_used() -> None:
    assert schema.as_json() == schema.PUBLISHED.read_text(), (
        f"python -m anuga_lean.measure.schema anuga_lean/measure/{schema.PUBLISHED.name}")


def test_it_has_the_fields_of_a_record() -> None:
    stored = {each.name: each for each in msgspec.structs.fields(schema.Record)}
    assert schema.SCHEMA == records.SCHEMA
    assert {"schema", *(each.name for each in fields(records.Record))} == set(stored)
    for each in fields(records.Record):
        if each.default is not MISSING:
            assert each.default == stored[each.name].default, each.name
    assert [each.name for each in fields(records.Figure)] == [
        each.name for each in msgspec.structs.fields(schema.Figure)]


def test_all_of_a_machine_is_in_it() -> None:
    found = environment()
    assert set(found) == set(schema.Machine.__annotations__) - {"fixed_addresses"}
    stored = records.night([records.Record("memory", "x", "lean")])
    assert found == records.parse(json.loads(json.dumps(stored)), "here").machine


@pytest.mark.parametrize("change, said", [
    ({"threads": "two"}, r"Expected `int`, got `str` - at `\$.extra_info.threads`"),
    ({"ranks": [{"rss": "much"}]}, r"`\$.extra_info.ranks\[0\].rss`"),
    ({"figures": {"held": {"value": float("nan"), "unit": "s"}}}, "Expected `float`"),
    ({"unheard": 1}, "unknown field `unheard`"),
])
def test_an_error_says_where(change: dict[str, Any], said: str) -> None:
    stored = records.night([records.Record("memory", "x", "lean")])
    stored["benchmarks"][0]["extra_info"].update(change)
    with pytest.raises(RecordError, match=f"here: memory x on lean is damaged: .*{said}"):
        records.parse(stored, "here")
