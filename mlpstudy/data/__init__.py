"""What is learned: named data sets and the user's own files, as arrays of a training and a test split.

datasets   the table of all named data sets
linear     what a linear model gains
splits     a data set as two splits: how they are drawn and standardized
prepared   large data sets, standardized once and kept as files that all processes share
own        the user's own file or function as such a data set
numbers    the user's own numbers, and where one stands that cannot be learned from
table      a CSV or Parquet file as it comes, as a pandas table
images, npz, csv   one reader for each kind of source
"""
