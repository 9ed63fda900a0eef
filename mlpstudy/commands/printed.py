"""What is printed in place of a sweep: our help, and what Hydra prints of settings and for a shell to complete."""

import contextlib
import io
import os
from collections.abc import Sequence

import hydra

from mlpstudy.settings import help_text
from mlpstudy.settings.files import CONF
from mlpstudy.settings.words import check_form
from mlpstudy.tracking import uris

HELP = {"--help", "-h"}
BY_HYDRA = {"--cfg", "-c", "--info", "-i", "--shell-completion", "-sc", "--hydra-help", "--version"}


def instead(words: Sequence[str]) -> bool:
    """Print what these words ask for; False if they ask for cells. Raises ConfigError, or an error of Hydra."""
    if HELP & set(words):
        print(help_text.text())
        return True
    if not BY_HYDRA & {word.partition("=")[0] for word in words}:
        return False
    check_form(words)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises its errors, and we print one line
    text = io.StringIO()
    try:
        with contextlib.redirect_stdout(text):  # it reads the arguments of this program
            hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(lambda settings: None)()
    finally:
        print(uris.redact(text.getvalue()), end="")  # a tracking URI may have a password
    return True
