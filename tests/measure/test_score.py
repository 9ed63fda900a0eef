"""The score of each replica, as it is kept."""

import numpy as np

from mlpstudy.measure.score import final_scores


def test_a_score_kept_in_float32_is_written_with_the_same_digits():
    """0.1135 is 0.11349999904 in float32, which would be written 0.113 beside the 0.114 of MLflow's metric."""
    exact = np.array([[0.5, 0.5], [0.1135, 0.0005]])
    kept = final_scores({"curve_accuracy_test": exact.astype(np.float32)})
    np.testing.assert_array_equal(kept, exact[-1])
    assert kept.dtype == np.float64
    lost = final_scores({"curve_loss_train": np.array([[1.0, np.nan]], dtype=np.float32)})
    np.testing.assert_array_equal(lost, [1.0, np.nan])
