"""Figures and a page about a sweep, drawn from what MLflow holds and nothing else.

__main__  the command `python -m reports`
gallery   draws all figures of a report and writes them
figures   one module for each figure
drawing   what figures are made with
page      the page that shows them, `index.html`
"""
