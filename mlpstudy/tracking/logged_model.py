"""The trained network as an MLflow model: a folder that loads without pickle and without Hydra.

`mlflow.pyfunc.load_model("runs:/<run id>/model").predict(x)` takes raw features (n, n_0) and gives the probabilities of
the classes (n, n_L), of class 1 with bce (n, 1), or the values of a regression (n, n_L). It is the first replica.
MLflow runs this file when it loads a model, so the file itself is kept in the folder.
"""

import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from mlpstudy.cells.config import parse
from mlpstudy.data.splits import Data
from mlpstudy.network import mlp
from mlpstudy.network.activations import Activation, Array, sigmoid
from mlpstudy.network.losses import softmax

FOLDER = "model"
PARTS = {"config": "config.yaml", "weights": "weights_final.npz", "inputs": "inputs.npz"}
OUTPUTS: dict[str, Callable[[Array], Array]] = {"cross_entropy": softmax, "bce": sigmoid}


def save(data: Data, folder: Path) -> None:
    """Make the model from the files in the folder of a run's artifacts."""
    import mlflow

    scale, inputs = np.array(data.target_scale), folder / PARTS["inputs"]
    np.savez(inputs, shift=data.shift, scale=data.scale, target_shift=data.target_shift, target_scale=scale)
    parts = {name: str(folder / file) for name, file in PARTS.items()}
    needed = [f"{name}=={version(name)}" for name in ("mlpstudy", "mlflow", "numpy")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns of its own type hints when it is imported
        mlflow.pyfunc.save_model(folder / FOLDER, python_model=__file__, artifacts=parts, pip_requirements=needed)
    inputs.unlink()


def answer(x: Array, layers: mlp.Layers, activation: Activation, inputs: Any, loss: str) -> NDArray[Any]:
    """The output of the network for raw features x (n, n_0), in the user's units."""
    W, _ = layers[0]
    standardized = ((np.asarray(x, dtype=np.float64) - inputs["shift"]) / inputs["scale"]).astype(W.dtype)
    h = mlp.predict(layers, activation, standardized[None])[0]
    return OUTPUTS[loss](h) if loss in OUTPUTS else h * inputs["target_scale"] + inputs["target_shift"]


if __name__ != "mlpstudy.tracking.logged_model":  # MLflow loads a model
    import mlflow

    class TrainedNetwork(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined]
        """What MLflow calls."""

        def load_context(self, context: Any) -> None:
            """Read the settings, the weights, and how features are standardized."""
            raw = yaml.safe_load(Path(context.artifacts["config"]).read_text(encoding="utf-8"))
            self.config = parse(raw)
            with np.load(context.artifacts["weights"]) as weights, np.load(context.artifacts["inputs"]) as inputs:
                pairs = range(1, len(weights.files) // 2 + 1)
                self.layers = [(weights[f"W{i}"][:1], weights[f"b{i}"][:1, None]) for i in pairs]
                self.inputs = dict(inputs)

        def predict(self, context: Any, model_input: np.ndarray, params: Any = None) -> Any:
            """Probabilities or values for raw features (n, n_0)."""
            x = np.asarray(model_input, dtype=np.float64)
            return answer(x, self.layers, self.config.activation, self.inputs, str(self.config.flat["loss.name"]))

    mlflow.models.set_model(TrainedNetwork())
