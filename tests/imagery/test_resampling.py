import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suelo.imagery.resampling import Axis, resample

sizes = st.integers(1, 60)


@settings(deadline=None)
@given(source=sizes, target=sizes, data=st.data())
def test_any_part_of_an_axis_is_a_part_of_the_whole(source, target, data):
    axis = Axis(source, target)
    whole = np.zeros((target, source))
    first, last = axis.support(0, target)
    whole[:, first:last] = axis.weights(0, target).toarray()
    assert np.allclose(whole.sum(axis=1), 1, atol=1e-5)
    assert (whole >= 0).all()
    start = data.draw(st.integers(0, target - 1))
    stop = data.draw(st.integers(start + 1, target))
    first, last = axis.support(start, stop)
    assert 0 <= first < last <= source
    assert np.allclose(axis.weights(start, stop).toarray(), whole[start:stop, first:last], atol=1e-6)
    assert np.allclose(np.delete(whole[start:stop], np.s_[first:last], axis=1), 0)


@settings(deadline=None)
@given(source=sizes, target=sizes)
def test_shrinking_keeps_the_mean(source, target):
    if target > source:
        source, target = target, source
    weights = Axis(source, target).weights(0, target).toarray()
    assert np.allclose(weights.sum(axis=0), target / source, atol=1e-5)


def test_straddling_pixels_are_shared():
    assert Axis(3, 2).weights(0, 2).toarray() == pytest.approx(np.array([[2, 1, 0], [0, 1, 2]]) / 3)


def test_enlarging_is_linear_between_centres_and_flat_beyond_them():
    values = Axis(2, 4).weights(0, 4) @ np.array([0.0, 1.0])
    assert values == pytest.approx([0, 0.25, 0.75, 1])


def test_pixels_without_data_have_no_weight():
    values = np.array([[[8, 999, 2, 999]]], np.float32)
    valid = np.array([[True, False, True, False]])
    result, weight = resample(values, valid, Axis(1, 1).weights(0, 1), Axis(4, 2).weights(0, 2))
    assert result.tolist() == [[[8, 2]]]
    assert weight.tolist() == [[0.5, 0.5]]
