"""Average linkage of many vectors, without holding the likenesses of all pairs in memory."""

from __future__ import annotations

import numpy as np

_AT_ONCE = 256  # rows of likenesses held in memory


def join(vectors: np.ndarray, sizes: np.ndarray, least: float, against: int = 0) -> np.ndarray:
    """Join items of some size by average linkage down to a least likeness; gives each item's group number.

    Likeness is the product of vectors, of which the last ``against`` numbers count against it; so that of two
    groups' means is the average over their pairs. All pairs that are each other's nearest join at once, which
    gives the same groups as one join after another.
    """
    vectors, sizes, numbers = vectors.copy(), sizes.copy(), np.arange(len(vectors))
    left = numbers  # groups that may find another: one that is alike to none never will be
    while len(left) > 1:
        likeness, nearest = _nearest(vectors[left], against)
        may_join = likeness >= least
        places = np.arange(len(left))
        joins = may_join & (nearest[nearest] == places) & (places < nearest)
        if not joins.any():
            break
        first, second = left[joins], left[nearest[joins]]
        shares = (sizes[first] / (sizes[first] + sizes[second]))[:, None]
        vectors[first] = vectors[first] * shares + vectors[second] * (1 - shares)
        sizes[first] += sizes[second]
        into = np.arange(len(vectors))
        into[second] = first
        numbers = into[numbers]
        may_join[nearest[joins]] = False
        left = left[may_join]
    return np.asarray(np.unique(numbers, return_inverse=True)[1])


def _nearest(vectors: np.ndarray, against: int) -> tuple[np.ndarray, np.ndarray]:
    """Give each item's likeness to the item nearest to it, and that one's place."""
    likeness, nearest = np.empty(len(vectors), np.float32), np.empty(len(vectors), np.int64)
    signed = vectors.copy()
    signed[:, vectors.shape[1] - against :] *= -1
    for start in range(0, len(vectors), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        products = vectors[rows] @ signed.T
        here = np.arange(len(products))
        products[here, start + here] = -np.inf
        nearest[rows] = products.argmax(axis=1)
        likeness[rows] = products[here, nearest[rows]]
    return likeness, nearest


def average(vectors: np.ndarray, sizes: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the mean vector and the size of each group of items."""
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(groups.max() + 1))
    summed = np.add.reduceat(sizes[order], starts)
    means = np.add.reduceat(vectors[order] * sizes[order, None], starts) / summed[:, None]
    return means, summed
