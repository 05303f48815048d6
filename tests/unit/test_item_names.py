"""The light names of attributes are those of the models."""

from __future__ import annotations

from typing import Any

import pytest

from meghdoot.adapters.dynamodb import models, names


@pytest.mark.parametrize(
    ("light", "model"),
    [
        (names.Document, models.DocumentItem),
        (names.Gate, models.GateItem),
        (names.Touched, models.TouchItem),
        (names.Link, models.LinkItem),
        (names.Send, models.SendItem),
        (names.Counting, models.CounterItem),
        (names.Held, models.HoldItem),
        (names.Worked, models.WorkItem),
        (names.Sealed, models.SealItem),
        (names.Soft, models.SoftItem),
    ],
)
def test_light_names_equal_the_models(light: type, model: Any) -> None:
    wanted = {name: value for name, value in vars(light).items() if not name.startswith("_")}
    assert wanted
    assert {name: getattr(model, name).attr_name for name in wanted} == wanted


def test_key_names_equal_the_models() -> None:
    item: Any = models.Item
    found = [item.pk, item.sk, item.gsi1pk, item.gsi1sk, item.shape, item.ttl]
    wanted = [names.PK, names.SK, names.GSI1PK, names.GSI1SK, names.SHAPE, names.TTL]
    assert [attribute.attr_name for attribute in found] == wanted
    assert models.Gsi1.Meta.index_name == names.GSI1
