"""The ten classes: order, colours of the CORINE legend, and finding one by name."""

import pytest

from suelo.errors import InputError
from suelo.landcover import BY_PRIORITY, CLASSES, class_by_name


def test_ids_are_those_of_dstl_in_order():
    assert [c.id for c in CLASSES] == list(range(1, 11))
    assert [c.key for c in CLASSES] == [
        "buildings",
        "structures",
        "roads",
        "tracks",
        "trees",
        "crops",
        "waterway",
        "standing_water",
        "large_vehicles",
        "small_vehicles",
    ]


def test_colours_follow_the_colombian_corine_legend():
    legend = {
        "1.1.1": (204, 0, 0),
        "1.1.2": (255, 0, 0),
        "1.2.1": (204, 77, 42),
        "1.2.2": (217, 101, 69),
        "2.1.1": (255, 255, 166),
        "3.1.1": (71, 143, 0),
        "5.1.1": (0, 0, 248),
        "5.1.2": (0, 128, 255),
    }
    assert all(c.colour == legend[c.corine] for c in CLASSES if c.corine)
    assert len({c.colour for c in CLASSES}) == len(CLASSES)


def test_vehicles_lie_over_roads_and_trees_over_crops():
    order = [c.key for c in BY_PRIORITY]
    assert order.index("roads") < order.index("small_vehicles")
    assert order.index("crops") < order.index("trees")
    assert len({c.priority for c in CLASSES}) == len(CLASSES)


@pytest.mark.parametrize("name", ["standing_water", "Standing water", "STANDING-WATER", "8", "Aguas quietas"])
def test_a_class_is_found_by_any_of_its_names(name):
    assert class_by_name(name).id == 8


def test_an_unknown_class_is_refused_with_the_list_of_classes():
    with pytest.raises(InputError, match=r"'swimming pool'.*buildings, structures"):
        class_by_name("swimming pool")
