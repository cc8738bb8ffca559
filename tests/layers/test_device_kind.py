import pytest

from pdarts_tf.layers import device_kind


def test_a_block_traces_for_another_kind_of_device_and_no_longer():
    before = device_kind.device_kind()
    with device_kind.traced_for("GPU"):
        with device_kind.traced_for("CPU"):
            assert device_kind.device_kind() == "CPU"
        assert device_kind.device_kind() == "GPU"
    assert device_kind.device_kind() == before


def test_an_unknown_kind_is_refused():
    expected = r"must be one of CPU, GPU\. Received: 'TPU'"
    with pytest.raises(ValueError, match=expected), device_kind.traced_for("TPU"):
        pass
