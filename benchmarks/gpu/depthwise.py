"""Depthwise convolutions in every form: forward and both gradients, of the search's shapes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from benchmarks.gpu import setup
from benchmarks.gpu.cases import Case
from benchmarks.gpu.sizes import Sizes
from benchmarks.timing import first_seconds, step_seconds

KERNEL_SIZES = (3, 5)
DTYPES = ("float32", "bfloat16")


def forms() -> Mapping[str, Callable[..., Any]]:
    """Returns the functions of (images, kernel) to compare, by name."""
    from pdarts_tf.layers.depthwise_forms import DEPTHWISE_FORMS

    return DEPTHWISE_FORMS


def measure(case: Case, sizes: Sizes) -> Iterator[dict[str, Any]]:
    """Yields {type, pixels, channels, kernel and form: microseconds, or why there are none}."""
    tf = setup.configure(case)

    def wait() -> None:
        setup.wait(tf)

    result: dict[str, Any] = {"batch": sizes.batch_size}
    for dtype in DTYPES:
        for pixels, channels in sizes.depthwise:
            for size in KERNEL_SIZES:
                images = (sizes.batch_size, pixels, pixels, channels)
                inputs = [
                    tf.cast(tf.random.stateless_normal(shape, (0, 0)), dtype)
                    for shape in (images, (size, size, channels, 1), images)
                ]
                for name, form in forms().items():
                    step = _step(tf, form, inputs)
                    key = f"{dtype} {pixels}x{pixels}x{channels} {size}x{size} {name}"
                    try:
                        first_seconds(step, wait)
                        result[key] = 1e6 * step_seconds(step, wait, **sizes.timing)
                    except tf.errors.OpError as error:  # the next form may be computed
                        *_, last = filter(None, str(error).splitlines())
                        result[key] = last[:200]
                    yield result


def _step(tf: Any, form: Callable[..., Any], inputs: list[Any]) -> Callable[[], Any]:
    @tf.function(autograph=False)
    def forward_and_backward(x, kernel, dy):
        with tf.GradientTape() as tape:
            tape.watch((x, kernel))
            y = form(x, kernel)
        return y, tape.gradient(y, (x, kernel), dy)

    return lambda: forward_and_backward(*inputs)
