"""What is typed on a command line: one thin module a command, words in, text out.

cli      python -m mlpstudy: a sweep
predict  python -m mlpstudy.predict: the predictions of theory, without any training
upload   python -m mlpstudy.upload: bring in runs that were kept in a folder, or exported
export   python -m mlpstudy.export: write a sweep into one file
clean    python -m mlpstudy.clean: remove a sweep
printed  what is printed in place of cells: help, settings, completion
common   what commands have in common: the option --uri, errors in one line
"""
