"""What someone meant who typed a word that mlpstudy does not know: synonyms, near spellings, what is not here."""

import difflib
import re
from collections.abc import Iterable

from mlpstudy.errors import ConfigError, UnknownKey
from mlpstudy.settings.keys import ROOTS
from mlpstudy.settings.table import SETTINGS

SYNONYMS = {
    "init": {
        "kaiming": "he", "kaiming_normal": "he", "he_normal": "he", "msra": "he", "kaiming_uniform": "he_uniform",
        "glorot": "xavier", "glorot_normal": "xavier", "xavier_normal": "xavier", "glorot_uniform": "xavier_uniform",
        "lecun_normal": "lecun", "gaussian": "normal", "random": "normal", "randn": "normal", "random_normal": "normal",
        "trunc_normal": "truncated_normal", "zero": "zeros", "ones": "constant", "orthonormal": "orthogonal",
        "eye": "identity", "keras": "xavier_uniform", "tensorflow": "xavier_uniform",
    },
    "activation": {
        "swish": "silu", "logistic": "sigmoid", "linear": "identity", "none": "identity", "lrelu": "leaky_relu",
        "softrelu": "softplus", "sine": "sin", "siren": "sin",
    },
    "loss": {
        "ce": "cross_entropy", "categorical_crossentropy": "cross_entropy", "nll": "cross_entropy",
        "log_loss": "cross_entropy", "softmax": "cross_entropy", "binary_crossentropy": "bce",
        "binary_cross_entropy": "bce", "squared_error": "mse", "mean_squared_error": "mse", "l2": "mse",
    },
    "optimizer": {"gd": "sgd", "gradient_descent": "sgd", "momentum": "sgd", "nesterov": "sgd"},
    "schedule": {"cosine_annealing": "cosine", "step_lr": "step", "none": "constant"},
    "data": {
        "fashion": "fashion_mnist", "fmnist": "fashion_mnist", "cancer": "breast_cancer", "two_moons": "moons",
        "spiral": "spirals", "file": "csv", "optdigits": "digits",
    },
    "data.standardize": {"minmax": "unit", "zscore": "standard", "standardscaler": "standard", "center": "global"},
}  # fmt: skip
TORCH = ("torch", "pytorch", "default", "torch_default", "pytorch_default")  # names for how torch.nn.Linear starts
AS_TORCH = "the W of torch.nn.Linear, uniform within 1/sqrt(n_in); its biases are, too, and here they are 0"
KEYS = {  # another name of a setting -> its key
    "learning_rate": "optimizer.lr", "eta": "optimizer.lr", "n_epochs": "training.epochs", "epoch": "training.epochs",
    "max_iter": "training.epochs", "batchsize": "training.batch_size", "minibatch": "training.batch_size",
    "hidden_layer_sizes": "network.hidden", "hidden_sizes": "network.hidden", "layer_sizes": "network.hidden",
    "num_layers": "network.depth", "n_layers": "network.depth", "layers": "network.depth",
    "hidden_layers": "network.depth", "hidden_size": "network.width", "units": "network.width",
    "neurons": "network.width", "initializer": "init", "initialization": "init", "weight_init": "init",
    "kernel_initializer": "init", "nonlinearity": "activation", "activation_function": "activation",
    "act": "activation", "random_state": "seed", "random_seed": "seed", "dataset": "data", "criterion": "loss",
    "optim": "optimizer", "solver": "optimizer", "scheduler": "schedule", "std": "init.scale", "sigma": "init.scale",
    "repeats": "replicas", "runs": "replicas", "n_jobs": "workers", "jobs": "workers", "processes": "workers",
    "experiment_name": "tracking.experiment", "tracking_uri": "tracking.uri", "run_name": "tracking.sweep",
    "l2": "optimizer.weight_decay", "gradient_clipping": "training.clip_norm", "clip": "training.clip_norm",
}  # fmt: skip
ELSEWHERE = {  # what mlpstudy does not have, under all its names -> why, and what comes nearest
    ("batchnorm", "batch_norm", "bn", "layernorm", "layer_norm", "normalization", "norm"):
        "normalization layers hide what initialization does; init=lsuv starts every layer with variance 1",
    ("residual", "skip", "resnet", "skip_connections"):
        "connections past layers change the question; init=identity starts a deep network as a short one",
    ("dropout",):
        "it has no part in how signals and gradients pass at the start; optimizer.weight_decay is here",
    ("device", "gpu", "cuda"):
        "these networks are too small for a GPU; cells run in parallel on all cores, see workers",
    ("launcher",):
        "cells run in parallel on all cores by themselves, see workers; of a cluster, see hydra/launcher",
    ("cifar10", "cifar"):
        "it is not downloaded; data=npz reads its arrays, by the names x_train, y_train, x_test and y_test",
    ("conv", "convolution", "cnn"):
        "only fully connected networks are here; their theory carries over in part (Xiao et al. 2018)",
}  # fmt: skip


def plain(word: str) -> str:
    """Lower case, without signs: LeakyReLU and leaky_relu are the same."""
    return re.sub(r"[^a-z0-9]", "", word.lower())


def nearest(word: str, known: dict[str, str]) -> str | None:
    """What `known` has for this word, or for the word that is spelled most like it."""
    spelled = {plain(name): meant for name, meant in known.items()}
    close = difflib.get_close_matches(plain(word), spelled, n=1, cutoff=0.8)
    return spelled[close[0]] if close else None


def option(key: str, value: str, options: Iterable[str]) -> str | None:
    """The option of a key that was meant."""
    group = key.replace("init.output", "init").removesuffix(".name")
    return nearest(value, {**SYNONYMS.get(group, {}), **{name: name for name in options}})


def key(word: str) -> str | None:
    """The key that was meant: by its last part, if that is unique, a synonym, or a near spelling."""
    last = word.rpartition(".")[2]
    by_last: dict[str, list[str]] = {}
    for name in ROOTS:
        if not name.endswith(".name"):
            by_last.setdefault(name.rpartition(".")[2], []).append(name)
    unique = {name: keys[0] for name, keys in by_last.items() if len(keys) == 1}
    exact = {plain(name): meant for name, meant in {**unique, **KEYS}.items()}
    return exact.get(plain(last)) or nearest(word, {**KEYS, **unique, **{name: name for name in SETTINGS}})


def elsewhere(word: str) -> str | None:
    """Why mlpstudy does not have this, and what comes nearest; None for a word that is not known."""
    return next((why for names, why in ELSEWHERE.items() if plain(word) in map(plain, names)), None)


def in_words(error: ConfigError) -> str:
    """The error in words, and before it what was meant, or why it is not here. Then keys need not be listed."""
    hint = hint_for(error)
    if hint and isinstance(error, UnknownKey):
        error = UnknownKey(error.key, "one of those that --help lists", error.value)
    return " ".join(filter(None, [hint, str(error)]))


def hint_for(error: ConfigError) -> str:
    """`did you mean init=he?`, `batchnorm is not here: ...`, or an empty text."""
    name, value = error.key, error.value
    if not isinstance(value, str):
        return ""
    if isinstance(error, UnknownKey):
        word, _, given = value.partition("=")
        if why := elsewhere(word):
            return f"{word} is not here: {why}."
        near = key(word)
        return f"did you mean {near}={given or '...'}?" if near else ""
    if why := elsewhere(value) or elsewhere(name):
        return f"{value} is not here: {why}."
    if name.removesuffix(".name") in ("init", "init.output") and plain(value) in map(plain, TORCH):
        output = "'init.output={name:lecun_uniform,gain:0.57735}'"
        typed = output if "output" in name else "init=lecun_uniform init.gain=0.57735"
        return f"did you mean {typed}? ({AS_TORCH})"
    near = option(name, value, error.options) if error.options else None
    return f"did you mean {name}={near}?" if near else ""
