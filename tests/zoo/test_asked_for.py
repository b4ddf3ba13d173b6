"""What `create_model` refuses, by name, before anything is built."""

from __future__ import annotations

import pytest

from scanlab.ir.diagnostics import ScanlabError
from scanlab.zoo import create_model


@pytest.mark.parametrize(
    "options, code, said",
    [
        ({"features_only": True, "num_classes": 3}, "S617", "maps have no head, and num_classes is of one"),
        ({"features_only": True, "global_pool": "max"}, "S617", "global_pool"),
        ({"out_indices": (0,)}, "S617", "out_indices choose maps"),
        ({"features_only": True, "out_indices": "x"}, "S619", "out_indices are x"),
        ({"drop_path_rate": 2.0}, "S617", "drop_path_rate is 2.0"),
        ({"num_classes": -1}, "S617", "no -1 classes"),
    ],
)
def test_what_no_model_can_be_asked_for(options: dict, code: str, said: str) -> None:
    with pytest.raises(ScanlabError, match=code) as caught:
        create_model("vim_tiny", img_size=32, **options)
    assert said in str(caught.value)
