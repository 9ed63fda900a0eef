"""Settings: each is declared once, and what is typed becomes the checked settings of cells.

kinds      the kinds of values: a number, an option, a list, ...
table      every setting: its key, its kind, a phrase, and what of it is part of the identity of a cell
keys       whole keys, short ones, and those that do not exist
files      the files in conf/: the options of each group, and every default
checks     whether the settings of a cell are complete and right
words       what is typed: its form, and several grids in one command
from_python settings from Python, as the words of a command line
suggestions what someone meant who typed a word that mlpstudy does not know
grid       from words to the settings of every cell, by Hydra
help_text  what --help prints
"""
