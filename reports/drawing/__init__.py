"""What all figures are made with.

style      what a figure is, how its runs are split over pages and panels
hues       how the line of each run looks
arrangement   what is a line and what is a panel in sweeps over other settings
layout     pages and panels for figures that draw each run by itself
marks      the parts of a panel: bands, axes, remarks, legends
theme      light and dark colours
words      a sweep and its cells in words
answer     what a sweep found, in a few sentences
findings   what a figure shows, in one sentence
rendering  from a figure and runs to pictures
"""
