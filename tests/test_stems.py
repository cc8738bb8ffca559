"""Stems: which one `auto` stands for, their channels, and sizes of images that fit."""

import pytest

from pdarts_tf.stems import MOST_PIXELS, STEMS, check_image_size, image_divisor, stem_for


def test_strides_double_from_stem_to_stem():
    assert [stem.stride for stem in STEMS.values()] == [1, 2, 4, 8]


@pytest.mark.parametrize(
    ("size", "stem"),
    [(8, "cifar"), (40, "cifar"), (44, "stride2"), (80, "stride2"), (96, "stride4"),
     (160, "stride4"), (192, "imagenet"), (320, "imagenet"), (1024, "imagenet")],
)  # fmt: skip
def test_the_smallest_stride_with_which_cells_see_few_pixels(size, stem):
    assert stem_for("auto", (size, size, 3)) == stem


@pytest.mark.parametrize("size", range(24, 321, 4))
def test_cells_see_from_24_to_40_pixels_if_a_stride_allows_it(size):
    seen = size / STEMS[stem_for("auto", (size, size))].stride
    possible = [stem for stem in STEMS.values() if 24 <= size / stem.stride <= MOST_PIXELS]
    assert 24 <= seen <= MOST_PIXELS or (not possible and 20 < seen < 24)


def test_the_shorter_side_counts():
    assert stem_for("auto", (32, 320)) == "cifar"


def test_a_named_stem_is_that_one():
    assert stem_for("stride4", (8, 8)) == "stride4"


def test_channels_of_the_official_stems():
    assert STEMS["cifar"].channels(16) == STEMS["cifar"].channels(16, of_supernet=True) == (48,)
    assert STEMS["imagenet"].channels(48) == (24, 48, 48)
    assert STEMS["imagenet"].channels(16, of_supernet=True) == (24, 48, 48)


def test_sizes_that_do_not_fit_name_the_nearest():
    assert image_divisor("stride4") == 16
    check_image_size(96, 112, "stride4")
    with pytest.raises(ValueError, match=r"multiples of 16.*100x96; .*112x96 and 96x96"):
        check_image_size(100, 96, "stride4")
