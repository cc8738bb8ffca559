"""What architecture parameters mean: probabilities of the candidates, and their entropy.

Reference: P-DARTS (arXiv 1904.12760), section 3.1.
"""

import numpy as np
import numpy.typing as npt


def edge_probabilities(alphas: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Computes the softmax over the candidates of every edge, in float64.

    p_o = exp(alpha_o - max(alpha)) / sum over o' of exp(alpha_o' - max(alpha)).

    Args:
        alphas: Architecture parameters of shape (edges, candidates), finite.

    Returns:
        Array of shape (edges, candidates); every row sums to 1.

    Reference: P-DARTS, section 3.1, equation 1.

    Example:

    >>> edge_probabilities([[0.0, 0.0]])
    array([[0.5, 0.5]])
    """
    values = np.asarray(alphas, dtype=np.float64)
    exponentials = np.exp(values - values.max(axis=1, keepdims=True))
    probabilities: npt.NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def edge_entropies(alphas: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Computes the entropy of softmax(alphas) of every edge, in nats.

    Args:
        alphas: Architecture parameters of shape (edges, candidates), finite.

    Returns:
        Array of shape (edges,).
    """
    probabilities = edge_probabilities(alphas)
    entropies: npt.NDArray[np.float64] = -(probabilities * np.log(probabilities)).sum(1)
    return entropies


def mean_entropy(alphas: npt.ArrayLike) -> float:
    """Computes the entropy of softmax(alphas) in nats, averaged over the edges.

    >>> round(mean_entropy(np.zeros((14, 8))), 4)  # log(8)
    2.0794
    """
    return float(edge_entropies(alphas).mean())
