"""The table of all settings. To add one: a row here, and its default in a file in conf/."""

from dataclasses import dataclass
from typing import Literal

from mlpstudy.settings import files
from mlpstudy.settings.kinds import (
    COLUMN,
    COLUMNS,
    FILE,
    FRACTION,
    FUNCTION,
    NAME,
    NOT_NEGATIVE,
    NUMBER,
    POSITIVE,
    SHARE,
    TRUTH,
    Kind,
    integer,
    is_integer,
    is_number,
    is_text,
    list_of,
    number,
    option,
    or_null,
    text,
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """One setting; its default is in a file in conf/ and nowhere else."""

    key: str
    kind: Kind
    phrase: str  # for --help
    identity: Literal["value", "content", "nothing"] = (
        "value"  # what of it tells cells apart; content: that of its file
    )
    of: Literal["cell", "sweep"] = "cell"  # all cells of a sweep have the same value of a setting of the sweep


def _named(rule: str) -> Kind:
    return text(rule, lambda v: v is None or is_text(v))


GROUP_NAMES = tuple(Setting(f"{g}.name", option(files.options(g)), f"one of the options of {g}") for g in files.GROUPS)
# fmt: off
OF_CELLS = (
    Setting("activation.slope", NUMBER, "slope of g for z < 0"),
    Setting("activation.alpha", NUMBER, "the floor is -alpha"),
    Setting("activation.function", FUNCTION, "module:name of an Activation record, or of g(z)"),
    Setting("activation.derivative", FUNCTION, "module:name of g(z)'s derivative, where function is a plain function"),
    Setting("init.gain", NOT_NEGATIVE, "multiplies the standard deviation of the weights"),
    Setting("init.bias", NUMBER, "mean of the biases"),
    Setting("init.sigma_b", NOT_NEGATIVE, "standard deviation of the biases"),
    Setting("init.output", or_null(option(files.options("init"))),
            "initializer of the output layer, null = the same as the others"),
    Setting("init.scale", NOT_NEGATIVE,
            "standard deviation of a weight with init.gain=1; of sparse: of a weight that is not zero; of "
            "truncated_normal: after the cut"),
    Setting("init.noise", NOT_NEGATIVE,
            "differences between neurons: standard deviation, times sqrt(number of inputs)"),
    Setting("init.value", NUMBER, "of every weight"),
    Setting("init.mode", option(("fan_in", "fan_out", "fan_avg")),
            "n in the variance of the weights: fan_in, fan_out or their mean fan_avg"),
    Setting("init.cut", POSITIVE, "largest weight before it is rescaled to `scale`, in standard deviations"),
    Setting("init.inputs_per_unit", integer(1), "non-zero weights of each neuron"),
    Setting("init.tolerance", POSITIVE, "of the variance"),
    Setting("init.iterations", integer(1), "at most, for each layer"),
    Setting("init.sigma_w", or_null(POSITIVE), "null = solved so that chi = 1 for this activation and init.sigma_b"),
    Setting("init.path", FILE, "an .npz of W1, b1, W2, ..., such as weights_final.npz of a run", identity="content"),
    Setting("init.function", FUNCTION, "module:name of (rng, shape) -> W of shape (fan_out, fan_in)"),
    Setting("optimizer.lr", POSITIVE, "learning rate"),
    Setting("optimizer.momentum", SHARE, "share of the last step that is added to the next"),
    Setting("optimizer.nesterov", TRUTH, "momentum looks one step ahead (Sutskever 2013)"),
    Setting("optimizer.weight_decay", NOT_NEGATIVE,
            "of sgd: added to the gradient, times the weights; of adamw: the weights shrink by lr times this in every "
            "step"),
    Setting("optimizer.decay", SHARE, "of the running mean of the squared gradient"),
    Setting("optimizer.beta1", SHARE, "decay of the running mean of the gradient"),
    Setting("optimizer.beta2", SHARE, "decay of the running mean of its square"),
    Setting("optimizer.epsilon", POSITIVE, "added to the square root of the mean square"),
    Setting("schedule.warmup", NOT_NEGATIVE, "epochs over which the learning rate rises to its value"),
    Setting("schedule.every", POSITIVE, "epochs"),
    Setting("schedule.factor", POSITIVE, "by which the learning rate then shrinks"),
    Setting("data.standardize", option(("none", "standard", "minus_one_one", "unit", "global")),
            "on the training split: standard (mean 0, variance 1), minus_one_one or none for each feature; unit ([0, "
            "1]) or global (mean 0, variance 1) for all features together"),
    Setting("data.test_fraction", SHARE,
            "0 = no test split; of npz and custom: where the file or the function brings no test split"),
    Setting("data.samples", integer(4), "number of examples; of xor, 4 with noise=0: the four points alone"),
    Setting("data.noise", NOT_NEGATIVE, "standard deviation of the noise that is added"),
    Setting("data.root", or_null(text("a folder", lambda v: isinstance(v, str))),
            "folder with the IDX files; null downloads them", identity="content"),
    Setting("data.arms", integer(2), "spirals, one class each"),
    Setting("data.turns", POSITIVE, "of each spiral"),
    Setting("data.features", integer(1), "number of features"),
    Setting("data.classes", integer(2), "number of classes"),
    Setting("data.factor", FRACTION, "radius of the inner circle"),
    Setting("data.hidden", integer(1), "units of the network that makes the targets"),
    Setting("data.path", FILE,
            "of csv: a CSV or Parquet file; of npz: an .npz with x and y (and x_test, y_test), or "
            "x_train, y_train, x_test, y_test", identity="content"),
    Setting("data.task", option(("classification", "regression")), "classification or regression"),
    Setting("data.standardize_target", TRUTH,
            "values of a regression are learned with mean 0 and variance 1; losses stay in your units"),
    Setting("data.target", or_null(COLUMN), "name of the column to predict; null = the last"),
    Setting("data.columns", or_null(COLUMNS), "names of the feature columns; null = all others"),
    Setting("data.exclude", or_null(COLUMNS), "names of columns to leave out"),
    Setting("data.separator", or_null(text("one character", lambda v: isinstance(v, str) and len(v) == 1)),
            "between the fields; null = found: , ; | blank or tab"),
    Setting("data.encode", or_null(option(("onehot",))),
            "onehot: columns of text become one column of 0 and 1 for each text"),
    Setting("data.missing", or_null(option(("drop", "mean"))),
            "drop: lines with a gap are left out; mean: gaps of features become the mean of the column"),
    Setting("data.function", FUNCTION, "module:name of a function () -> (x, y) or (x, y, x_test, y_test)"),
    Setting("network.depth", integer(0), "number of hidden layers"),
    Setting("network.width", integer(1), "units of each hidden layer"),
    Setting("network.hidden", or_null(list_of("integers >= 1", lambda v: is_integer(v) and v >= 1)),
            "explicit sizes, e.g. [3,4], instead of depth x width"),
    Setting("training.epochs", integer(0), "0 = measure at initialization, without training"),
    Setting("training.batch_size", or_null(integer(1)), "null = full batch"),
    Setting("training.sampling", option(("shuffle", "replacement")),
            "shuffle: every epoch; replacement: examples drawn uniformly (the notes' Algorithm 1)"),
    Setting("training.snapshots", integer(2),
            "log-spaced steps, first and last included, at which statistics are taken"),
    Setting("training.probe_size", integer(256),
            "training examples on which statistics are taken: at least 256, or all if there are fewer"),
    Setting("training.accuracies", list_of("numbers > 0 and <= 1", lambda v: is_number(v) and 0 < v <= 1),
            "test accuracies; a run logs after how many epochs it reached each"),
    Setting("training.clip_norm", or_null(POSITIVE),
            "longest gradient (norm over all weights and biases of a replica); null = any"),
    Setting("training.only", or_null(option(("learns",))),
            "learns: only the cells that are expected to learn before training, by a short training of merged steps; "
            "the others are named with the reason", identity="nothing", of="sweep"),
    Setting("replicas", integer(1), "random initializations, trained side by side on the same minibatches"),
    Setting("workers", or_null(integer(1)),
            "processes that train cells in parallel; null = one per core", identity="nothing", of="sweep"),
    Setting("seed", integer(0), "of weights, splits and the order of examples"),
    Setting("dtype", option(("float32", "float64")), "float32 or float64"),
    Setting("check_gradients", TRUTH, "verify backpropagation by finite differences before training",
            identity="nothing"),
    Setting("fail_fast", TRUTH,
            "end the sweep at the first cell that fails (a cell that diverges has not failed)",
            identity="nothing", of="sweep"),
    Setting("verdict.dead", NOT_NEGATIVE,
            "a layer with a larger share of dead units passes almost no signal and no gradient"),
    Setting("verdict.saturated", NOT_NEGATIVE,
            "more than this share of the values are on the flat part of a bounded activation"),
    Setting("verdict.exploding", POSITIVE,
            "delta_rms of a hidden layer over that of a later one; no single learning rate fits both"),
    Setting("verdict.vanishing", POSITIVE, "the same ratio, too small"),
    Setting("verdict.collapsed", number("a number > 0 and <= 1", lambda v: 0 < v <= 1),
            "correlation of different inputs in the last hidden layer: what they have in common is then 100 times "
            "their differences, and a learning rate that is stable for it is 100 times too small for these"),
    Setting("verdict.stalled", SHARE,
            "share of the way from chance to perfect that the training accuracy has gone at most; chance is the share "
            "of the most frequent class. Of a regression: the explained variance"),
    Setting("verdict.slow", SHARE,
            "share of what a linear model gains on the same data that a network gains at most: it is then slow, since "
            "it has learned less than its output layer could on the inputs themselves"),
    Setting("verdict.too_slow", NOT_NEGATIVE,
            "share of its error that a network loses, to first order, in all steps together; with less, the accuracy "
            "does not go a tenth of its way"),
    Setting("verdict.too_fast", POSITIVE,
            "lr times the curvature, in one step, where gradient descent on a quadratic turns unstable"),
    Setting("tracking.uri", text("null or a URI", lambda v: v is None or is_text(v)),
            "null = MLFLOW_TRACKING_URI where set, else sqlite:///mlflow.db in this directory",
            identity="nothing", of="sweep"),
    Setting("tracking.experiment", NAME, "name of the experiment in MLflow", identity="nothing", of="sweep"),
    Setting("tracking.sweep", or_null(NAME),
            "name of this sweep; null = date and time, or the sweep that it goes on with",
            identity="nothing", of="sweep"),
    Setting("tracking.resume", TRUTH,
            "a cell that is finished in this experiment is not trained again", identity="nothing", of="sweep"),
    Setting("tracking.full", TRUTH,
            "also keep the weights of every replica, and every statistic of every layer as an "
            "MLflow metric", identity="nothing"),
    Setting("tracking.log_model", TRUTH, "also keep the trained network as an MLflow model", identity="nothing"),
)
OF_LAUNCHERS = (  # the engines that train cells, in conf/hydra/launcher
    Setting("batch_seconds", number("a number >= 0", lambda v: v >= 0),
            "of work that is handed over at once, as estimated"),
    Setting("address", _named("host:port, auto, or null"),
            "of a Ray cluster: host:port of its head, or auto on one of its nodes; null = a Ray of this machine"),
    Setting("cpus", Kind("integer", "an integer >= 1, or null", or_null(integer(1)).holds),
            "of the Ray of this machine; null = all"),
    Setting("folder", text("a folder that all nodes share"),
            "that all nodes share; files of a job are removed when it has ended well"),
    Setting("partition", _named("a name, or null"), "null = the default one"),
    Setting("account", _named("a name, or null"), "that pays for the jobs"),
    Setting("minutes", integer(1), "after which Slurm ends a job"),
    Setting("memory_gb", number("a number >= 0.1", lambda v: v >= 0.1), "of a job"),
    Setting("at_once", integer(1), "jobs of an array that run at the same time, at most"),
    Setting("setup", list_of("lines of shell", is_text),
            "lines of shell before a job, such as ['source /shared/venv/bin/activate']"),
)
# fmt: on

SETTINGS = {setting.key: setting for setting in (*GROUP_NAMES, *OF_CELLS)}
LAUNCHER = {setting.key: setting for setting in OF_LAUNCHERS}
