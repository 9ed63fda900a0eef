"""What all figures are made with.

style      what a figure is, how its runs are split over pages and panels
hues       how the line of each run looks
arrangement   what is a line and what is a panel in sweeps over other settings
layout     the pages and panels of a figure
marks      the parts of a panel: bands, remarks, legends
scales     the axes of a panel, and limits that panels share
plane      theory's plane of weight and bias scales, and the edge of chaos
theme      light and dark colours
words      a sweep and its cells in words
answer     what a sweep found, in a few sentences
findings   what a figure shows, in one sentence
rendering  from a figure and runs to pictures
"""
